/** Where a run lands: `<root>/<sweep>/<UTC time>-<short id>/`, with `latest` beside it. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '../user-error.ts'

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
    accessSync(existing, constants.W_OK | constants.X_OK)
  } catch {
    throw new UserError(`${existing}: no permission to write here; give another folder with --out`)
  }
}

/**
 * @param started becomes the folder's name, UTC
 * @param id short, unique among the runs of one second
 */
export function createRunFolder(root: string, sweep: string, started: Date, id: string): RunFolder {
  const time = started.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '')
  const path = resolve(root, sweep, `${time}Z-${id}`)
  const folder: RunFolder = { path, id, journal: journalPath(path), chunks: join(path, 'chunks') }
  for (const part of [folder.chunks, join(path, 'reports'), join(path, 'benchmarks')]) {
    mkdirSync(part, { recursive: true })
  }
  pointLatest(path)
  return folder
}

export function journalPath(folder: string): string {
  return join(folder, 'trials.jsonl')
}

/** The run folder that a user means: the folder itself, or what a `latest` link points to. */
export function resolveRunFolder(path: string): string {
  if (!existsSync(path)) throw new UserError(`${path}: no such run folder`)
  return realpathSync(path)
}

function pointLatest(path: string): void {
  const link = join(dirname(path), 'latest')
  const temporary = `${link}.${process.pid}.tmp`
  rmSync(temporary, { force: true })
  symlinkSync(basename(path), temporary)
  renameSync(temporary, link)
}
