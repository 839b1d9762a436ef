/** `run.json`: what was run, on what, and with which data. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../user-error.ts'
import { writeAtomically } from './atomic.ts'
import type { Manifest } from './types.ts'

export const MANIFEST_FILE = 'run.json'

export function writeManifest(folder: string, manifest: Manifest): void {
  writeAtomically(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** @throws {UserError} with a message for the user where the folder holds no readable run */
export function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new UserError(
      `${folder}: not a run folder (it holds no ${MANIFEST_FILE}); give a folder that "stint run" made`,
    )
  }
  const manifest = parse(text, path)
  if (manifest.format !== 1) {
    throw new UserError(
      `${path}: format ${manifest.format} is not known to this version of stint (expected 1)`,
    )
  }
  return manifest
}

function parse(text: string, path: string): Manifest {
  try {
    return JSON.parse(text) as Manifest
  } catch (error) {
    throw new UserError(`${path}: not valid JSON (${(error as Error).message}); the run folder is damaged`)
  }
}
