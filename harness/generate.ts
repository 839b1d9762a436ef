/** Writes a generated data set to a file of the user's. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { PreparedDataset } from '../workers/data/types.ts'
import type { Executor } from './execute/executor.ts'
import { makeOwnedFolder, removeFolders } from './ownership/leftovers.ts'
import { checkWritable } from './record/run-folder.ts'
import { UserError, userErrorFrom } from './user-error.ts'

export interface GenerateOptions {
  rows: number
  /** The same seed gives the same bytes; 42 where none is given. */
  seed?: number
  /** The file to write. */
  out: string
}

export interface GeneratedData extends Pick<PreparedDataset, 'fingerprint' | 'ceiling_r2'> {
  /** Absolute. */
  path: string
}

/**
 * @param start called once all words are known to be right
 * @throws {UserError} where there is no such preset, or the file cannot be written
 */
export async function generate(
  preset: string,
  { rows, seed = 42, out }: GenerateOptions,
  start: () => Executor,
): Promise<GeneratedData> {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new UserError('--rows: expected a whole number of at least 1')
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UserError('--seed: expected a whole number of at least 0')
  const path = resolve(out)
  if (existsSync(path) && statSync(path).isDirectory())
    throw new UserError(`${out}: is a folder; --out needs a file`)
  checkWritable(dirname(path))
  if (!existsSync(dirname(path))) throw new UserError(`${dirname(path)}: no such folder`)
  // Beside the target, so that the last step is a rename: the file is there whole or not at all.
  removeFolders(dirname(path))
  const folder = makeOwnedFolder(dirname(path), true)
  try {
    const prepared = await start().prepare({
      workload: 'pipeline',
      datasets: [{ kind: 'generate', preset, rows, seed }],
      data_dir: folder,
    })
    if (!prepared.ok) throw userErrorFrom(prepared.error)
    const { path: written, fingerprint, ceiling_r2 } = prepared.datasets[0]!
    renameSync(written, path)
    return { path, fingerprint, ceiling_r2 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
