/** Which scenario to run, for each goal, and which others do not differ from it significantly? */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import { own } from '../own.ts'
import type { Scenario } from '../sweep/types.ts'
import { comparePairs } from './compare.ts'
import type { Group, TestSettings } from './comparison.ts'
import { centre, type Estimate, estimateMean } from './descriptive.ts'
import { groupOf, poolBySeed, seedKeys, unitValues } from './seeds.ts'
import { groupByScenario } from './values.ts'
import type { Warning } from './warnings.ts'
import { relativeChange } from './welch.ts'

export interface OperatingPoint {
  /** In words, such as `lowest latency_p50_ms`. */
  goal: string
  metric: string
  unit: string
  /** Id (of a pool of seeds, all ids, joined by `+`) and label of the scenario with the best mean (geometric on the log scale). */
  scenario: string
  label: string
  estimate: Estimate
  /** The scenarios whose difference from the best is not significant after the correction. */
  tied: { scenario: string; label: string; estimate: Estimate; p_adjusted: number | null }[]
  warnings: Warning[]
}

export interface OperatingPoints {
  points: OperatingPoint[]
  /** Scenarios left out because not every trial was `ok`. */
  unreliable: string[]
}

interface Candidate extends Group {
  values: number[]
}

/**
 * The best scenario by each metric, then by the first of `metrics` (say a latency) among those whose `accuracy`
 * is within the margin of the best, and by accuracy among those that do not differ from the best by it significantly.
 * Scenarios with a trial that was not `ok` take no part: a setting that sometimes fails is no operating point.
 * Metrics without a direction or without values give no point. Scenarios that differ only in a seed are one: a
 * lucky seed is no setting.
 */
export function operatingPoints(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  metrics: readonly Metric[]
  accuracy: Metric | null
  settings: TestSettings
}): OperatingPoints {
  const trials = groupByScenario(input.trials)
  const pools = poolBySeed(input.scenarios, seedKeys(input.scenarios))
  const groups = pools.map((pool) => groupOf(pool, trials))
  const seen = groups.filter((group) => group.trials.length > 0)
  const reliable = seen.filter((group) => group.trials.every((trial) => trial.outcome === 'ok'))
  const unreliable = seen.filter((group) => !reliable.includes(group)).map((group) => group.id)

  const { accuracy, settings } = input
  const distinct = [
    ...new Map([...input.metrics, accuracy].flatMap((m) => (m ? [[m.name, m]] : []))).values(),
  ]
  const points = distinct.map((metric) => bestPoint(reliable, metric, settings, goalFor(metric)))
  const first = input.metrics.find((metric) => metric.direction !== 'neutral')
  if (accuracy && first && first.name !== accuracy.name) {
    const accurate = withinMargin(reliable, accuracy, settings)
    const nearBest = `${goalFor(first)} with ${accuracy.name} within the margin of the best`
    points.push(bestPoint(accurate, first, settings, nearBest))
    const fastest = bestPoint(reliable, first, settings, '')
    const ids = new Set(fastest ? [fastest.scenario, ...fastest.tied.map((tie) => tie.scenario)] : [])
    const asFast = reliable.filter((group) => ids.has(group.id))
    const asGood = `${goalFor(accuracy)} with ${first.name} not significantly different from the best`
    points.push(bestPoint(asFast, accuracy, settings, asGood))
  }
  return { points: points.filter((point) => point !== null), unreliable }
}

function goalFor(metric: Metric): string {
  return `${metric.direction === 'higher_is_better' ? 'highest' : 'lowest'} ${metric.name}`
}

/**
 * Every other is tested against the best and kept unless its two-sided p after the correction is below alpha
 * (multiple comparisons with the best). Exact metrics tie only where the values are equal.
 */
function bestPoint(
  groups: readonly Group[],
  metric: Metric,
  settings: TestSettings,
  goal: string,
): OperatingPoint | null {
  const candidates = ranked(groups, metric)
  const [best, ...others] = candidates
  if (best === undefined) return null
  const rows = comparePairs(
    others.map((b) => ({ a: best, b })),
    [metric],
    settings,
  )
  const tied = others.flatMap((group, index) => {
    const row = rows[index]!
    const told =
      row.test === 'exact' ? row.difference !== 0 : row.p_adjusted !== null && row.p_adjusted < settings.alpha
    // What is only estimated is not tested, so that nothing is known to be alike.
    if (told || row.test === null) return []
    const estimate = estimateMean(group.values, 1 - settings.alpha)!
    return [{ scenario: group.id, label: group.label, estimate, p_adjusted: row.p_adjusted }]
  })
  return {
    goal,
    metric: metric.name,
    unit: metric.unit,
    scenario: best.id,
    label: best.label,
    estimate: estimateMean(best.values, 1 - settings.alpha)!,
    tied,
    warnings: distinctWarnings(rows.flatMap((row) => row.warnings)),
  }
}

/** Best first; without a direction there is no best. Equal ones keep the sweep's order. */
function ranked(groups: readonly Group[], metric: Metric): Candidate[] {
  if (metric.direction === 'neutral') return []
  const sign = metric.direction === 'higher_is_better' ? -1 : 1
  return groups
    .map((group) => ({ ...group, values: unitValues(group, metric) }))
    .filter(({ values }) => values.length > 0)
    .sort((x, y) => sign * (centre(x.values, metric.scale) - centre(y.values, metric.scale)))
}

function withinMargin(groups: readonly Group[], metric: Metric, settings: TestSettings): Candidate[] {
  const candidates = ranked(groups, metric)
  const [best] = candidates
  if (best === undefined) return []
  const margin = own(settings.margins, metric.name) ?? settings.margin
  const target = centre(best.values, metric.scale)
  return candidates.filter(({ values }) => {
    const value = centre(values, metric.scale)
    const change = metric.signed === true ? value - target : relativeChange(target, value)
    return change !== null && Math.abs(change) <= margin
  })
}

/** Kinds that say something of the whole point; those of single pairs stand in the significance table. */
function distinctWarnings(warnings: Warning[]): Warning[] {
  const general = new Set<Warning['kind']>(['estimated_energy', 'shared_energy', 'not_deterministic'])
  const byKind = new Map(warnings.filter(({ kind }) => general.has(kind)).map((w) => [w.kind, w]))
  return [...byKind.values()]
}
