/** The significance table: one row per pair and metric. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
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
  const latencies = pairs.map(({ a, b }) => comparableLatency([a.trials, b.trials]).metric)
  const alike = pairs.filter((_, i) => latencies[i]!.per_chunk)
  const asked = new Set(metrics.map(({ name }) => name))
  const instead = [...new Set(latencies)]
    .filter(({ name, per_chunk }) => !per_chunk && !asked.has(name))
    .map((metric) => ({ metric, pairs: pairs.filter((_, i) => latencies[i] === metric) }))
  return metrics.flatMap((metric) => {
    if (!metric.per_chunk) return [{ metric, pairs }]
    const kept = alike.length > 0 ? [{ metric, pairs: alike }] : []
    // In the place of the first time of whole chunks.
    return [...kept, ...instead.splice(0)]
  })
}

function withAdjusted(row: ComparisonRow, adjusted: number | null, alpha: number): ComparisonRow {
  const contradicts = adjusted !== null && adjusted >= alpha && isDifference(row.verdict)
  const warning: Warning[] = contradicts
    ? [{ kind: 'not_significant_after_correction', p_adjusted: adjusted, alpha }]
    : []
  return { ...row, p_adjusted: adjusted, warnings: [...row.warnings, ...warning] }
}

// ---------------------------------------------------------------- which scenarios are compared with which

interface ScenarioPair {
  /** The reference. */
  a: Scenario
  b: Scenario
}

interface Pairing {
  pairs: ScenarioPair[]
  notes: Warning[]
}

/**
 * With a reference, every scenario against the one that has the reference's values and differs in those keys
 * only. Where no scenario has such a partner (a profile sets several keys at once), keys that the reference's
 * keys determine may differ too, and a note names them.
 * Without a reference, every scenario against the first of the sweep: k - 1 pairs keep the correction mild,
 * where all pairs would cost most of the power.
 */
export function pairScenarios(
  scenarios: readonly Scenario[],
  reference: Record<string, Scalar> | null,
): Pairing {
  const [first, ...others] = scenarios
  if (first === undefined || others.length === 0) {
    return { pairs: [], notes: [{ kind: 'too_few_scenarios', scenarios: scenarios.length }] }
  }
  if (reference === null || Object.keys(reference).length === 0) {
    const note: Warning = { kind: 'reference_chosen', scenario: first.label, pairs: others.length }
    return { pairs: others.map((b) => ({ a: first, b })), notes: [note] }
  }
  const keys = Object.keys(reference)
  const strict = pairIgnoring(scenarios, reference, keys)
  if (strict.pairs.length > 0) return strict
  const along = determinedKeys(scenarios, keys)
  if (along.length === 0) return strict
  const relaxed = pairIgnoring(scenarios, reference, [...keys, ...along])
  if (relaxed.pairs.length === 0) return strict
  const changed = along.filter((key) => relaxed.pairs.some(({ a, b }) => a.point[key] !== b.point[key]))
  return { pairs: relaxed.pairs, notes: [{ kind: 'reference_confounded', keys: changed }, ...relaxed.notes] }
}

function pairIgnoring(
  scenarios: readonly Scenario[],
  reference: Record<string, Scalar>,
  ignored: string[],
): Pairing {
  const isReference = (scenario: Scenario) =>
    Object.entries(reference).every(([key, value]) => scenario.point[key] === value)
  const candidates = new Map<string, Scenario[]>()
  for (const scenario of scenarios.filter(isReference)) {
    const rest = keyWithout(scenario, ignored)
    candidates.set(rest, [...(candidates.get(rest) ?? []), scenario])
  }
  const pairs: ScenarioPair[] = []
  const notes: Warning[] = []
  const unmatched: string[] = []
  for (const b of scenarios) {
    if (isReference(b)) continue
    const [a, ...further] = candidates.get(keyWithout(b, ignored)) ?? []
    if (a === undefined) {
      unmatched.push(b.label)
      continue
    }
    pairs.push({ a, b })
    if (further.length > 0) {
      const labels = [a, ...further].map((scenario) => scenario.label)
      notes.push({ kind: 'reference_ambiguous', scenario: b.label, candidates: labels })
    }
  }
  if (unmatched.length > 0) notes.push({ kind: 'reference_unmatched', scenarios: unmatched, reference })
  return { pairs, notes }
}

function keyWithout(scenario: Scenario, ignored: string[]): string {
  const rest = Object.entries(scenario.point).filter(([key]) => !ignored.includes(key))
  return JSON.stringify(rest.sort(([x], [y]) => (x < y ? -1 : 1)))
}

/** Keys with a single value for each combination of `keys`, and more than one in all. */
function determinedKeys(scenarios: readonly Scenario[], keys: string[]): string[] {
  const all = new Set(scenarios.flatMap((scenario) => Object.keys(scenario.point)))
  return [...all].filter((key) => {
    if (keys.includes(key)) return false
    const seen = new Map<string, Scalar | undefined>()
    for (const { point } of scenarios) {
      const combination = JSON.stringify(keys.map((name) => point[name] ?? null))
      if (seen.has(combination) && seen.get(combination) !== point[key]) return false
      seen.set(combination, point[key])
    }
    return new Set(seen.values()).size > 1
  })
}
