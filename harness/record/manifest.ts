/** `run.json`: what was run, on what, and with which data. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../user-error.ts'
import { writeAtomically } from './atomic.ts'
import { manifestSchema, problemOf } from './schema.ts'
import type { Manifest } from './types.ts'
import { isPlain, manifest1to2, manifest2to3, type Plain, withBaselines } from './upgrade.ts'

export const MANIFEST_FILE = 'run.json'

const RESTORE = 'the run folder is damaged: restore run.json from a copy; trials.jsonl holds the measurements'

/** From each format to the next, beginning with the first. */
const UPGRADES: ((manifest: Plain) => Plain)[] = [manifest1to2, manifest2to3]
const NEWEST = UPGRADES.length + 1

export function writeManifest(folder: string, manifest: Manifest): void {
  writeAtomically(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`)
}

/**
 * The manifest in the newest format, whichever it was written in.
 * @throws {UserError} with a message for the user where the folder holds no readable run
 */
export function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST_FILE)
  const written = parse(readText(folder, path), path)
  if (!isPlain(written)) throw new UserError(`${path}: expected a JSON object`, RESTORE)
  const { format, stint } = written
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1) {
    throw new UserError(`${path}: key "format": expected a whole number from 1`, RESTORE)
  }
  if (format > NEWEST) {
    throw new UserError(
      `${path}: format ${format} is not known to this version of stint (it reads 1 to ${NEWEST})`,
      `read it with the version that wrote it${typeof stint === 'string' ? `, stint ${stint}` : ''}, or a later one`,
    )
  }
  const newest = UPGRADES.slice(format - 1).reduce((manifest, upgrade) => upgrade(manifest), written)
  const checked = manifestSchema.safeParse(withBaselines(newest))
  if (!checked.success) throw new UserError(`${path}: ${problemOf(checked.error)}`, RESTORE)
  return checked.data
}

function readText(folder: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    const latest = join(folder, 'latest')
    throw new UserError(
      `${folder}: not a run folder (it holds no ${MANIFEST_FILE})`,
      existsSync(latest) ? `its newest run is ${latest}` : 'give a folder that "stint run" made',
    )
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError(`${path}: not valid JSON (${(error as Error).message})`, RESTORE)
  }
}
