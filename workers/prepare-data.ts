/** Data that the prepare job reads or writes. */
import { join } from 'node:path'
import type { DataFingerprint, DatasetSpec, PreparedDataset } from './contract.ts'
import { InputError } from './input-error.ts'
import { generateDataset } from './pipeline/presets/generate.ts'
import { fingerprintCsv } from './pipeline/source.ts'

type FileSpec = Extract<DatasetSpec, { kind: 'file' }>
type GenerateSpec = Extract<DatasetSpec, { kind: 'generate' }>

/**
 * @param known fingerprints of files read before, so that each is read once
 * @throws {InputError} where a column that the sweep names is missing, and what reading throws
 */
export async function readFile(
  spec: FileSpec,
  known: Map<string, DataFingerprint>,
  notes: string[],
): Promise<PreparedDataset> {
  const fingerprint = known.get(spec.path) ?? (await fingerprintCsv(spec.path))
  known.set(spec.path, fingerprint)
  const named = [...(spec.target === null ? [] : [spec.target]), ...Object.keys(spec.columns)]
  for (const column of named) {
    if (fingerprint.columns.includes(column)) continue
    throw new InputError({
      message: `${spec.path} has no column "${column}"`,
      hint: `its columns are ${fingerprint.columns.join(', ')}`,
      file: spec.path,
    })
  }
  if (spec.rows !== null && spec.rows > fingerprint.rows) {
    notes.push(`${spec.path} has ${fingerprint.rows} rows, fewer than the ${spec.rows} asked for`)
  }
  return {
    path: spec.path,
    preset: spec.preset,
    target: spec.target,
    columns: spec.columns,
    rows: Math.min(spec.rows ?? fingerprint.rows, fingerprint.rows),
    fingerprint,
    ceiling_r2: null,
  }
}

/**
 * Writes `<preset>-<rows>-<seed>.csv`.
 * @throws on an unknown preset, and where the folder cannot be written
 */
export async function writeGenerated(spec: GenerateSpec, dataDir: string): Promise<PreparedDataset> {
  const { preset, rows, seed } = spec
  const path = join(dataDir, `${preset}-${rows}-${seed}.csv`)
  const { ceiling_r2 } = await generateDataset({ preset, rows, seed }, path)
  const fingerprint = await fingerprintCsv(path)
  return { path, preset, target: null, columns: {}, rows: fingerprint.rows, fingerprint, ceiling_r2 }
}
