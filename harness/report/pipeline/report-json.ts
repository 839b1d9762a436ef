/** `pipeline_report.json` and `run_manifest.json`. Every number in them was measured; null where nothing was measured. */

import type { ChunkLogLine } from '../../../workers/protocol/trial-result.ts'
import type { ComparisonRow } from '../../analyse/comparison.ts'
import { okTrials } from '../../analyse/values.ts'
import { own } from '../../own.ts'
import type { Origin, PipelineOptions } from '../../pipeline/options.ts'
import type { CsvValue, DataTable } from '../section.ts'
import {
  chunkEnergy,
  firstOk,
  type Measured,
  operatorTotals,
  type PipelineData,
  rowsOf,
  stageSeconds,
} from './data.ts'
import { CHUNKS_FILE, chunkLines, OPERATORS_FILE, SIGNIFICANCE_FILE } from './tables.ts'

/** @param notMeasured why a column is empty, by file and column */
export function pipelineJson(
  data: PipelineData,
  options: PipelineOptions,
  notMeasured: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const { manifest, model, batch, streaming, grid, sizes } = data
  return {
    dataset_fingerprint: fingerprint(data),
    reproducibility: reproducibility(data, options),
    batch: modeSection(batch),
    streaming: modeSection(streaming),
    benchmark: {
      benchmark_runs: manifest.sweep.benchmark_runs,
      order: 'rounds of all scenarios, each shuffled by the seed',
      batch_against_streaming: model.comparisons
        .filter(({ a, b }) => a === batch.scenario.id && b === streaming.scenario.id)
        .map(comparison),
      outcomes: model.trials.outcomes,
    },
    constraint_experiment: {
      grid: grid.map((one) => ({
        chunk_size: one.scenario.settings.chunk_size,
        memory_limit_mb: one.scenario.settings.max_memory_mb,
        compute_limit: one.scenario.settings.max_compute_units,
        ...measuredSection(one),
      })),
      operating_points: model.operating.points.map(
        ({ goal, metric, unit, scenario, label, estimate, tied }) => ({
          goal,
          metric,
          unit,
          scenario: label,
          estimate,
          ...(metric === 'energy_j' && {
            energy_source: model.scenarios.find(({ id }) => id === scenario)?.energy_source ?? null,
          }),
          tied: tied.map((one) => one.label),
        }),
      ),
    },
    quality: qualitySection(okInfo(streaming) ?? {}, streaming.chunks),
    scaling: {
      latency_vs_data_size: sizes.map((one) => ({
        rows: rowsOf(one),
        latency_s: one.report.metrics['wall_s'] ?? null,
        throughput_rows_s: one.report.metrics['throughput_rows_s'] ?? null,
      })),
      throughput_vs_memory: [batch, ...grid].map((one) => ({
        scenario: one.report.label,
        peak_memory_mb: one.report.metrics['peak_memory_mb'] ?? null,
        throughput_rows_s: one.report.metrics['throughput_rows_s'] ?? null,
      })),
    },
    not_measured: notMeasured,
    notices: model.notices,
  }
}

/** What was run, on what and with what, and which files came of it. */
export function runManifest(
  data: PipelineData,
  options: PipelineOptions,
  written: readonly string[],
): object {
  const { manifest } = data
  return {
    stint: manifest.stint,
    command: manifest.command,
    started_at: manifest.started_at,
    finished_at: manifest.finished_at,
    resumed: manifest.resumed,
    dataset_fingerprint: fingerprint(data),
    reproducibility: reproducibility(data, options),
    machine: manifest.machine,
    git: manifest.git,
    workload: manifest.workload.name,
    trials: data.model.trials,
    notes: manifest.notes,
    files: written,
  }
}

function fingerprint({ manifest }: PipelineData): object {
  // The sizes are parts of the one file.
  const [{ path, preset, target, fingerprint: print }] = manifest.datasets as [
    (typeof manifest.datasets)[number],
  ]
  return { path, preset, target, ...print }
}

function reproducibility({ manifest, batch, streaming }: PipelineData, options: PipelineOptions): object {
  const { settings, origins, template, profile } = options
  const withOrigin = Object.entries(settings).map(
    ([key, value]): [string, { value: unknown; from: Origin }] => [
      key,
      { value, from: origins[key as keyof typeof origins] },
    ],
  )
  return {
    random_seed: settings.random_seed,
    config_template: template,
    profile,
    settings: Object.fromEntries(withOrigin),
    quality_identical_in_all_runs: {
      batch: identicalQuality(batch, manifest.workload.metrics),
      streaming: identicalQuality(streaming, manifest.workload.metrics),
    },
    node: manifest.machine.node,
    v8: manifest.machine.v8,
  }
}

/** Whether all deterministic metrics have the same bits in every ok trial; null with fewer than two. */
function identicalQuality(
  { trials }: Measured,
  metrics: PipelineData['manifest']['workload']['metrics'],
): boolean | null {
  const ok = okTrials(trials)
  if (ok.length < 2) return null
  const names = Object.keys(metrics).filter((name) => metrics[name]!.kind === 'deterministic')
  return ok.every((trial) =>
    names.every((name) => Object.is(own(trial.metrics, name), own(ok[0]!.metrics, name))),
  )
}

function modeSection(one: Measured): object {
  return { settings: one.scenario.settings, params: one.scenario.params, ...measuredSection(one) }
}

function measuredSection({ report, trials, chunks }: Measured): object {
  const known = Object.entries(report.metrics).filter(([, estimate]) => estimate !== null)
  return {
    trials: trials.length,
    outcomes: report.outcomes,
    failures: report.failures,
    metrics: Object.fromEntries(known),
    preprocessing_s: stageSeconds(chunks, (stage) => stage !== 'training'),
    training_s: stageSeconds(chunks, (stage) => stage === 'training'),
    operators_s: Object.fromEntries(
      operatorTotals(chunks).map(({ operator, seconds }) => [operator, seconds]),
    ),
    caps: { compute: report.compute, memory: report.memory },
    energy_source: report.energy_source,
    info: okInfo({ trials }),
  }
}

function okInfo({ trials }: Pick<Measured, 'trials'>): Record<string, unknown> | null {
  return firstOk(trials)?.info ?? null
}

function comparison(row: ComparisonRow): object {
  const { metric, unit, mean_a, mean_b, difference, ratio, ratio_ci_low, ratio_ci_high } = row
  const { n_a, n_b, p, p_adjusted, hedges_g, verdict } = row
  return {
    metric,
    unit,
    batch: { mean: mean_a, n: n_a },
    streaming: { mean: mean_b, n: n_b },
    difference,
    ratio: { value: ratio, low: ratio_ci_low, high: ratio_ci_high },
    p,
    p_adjusted,
    hedges_g,
    verdict,
  }
}

// ---------------------------------------------------------------- quality: what a trial reports of its data, under the headings of the original

/** Streams that are no feature: how they move is drift over time. */
const OVER_TIME = ['target', 'error']

export function qualitySection(
  info: Readonly<Record<string, unknown>>,
  chunks: readonly ChunkLogLine[],
): object {
  const quality = isObject(info['quality']) ? info['quality'] : null
  const columns = quality !== null && isObject(quality['columns']) ? quality['columns'] : null
  const drift = isObject(info['drift']) ? info['drift'] : null
  return {
    rows: info['rows'] ?? null,
    rows_without_target: info['rows_without_target'] ?? null,
    rows_dropped: info['rows_dropped'] ?? null,
    duplicate_rows: quality?.['duplicate_rows'] ?? null,
    bad_values: info['bad_values'] ?? null,
    imputed: info['imputed'] ?? null,
    schema: { columns: info['columns'] ?? null, statistics: columns },
    missing_ratios: columns === null ? null : fieldOf(columns, 'missing_ratio'),
    outlier_rate: columns === null ? null : outlierRate(columns, quality!['rows']),
    outlier_ratios: columns === null ? null : fieldOf(columns, 'outlier_ratio'),
    collinear_features: info['collinear_features'] ?? null,
    drift: {
      chunks_with_alarms: drift === null ? null : chunksWithAlarms(chunks),
      untested: info['drift_untested'] ?? null,
    },
    per_feature_drift: drift === null ? null : streams(drift, (name) => !OVER_TIME.includes(name)),
    temporal_drift: drift === null ? null : streams(drift, (name) => OVER_TIME.includes(name)),
  }
}

/** Of the columns that have the field. */
function fieldOf(columns: Readonly<Record<string, unknown>>, field: string): Record<string, unknown> {
  const having = Object.entries(columns).flatMap(([name, column]): [string, unknown][] =>
    isObject(column) && Object.hasOwn(column, field) ? [[name, column[field]]] : [],
  )
  return Object.fromEntries(having)
}

/** Outliers over all present numbers, from the counts behind each column's ratios. */
function outlierRate(columns: Readonly<Record<string, unknown>>, rows: unknown): number | null {
  if (typeof rows !== 'number') return null
  let outliers = 0
  let present = 0
  for (const column of Object.values(columns)) {
    if (!isObject(column) || typeof column['outlier_ratio'] !== 'number') continue
    const values = Math.round((1 - (column['missing_ratio'] as number)) * rows)
    outliers += Math.round(column['outlier_ratio'] * values)
    present += values
  }
  return present === 0 ? null : outliers / present
}

function streams(
  drift: Readonly<Record<string, unknown>>,
  belongs: (stream: string) => boolean,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(drift).filter(([name]) => belongs(name)))
}

function chunksWithAlarms(chunks: readonly ChunkLogLine[]): number[] {
  const alarms = ({ detail }: ChunkLogLine) => detail?.['drift']
  return chunks.flatMap((chunk) => {
    const drift = alarms(chunk)
    return Array.isArray(drift) && drift.length > 0 ? [chunk.chunk] : []
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// ---------------------------------------------------------------- why a column is empty: such a cell is never a 0 or a guess

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
