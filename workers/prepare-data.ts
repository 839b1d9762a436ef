/** Data that the prepare job reads or writes. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataFingerprint, DatasetSpec, PreparedDataset, ReadingOptions } from './contract.ts'
import { InputError } from './input-error.ts'

type FileSpec = Extract<DatasetSpec, { kind: 'file' }>
type GenerateSpec = Extract<DatasetSpec, { kind: 'generate' }>

export interface DataTools {
  /** @throws where the file is missing or is no CSV, or no events */
  fingerprintFile(data: { path: string } & ReadingOptions): Promise<DataFingerprint>
  /** Hashes and counts what it writes. @throws on an unknown preset */
  generateDataset(
    spec: { preset: string; rows: number; seed: number },
    outPath: string,
  ): Promise<{ ceiling_r2: number; fingerprint: DataFingerprint }>
}

/** Loaded when there is data to prepare, so that a workload without any starts faster. */
export async function loadDataTools(): Promise<DataTools> {
  const source = await import(new URL('./pipeline/source.js', import.meta.url).href)
  const generate = await import(new URL('./pipeline/presets/generate.js', import.meta.url).href)
  return { fingerprintFile: source.fingerprintFile, generateDataset: generate.generateDataset }
}

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
export async function readFile(
  dataset: UnreadDataset,
  tools: DataTools,
  notes: string[],
): Promise<PreparedDataset> {
  const { path, target, columns, rows } = dataset
  const fingerprint = dataset.fingerprint ?? (await tools.fingerprintFile(dataset))
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

/** Stands beside a generated file and says what it is. */
interface Sidecar {
  preset: string
  rows: number
  seed: number
  fingerprint: DataFingerprint
  ceiling_r2: number
}

/**
 * Writes `<preset>-<rows>-<seed>.csv`, or takes the one that is there where it is still what its sidecar says.
 * @throws on an unknown preset, and where the folder cannot be written
 */
export async function writeGenerated(
  spec: GenerateSpec,
  dataDir: string,
  tools: DataTools,
): Promise<PreparedDataset> {
  const { preset, rows, seed } = spec
  const path = join(dataDir, `${preset}-${rows}-${seed}.csv`)
  const sidecar = (await stillValid(path, spec, tools)) ?? (await write(path, spec, tools))
  return {
    path,
    preset,
    target: null,
    columns: {},
    rows: sidecar.fingerprint.rows,
    fingerprint: sidecar.fingerprint,
    ceiling_r2: sidecar.ceiling_r2,
    ...(spec.features !== undefined && { features: spec.features }),
  }
}

/** Another run may read the file while it is written, so that it gets its name when it is whole. */
async function write(path: string, spec: GenerateSpec, tools: DataTools): Promise<Sidecar> {
  const { preset, rows, seed } = spec
  const unfinished = `${path}.${process.pid}.tmp`
  try {
    const { ceiling_r2, fingerprint } = await tools.generateDataset({ preset, rows, seed }, unfinished)
    const sidecar: Sidecar = { preset, rows, seed, fingerprint, ceiling_r2 }
    renameSync(unfinished, path)
    writeFileSync(unfinished, `${JSON.stringify(sidecar, null, 2)}\n`)
    renameSync(unfinished, `${path}.json`)
    return sidecar
  } finally {
    rmSync(unfinished, { force: true })
  }
}

async function stillValid(path: string, spec: GenerateSpec, tools: DataTools): Promise<Sidecar | null> {
  if (!existsSync(path) || !existsSync(`${path}.json`)) return null
  try {
    const sidecar: Sidecar = JSON.parse(readFileSync(`${path}.json`, 'utf8'))
    const same = sidecar.preset === spec.preset && sidecar.rows === spec.rows && sidecar.seed === spec.seed
    return same && (await tools.fingerprintFile({ path })).sha256 === sidecar.fingerprint.sha256 ? sidecar : null
  } catch {
    return null
  }
}
