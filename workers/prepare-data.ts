/** Data that the prepare job reads or writes. */

import { join } from 'node:path'
import { fingerprintFile } from './data/fingerprint.ts'
import { suggest } from './data/header.ts'
import { generateDataset } from './data/presets/generate.ts'
import { readResolved } from './data/resolve-dialect.ts'
import { BrokerSources } from './data/sources/from-broker.ts'
import type { DataFingerprint, PreparedDataset, UnreadDataset } from './data/types.ts'
import { InputError } from './input-error.ts'
import { BUILT_IN } from './load-workload.ts'
import { RegressionScore } from './pipeline/metrics/regression.ts'
import type { DatasetSpec, PrepareSpec } from './protocol/prepare.ts'
import type { WorkloadInfo } from './workload.ts'

type FileSpec = Extract<DatasetSpec, { kind: 'file' }>
type GenerateSpec = Extract<DatasetSpec, { kind: 'generate' }>

/**
 * Reads, hashes and counts each dataset once, and asks the built-in workload how it takes them.
 * @returns `fitted`: what the workload says of itself for these datasets
 * @throws {InputError} and what reading throws
 */
export async function prepareDatasets(
  spec: PrepareSpec,
  info: WorkloadInfo,
): Promise<{ datasets: PreparedDataset[]; notes: string[]; fitted: WorkloadInfo }> {
  // A user's module may export functions of these names, which mean something else.
  const builtIn = spec.workload === BUILT_IN ? await import('./pipeline/check-dataset.ts') : null
  const notes: string[] = []
  const datasets: PreparedDataset[] = []
  const known = new Map<string, DataFingerprint>()
  // The built-in workload reads streams itself, at its own cost; others are handed a file.
  const brokers = new BrokerSources(spec.data_dir, builtIn !== null)
  const fromBroker = async (dataset: FileSpec): Promise<FileSpec> => {
    const { file, notes: said } = await brokers.ready(dataset)
    notes.push(...said)
    return file
  }
  for (const [index, dataset] of spec.datasets.entries()) {
    const found =
      dataset.kind === 'generate'
        ? await writeGenerated(dataset, spec.data_dir)
        : unread(await fromBroker(dataset))
    const key = JSON.stringify([found.path, found.format, found.dialect])
    const fingerprint = found.fingerprint ?? known.get(key) ?? null
    const unchecked = { ...found, fingerprint }
    const uses = spec.uses?.[index] ?? []
    const { dataset: prepared, notes: said } =
      builtIn === null
        ? await readFile(unchecked)
        : await builtIn.checkDataset(
            unchecked,
            uses.map(({ params }) => params),
          )
    // A dry run generates fewer rows than a run.
    const rows = dataset.kind === 'generate' ? Number.POSITIVE_INFINITY : prepared.rows
    await builtIn?.checkFiles({ ...prepared, rows }, uses, spec.files)
    notes.push(...said)
    known.set(key, prepared.fingerprint)
    datasets.push(prepared)
  }
  const fitted = builtIn === null ? info : await builtIn.describeFor(datasets)
  return { datasets, notes, fitted }
}

/**
 * Reads the times of a trace.
 * @throws {InputError} where the data has no such column
 * @throws {DataError} where the times are none, or not in order
 */
export async function checkTrace(dataset: PreparedDataset, column: string): Promise<void> {
  const { columns } = dataset.fingerprint
  if (!columns.includes(column)) {
    const message = `the data has no column "${column}"${suggest(column, columns)}`
    throw new InputError({ key: 'arrival.column', message })
  }
  await (await import('./drive/trace.ts')).recordTrace(dataset, column)
}

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
