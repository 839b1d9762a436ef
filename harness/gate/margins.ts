/** Which metrics are gated, and how much worse each may be. */
import type { Metric } from '../metrics.ts'
import { own } from '../own.ts'
import type { GateSettings } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'

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
  const named = own(settings.margins, metric.name)
  if (named !== undefined) return named
  if (metric.kind === 'deterministic') return SCORE_MARGIN
  if (metric.name === 'peak_memory_mb') return MEMORY_MARGIN
  if (metric.name === 'energy_j') return general ?? ENERGY_MARGIN
  return general ?? TIME_MARGIN
}

/**
 * The workload's own metrics that are compared exactly: deterministic, with a better and a worse; and those without,
 * such as a checksum, where the sweep says how much they may change.
 */
export function scoreMetrics(table: ReadonlyMap<string, Metric>, { margins }: GateSettings): Metric[] {
  return [...table.values()].filter(
    ({ kind, direction, name }) =>
      kind === 'deterministic' && (direction !== 'neutral' || Object.hasOwn(margins, name)),
  )
}

/** @throws {UserError} where a margin is given for what no gate tests, and would be taken for a promise */
export function refuseIdleMargins(table: ReadonlyMap<string, Metric>, { margins }: GateSettings): void {
  const exact = [...table.values()].filter(({ kind }) => kind === 'deterministic').map(({ name }) => name)
  const tested = [...GATED_METRICS, ...exact]
  const idle = Object.keys(margins).find((name) => !tested.includes(name))
  if (idle === undefined) return
  throw new UserError(
    `gate.margins names ${idle}, which a gate does not test`,
    `it tests ${tested.join(', ')}; leave the others out`,
  )
}
