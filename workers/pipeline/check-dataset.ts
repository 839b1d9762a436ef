/** Finds bad input before any trial does, in the one pass that also hashes and counts the file. */
import { isAbsolute } from 'node:path'
import {
  type ChunkReader,
  type Column,
  type ColumnChunk,
  DataError,
  type ReaderOptions,
} from '../data/columns.ts'
import { openByteSource } from '../data/csv/reader.ts'
import { strictNumber } from '../data/decode.ts'
import { misfitsOf } from '../data/infer.ts'
import { openNdjsonSource } from '../data/ndjson.ts'
import { formatOf } from '../data/open.ts'
import { presetFor } from '../data/presets/presets.ts'
import type { ColumnProfile } from '../data/profile.ts'
import { type Profiled, profileFile, rowsLeftOut } from '../data/profile-file.ts'
import { readResolved } from '../data/resolve-dialect.ts'
import { checkNames, possibleTargets } from '../data/schema.ts'
import { openSource } from '../data/sources/bytes.ts'
import { type HashingSource, hashingSource } from '../data/sources/hashing.ts'
import type { DataFingerprint, PreparedDataset, UnreadDataset } from '../data/types.ts'
import { key } from '../data/yaml-text.ts'
import type { Scalar, WorkloadInfo, WorkloadSettings } from '../workload.ts'
import { Checkpoints } from './checkpoint.ts'
import { givenParams, infoFor, pipelineParams } from './describe.ts'
import { checkForgetting } from './drift/forgetting.ts'
import { detectorsOf } from './drift/options.ts'
import { featuresFile } from './feature-sink.ts'
import { positiveLabel } from './learn/class-labels.ts'
import {
  CHOICES,
  checkTarget,
  chosenLearner,
  MOST_NUMBERED_LABELS,
  type TargetInfo,
} from './learn/options.ts'
import { type Plan, taskOf } from './plan.ts'
import { planFor } from './plan-for.ts'
import { Guard } from './validate/guard.ts'
import { Survey } from './validate/survey.ts'

const CHUNK_ROWS = 4096
/** A wide table is read in smaller chunks. */
const CHUNK_VALUES = 1 << 20
const LEAST_CHUNK_ROWS = 16
/** Shares above these are worth a note. */
const NOTED_MISSING = 0.05
const NOTED_OUTLIERS = 0.05
/** Notes on the quality beyond so many are counted. */
const MOST_QUALITY_NOTES = 5
/** They hold a ridge, or several. */
const PAIRING_LEARNERS: readonly string[] = ['experts', 'ridge']
const FLOAT_BYTES = 8
/** What such a learner keeps of pairs of columns is worth a note above this. */
const NOTED_PAIRS_MB = 8
/** Squares of larger numbers are infinite. */
const HUGE = 1e150

/** `describe()`, with the metrics that these data sets' targets have. */
export async function describeFor(datasets: readonly PreparedDataset[]): Promise<WorkloadInfo> {
  const plans = await Promise.all(datasets.map((dataset) => planFor({ ...dataset, features: [] }, 'base')))
  return infoFor(plans.map(taskOf))
}

export interface CheckedDataset {
  dataset: PreparedDataset
  /** What the user should know. */
  notes: string[]
}

/**
 * Reads all rows that a trial would read; the first time, and for a target of labels, the whole file.
 * @param uses parameters of the trials that use the data set, as given
 * @returns the data set with what reading it told, and notes for the user, such as columns that were dropped
 * @throws {DataError} naming file, line and column of a value that does not fit, or a column that is absent
 * @throws {Error} where the settings name no usable target or preset, or a learner that cannot learn the target or
 *   does not take one of its options
 */
export async function checkDataset(
  unchecked: UnreadDataset,
  uses: readonly Readonly<Record<string, Scalar>>[] = [],
): Promise<CheckedDataset> {
  return readResolved(unchecked, async ({ dataset, names, notes }) => {
    const asked = withPreset(dataset, names)
    const checked = await checkResolved(asked, names, uses)
    return { ...checked, notes: [...notes, ...checked.notes] }
  })
}

async function checkResolved(
  asked: UnreadDataset,
  names: readonly string[],
  uses: readonly Readonly<Record<string, Scalar>>[],
): Promise<CheckedDataset> {
  const { path } = asked
  if (asked.preset === null && asked.target === null) {
    const possible = possibleTargets(asked, await profileFile(asked))
    throw new Error(`${path}: name the column to predict as dataset.target. ${possible}`)
  }
  if (asked.preset === null && names.length > 0) checkNames(asked, names)
  const profiled = asked.preset === null ? await profileFile(asked) : null
  const plan = await planFor(asked, 'rich', profiled ?? undefined)
  const { target } = plan
  const fingerprint = asked.fingerprint ?? profiled?.fingerprint ?? null
  const leftOut = profiled === null ? 0 : rowsLeftOut(profiled)
  const rows = asked.rows ?? (leftOut === 0 ? null : fingerprint!.rows - leftOut)
  const { seen, known } = await readOnce({ ...asked, fingerprint, rows }, plan, profiled)
  if (seen.labels?.length === 1) {
    throw new Error(`${path}: every row has the label "${seen.labels[0]}": there is nothing to tell apart`)
  }
  const numeric = seen.labels?.every((label) => strictNumber(label) !== null) === true
  const classes = seen.labels?.length ?? seen.numbers
  const chosen = checkUses(uses, { name: target, task: taskOf(plan), classes, numeric })
  const dataset: PreparedDataset = {
    ...asked,
    ...(plan.schema !== null && { schema: Object.fromEntries(plan.schema) }),
    rows: Math.min(rows ?? known.rows, known.rows),
    ...(seen.labels !== null && { classes: seen.labels.length }),
    fingerprint: known,
  }
  const notes = [...plan.notes, ...endNotes(profiled, asked, known), ...notesOn(seen, plan, dataset)]
  if (chosen !== null && seen.labels !== null) {
    notes.push(`learner ${chosen}, since none is named and the target ${target} has ${classes} labels`)
  }
  const wide = wideNote(uses, { name: target, task: taskOf(plan), classes }, plan.features.dense.length)
  if (wide !== null) notes.push(wide)
  const positive = positiveOf(asked, target, seen.labels)
  if (positive !== null) notes.push(`F1 is of the label ${positive}; dataset.positive chooses`)
  if (rows !== null && rows > known.rows) {
    notes.push(`${path} has ${known.rows} rows, fewer than the ${rows} asked for`)
  }
  return { dataset, notes }
}

/** What is said of lines at the end that are no data: notes, and rows that sum up the others. */
function endNotes(
  profiled: Profiled | null,
  { rows }: UnreadDataset,
  { rows: records }: DataFingerprint,
): string[] {
  const { footer = null, summary = null } = profiled ?? {}
  const all = records - (footer?.rows ?? 0)
  const said = footer === null ? [] : [`left out ${footer.said}`]
  return summary === null ? said : [...said, ...summaryNotes(summary, rows, all)]
}

function summaryNotes(summary: NonNullable<Profiled['summary']>, rows: number | null, all: number): string[] {
  const others = all - summary.rows
  const reads = `dataset.rows: ${all} reads ${summary.rows === 1 ? 'it' : 'them'}`
  if (rows !== null && rows <= others) return []
  if (summary.leftOut) return [`left out ${summary.said}; ${reads} all the same`]
  if (summary.sure) return [`${summary.said}: read all the same, since dataset.rows is ${rows}`]
  return [`${summary.said}: if it sums up the others, leave it out by dataset.rows: ${others}`]
}

/**
 * The label that F1 is of; null where there is none.
 * @throws {Error} where the one asked for is none of the target's two labels
 */
function positiveOf(
  { positive, path }: UnreadDataset,
  target: string,
  labels: readonly string[] | null,
): string | null {
  const [a, b] = labels ?? []
  const two = labels?.length === 2
  if (positive !== undefined && !(two && labels.includes(positive))) {
    const has = two ? `the labels ${a} and ${b}` : labels === null ? 'numbers' : `${labels.length} labels`
    throw new Error(
      `${path}: dataset.positive is "${positive}", and the target "${target}" has ${has}: expected one of two labels; ${two ? 'choose one of them' : 'drop dataset.positive'}`,
    )
  }
  return two ? positiveLabel(a!, b!, positive) : null
}

async function readOnce(
  asked: UnreadDataset,
  plan: Plan,
  profiled: Profiled | null,
): Promise<{ seen: Seen; known: DataFingerprint }> {
  const { path, fingerprint, rows } = asked
  const source = fingerprint === null ? open(asked) : openSource(path, asked.dialect?.encoding)
  let reader: ChunkReader | null = null
  try {
    const names = fingerprint?.columns
    const options: ReaderOptions = { ...asked.dialect, markMisfits: true, ...(names && { names }) }
    if (fingerprint !== null)
      options.rows =
        taskOf(plan) === 'regression'
          ? Math.min(rows ?? fingerprint.rows, fingerprint.rows)
          : fingerprint.rows - (profiled === null ? 0 : rowsLeftOut(profiled))
    const openSource = formatOf(asked) === 'ndjson' ? openNdjsonSource : openByteSource
    reader = await openSource(source, path, plan.specs, options)
    const seen = await readThrough(reader, asked, plan, profiled)
    const known = fingerprint ?? {
      ...(source as HashingSource).digest(),
      rows: seen.rows,
      columns: [...reader.header],
    }
    return { seen, known }
  } finally {
    if (reader !== null) await reader.close()
    else source.close()
  }
}

/** A file of which nothing was said may be one that a preset knows. */
function withPreset(dataset: UnreadDataset, names: readonly string[]): UnreadDataset {
  const described =
    dataset.preset !== null || dataset.target !== null || Object.keys(dataset.columns).length > 0
  return described ? dataset : { ...dataset, preset: presetFor(names) }
}

function open({ path, dialect }: UnreadDataset): HashingSource {
  try {
    return hashingSource(path, dialect?.encoding)
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

interface Seen {
  /** Of the whole file, or as far as it was read. */
  rows: number
  withoutTarget: number
  /** Of the whole file, so that all parts of it are learned alike; null where the target is a number. */
  labels: readonly string[] | null
  /** Distinct numbers of the target, counted to one more than may be labels. */
  numbers: number
  survey: Survey
  guard: Guard
}

async function readThrough(
  reader: ChunkReader,
  dataset: UnreadDataset,
  plan: Plan,
  profiled: Profiled | null,
): Promise<Seen> {
  const limit = dataset.rows ?? Number.POSITIVE_INFINITY
  const policy = dataset.bad_values ?? 'fail'
  const survey = new Survey()
  const chunkRows = Math.max(
    LEAST_CHUNK_ROWS,
    Math.min(CHUNK_ROWS, Math.floor(CHUNK_VALUES / plan.specs.length)),
  )
  const guard = new Guard(policy, plan.columns, dataset.path)
  const target = plan.specs.findIndex(({ name }) => name === plan.target)
  let columns: ColumnChunk['columns'] = []
  let withoutTarget = 0
  let rows = 0
  const numbers = new Set<number>()
  for (;;) {
    const chunk = await reader.read(chunkRows)
    if (chunk === null) break
    columns = chunk.columns
    const counted = Math.min(chunk.rows, Math.max(0, limit - rows))
    rows += chunk.rows
    if (counted === 0) continue
    const misfits = (chunk.misfits ?? []).filter(({ row }) => row < counted)
    if (policy === 'fail') failAtFirst(misfits, dataset, plan, profiled)
    survey.check(chunk, counted)
    guard.check({ ...chunk, rows: counted, misfits })
    withoutTarget += countMissing(chunk.columns[target]!, counted, numbers)
  }
  const { path } = dataset
  if (rows === 0)
    throw new DataError('the file has a header and no rows; rows must end in LF or CRLF', path, 1)
  if (withoutTarget >= Math.min(rows, limit))
    throw new Error(`${path}: no row has a value for "${plan.target}"`)
  const labelled = columns[target]!
  return {
    rows,
    withoutTarget,
    labels: labelled.kind === 'category' ? labelled.dictionary : null,
    numbers: numbers.size,
    survey,
    guard,
  }
}

/** As if read row by row: of several misfits the first row's counts, and of one row's the first column's. */
function failAtFirst(
  misfits: NonNullable<ColumnChunk['misfits']>,
  dataset: UnreadDataset,
  plan: Plan,
  profiled: Profiled | null,
): void {
  let first = misfits[0]
  if (first === undefined) return
  for (const misfit of misfits) {
    if (misfit.row < first.row || (misfit.row === first.row && misfit.column < first.column)) first = misfit
  }
  const spec = plan.specs[first.column]!
  const { name } = spec
  const profile = profiled?.profiles.get(name)
  const others = profile === undefined ? '' : misfitsOf(profile, spec)
  const retype = name === plan.target ? '' : `, or set dataset.columns: { ${key(name)}: category } or drop`
  const spell = ', name it under dataset.missing if it means no value'
  const ways = `; mend the value${spell}${dataset.preset === null ? retype : ''}, or set dataset.bad_values to drop or impute`
  const { problem, line } = first
  const header = profile === undefined ? '' : headerWords(profile, line, problem)
  throw new DataError(problem + others + header + ways, dataset.path, line, name)
}

/** Lines that belong to a header and stand among the data are told as such. */
function headerWords({ name, firstLine }: ColumnProfile, line: number, problem: string): string {
  const way = 'dataset.bad_values: drop leaves such lines out'
  if (problem.endsWith(`found ${JSON.stringify(name)}`)) return `; the header stands here once more: ${way}`
  return line === firstLine ? `; if this line belongs to the header, as one of units does, ${way}` : ''
}

/** How many rows have no target; the first distinct numbers are added to `numbers`. */
function countMissing(target: Column, rows: number, numbers: Set<number>): number {
  let missing = 0
  for (let row = 0; row < rows; row += 1) {
    if (target.kind === 'category') {
      if (target.codes[row]! < 0) missing += 1
      continue
    }
    const value = target.values[row]!
    if (Number.isNaN(value)) missing += 1
    else if (numbers.size <= MOST_NUMBERED_LABELS) numbers.add(value)
  }
  return missing
}

function notesOn({ withoutTarget, survey, guard }: Seen, plan: Plan, dataset: PreparedDataset): string[] {
  const { rows } = survey
  const notes: string[] = []
  if (withoutTarget > 0) {
    notes.push(`${withoutTarget} of ${rows} rows have no ${plan.target}: they are skipped and counted`)
  }
  const fate =
    dataset.bad_values === 'drop' ? 'their rows are dropped' : 'they are filled as missing ones are'
  const bad = [
    ...[...guard.misfits].map(([name, count]) => `${name}: ${count} values do not fit its type; ${fate}`),
    ...[...guard.outOfRange].map(
      ([name, count]) => `${name}: ${count} values outside what was declared; ${fate}`,
    ),
  ]
  return [
    ...notes,
    ...firstOf(bad, 'more columns with bad values'),
    ...firstOf(qualityNotes(survey, plan.target), 'more notes on the quality of the data'),
  ]
}

/** The first few, and how many more there are. */
function firstOf(notes: readonly string[], others: string): string[] {
  const more = notes.length - MOST_QUALITY_NOTES
  return more > 0 ? [...notes.slice(0, MOST_QUALITY_NOTES), `and ${more} ${others}`] : [...notes]
}

/** What matters most comes first. */
function qualityNotes(survey: Survey, target: string): string[] {
  const { rows, duplicateRows } = survey
  const columns = survey.summary()
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`
  const huge = columns.filter(
    ({ kind, min, max }) => kind === 'number' && Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0)) > HUGE,
  )
  const missing = columns.filter(({ name, missing }) => name !== target && missing > NOTED_MISSING * rows)
  const far = columns.filter(({ outliers }) => (outliers ?? 0) > NOTED_OUTLIERS)
  const constant = columns.filter(({ min, max, distinct }) => (min !== null && min === max) || distinct === 1)
  return [
    ...huge.map(({ name, min, max }) => {
      const value = Math.abs(min!) > Math.abs(max!) ? min! : max!
      return `${name} has values as large as ${value}: their squares are more than a number can hold, and scores that need them are unknown`
    }),
    ...(duplicateRows > 0
      ? [
          `${duplicateRows} of ${rows} rows ${duplicateRows === 1 ? 'repeats' : 'repeat'} one shortly before, in all columns that are read`,
        ]
      : []),
    ...missing
      .sort((a, b) => b.missing - a.missing)
      .map(({ name, missing }) => `${name}: ${percent(missing / rows)} of the values are missing`),
    ...far
      .sort((a, b) => b.outliers! - a.outliers!)
      .map(({ name, outliers }) => `${name}: ${percent(outliers!)} of the values lie far from the others`),
    ...constant.map(({ name }) => `${name} has only one value`),
  ]
}

/**
 * The files that trials go on from or write, so that no trial is played before it is refused.
 * @param files parameters that were given on the command line, and whether any file may be replaced
 * @throws {Error} with the parameter at fault as its `param`
 */
export async function checkFiles(
  dataset: PreparedDataset,
  uses: readonly {
    params: Readonly<Record<string, Scalar>>
    settings: Pick<WorkloadSettings, 'mode' | 'batch_size'>
  }[],
  { typed, overwrite }: { typed: readonly string[]; overwrite: boolean } = { typed: [], overwrite: false },
): Promise<void> {
  // A relative path of the sweep's is one below a run folder that is not there yet.
  const isThere = (param: string, path: string | null) =>
    path !== null && (isAbsolute(path) || typed.includes(param))

  for (const { params: given, settings } of uses) {
    const { features, checkpoint_to, checkpoint_rows, resume_from, features_to } = givenParams(given)
    if (checkpoint_to ?? checkpoint_rows ?? resume_from ?? features_to) {
      const plan = await planFor(dataset, features)
      const target = { task: taskOf(plan), classes: dataset.classes ?? null }
      const may = isThere('checkpoint_to', checkpoint_to) ? { write: true, overwrite } : { write: false }
      Checkpoints.for(pipelineParams(given, target), settings, dataset, plan, may)
      if (isThere('features_to', features_to)) featuresFile(features_to!, dataset.path, plan, overwrite)
    }
  }
}

/** What learners that keep a number for each pair of columns need of a wide table; null where that is little. */
function wideNote(
  uses: readonly Readonly<Record<string, Scalar>>[],
  target: TargetInfo,
  width: number,
): string | null {
  const learners = new Set(uses.map((use) => pipelineParams(use, target).learner))
  const named = PAIRING_LEARNERS.filter((name) => learners.has(name))
  const megabytes = (width * width * FLOAT_BYTES) / 1e6
  if (target.task !== 'regression' || named.length === 0 || megabytes < NOTED_PAIRS_MB) return null
  return `${width} columns of numbers are many for ${named.join(' and ')}: each ridge needs about ${Math.round(megabytes)} MB for their pairs, and its time for a batch grows with their cube; params.learner: sgd needs one number a column`
}

/**
 * What the sweep itself refuses, such as an unknown learner, is left to it: it knows the line.
 * @returns the learner that is chosen where none is named; null where every use names one
 */
function checkUses(uses: readonly Readonly<Record<string, Scalar>>[], target: TargetInfo): string | null {
  let chosen: string | null = null
  for (const use of uses) {
    const params = pipelineParams(use, target)
    if (params.target_latency_ms !== null && !params.adaptive_chunk_resize) {
      const needs =
        'needs adaptive_chunk_resize, since nothing else holds a latency: add adaptive_chunk_resize: true'
      throw Object.assign(new Error(needs), { param: 'target_latency_ms' })
    }
    if (!CHOICES.includes(params.learner)) continue
    if (givenParams(use).learner === null) chosen = params.learner
    checkTarget(params.learner, target)
    checkForgetting(params)
    detectorsOf(params.drift_detectors)
    try {
      chosenLearner(params, target.task)
    } catch (error) {
      throw new Error(`params: ${(error as Error).message}`, { cause: error })
    }
  }
  return chosen
}
