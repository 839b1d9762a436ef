/** Where a run lands: `<root>/<sweep>/<UTC time>-<short id>/`, with `latest` beside it; and who may write there. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { makeOwnedFolder, removeFolders } from '../ownership/leftovers.ts'
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
import { syncFolder, unfinishedName } from './atomic.ts'
import { writeManifest } from './manifest.ts'
import type { Manifest } from './types.ts'

export interface RunFolder {
  path: string
  id: string
  journal: string
  chunks: string
}

/**
 * Checks, before anything is run, that results can be written below `root`.
 * @param option that names it
 * @throws {UserError} with a message for the user
 */
export function checkWritable(root: string, option = '--out'): void {
  let existing = resolve(root)
  while (!existsSync(existing)) existing = dirname(existing)
  if (!statSync(existing).isDirectory())
    throw new UserError(`${existing}: is a file; ${option} needs a folder`)
  try {
    // Tried for real: permissions do not tell, least of all to root.
    rmdirSync(makeOwnedFolder(existing, true))
  } catch (error) {
    const reason = (error as Error).message.split(',')[0]
    throw new UserError(`${existing}: cannot write here (${reason}); give another folder with ${option}`)
  }
}

/** Enough that a disk which took a small file's first block only is found out. */
const TRIED_BYTES = 64 * 1024

/** Whether a file of some size still fits into a folder that a run writes to. */
export function canWrite(folder: string): boolean {
  const path = unfinishedName(join(folder, 'tried'))
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, Buffer.alloc(TRIED_BYTES), { flush: true })
    return true
  } catch {
    return false
  } finally {
    rmSync(path, { force: true })
  }
}

/** Name and parts of a run folder that does not exist yet; the id tells apart the runs of one second. */
export function planRunFolder(root: string, sweep: string, started: Date, id: string): RunFolder {
  const time = started.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '')
  return runFolderAt(resolve(root, sweep, `${time}Z-${id}`), id)
}

export function runFolderAt(path: string, id: string): RunFolder {
  return { path, id, journal: journalPath(path), chunks: join(path, 'chunks') }
}

/**
 * Makes the folder with manifest, empty journal and lock, in one step: a run folder that exists can be resumed.
 * @returns the lock, which is held
 */
export function createRunFolder(folder: RunFolder, manifest: Manifest): FolderLock {
  const parent = dirname(folder.path)
  mkdirSync(parent, { recursive: true })
  removeFolders(parent)
  const unfinished = makeOwnedFolder(parent, true)
  try {
    for (const part of ['chunks', 'reports', 'benchmarks']) mkdirSync(join(unfinished, part))
    writeManifest(unfinished, manifest)
    writeFileSync(journalPath(unfinished), '')
    const lock = lockFolder(unfinished, folder.path)
    // A temporary folder is only its owner's; results are as open as the user's other files.
    chmodSync(unfinished, 0o777 & ~process.umask())
    renameSync(unfinished, folder.path)
    syncFolder(parent)
    pointLatest(folder.path)
    return lock
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    throw error
  }
}

export function journalPath(folder: string): string {
  return join(folder, 'trials.jsonl')
}

function pointLatest(path: string): void {
  const link = join(dirname(path), 'latest')
  const temporary = unfinishedName(link)
  rmSync(temporary, { force: true })
  symlinkSync(basename(path), temporary)
  renameSync(temporary, link)
}

// ---------------------------------------------------------------- the lock

// One coordinator per run folder. The lock is a file whose name says who holds it, so that taking it is one atomic step,
// and a lock whose holder was killed is told from a live one. proper-lockfile tells them apart by how long ago the holder
// touched the lock, which one that was stopped or starved does too late.

const LOCK = new RegExp(`^\\.lock-(${OWNER_PATTERN})@(.+)$`)

interface FolderLock {
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
