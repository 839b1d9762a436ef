/** The tables and lines of `stint pipeline`: the original's columns first, what is measured beside them after. */
import type { ChunkLogLine } from '../../../workers/protocol/trial-result.ts'
import type { Estimate } from '../../analyse/descriptive.ts'
import type { CsvValue, DataTable } from '../section.ts'
import { comparisonTable } from '../tables.ts'
import {
  chunkEnergy,
  firstOk,
  type Measured,
  operatorsIn,
  type PipelineData,
  rowsOf,
  type stageOf,
  stageSeconds,
} from './data.ts'

export const OPERATORS_FILE = 'profiles/operator_profile.csv'
export const SIGNIFICANCE_FILE = 'benchmarks/significance_tests.csv'
export const CHUNKS_FILE = 'reports/streaming_chunks.jsonl'

const BYTES_PER_MB = 1024 * 1024

type Column<Row> = readonly [name: string, value: (row: Row) => CsvValue]

function tableOf<Row>(file: string, rows: readonly Row[], columns: readonly Column<Row>[]): DataTable {
  return { file, columns: columns.map(([name, value]) => [name, rows.map(value)] as const) }
}

const mean = (one: Measured, metric: string): number | null => estimate(one, metric)?.value ?? null
const estimate = (one: Measured, metric: string): Estimate | null => one.report.metrics[metric] ?? null
const okTrials = ({ report }: Measured): number => report.outcomes.ok
const outcomes = ({ report }: Measured): string =>
  Object.entries(report.outcomes)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(';')

/** A number that the workload reported with its first ok trial. */
function fact(one: Measured, name: string): number | null {
  const value = firstOk(one.trials)?.info[name]
  return typeof value === 'number' ? value : null
}

/** Where the target is a label, R2 is empty and this is not. */
function accuracyColumns(accuracy: string | null): Column<Measured>[] {
  return [
    ['accuracy_metric', () => accuracy],
    ['accuracy', (one) => (accuracy === null ? null : mean(one, accuracy))],
  ]
}

const energy: Column<Measured>[] = [
  ['energy_j', (one) => mean(one, 'energy_j')],
  ['energy_source', ({ report }) => report.energy_source],
]

const whatRan: Column<Measured>[] = [
  ['trials_ok', okTrials],
  ['outcomes', outcomes],
  ['chunk_size_start', (one) => fact(one, 'chunk_size_start') ?? one.scenario.settings.chunk_size],
  ['chunk_size_largest', (one) => fact(one, 'chunk_size_largest') ?? one.scenario.settings.chunk_size],
  ['compute_achieved', ({ report }) => report.compute.achieved?.value],
  ['compute_mechanism', ({ report }) => report.compute.mechanisms.join(';')],
  [
    'caps_enforced',
    ({ report: { trials, compute, memory } }) =>
      trials === 0 ? null : compute.enforced !== false && memory.enforced !== false,
  ],
  ['scenario', ({ scenario }) => scenario.id],
]

export function pipelineTables(data: PipelineData): DataTable[] {
  return [
    operatorProfileTable(data),
    constraintTable(data),
    batchAgainstStreamingTable(data),
    dataSizeTable(data),
    throughputMemoryTable(data),
    resourceAccuracyTable(data),
  ]
}

/** One row per point of the grid. */
function constraintTable({ grid, model }: PipelineData): DataTable {
  return tableOf('benchmarks/constraint_experiment.csv', grid, [
    ['chunk_size', ({ scenario }) => scenario.settings.chunk_size],
    ['memory_limit_mb', ({ scenario }) => scenario.settings.max_memory_mb],
    ['compute_limit', ({ scenario }) => scenario.settings.max_compute_units],
    ['preprocessing_latency_s', ({ chunks }) => stageSeconds(chunks, (stage) => stage !== 'training')],
    ['peak_memory_mb', (one) => mean(one, 'peak_memory_mb')],
    ['training_time_s', ({ chunks }) => stageSeconds(chunks, (stage) => stage === 'training')],
    ['model_accuracy_r2', (one) => mean(one, 'r2')],
    ['model_rmse', (one) => mean(one, 'rmse')],
    ...accuracyColumns(model.accuracy),
    ['wall_s', (one) => mean(one, 'wall_s')],
    ['latency_mean_ms', (one) => mean(one, 'latency_mean_ms')],
    ['latency_p50_ms', (one) => mean(one, 'latency_p50_ms')],
    ['throughput_rows_s', (one) => mean(one, 'throughput_rows_s')],
    ...energy,
    ...whatRan,
  ])
}

/** Batch (a) against streaming (b). */
function batchAgainstStreamingTable({ model, batch, streaming }: PipelineData): DataTable {
  return comparisonTable(
    model.comparisons.filter(({ a, b }) => a === batch.scenario.id && b === streaming.scenario.id),
    SIGNIFICANCE_FILE,
  )
}

function dataSizeTable({ sizes }: PipelineData): DataTable {
  return tableOf('benchmarks/latency_vs_data_size.csv', sizes, [
    ['rows', rowsOf],
    ['latency_s', (one) => mean(one, 'wall_s')],
    ['latency_s_ci_low', (one) => estimate(one, 'wall_s')?.low],
    ['latency_s_ci_high', (one) => estimate(one, 'wall_s')?.high],
    ['latency_mean_ms', (one) => mean(one, 'latency_mean_ms')],
    ['throughput_rows_s', (one) => mean(one, 'throughput_rows_s')],
    ['peak_memory_mb', (one) => mean(one, 'peak_memory_mb')],
    ['trials_ok', okTrials],
  ])
}

function throughputMemoryTable({ batch, grid }: PipelineData): DataTable {
  return tableOf(
    'benchmarks/throughput_vs_memory.csv',
    [batch, ...grid],
    [
      ['peak_memory_mb', (one) => mean(one, 'peak_memory_mb')],
      ['throughput_rows_s', (one) => mean(one, 'throughput_rows_s')],
      ['mode', ({ scenario }) => scenario.settings.mode],
      ['chunk_size', ({ scenario }) => scenario.settings.chunk_size],
      ['memory_limit_mb', ({ scenario }) => scenario.settings.max_memory_mb],
      ['compute_limit', ({ scenario }) => scenario.settings.max_compute_units],
      ...whatRan,
    ],
  )
}

function resourceAccuracyTable({ batch, streaming, model }: PipelineData): DataTable {
  return tableOf(
    'benchmarks/resource_vs_accuracy.csv',
    [batch, streaming],
    [
      ['mode', ({ scenario }) => scenario.settings.mode],
      ['peak_memory_mb', (one) => mean(one, 'peak_memory_mb')],
      ['r2', (one) => mean(one, 'r2')],
      ['rmse', (one) => mean(one, 'rmse')],
      ...accuracyColumns(model.accuracy),
      ['cpu_s', (one) => mean(one, 'cpu_s')],
      ['wall_s', (one) => mean(one, 'wall_s')],
      ...energy,
      ['trials_ok', okTrials],
    ],
  )
}

/**
 * One row per chunk of the first streaming trial. What the original calls selection and scaling is no operator here
 * (nothing is selected by the target, and scaling is part of the learner), so that these columns are empty.
 */
function operatorProfileTable({ streaming: { chunks } }: PipelineData): DataTable {
  const seconds =
    (stage: ReturnType<typeof stageOf>) =>
    (chunk: (typeof chunks)[number]): number | null =>
      stageSeconds([chunk], (one) => one === stage)
  return tableOf(OPERATORS_FILE, chunks, [
    ['chunk_id', ({ chunk }) => chunk],
    ['preprocess_s', seconds('preprocess')],
    ['feature_engineering_s', seconds('feature_engineering')],
    ['feature_selection_s', () => null],
    ['encode_scale_s', () => null],
    [
      'estimated_input_bandwidth_mb_s',
      ({ bytes, latency_ms }) =>
        bytes === undefined || latency_ms <= 0 ? null : bytes / BYTES_PER_MB / (latency_ms / 1000),
    ],
    ['input_bytes', ({ bytes }) => bytes],
    ['rows', ({ rows }) => rows],
    ['latency_s', ({ latency_ms }) => latency_ms / 1000],
    ...operatorsIn(chunks).map(
      (operator): Column<(typeof chunks)[number]> => [
        `${operator}_s`,
        ({ operators_ms }) => {
          const ms = operators_ms?.[operator]
          return ms === undefined ? null : ms / 1000
        },
      ],
    ),
  ])
}

// ---------------------------------------------------------------- lines of chunks

/** The lines of `CHUNKS_FILE`: one per chunk of the first streaming trial; null where nothing was measured. */
export function chunkLines({ streaming }: PipelineData): Record<string, unknown>[] {
  const energyOf = chunkEnergy(streaming.scenario.watts ?? null, firstOk(streaming.trials))
  return streaming.chunks.map((chunk) => lineOf(chunk, energyOf(chunk)))
}

function lineOf(chunk: ChunkLogLine, joules: number | null): Record<string, unknown> {
  const { control, spilled_bytes, drift, quality, ...others } = chunk.detail ?? {}
  const retries = (control as { retries?: number } | undefined)?.retries
  return {
    chunk_id: chunk.chunk,
    first_row: chunk.first_row,
    rows: chunk.rows,
    bytes: chunk.bytes ?? null,
    operators_ms: chunk.operators_ms ?? null,
    latency_ms: chunk.latency_ms,
    service_ms: chunk.service_ms,
    cpu_ms: chunk.cpu_ms,
    throughput_rows_s: chunk.latency_ms > 0 ? (chunk.rows * 1000) / chunk.latency_ms : null,
    memory_mb: chunk.heap_mb + chunk.external_mb,
    heap_mb: chunk.heap_mb,
    external_mb: chunk.external_mb,
    energy_j: joules,
    // Counters are read once per trial.
    energy_source: joules === null ? null : 'estimate',
    retries: retries ?? 0,
    control: control ?? null,
    spilled_bytes: spilled_bytes ?? 0,
    drift: drift ?? null,
    quality: quality ?? null,
    ...others,
  }
}
