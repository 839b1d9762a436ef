/**
 * Which latency can be compared: that of a chunk; where chunks hold different numbers of rows, that of a row; and that of
 * an event where events arrive on their own clock, since the size of a chunk is then the load's doing.
 */
import type { OkTrial, TrialResult } from '../../workers/protocol/trial-result.ts'
import { HARNESS_METRICS, type Metric } from '../metrics.ts'
import { mean } from './descriptive.ts'
import { okTrials } from './values.ts'

/** The mean and not the median: a quota's pauses fall on few chunks, and the median does not see them. */
const PER_CHUNK = metricNamed('latency_mean_ms')
const PER_ROW = metricNamed('latency_per_row_us')
/** The tail is what a deadline is about. */
const PER_EVENT = metricNamed('event_latency_p99_ms')

/** The last chunk of a stream is smaller, so that equal settings give mean sizes that differ a little. */
const SAME_SIZE = 1.1

/** Means over scenarios, in rows per chunk. */
export interface ChunkSizes {
  least: number
  most: number
}

/**
 * The metric by which the latency of all these groups of trials is compared, and the sizes of their chunks where they
 * differ. Groups that do not know their chunks have no part in it.
 */
export function comparableLatency(groups: Iterable<readonly TrialResult[]>): {
  metric: Metric
  differing: ChunkSizes | null
} {
  const all = [...groups].map(okTrials).filter((trials) => trials.length > 0)
  if (all.length > 0 && all.every((trials) => trials.every(isOfEvents)))
    return { metric: PER_EVENT, differing: null }
  const sizes = all.map(rowsPerChunk).filter((size) => size !== null)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  return sizes.length > 0 && most > least * SAME_SIZE
    ? { metric: PER_ROW, differing: { least, most } }
    : { metric: PER_CHUNK, differing: null }
}

/**
 * As measured, since memory and compute caps, `adaptive_chunk_resize` and the end of the data make chunks smaller than
 * `chunk_size`. Null without an ok trial that knows it.
 */
function rowsPerChunk(trials: readonly TrialResult[]): number | null {
  const sizes = okTrials(trials)
    .map(({ metrics: { rows, chunks } }) => (rows && chunks ? rows / chunks : null))
    .filter((size) => size !== null)
  return sizes.length === 0 ? null : mean(sizes)
}

const isOfEvents = ({ metrics }: OkTrial): boolean => Object.hasOwn(metrics, PER_EVENT.name)

function metricNamed(name: string): Metric {
  return HARNESS_METRICS.find((metric) => metric.name === name)!
}
