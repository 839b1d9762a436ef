/** Which files a sweep means: where its relative paths start, whether they lead to a file, and its workload. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, dirname, extname, join, resolve } from 'node:path'
import type { CommandSource, WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { isMapping } from './document.ts'
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
  if (isFile(path)) return null
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

/** For people. */
export function workloadName(workload: WorkloadSource): string {
  return typeof workload === 'string' ? workload : workload.command.join(' ')
}

/**
 * What the sweep's `workload` means here; a finding where that cannot be one.
 * @param toBuild the module need not be there yet
 */
export function resolveWorkload(
  workload: unknown,
  places: Places,
  folders: Folders,
  toBuild: boolean,
): WorkloadSource | Finding {
  if (isMapping(workload)) return resolveCommand(workload['command'], places, folders, toBuild)
  // What is neither has been refused by the schema.
  if (workload === BUILT_IN || typeof workload !== 'string') return BUILT_IN
  const located = places.locate('workload', workload)
  if (!MODULE.test(workload)) {
    const hint =
      'write `pipeline` for the built-in one, a path such as ./my-workload.mjs, or { command: [PROGRAM, WORD...] } for a program'
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

/** Endings of programs that another program reads: such a word names a file. */
const SCRIPT = /^\.(?:py|js|mjs|cjs|ts|mts|rb|pl|R|r|jl|lua|php|sh|jar)$/

/** A program runs in the folder of its sweep, and its words are taken as they are. */
function resolveCommand(
  words: unknown,
  places: Places,
  folders: Folders,
  toBuild: boolean,
): CommandSource | Finding {
  const command = Array.isArray(words) ? words.filter((word) => typeof word === 'string') : []
  const place = places.value(['workload', 'command'])
  const folder = place.option === undefined ? folders.sweep : folders.current
  const refused = (index: number, what: string, hint: string): Finding => ({
    place: places.value(['workload', 'command', index]),
    key: `workload.command[${index}]`,
    what,
    hint,
  })
  const [program = ''] = command
  if (!toBuild && program !== '' && programFile(program, folder) === null)
    return program.includes('/')
      ? refused(
          0,
          `no such program: ${resolve(folder, program)}`,
          'a path is taken from the folder of the sweep',
        )
      : refused(0, `no program called "${program}" is on the PATH`, 'install it, or give its path')
  const missing = command.findIndex(
    (word, index) => index > 0 && SCRIPT.test(extname(word)) && !isFile(resolve(folder, word)),
  )
  if (!toBuild && missing !== -1) {
    const file = resolve(folder, command[missing]!)
    return refused(missing, `no such file: ${file}`, 'a path is taken from the folder of the sweep')
  }
  return { command, folder }
}

/** Where the program lies; null where it is nowhere. */
function programFile(program: string, folder: string): string | null {
  if (program.includes('/')) return isProgram(resolve(folder, program)) ? resolve(folder, program) : null
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return folders.map((path) => join(path, program)).find(isProgram) ?? null
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

function isProgram(path: string): boolean {
  if (!isFile(path)) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
