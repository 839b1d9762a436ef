/** The significance table: one row per pair and metric. */
import type { TrialResult } from '../../workers/protocol.ts'
import type { Metric } from '../metrics.ts'
import type { CompareSettings, Scenario } from '../sweep/types.ts'
import { compareMetric } from './compare-metric.ts'
import {
  type Comparison,
  type ComparisonRow,
  type Group,
  type GroupPair,
  isDifference,
  type TestSettings,
} from './comparison.ts'
import { adjust } from './correct.ts'
import { comparableLatency } from './latency.ts'
import { pairScenarios } from './pairs.ts'
import { groupOf, poolBySeed, seedKeys } from './seeds.ts'
import { groupByScenario } from './values.ts'
import type { Warning } from './warnings.ts'

export type {
  Comparison,
  ComparisonRow,
  Group,
  GroupPair,
  SecondaryTests,
  TestSettings,
} from './comparison.ts'

/**
 * Compares the scenarios of one run as `settings` says. Metrics that the table lacks are named in the notes.
 * Scenarios that differ only in a seed are pooled, unless nothing else varies or the reference names the seed.
 */
export function compareScenarios(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  metrics: ReadonlyMap<string, Metric>
  settings: CompareSettings
  /** Of the bootstrap; without it only the primary test is made. */
  seed?: number
}): Comparison {
  const { scenarios } = input
  const { reference, unpaired_expected = false } = input.settings
  const overSeeds = poolBySeed(scenarios, seedKeys(scenarios, reference))
  const pools = new Map(
    (overSeeds.length > 1 ? overSeeds : poolBySeed(scenarios, [])).map((pool) => [pool.scenario.id, pool]),
  )
  const pairing = pairScenarios(
    [...pools.values()].map(({ scenario }) => scenario),
    reference,
  )
  const { pairs } = pairing
  const notes = pairing.notes.filter(({ kind }) => !unpaired_expected || kind !== 'reference_unmatched')
  const trials = groupByScenario(input.trials)
  const toGroup = ({ id }: Scenario): Group => groupOf(pools.get(id)!, trials)
  const wanted: Metric[] = []
  for (const name of input.settings.metrics) {
    const metric = input.metrics.get(name)
    if (metric) wanted.push(metric)
    else notes.push({ kind: 'unknown_metric', metric: name, known: [...input.metrics.keys()] })
  }
  const groupPairs = pairs.map(({ a, b }) => ({ a: toGroup(a), b: toGroup(b) }))
  const settings = { ...input.settings, ...(input.seed === undefined ? {} : { seed: input.seed }) }
  return { rows: comparePairs(groupPairs, wanted, settings), notes }
}

/**
 * Compares any pairs of groups; rows by metric, then by pair. The correction runs over the pairs of one metric.
 * Where the chunks of a pair's sides differ in size, latency per row takes the place of every time per chunk.
 */
export function comparePairs(
  pairs: readonly GroupPair[],
  metrics: readonly Metric[],
  settings: TestSettings,
): ComparisonRow[] {
  return comparableMetrics(pairs, metrics).flatMap(({ metric, pairs }) => {
    const rows = pairs.map((pair) => compareMetric(pair, metric, settings))
    const adjusted = adjust(
      rows.map((row) => row.p),
      settings.correction,
    )
    return rows.map((row, index) => withAdjusted(row, adjusted[index] ?? null, settings.alpha))
  })
}

function comparableMetrics(
  pairs: readonly GroupPair[],
  metrics: readonly Metric[],
): { metric: Metric; pairs: readonly GroupPair[] }[] {
  const latencies = pairs.map(({ a, b }) => comparableLatency([a.trials, b.trials]))
  const unlike = latencies.find(({ differing }) => differing !== null)
  if (unlike === undefined) return metrics.map((metric) => ({ metric, pairs }))
  const [alike, others] = [true, false].map((same) =>
    pairs.filter((_, i) => (latencies[i]!.differing === null) === same),
  ) as [GroupPair[], GroupPair[]]
  let isAdded = metrics.some(({ name }) => name === unlike.metric.name)
  return metrics.flatMap((metric) => {
    if (!metric.per_chunk) return [{ metric, pairs }]
    const kept = alike.length > 0 ? [{ metric, pairs: alike }] : []
    if (isAdded) return kept
    isAdded = true
    return [...kept, { metric: unlike.metric, pairs: others }]
  })
}

function withAdjusted(row: ComparisonRow, adjusted: number | null, alpha: number): ComparisonRow {
  const contradicts = adjusted !== null && adjusted >= alpha && isDifference(row.verdict)
  const warning: Warning[] = contradicts
    ? [{ kind: 'not_significant_after_correction', p_adjusted: adjusted, alpha }]
    : []
  return { ...row, p_adjusted: adjusted, warnings: [...row.warnings, ...warning] }
}
