/** Data that the prepare job reads or writes. */
import { join } from 'node:path'
import type { DataFingerprint, PreparedDataset } from './contract.ts'
import { InputError } from './input-error.ts'
import { generateDataset } from './pipeline/presets/generate.ts'
import { fingerprintFile } from './pipeline/source.ts'
import type { DatasetSpec } from './protocol.ts'

type FileSpec = Extract<DatasetSpec, { kind: 'file' }>
type GenerateSpec = Extract<DatasetSpec, { kind: 'generate' }>

/** A dataset before it was read. */
export type UnreadDataset = Omit<PreparedDataset, 'fingerprint' | 'rows'> & {
  fingerprint: DataFingerprint | null
  rows: number | null
}

export function unread(spec: FileSpec): UnreadDataset {
  const { kind: _, ...said } = spec
  return { ...said, fingerprint: null, ceiling_r2: null }
}

/**
 * For a workload that does not look at its data itself.
 * @throws {InputError} where a column that the sweep names is missing, and what reading throws
 */
export async function readFile(dataset: UnreadDataset, notes: string[]): Promise<PreparedDataset> {
  const { path, target, columns, rows } = dataset
  const fingerprint = dataset.fingerprint ?? (await fingerprintFile(dataset))
  const named = [...(target === null ? [] : [target]), ...Object.keys(columns)]
  for (const column of named) {
    if (fingerprint.columns.includes(column)) continue
    throw new InputError({
      message: `${path} has no column "${column}"`,
      hint: `its columns are ${fingerprint.columns.join(', ')}`,
      file: path,
    })
  }
  if (rows !== null && rows > fingerprint.rows) {
    notes.push(`${path} has ${fingerprint.rows} rows, fewer than the ${rows} asked for`)
  }
  return { ...dataset, rows: Math.min(rows ?? fingerprint.rows, fingerprint.rows), fingerprint }
}

/**
 * Writes `<preset>-<rows>-<seed>.csv`; its fingerprint is taken meanwhile.
 * @throws on an unknown preset, and where the folder cannot be written
 */
export async function writeGenerated(spec: GenerateSpec, dataDir: string): Promise<PreparedDataset> {
  const { preset, rows, seed, features } = spec
  const path = join(dataDir, `${preset}-${rows}-${seed}.csv`)
  const { ceiling_r2, fingerprint } = await generateDataset({ preset, rows, seed }, path)
  const said = features === undefined ? {} : { features }
  return { path, preset, target: null, columns: {}, rows, fingerprint, ceiling_r2, ...said }
}
