/** Which metrics are gated, and how much worse each may be. */
import type { Metric } from '../metrics.ts'
import type { GateSettings } from '../sweep/types.ts'

/** Times and rates. */
const TIME_MARGIN = 0.02
/** A fraction of a page table or one collection earlier or later moves a peak by some per cent. */
const MEMORY_MARGIN = 0.1
/** Scores have no noise: the margin says what is worth stopping a change for. */
const SCORE_MARGIN = 0.01
const ENERGY_MARGIN = 0.05

/** Readings of memory differ by so much between identical trials, MB, however small the peak. */
export const MEMORY_RESOLUTION_MB = 1

/** Measured by the harness, in the order of the answer. */
export const GATED_METRICS = [
  'latency_mean_ms',
  'cpu_s',
  'throughput_rows_s',
  'peak_memory_mb',
  'energy_j',
] as const

/**
 * The change for the worse that does not matter, as a share.
 * @param general from the command line: for every metric that the sweep does not name, and that has noise
 */
export function marginOf(metric: Metric, settings: GateSettings, general: number | null): number {
  const named = settings.margins[metric.name]
  if (named !== undefined) return named
  if (metric.kind === 'deterministic') return SCORE_MARGIN
  if (metric.name === 'peak_memory_mb') return MEMORY_MARGIN
  if (metric.name === 'energy_j') return general ?? ENERGY_MARGIN
  return general ?? TIME_MARGIN
}

/** The workload's own metrics that are compared exactly: deterministic, with a better and a worse. */
export function scoreMetrics(table: ReadonlyMap<string, Metric>): Metric[] {
  return [...table.values()].filter(
    ({ kind, direction }) => kind === 'deterministic' && direction !== 'neutral',
  )
}
