/** Which metrics are gated, and how much worse each may be. */
import { isHarnessMetric, type Metric } from '../metrics.ts'
import { didYouMean, METRICS_LISTED, namesHint } from '../nearest.ts'
import { own } from '../own.ts'
import type { GateSettings } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import type { Rules } from './types.ts'

/** What is known of a metric that can be gated. */
export interface Gated {
  name: string
  /** `duets`: both versions in turns; `pairs`: whole trials of one version each. */
  kind: 'duets' | 'pairs'
  /** The change for the worse that does not matter, as a share. */
  margin: number
  /** `--margin` replaces it. */
  general?: true
  /** Readings of identical trials differ by so much, in the metric's unit, however small they are. */
  resolution?: number
  /** Tested though `gate.metrics` does not name it. */
  always: boolean
}

const PER_ROW = 'latency_per_row_us'

/** Measured by the harness, in the order of the answer. */
const GATED: readonly Gated[] = [
  { name: 'latency_mean_ms', kind: 'duets', margin: 0.02, general: true, always: true },
  // Where the versions cut the stream into chunks of other sizes.
  { name: PER_ROW, kind: 'pairs', margin: 0.02, general: true, always: false },
  { name: 'cpu_s', kind: 'duets', margin: 0.02, general: true, always: true },
  { name: 'throughput_rows_s', kind: 'duets', margin: 0.02, general: true, always: true },
  { name: 'latency_p50_ms', kind: 'duets', margin: 0.05, always: false },
  { name: 'latency_p95_ms', kind: 'duets', margin: 0.1, always: false },
  // A hundredth of the chunks are few: a collection or an interrupt more moves it by some per cent.
  { name: 'latency_p99_ms', kind: 'duets', margin: 0.25, always: true },
  { name: 'latency_max_ms', kind: 'duets', margin: 0.5, always: false },
  { name: 'startup_ms', kind: 'pairs', margin: 0.25, resolution: 25, always: true },
  { name: 'finish_ms', kind: 'pairs', margin: 0.25, resolution: 25, always: true },
  // One collection earlier or later moves a peak by what V8's young generation holds at first.
  { name: 'peak_memory_mb', kind: 'pairs', margin: 0.1, resolution: 2, always: true },
  { name: 'energy_j', kind: 'pairs', margin: 0.05, general: true, always: true },
]

/** Of a program, whose CPU time is read once a trial: from one trial to the next it varies by some per cent. */
export const CPU_OF_PROGRAMS: Gated = {
  name: 'cpu_s',
  kind: 'pairs',
  margin: 0.1,
  general: true,
  always: true,
}

/** Of a metric that the workload measures itself, or that only `gate.metrics` names. */
const OTHER_MARGIN = 0.1
/** Deterministic metrics have no noise: the margin says what is worth stopping a change for. An amount of what may be negative. */
const SCORE_MARGIN = 0.01

/** Of `latency_mean_ms`, without which no gate passes. */
export const ESSENTIAL = 'latency_mean_ms'

/** What the gate tests, in the order of the answer; a metric that was not measured has no test all the same. */
export function gatedMetrics(table: ReadonlyMap<string, Metric>, { metrics }: GateSettings): Gated[] {
  const chosen = (name: string, always: boolean) => (metrics === null ? always : metrics.includes(name))
  const named = new Set(GATED.map(({ name }) => name))
  const others = [...table.values()]
    .filter(({ name, kind, direction }) => kind === 'measured' && direction !== 'neutral' && !named.has(name))
    .map(({ name }): Gated => ({ name, kind: 'pairs', margin: OTHER_MARGIN, always: !isHarnessMetric(name) }))
  return [...GATED, ...others].filter(
    ({ name, always }) => name === ESSENTIAL || name === 'cpu_s' || chosen(name, always),
  )
}

/**
 * The same for versions whose chunks differ in size: nothing is played chunk by chunk, and latency is that of a row.
 */
export function gatedInWhole(gated: readonly Gated[]): Gated[] {
  const perRow = GATED.find(({ name }) => name === PER_ROW)!
  const rest = gated.filter(({ name }) => !/^latency_/.test(name))
  return [perRow, ...rest.map((one): Gated => ({ ...one, kind: 'pairs' }))]
}

/** True for the one metric without which no gate passes. */
export function isEssential(name: string): boolean {
  return name === ESSENTIAL || name === PER_ROW
}

/** Metrics with a better and a worse that this gate does not look at. */
export function unchosenMetrics(table: ReadonlyMap<string, Metric>, settings: GateSettings): string[] {
  const chosen = new Set(gatedMetrics(table, settings).map(({ name }) => name))
  return GATED.map(({ name }) => name).filter(
    (name) => !chosen.has(name) && name !== 'energy_j' && name !== PER_ROW,
  )
}

/**
 * The change for the worse that does not matter, as a share.
 * @param general from the command line
 */
export function marginOf(metric: Metric, settings: GateSettings, general: number | null): number {
  const named = own(settings.margins, metric.name)
  if (named !== undefined) return named
  if (metric.kind === 'deterministic') return SCORE_MARGIN
  const gated = GATED.find(({ name }) => name === metric.name)
  if (gated === undefined) return OTHER_MARGIN
  return gated.general ? (general ?? gated.margin) : gated.margin
}

/**
 * How much worse a metric of one scenario may be, with a change that was accepted for a time.
 * @param least where nobody says how much
 */
export function allowanceOf(
  metric: Metric,
  scenario: { id: string; label: string },
  { settings, margin }: Pick<Rules, 'settings' | 'margin'>,
  least = 0,
): { margin: number; note: string | null } {
  const isSaid = margin !== null || own(settings.margins, metric.name) !== undefined
  const usual = Math.max(marginOf(metric, settings, margin), isSaid ? 0 : least)
  const accepted = settings.accept.find(
    (one) =>
      one.metric === metric.name &&
      (one.scenario === null || one.scenario === scenario.id || one.scenario === scenario.label),
  )
  if (accepted === undefined || accepted.to <= usual) return { margin: usual, note: null }
  return { margin: accepted.to, note: `accepted until ${short(accepted.until)}: ${accepted.why}` }
}

/** A whole hash as people write it. */
const short = (until: string): string => (/^[0-9a-f]{40}$/.test(until) ? until.slice(0, 7) : until)

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

/** @throws {UserError} where a metric or margin is given for what no gate tests, and would be taken for a promise */
export function refuseUntestable(table: ReadonlyMap<string, Metric>, settings: GateSettings): void {
  const testable = [...table.values()].filter(
    ({ kind, direction }) => kind === 'deterministic' || direction !== 'neutral',
  )
  const known = new Set(testable.map(({ name }) => name))
  for (const name of settings.metrics ?? []) {
    if (known.has(name)) continue
    throw new UserError(
      `gate.metrics names ${name}, which ${table.has(name) ? 'has no better and worse' : 'nothing measures'}${didYouMean(name, known)}`,
      namesHint('metrics', name, known, METRICS_LISTED),
    )
  }
  const tested = new Set([
    ...gatedMetrics(table, settings).map(({ name }) => name),
    ...[...table.values()].filter(({ kind }) => kind === 'deterministic').map(({ name }) => name),
  ])
  const idle = Object.keys(settings.margins).find((name) => !tested.has(name))
  if (idle === undefined) return
  throw new UserError(
    `gate.margins names ${idle}, which this gate does not test`,
    known.has(idle)
      ? `add it to gate.metrics: [${[...tested].filter((name) => table.get(name)?.kind === 'measured').join(', ')}, ${idle}]`
      : `it tests ${[...tested].join(', ')}; leave the others out`,
  )
}
