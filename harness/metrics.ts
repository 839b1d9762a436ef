/**
 * Every metric that the harness itself measures: its unit, which way is better, and how people read it.
 * A workload's own metrics come from its `describe()` and join this table at run time.
 */

import type { TrialResult } from '../workers/protocol/trial-result.ts'
import type { MetricInfo } from '../workers/workload.ts'

export interface Metric extends MetricInfo {
  name: string
  /** Scale on which trials are compared: times and rates vary by a factor, sizes and scores by an amount. */
  scale: 'log' | 'natural'
  /** What it is about, where one run's trials say so: the label that F1 is of. */
  of?: string
  /** A time of whole chunks: says nothing where the chunks of one side hold more rows than those of the other. */
  per_chunk?: true
  /** The least and the most that it can be; absent: not known. */
  least?: number
  most?: number
}

type Entry = Omit<Metric, 'name' | 'kind'>

const time = (unit: string, description: string): Entry => ({
  unit,
  direction: 'lower_is_better',
  scale: 'log',
  description,
})
const chunkTime = (description: string): Entry => ({ ...time('ms', description), per_chunk: true })
const memory = (description: string): Entry => ({
  unit: 'MB',
  direction: 'lower_is_better',
  scale: 'natural',
  description,
})
const neutral = (unit: string, description: string): Entry => ({
  unit,
  direction: 'neutral',
  scale: 'natural',
  description,
})

const MEASURED: Record<string, Entry> = {
  latency_mean_ms: chunkTime('mean time from the start of a chunk until the next may start'),
  latency_p50_ms: chunkTime('median chunk latency, throttling included'),
  latency_p90_ms: chunkTime('90th percentile of chunk latency'),
  latency_p95_ms: chunkTime('95th percentile of chunk latency'),
  latency_p99_ms: chunkTime('99th percentile of chunk latency'),
  latency_max_ms: chunkTime('largest chunk latency'),
  latency_per_row_us: time('us', 'total latency over total rows'),
  service_mean_ms: chunkTime("mean of the step's own time"),
  service_p50_ms: chunkTime("median of the step's own time"),
  wall_s: time('s', 'first timed step to last, finish excluded'),
  cpu_s: time('s', 'CPU time of the trial process over the timed steps'),
  startup_ms: time('ms', "opening the workload's measured instance"),
  finish_ms: time('ms', "the measured instance's `finish()`, after the last timed step"),
  cold_first_chunk_ms: time(
    'ms',
    'first chunk of the warm-up instance: compiler cold, compute cap not yet in force',
  ),
  command_round_trip_ms: time(
    'ms',
    'a request that the program of a command workload has nothing to do for: median of 25 before the timed steps',
  ),
  throughput_rows_s: {
    unit: 'rows/s',
    direction: 'higher_is_better',
    scale: 'log',
    description: 'rows handled over wall time',
  },
  peak_memory_mb: memory('largest reading of memory above an idle worker'),
  peak_heap_mb: memory(
    "largest used V8 heap of the worker's isolate between steps, an idle worker's included",
  ),
  idle_worker_mb: neutral(
    'MB',
    'heap and external memory of the idle worker, above which the memory of a workload counts',
  ),
  peak_external_mb: memory('largest external memory (typed arrays, Buffers) between steps'),
  peak_rss_mb: memory('largest resident size of the trial process'),
  group_peak_mb: neutral(
    'MB',
    "most that the kernel charged to the trial's cgroup, which its process enters while it starts: much of Node itself, cached files and children among it; absent without one",
  ),
  group_cpu_wait_ms: neutral(
    'ms',
    "time in which a process of the trial's cgroup waited for a core or its quota, by the kernel's pressure count (PSI); absent where it has none",
  ),
  group_memory_wait_ms: neutral('ms', 'the same, for memory that the kernel had to free first'),
  group_io_wait_ms: neutral('ms', 'the same, for a disk'),
  gc_count: { unit: '', direction: 'lower_is_better', scale: 'natural', description: 'garbage collections' },
  gc_pause_ms: {
    unit: 'ms',
    direction: 'lower_is_better',
    scale: 'natural',
    description: 'total pause of garbage collections',
  },
  event_loop_delay_p99_ms: time('ms', 'how long the event loop kept a timer waiting, 99th percentile'),
  event_loop_delay_max_ms: time('ms', 'the same, longest'),
  io_read_mb: neutral('MB', 'bytes that the trial process read, cached or not'),
  io_written_mb: neutral('MB', 'bytes that the trial process wrote'),
  energy_j: {
    unit: 'J',
    direction: 'lower_is_better',
    scale: 'log',
    description: 'energy of the timed steps',
  },
  event_latency_mean_ms: time(
    'ms',
    'realtime: mean time from the arrival of an event to its answer, of answered events',
  ),
  event_latency_p50_ms: time('ms', 'realtime: median of it, to within 0.4%, as all percentiles of it'),
  event_latency_p90_ms: time('ms', 'realtime: 90th percentile of event latency'),
  event_latency_p95_ms: time('ms', 'realtime: 95th percentile of event latency'),
  event_latency_p99_ms: time('ms', 'realtime: 99th percentile of event latency'),
  event_latency_p99_9_ms: time('ms', 'realtime: 99.9th percentile of event latency'),
  event_latency_max_ms: time('ms', 'realtime: largest event latency, exact'),
  event_wait_mean_ms: time(
    'ms',
    'realtime: mean time from the arrival of an event to the start of its chunk',
  ),
  goodput: {
    unit: '',
    most: 1,
    direction: 'higher_is_better',
    scale: 'natural',
    description: 'realtime: share of the events that were answered within deadline_ms',
  },
  answered_share: {
    unit: '',
    most: 1,
    direction: 'higher_is_better',
    scale: 'natural',
    description: 'realtime: share of the events that were answered',
  },
  arrived_events: neutral('', 'realtime: events that arrived: answered, shed and still waiting at the end'),
  shed_events: {
    unit: '',
    direction: 'lower_is_better',
    scale: 'natural',
    description: 'realtime: events given up because the queue was full',
  },
  waiting_events: {
    unit: '',
    direction: 'lower_is_better',
    scale: 'natural',
    description: 'realtime: events that had arrived and were not answered at the end',
  },
  untrained_events: {
    unit: '',
    direction: 'lower_is_better',
    scale: 'natural',
    description: 'realtime: events handled while the queue was full, to be answered and not learned',
  },
  backlog_max_rows: {
    unit: 'rows',
    direction: 'lower_is_better',
    scale: 'natural',
    description: 'realtime: most events that waited when a chunk began',
  },
  backlog_slope_rows_s: {
    unit: 'rows/s',
    direction: 'lower_is_better',
    scale: 'natural',
    signed: true,
    description: 'realtime: least-squares slope of the backlog over time',
  },
  offered_rows_s: neutral('rows/s', 'realtime: events that arrived, per second'),
  achieved_rows_s: {
    unit: 'rows/s',
    direction: 'higher_is_better',
    scale: 'log',
    description: 'realtime: events answered, per second',
  },
  sustained: {
    unit: '',
    most: 1,
    direction: 'higher_is_better',
    scale: 'natural',
    description: 'realtime: 1 where no event was shed and the backlog did not grow, else 0',
  },
  rows: neutral('rows', 'rows handled in timed steps'),
  chunks: neutral('', 'timed steps'),
}

export const isHarnessMetric = (name: string): boolean => Object.hasOwn(MEASURED, name)

/** What is known of a metric that a workload returns and does not describe. */
const UNDECLARED: Omit<Metric, 'name'> = {
  ...neutral('', 'returned by the workload, which does not describe it'),
  kind: 'measured',
}

/** The harness's own metrics, in the order in which tables show them. */
export const HARNESS_METRICS: readonly Metric[] = Object.entries(MEASURED).map(([name, entry]) => ({
  name,
  kind: 'measured',
  // Times, sizes, counts and rates.
  ...(entry.signed !== true && { least: 0 }),
  ...entry,
}))

/**
 * The table for one run: the harness's metrics, then the workload's own on the natural scale, those that it declares
 * first.
 * @param trials whose metrics are shown though nothing is declared of them
 */
export function metricTable(
  workload: Record<string, MetricInfo>,
  trials: readonly TrialResult[] = [],
): Map<string, Metric> {
  const table = new Map(HARNESS_METRICS.map((metric) => [metric.name, metric]))
  for (const [name, info] of Object.entries(workload)) {
    if (!table.has(name)) table.set(name, { name, scale: 'natural', ...info })
  }
  for (const trial of trials) {
    if (trial.outcome !== 'ok') continue
    for (const [name, value] of Object.entries(trial.metrics)) {
      if (typeof value === 'number' && !table.has(name)) table.set(name, { name, ...UNDECLARED })
    }
  }
  return table
}
