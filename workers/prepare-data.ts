/** Data that the prepare job reads or writes. */

import { join } from 'node:path'
import { fingerprintFile } from './data/fingerprint.ts'
import { generateDataset } from './data/presets/generate.ts'
import { readResolved } from './data/resolve-dialect.ts'
import type { DataFingerprint, PreparedDataset, UnreadDataset } from './data/types.ts'
import { RegressionScore } from './pipeline/metrics/regression.ts'
import type { DatasetSpec, InputProblem } from './protocol/prepare.ts'

/** The user's input is at fault. */
export class InputError extends Error {
  override name = 'InputError'
  readonly problem: InputProblem
  constructor(problem: InputProblem) {
    super(problem.message)
    this.problem = problem
  }
}

export type FileSpec = Extract<DatasetSpec, { kind: 'file' }>
type GenerateSpec = Extract<DatasetSpec, { kind: 'generate' }>

export function unread(spec: FileSpec): UnreadDataset {
  const { kind: _, qos: _qos, wait_s: _wait, ...said } = spec
  return { ...said, fingerprint: null, ceiling_r2: null }
}

/**
 * For a workload that does not look at its data itself.
 * @throws {InputError} where a column that the sweep names is missing, and what reading throws
 */
export async function readFile(
  dataset: UnreadDataset,
): Promise<{ dataset: PreparedDataset; notes: string[] }> {
  if (dataset.fingerprint !== null) return counted(dataset, dataset.fingerprint, [])
  return readResolved(dataset, async ({ dataset: resolved, notes }) =>
    counted(resolved, await fingerprintFile(resolved), notes),
  )
}

function counted(
  dataset: UnreadDataset,
  fingerprint: DataFingerprint,
  said: readonly string[],
): { dataset: PreparedDataset; notes: string[] } {
  const { path, target, columns, rows } = dataset
  const named = [...(target === null ? [] : [target]), ...Object.keys(columns)]
  for (const column of named) {
    if (fingerprint.columns.includes(column)) continue
    throw new InputError({
      message: `${path} has no column "${column}"`,
      hint: `its columns are ${fingerprint.columns.join(', ')}`,
      file: path,
    })
  }
  const fewer =
    rows !== null && rows > fingerprint.rows
      ? [`${path} has ${fingerprint.rows} rows, fewer than the ${rows} asked for`]
      : []
  const used = Math.min(rows ?? fingerprint.rows, fingerprint.rows)
  return { dataset: { ...dataset, rows: used, fingerprint }, notes: [...said, ...fewer] }
}

/**
 * Writes `<preset>-<rows>-<seed>.csv`; its fingerprint is taken meanwhile.
 * @throws on an unknown preset, and where the folder cannot be written
 */
export async function writeGenerated(spec: GenerateSpec, dataDir: string): Promise<PreparedDataset> {
  const { preset, rows, seed, features } = spec
  const path = join(dataDir, `${preset}-${rows}-${seed}.csv`)
  const ceiling = new RegressionScore()
  const fingerprint = await generateDataset({ preset, rows, seed }, path, (row) =>
    ceiling.add(row.target, row.expected),
  )
  const said = features === undefined ? {} : { features }
  return { path, preset, target: null, columns: {}, rows, fingerprint, ceiling_r2: ceiling.r2, ...said }
}
