/** Data that the prepare job reads or writes. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataFingerprint, DatasetSpec, PreparedDataset } from './contract.ts'
import { InputError } from './input-error.ts'

type FileSpec = Extract<DatasetSpec, { kind: 'file' }>
type GenerateSpec = Extract<DatasetSpec, { kind: 'generate' }>

export interface DataTools {
  /** @throws where the file is missing or is no CSV */
  fingerprintCsv(path: string): Promise<DataFingerprint>
  /** @throws on an unknown preset */
  generateDataset(
    spec: { preset: string; rows: number; seed: number },
    outPath: string,
  ): Promise<{ ceiling_r2: number }>
}

/** Loaded when there is data to prepare, so that a workload without any starts faster. */
export async function loadDataTools(): Promise<DataTools> {
  const source = await import(new URL('./pipeline/source.js', import.meta.url).href)
  const generate = await import(new URL('./pipeline/presets/generate.js', import.meta.url).href)
  return { fingerprintCsv: source.fingerprintCsv, generateDataset: generate.generateDataset }
}

/**
 * @param known fingerprints of files read before, so that each is read once
 * @throws {InputError} where a column that the sweep names is missing, and what reading throws
 */
export async function readFile(
  spec: FileSpec,
  tools: DataTools,
  known: Map<string, DataFingerprint>,
  notes: string[],
): Promise<PreparedDataset> {
  const fingerprint = known.get(spec.path) ?? (await tools.fingerprintCsv(spec.path))
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
  }
}

/** Another run may read the file while it is written, so that it gets its name when it is whole. */
async function write(path: string, spec: GenerateSpec, tools: DataTools): Promise<Sidecar> {
  const { preset, rows, seed } = spec
  const unfinished = `${path}.${process.pid}.tmp`
  try {
    const { ceiling_r2 } = await tools.generateDataset({ preset, rows, seed }, unfinished)
    const fingerprint = await tools.fingerprintCsv(unfinished)
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
    return same && (await tools.fingerprintCsv(path)).sha256 === sidecar.fingerprint.sha256 ? sidecar : null
  } catch {
    return null
  }
}
