/** Temporary folders that name their owner, and the removal of what owners left that were killed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OWNER_PATTERN, ownerToken, parseOwner, stateOf, thisProcess } from './owner.ts'

/** Inherited by every process of a run, a workload's own children included. */
export const OWNER_VARIABLE = 'STINT_OWNER'
/** Set for a process that clears up after its owner by itself; not for what that starts. */
export const CLEARS_VARIABLE = 'STINT_CLEARS'
/** Hidden where it stands beside files that people look at. */
const FOLDER = new RegExp(`^\\.?stint-(${OWNER_PATTERN})-[A-Za-z0-9]+$`)

/** A process that starts others while it is being ended is looked at again. */
const MOST_ROUNDS = 20

export interface Leftovers {
  folders: number
  processes: number
}

/** A new folder whose name says whose it is; the owner removes it, or the next run does. */
export function makeOwnedFolder(parent: string = tmpdir(), hidden = false): string {
  return mkdtempSync(join(parent, `${hidden ? '.' : ''}stint-${ownerToken(thisProcess())}-`))
}

/**
 * Removes the folders in `parent` and ends the processes whose owner is dead: nothing of a run that still lives,
 * nor of one that cannot be seen from here.
 */
export function removeLeftovers(parent: string = tmpdir()): Leftovers {
  // Processes first: one that lives on would write into its folder.
  const processes = endStrays()
  return { folders: removeFolders(parent), processes }
}

/** Removes the folders in `parent` whose owner is dead. */
export function removeFolders(parent: string): number {
  let folders = 0
  for (const name of entries(parent)) {
    const token = FOLDER.exec(name)?.[1]
    if (token === undefined || !isOrphaned(token)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
      folders++
    } catch {
      // Another user's: theirs to remove.
    }
  }
  return folders
}

/** Removes this process's own folders in `parent`, for an end that runs no `finally`. */
export function removeOwnFolders(parent: string = tmpdir()): void {
  const mine = ownerToken(thisProcess())
  for (const name of entries(parent)) {
    if (FOLDER.exec(name)?.[1] !== mine) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // A trial process that has not yet ended wrote into it just now: the next run removes it.
    }
  }
}

/**
 * Ends the processes whose temporary files go into a folder or below it, until none is left: what a workload started, where
 * the supervisor is not there to do it.
 */
export function endProcessesOf(folder: string): void {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = entries('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
      .filter((pid) => valueIn(environmentOf(pid), 'TMPDIR')?.startsWith(`${folder}/`) === true)
    if (found.length === 0) return
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has just ended by itself.
      }
    }
  }
}

/** Trial processes see the end of their coordinator and leave by themselves, except one that was stopped, and a workload's children. */
function endStrays(): number {
  let processes = 0
  for (const name of entries('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const environment = environmentOf(pid)
    const token = valueIn(environment, OWNER_VARIABLE)
    if (token === null || !isOrphaned(token)) continue
    try {
      // A supervisor that were killed now would leave the folders and groups that it is about to remove; a stopped one
      // goes on to remove them.
      if (valueIn(environment, CLEARS_VARIABLE) !== null) process.kill(pid, 'SIGCONT')
      else {
        process.kill(pid, 'SIGKILL')
        processes++
      }
    } catch {
      // It has just ended by itself.
    }
  }
  return processes
}

/** Empty for another user's process, and for one that has just ended. */
function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
  } catch {
    return ''
  }
}

function valueIn(environment: string, name: string): string | null {
  const start = environment.indexOf(`\0${name}=`)
  if (start === -1) return null
  const value = environment.slice(start + name.length + 2)
  return value.slice(0, value.indexOf('\0'))
}

function isOrphaned(token: string): boolean {
  const owner = parseOwner(token)
  return owner !== null && stateOf(owner) === 'dead'
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
