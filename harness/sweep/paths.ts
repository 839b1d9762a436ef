/** Which files a sweep means: where its relative paths start, whether they lead to a file, and its workload. */
import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Locate, Places } from './places.ts'
import type { Finding, Place } from './problems.ts'

/** Where relative paths start. */
export interface Folders {
  /** For paths in the sweep file. */
  sweep: string
  /** For paths given on the command line. */
  current: string
  /** Where a data file lies that is meant by this absolute path. */
  dataAt(path: string): string
}

export function foldersOf(sweepFile: string, current: string, dataAt = (path: string) => path): Folders {
  return { sweep: dirname(resolve(current, sweepFile)), current, dataAt }
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

// ---------------------------------------------------------------- which workload a sweep means

export const BUILT_IN = 'pipeline'
const MODULE = /\.(?:js|mjs|cjs|ts|mts)$/
/** From this version on Node strips types by itself. */
const NODE_THAT_READS_TYPESCRIPT = [22, 18] as const

function readsTypeScript(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [needMajor, needMinor] = NODE_THAT_READS_TYPESCRIPT
  return major > needMajor || (major === needMajor && minor >= needMinor)
}

/**
 * `pipeline`, or the absolute path of the user's module; a finding where that cannot be one.
 * @param toBuild the module need not be there yet
 */
export function resolveWorkload(
  workload: unknown,
  places: Places,
  folders: Folders,
  toBuild: boolean,
): string | Finding {
  // What is not a text has been refused by the schema.
  if (workload === BUILT_IN || typeof workload !== 'string') return BUILT_IN
  const located = places.locate('workload', workload)
  if (!MODULE.test(workload)) {
    const hint = 'write `pipeline` for the built-in one, or a path such as ./my-workload.mjs'
    return { ...located, what: `no workload called "${workload}"`, hint }
  }
  if (/ts$/.test(workload) && !readsTypeScript(process.versions.node)) {
    const hint = 'compile it to .mjs, or use Node 22.18 or later'
    return { ...located, what: `Node ${process.versions.node} cannot load TypeScript`, hint }
  }
  const path = absolute(workload, located.place, folders)
  if (toBuild && !existsSync(path)) return path
  return missingFile(path, 'workload', workload, places.locate) ?? path
}
