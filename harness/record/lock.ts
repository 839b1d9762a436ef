/**
 * One coordinator a run folder. The lock is a file whose name says who holds it, so that taking it is one atomic step,
 * and a lock whose holder was killed is told from a live one. proper-lockfile tells them apart by how long ago the holder
 * touched the lock, which one that was stopped or starved does too late.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  machineName,
  OWNER_PATTERN,
  type Owner,
  ownerToken,
  parseOwner,
  stateOf,
  thisProcess,
} from '../ownership/owner.ts'
import { UserError } from '../user-error.ts'

const LOCK = new RegExp(`^\\.lock-(${OWNER_PATTERN})@(.+)$`)

export interface FolderLock {
  release(): void
}

/**
 * Announces itself first and looks for others then: of two at the same time at least one sees the other.
 * Locks of dead holders are removed.
 * @param becomes the name that the folder gets while it is locked
 * @throws {UserError} naming the holder where another coordinator works on the folder
 */
export function lockFolder(folder: string, becomes = folder): FolderLock {
  const mine = `.lock-${ownerToken(thisProcess())}@${machineName()}`
  const path = join(folder, mine)
  try {
    writeFileSync(path, '', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw held(folder, mine, thisProcess())
    throw error
  }
  for (const name of readdirSync(folder)) {
    const [, token, machine] = LOCK.exec(name) ?? []
    const owner = token === undefined || name === mine ? null : parseOwner(token)
    if (owner === null) continue
    if (machine === machineName() && stateOf(owner) === 'dead') rmSync(join(folder, name), { force: true })
    else {
      rmSync(path, { force: true })
      throw held(folder, name, owner, machine)
    }
  }
  return { release: () => rmSync(join(becomes, mine), { force: true }) }
}

function held(folder: string, lock: string, { pid }: Owner, machine = machineName()): UserError {
  const where = machine === machineName() ? 'on this machine' : `on ${machine}`
  return new UserError(
    `${folder}: another stint works on this run (process ${pid} ${where})`,
    `wait for it, or end it; if it is surely gone, remove ${join(folder, lock)}`,
  )
}
