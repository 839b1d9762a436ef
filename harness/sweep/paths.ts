/** Relative paths of a sweep: where they start, and whether they lead to a file. */
import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Locate } from './places.ts'
import type { Finding, Place } from './problems.ts'

/** Where relative paths start. */
export interface Folders {
  /** For paths in the sweep file. */
  sweep: string
  /** For paths given on the command line. */
  current: string
}

export function foldersOf(sweepFile: string, current: string): Folders {
  return { sweep: dirname(resolve(current, sweepFile)), current }
}

/** Absolute form of a path that was given at `place`. */
export function absolute(path: string, place: Place, folders: Folders): string {
  return resolve(place.option === undefined ? folders.sweep : folders.current, path)
}

/** A finding where `path` is not a file; `value` is how the sweep wrote it under `key`. */
export function missingFile(path: string, key: string, value: string, locate: Locate): Finding | null {
  if (existsSync(path) && statSync(path).isFile()) return null
  const located = locate(key, value)
  return {
    ...located,
    what: existsSync(path) ? `not a file: ${path}` : `no such file: ${path}`,
    hint: `give the path with --set ${key}=FILE; a path in the sweep is taken from the sweep's folder`,
  }
}
