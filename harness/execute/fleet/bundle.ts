/** A workload of one's own on its way to an agent: its module with all local files that it names, by their hash. */

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import type { WorkloadSource } from '../../../workers/protocol/trial-spec.ts'
import { packageFolder } from '../../package-folder.ts'
import { UserError } from '../../user-error.ts'
import { hashWorkload, workloadFiles } from '../workload-code.ts'
import { pack } from './messages.ts'

export interface Bundle {
  /** The module, by the name that it has among the files; or the words of a program. */
  entry: string | string[]
  /** What `.js` means, as the nearest package.json says. */
  type: 'module' | 'commonjs'
  /** Content as base64, by the path below the folder that holds all of them. */
  files: Record<string, string>
}

/** What resolves on every agent: Node's own modules, and Stint. */
const KNOWN_PACKAGE = /^(?:node:|stint(?:\/|$))/
const PACKAGE_IMPORT =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"./][^'"]*)\1|^\s*import\s*(['"])([^'"./][^'"]*)\3/gm

/**
 * @throws {UserError} where it imports a package, or names a file outside of its folder: neither is sent along
 */
export function makeBundle(workload: WorkloadSource): Uint8Array {
  const paths = workloadFiles(workload)
  for (const path of paths) refusePackages(path)
  const isModule = typeof workload === 'string'
  const root = isModule ? commonFolder(paths) : workload.folder
  const named = (path: string) => relative(root, path).split(sep).join('/')
  const outside = isModule
    ? undefined
    : [
        ...workload.command.filter((word) => word.startsWith('/')),
        ...paths.filter((path) => named(path).startsWith('../')),
      ][0]
  if (outside !== undefined)
    throw new UserError(
      `${outside}: lies outside of the folder of the sweep, and only what lies in it is sent to agents`,
      'name the program by a name that is on the PATH of every agent, and its files by relative paths',
    )
  const files = paths.map((path) => [named(path), readFileSync(path).toString('base64')] as const)
  const bundle: Bundle = {
    entry: isModule ? named(workload) : workload.command,
    type: isModule ? typeOf(dirname(workload)) : 'commonjs',
    files: Object.fromEntries(files),
  }
  return pack(bundle)
}

function refusePackages(path: string): void {
  if (!/\.[cm]?[jt]s$/.test(path)) return
  const wanted = [...readFileSync(path, 'utf8').matchAll(PACKAGE_IMPORT)].map(
    (found) => found[2] ?? found[4]!,
  )
  const missing = wanted.find((name) => !KNOWN_PACKAGE.test(name) && !isBuiltin(name))
  if (missing === undefined) return
  throw new UserError(
    `${path}: imports the package ${missing}, which is not sent to agents`,
    'put it together with the workload into one file, by a bundler such as esbuild or rolldown, and name that file',
  )
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!)
  while (paths.some((path) => !path.startsWith(folder === sep ? sep : folder + sep))) folder = dirname(folder)
  return folder
}

function typeOf(folder: string): Bundle['type'] {
  for (let here = folder; ; here = dirname(here)) {
    try {
      const { type } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { type?: unknown }
      return type === 'module' ? 'module' : 'commonjs'
    } catch {
      if (dirname(here) === here) return 'commonjs'
    }
  }
}

/** A name below the folder, in parts that are plain: nothing that leads out of it. */
const PART = /^(?!\.{1,2}$)[^/\\\0]{1,255}$/

/**
 * Writes a bundle into a folder that does not exist yet.
 * @param sent what `unpack` made of a message: anything
 * @throws where it is no bundle, or is not of this hash
 */
export function unpackBundle(sent: unknown, folder: string, sha256: string): void {
  const { entry, type, files } = (sent ?? {}) as Partial<Record<keyof Bundle, unknown>>
  const isMap = typeof files === 'object' && files !== null && !Array.isArray(files)
  const isCommand =
    Array.isArray(entry) && entry.length > 0 && entry.every((word) => typeof word === 'string')
  if (!isMap || !(isCommand || (typeof entry === 'string' && Object.hasOwn(files, entry))))
    throw new Error('it is no bundle')
  for (const [name, content] of Object.entries(files)) {
    const parts = name.split('/')
    if (
      typeof content !== 'string' ||
      !parts.every((part) => PART.test(part)) ||
      parts.includes('node_modules')
    )
      throw new Error('it names files outside of its folder')
  }
  try {
    mkdirSync(join(folder, 'code'), { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, 'code', name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, Buffer.from(content as string, 'base64'))
    }
    // Beside the code, so that the hash is of the code only.
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ type: type === 'module' ? type : 'commonjs' }),
    )
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(packageFolder(), join(folder, 'node_modules', 'stint'))
    writeFileSync(join(folder, ENTRY), JSON.stringify(entry))
    const found = hashWorkload(unpackedIn(folder)!)
    if (found !== sha256) throw new Error(`its code has the hash ${found}`)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

const ENTRY = 'entry.json'

/** The workload of a bundle that was unpacked there; null where there is none. */
export function unpackedIn(folder: string): WorkloadSource | null {
  if (!existsSync(join(folder, ENTRY))) return null
  const entry = JSON.parse(readFileSync(join(folder, ENTRY), 'utf8')) as Bundle['entry']
  const code = join(folder, 'code')
  return typeof entry === 'string' ? join(code, entry) : { command: entry, folder: code }
}
