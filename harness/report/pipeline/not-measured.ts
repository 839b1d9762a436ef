/** Why a column is empty from top to bottom, by file and column: such a cell is never a 0 or a guess. */
import type { PipelineOptions } from '../../pipeline/options.ts'
import type { CsvValue, DataTable } from '../section.ts'
import { CHUNKS_FILE, chunkLines } from './chunks.ts'
import { firstOk, type Measured, type PipelineData } from './data.ts'
import { chunkEnergy } from './energy.ts'
import { OPERATORS_FILE, SIGNIFICANCE_FILE } from './tables.ts'

type Profile = PipelineOptions['profile']

/**
 * A reason for each column that is empty in every row, and for each file without rows.
 * @param tables the files of the run, of which every column is looked at
 */
export function notMeasured(
  data: PipelineData,
  tables: readonly DataTable[],
  profile: Profile,
): Record<string, string> {
  const reasons: [string, string][] = []
  for (const table of [chunksTable(data), ...tables]) {
    const { file, columns } = table
    if (!columns.some(([, values]) => values.length > 0)) reasons.push([file, noRows(file, data)])
    else
      for (const [name, values] of columns)
        if (values.every(isEmpty)) reasons.push([`${file}: ${name}`, why(table, name, data, profile)])
  }
  return Object.fromEntries(reasons)
}

/** Empty in a CSV. */
function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (typeof value === 'number' && !Number.isFinite(value))
  )
}

/** The chunk lines of the run as columns. */
function chunksTable(data: PipelineData): DataTable {
  const lines = chunkLines(data)
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))]
  const columns = names.map((name) => [name, lines.map((line) => line[name] as CsvValue)] as const)
  return { file: CHUNKS_FILE, columns }
}

function noRows(file: string, { streaming }: PipelineData): string {
  if (file === SIGNIFICANCE_FILE) return 'no rows: batch and streaming have no metric in common'
  if (firstOk(streaming.trials) === undefined) return 'no rows: no streaming trial was ok'
  return file === OPERATORS_FILE || file === CHUNKS_FILE
    ? 'no rows: the streaming trial left no log of its chunks'
    : 'no rows: no scenario has a row here'
}

/** The reason that is known for the column, or else one that is true of any. */
function why({ file, columns }: DataTable, column: string, data: PipelineData, profile: Profile): string {
  if (file === CHUNKS_FILE) {
    return isEnergy(column)
      ? chunkEnergyReason(data.streaming, profile)
      : 'no chunk reported it: these settings leave it out, or there was nothing to report'
  }
  if (file === OPERATORS_FILE)
    return OPERATOR_REASONS.get(column) ?? 'no chunk of the streaming trial reported it'
  if (file === SIGNIFICANCE_FILE)
    return 'it applies to none of these metrics, or needs more trials than there were'
  if (CAPS.includes(column)) return 'no scenario has this cap'
  const ok = columns.find(([name]) => name === 'trials_ok')
  if (ok?.[1].every((trials) => trials === 0)) return 'no trial of these scenarios was ok'
  if (isEnergy(column)) return `no counter of energy could be read, and ${withoutEstimate(profile)}`
  return COLUMN_REASONS.get(column)?.(data) ?? 'no trial of these scenarios reported it'
}

const CAPS: readonly string[] = ['memory_limit_mb', 'compute_limit']
const isEnergy = (column: string): boolean => column === 'energy_j' || column === 'energy_source'

const OPERATOR_REASONS: ReadonlyMap<string, string> = new Map([
  ['feature_selection_s', 'no feature is selected by the target of rows that were not learned yet'],
  ['encode_scale_s', 'no operator of its own: one-hot encoding is in features_s, scaling in learn_s'],
])

/** Null where the reason is not the usual one. */
type ColumnReason = (data: PipelineData) => string | null

const oneTrial: ColumnReason = () => 'an interval needs two ok trials of the same size'
const scoreOfNumbers: ColumnReason = ({ model: { accuracy } }) =>
  accuracy === null || accuracy === 'r2'
    ? null
    : `the target is a label: its score is ${accuracy}, in the columns accuracy_metric and accuracy`

const COLUMN_REASONS: ReadonlyMap<string, ColumnReason> = new Map([
  ['latency_s_ci_low', oneTrial],
  ['latency_s_ci_high', oneTrial],
  ['model_accuracy_r2', scoreOfNumbers],
  ['r2', scoreOfNumbers],
  ['model_rmse', scoreOfNumbers],
  ['rmse', scoreOfNumbers],
  ['accuracy_metric', () => 'the workload has no metric of accuracy'],
  [
    'accuracy',
    ({ model: { accuracy } }) => (accuracy === null ? 'the workload has no metric of accuracy' : null),
  ],
  [
    'compute_achieved',
    () => 'the timed steps of each ok trial were too short to tell which share of a core they used',
  ],
])

function chunkEnergyReason({ scenario, trials, chunks }: Measured, profile: Profile): string {
  const estimated = chunkEnergy(scenario.watts ?? null, firstOk(trials))(chunks[0]!) !== null
  return `energy counters are read once per trial, and ${
    estimated ? 'no chunk has what an estimate needs' : withoutEstimate(profile)
  }`
}

function withoutEstimate(profile: Profile): string {
  if (profile === null) return 'no --profile gives the watts for an estimate'
  if (profile.watts === null) return `profile ${profile.name} gives no watts for an estimate`
  return 'this machine does not report what part of it a trial used while others ran; --n-jobs 1 runs one at a time'
}
