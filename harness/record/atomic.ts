/** Files that are there whole or not at all. write-file-atomic does not sync the folder: a power cut may undo its rename. */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const UNFINISHED = /\.\d+\.tmp$/

/**
 * Replaces a file as a whole: a reader, or a crash, sees the old content or the new, never a part.
 * @throws the file system's error, `path` filled in; the target is then unchanged and no temporary file stays behind
 */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const temporary = unfinishedName(path)
  try {
    const file = openSync(temporary, 'w')
    try {
      writeFileSync(file, content)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    // An error of writing does not say where.
    throw Object.assign(error as Error, { path })
  }
  syncFolder(dirname(path))
}

/** What a file is called until it is whole. */
export function unfinishedName(path: string): string {
  return join(dirname(path), `${basename(path)}.${process.pid}.tmp`)
}

/** Removes what was being written when its writer was killed; only where no other may be writing. */
export function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    if (UNFINISHED.test(name)) rmSync(join(folder, name), { force: true })
  }
}

/** Makes a rename or a new file in the folder survive a power cut. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
