/** How much of each metric's variance the axes of a sweep explain, alone and in pairs. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import type { Scenario } from '../sweep/types.ts'
import { anova, type Cell } from './anova.ts'
import { mean } from './descriptive.ts'
import { seedKeys } from './seeds.ts'
import { groupByScenario, metricValues, usableValues } from './values.ts'

export interface AxisEffect {
  /** One axis, or two for their interaction. */
  axes: string[]
  df: number
  /** Omega squared, never below 0; of a metric without noise, the share itself. */
  share: number
  /** 95% interval; null where it cannot be had. */
  low: number | null
  high: number | null
}

export interface MetricSensitivity {
  metric: string
  scale: Metric['scale']
  /** Trials that entered; scenarios for a metric without noise. */
  n: number
  /** Main effects in the order of the axes, then interactions. */
  effects: AxisEffect[]
  /** Share that none of them explains: noise, and interactions of three axes or more. */
  rest: number
  /** Whether the metric has no noise, so that shares have no error. */
  exact: boolean
  interactions: boolean
}

export interface Sensitivity {
  /** Those that have effects of their own. */
  axes: string[]
  /** Axes whose values another axis determines, such as the caps that a profile sets. */
  determined: { axis: string; by: string }[]
  /** Settings that seed, whose values are repetitions. */
  seeds: string[]
  metrics: MetricSensitivity[]
}

/**
 * An analysis of variance for each metric that varies, over the ok trials; log values where the metric says so. A metric
 * without noise counts once per scenario. Null where fewer than two axes have effects of their own.
 */
export function sensitivity(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  axes: readonly string[]
  metrics: readonly Metric[]
}): Sensitivity | null {
  const { scenarios } = input
  const seeds = seedKeys(scenarios)
  const trials = groupByScenario(input.trials)
  const seen = scenarios.filter(({ id }) => trials.get(id)?.some(({ outcome }) => outcome === 'ok'))
  const textOf = ({ point }: Scenario, key: string) => JSON.stringify(point[key] ?? null)
  const varying = input.axes.filter(
    (key) => !seeds.includes(key) && new Set(seen.map((scenario) => textOf(scenario, key))).size > 1,
  )
  const determined = determinedAxes(varying, (key) => seen.map((scenario) => textOf(scenario, key)))
  const axes = varying.filter((key) => !determined.some(({ axis }) => axis === key))
  if (axes.length < 2) return null
  const metrics = input.metrics.flatMap((metric): MetricSensitivity[] => {
    const isLog = metric.scale === 'log'
    const isExact = metric.kind === 'deterministic' && seeds.length === 0
    const cells = new Map<string, { levels: number[]; values: number[] }>()
    const indices = axes.map(() => new Map<string, number>())
    for (const scenario of seen) {
      const { values: found } = usableValues(metricValues(trials.get(scenario.id)!, metric.name))
      if (found.length === 0 || (isLog && found.some((value) => value <= 0))) continue
      const values = metric.kind === 'deterministic' ? [mean(found)] : found
      const levels = axes.map((key, i) => indexIn(indices[i]!, textOf(scenario, key)))
      const cell = cells.get(levels.join()) ?? { levels, values: [] }
      cell.values.push(...(isLog ? values.map(Math.log) : values))
      cells.set(levels.join(), cell)
    }
    const found = analysed([...cells.values()], axes, isExact)
    return found === null ? [] : [{ metric: metric.name, scale: metric.scale, exact: isExact, ...found }]
  })
  return metrics.length === 0 ? null : { axes, determined, seeds, metrics }
}

function analysed(cells: readonly Cell[], axes: readonly string[], exact: boolean) {
  const table = anova(cells, { exact })
  if (table === null) return null
  const effects = table.effects.map(
    ({ factors, df, share, low, high }): AxisEffect => ({
      axes: factors.map((factor) => axes[factor]!),
      df,
      share: Math.max(0, share),
      low,
      high,
    }),
  )
  const explained = effects.reduce((sum, { share }) => sum + share, 0)
  return { n: table.n, effects, rest: Math.max(0, 1 - explained), interactions: table.interactions }
}

function indexIn(known: Map<string, number>, value: string): number {
  const found = known.get(value) ?? known.size
  known.set(value, found)
  return found
}

/** An axis that another one determines has no effect of its own; of two that determine each other the first stays. */
function determinedAxes(
  axes: readonly string[],
  valuesOf: (key: string) => readonly string[],
): Sensitivity['determined'] {
  const values = new Map(axes.map((key) => [key, valuesOf(key)]))
  const determines = (by: string, axis: string) => {
    const images = new Map<string, string>()
    return values.get(by)!.every((value, i) => {
      const image = values.get(axis)![i]!
      const known = images.get(value) ?? image
      images.set(value, known)
      return known === image
    })
  }
  const found: Sensitivity['determined'] = []
  for (const [i, axis] of axes.entries()) {
    const by = axes.find(
      (other, j) => other !== axis && determines(other, axis) && (j < i || !determines(axis, other)),
    )
    if (by !== undefined) found.push({ axis, by })
  }
  return found
}
