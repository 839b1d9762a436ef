/** Where a run lands: `<root>/<sweep>/<UTC time>-<short id>/`, with `latest` beside it. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { makeOwnedFolder, removeFolders } from '../ownership/leftovers.ts'
import { UserError } from '../user-error.ts'
import { syncFolder, unfinishedName } from './atomic.ts'
import { type FolderLock, lockFolder } from './lock.ts'
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
 * @throws {UserError} with a message for the user
 */
export function checkWritable(root: string): void {
  let existing = resolve(root)
  while (!existsSync(existing)) existing = dirname(existing)
  if (!statSync(existing).isDirectory()) throw new UserError(`${existing}: is a file; --out needs a folder`)
  try {
    // Tried for real: permissions alone do not tell, least of all to root.
    rmdirSync(makeOwnedFolder(existing, true))
  } catch (error) {
    const reason = (error as Error).message.split(',')[0]
    throw new UserError(`${existing}: cannot write here (${reason}); give another folder with --out`)
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
    // A temporary folder is its owner's alone; results are as open as the user's other files.
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
