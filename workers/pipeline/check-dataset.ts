/** Finds bad input before any trial does, in the one pass that also hashes and counts the file. */
import type { DataFingerprint, PreparedDataset, Scalar } from '../contract.ts'
import { pipelineParams } from './describe.ts'
import { checkForgetting } from './drift/forgetting.ts'
import { openByteSource } from './ingest/bytes.ts'
import { type ChunkReader, type ColumnChunk, DataError, type ReaderOptions } from './ingest/columns.ts'
import { type HashingSource, hashingSource } from './ingest/hashing.ts'
import { openNdjsonSource } from './ingest/ndjson.ts'
import { formatOf, sampleRows } from './ingest/open-data.ts'
import { CHOICES, checkTarget, chosenLearner, type TargetInfo } from './learn/options.ts'
import { type Plan, taskOf } from './plan.ts'
import { planFor } from './plan-for.ts'
import { presetFor } from './presets/presets.ts'
import { fingerprintFile } from './source.ts'
import { Guard } from './validate/guard.ts'
import { type Quality, Validator } from './validate/validator.ts'

const CHUNK_ROWS = 4096
/** Shares above these are worth a note. */
const NOTED_MISSING = 0.05
const NOTED_OUTLIERS = 0.05

/** A dataset as the sweep asks for it; what only reading it can tell is null. */
export type UncheckedDataset = Omit<PreparedDataset, 'fingerprint' | 'rows'> & {
  /** Null: the file was not read before. */
  fingerprint: DataFingerprint | null
  /** Rows asked for; null for all. */
  rows: number | null
}

export interface CheckedDataset {
  dataset: PreparedDataset
  /** What the user should know. */
  notes: string[]
}

/**
 * Reads all rows that a trial would read; the first time, the whole file.
 * Throws as `PipelineWorkload.checkDataset` says.
 * @param uses parameters of the trials that use the data set
 */
export async function checkDataset(
  unchecked: UncheckedDataset,
  uses: readonly Readonly<Record<string, Scalar>>[] = [],
): Promise<CheckedDataset> {
  const { asked, plan } = await planned(unchecked)
  const task = taskOf(plan)
  checkUses(uses, { name: plan.target, task, classes: null })
  const { path, fingerprint, rows } = asked
  const source = open(path)
  let reader: ChunkReader | null = null
  try {
    const options: ReaderOptions = { ...asked.dialect, markMisfits: true }
    if (fingerprint !== null) options.rows = Math.min(rows ?? fingerprint.rows, fingerprint.rows)
    const openSource = formatOf(asked) === 'ndjson' ? openNdjsonSource : openByteSource
    reader = await openSource(source, path, plan.specs, options)
    const seen = await readThrough(reader, asked, plan)
    if (seen.labels !== null) {
      if (seen.labels.length === 1) {
        throw new Error(
          `${path}: every row has the label "${seen.labels[0]}": there is nothing to tell apart`,
        )
      }
      checkUses(uses, { name: plan.target, task, classes: seen.labels.length })
    }
    const known = fingerprint ?? { ...source.digest(), rows: seen.rows, columns: [...reader.header] }
    const dataset: PreparedDataset = {
      ...asked,
      ...(plan.schema !== null && { schema: { ...plan.schema } }),
      rows: Math.min(rows ?? known.rows, known.rows),
      fingerprint: known,
    }
    const notes = [...plan.notes, ...notesOn(seen, plan, dataset)]
    if (rows !== null && rows > known.rows) {
      notes.push(`${path} has ${known.rows} rows, fewer than the ${rows} asked for`)
    }
    return { dataset, notes }
  } finally {
    if (reader !== null) await reader.close()
    else source.close()
  }
}

async function planned(dataset: UncheckedDataset): Promise<{ asked: UncheckedDataset; plan: Plan }> {
  try {
    const asked = await withPreset(dataset)
    return { asked, plan: await planFor(asked, 'rich') }
  } catch (error) {
    // A file that is broken as a whole says so better than its first rows do.
    await fingerprintFile(dataset)
    throw error
  }
}

/** A file of which nothing was said may be one that a preset knows. */
async function withPreset(dataset: UncheckedDataset): Promise<UncheckedDataset> {
  const described =
    dataset.preset !== null || dataset.target !== null || Object.keys(dataset.columns).length > 0
  if (described) return dataset
  const { header } = await sampleRows(dataset, 1)
  return { ...dataset, preset: presetFor(header) }
}

function open(path: string): HashingSource {
  try {
    return hashingSource(path)
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

interface Seen {
  /** Of the whole file, or as far as it was read. */
  rows: number
  withoutTarget: number
  /** Null where the target is a number. */
  labels: readonly string[] | null
  quality: Quality
  guard: Guard
}

async function readThrough(reader: ChunkReader, dataset: UncheckedDataset, plan: Plan): Promise<Seen> {
  const limit = dataset.rows ?? Number.POSITIVE_INFINITY
  const policy = dataset.bad_values ?? 'fail'
  const validator = new Validator()
  const guard = new Guard(policy, plan.columns, dataset.path)
  const target = plan.specs.findIndex(({ name }) => name === plan.target)
  let columns: ColumnChunk['columns'] = []
  let withoutTarget = 0
  let rows = 0
  for (;;) {
    const chunk = await reader.read(CHUNK_ROWS)
    if (chunk === null) break
    columns = chunk.columns
    const counted = Math.min(chunk.rows, Math.max(0, limit - rows))
    rows += chunk.rows
    if (counted === 0) continue
    const misfits = (chunk.misfits ?? []).filter(({ row }) => row < counted)
    if (policy === 'fail') failAtFirst(misfits, dataset, plan)
    validator.check(chunk, counted)
    guard.check({ ...chunk, rows: counted, misfits })
    withoutTarget += gaps(chunk, target, counted)
  }
  const { path } = dataset
  if (rows === 0)
    throw new DataError('the file has a header and no rows; rows must end in LF or CRLF', path, 1)
  if (withoutTarget >= Math.min(rows, limit))
    throw new Error(`${path}: no row has a value for "${plan.target}"`)
  const labelled = columns[target]!
  const labels = labelled.kind === 'category' ? labelled.dictionary : null
  return { rows, withoutTarget, labels, quality: validator.summary(columns), guard }
}

/** As if read row by row: of several misfits the first row's counts, and of one row's the first column's. */
function failAtFirst(
  misfits: NonNullable<ColumnChunk['misfits']>,
  dataset: UncheckedDataset,
  plan: Plan,
): void {
  let first = misfits[0]
  if (first === undefined) return
  for (const misfit of misfits) {
    if (misfit.row < first.row || (misfit.row === first.row && misfit.column < first.column)) first = misfit
  }
  const name = plan.specs[first.column]!.name
  const retype = name === plan.target ? '' : `, or set dataset.columns.${name} to category or drop`
  const ways = `; mend the value${dataset.preset === null ? retype : ''}, or set dataset.bad_values to drop or impute`
  throw new DataError(first.problem + ways, dataset.path, first.line, name)
}

function gaps(chunk: ColumnChunk, column: number, rows: number): number {
  const target = chunk.columns[column]!
  let missing = 0
  for (let row = 0; row < rows; row += 1) {
    if (target.kind === 'category' ? target.codes[row]! < 0 : Number.isNaN(target.values[row]!)) missing += 1
  }
  return missing
}

function notesOn({ withoutTarget, quality, guard }: Seen, plan: Plan, dataset: PreparedDataset): string[] {
  const { rows } = quality
  const notes: string[] = []
  if (withoutTarget > 0) {
    notes.push(`${withoutTarget} of ${rows} rows have no ${plan.target}: they are skipped and counted`)
  }
  const fate =
    dataset.bad_values === 'drop' ? 'their rows are dropped' : 'they are filled as missing ones are'
  for (const [name, count] of Object.entries(guard.misfits)) {
    notes.push(`${name}: ${count} values do not fit its type; ${fate}`)
  }
  for (const [name, count] of Object.entries(guard.outOfRange)) {
    notes.push(`${name}: ${count} values outside what was declared; ${fate}`)
  }
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`
  for (const [name, column] of Object.entries(quality.columns)) {
    if (name !== plan.target && column.missing_ratio > NOTED_MISSING) {
      notes.push(`${name}: ${percent(column.missing_ratio)} of the values are missing`)
    }
    if (column.kind === 'category') continue
    if ((column.outlier_ratio ?? 0) > NOTED_OUTLIERS) {
      notes.push(`${name}: ${percent(column.outlier_ratio!)} of the values lie far from the others`)
    }
    if (column.min !== null && column.min === column.max) notes.push(`${name} has one value alone`)
  }
  if (quality.duplicate_rows > 0) {
    notes.push(
      `${quality.duplicate_rows} of ${rows} rows repeat one shortly before, in all columns that are read`,
    )
  }
  return notes
}

/** What the sweep itself refuses, such as an unknown learner, is left to it: it knows the line. */
function checkUses(uses: readonly Readonly<Record<string, Scalar>>[], target: TargetInfo): void {
  for (const use of uses) {
    const params = pipelineParams(use)
    if (!CHOICES.includes(params.learner)) continue
    checkTarget(params.learner, target)
    checkForgetting(params)
    try {
      chosenLearner(params)
    } catch (error) {
      throw new Error(`params: ${(error as Error).message}`, { cause: error })
    }
  }
}
