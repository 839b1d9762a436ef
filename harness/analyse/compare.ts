/** The significance table: one row a pair and metric. */
import type { TrialResult } from '../../workers/protocol.ts'
import type { Metric } from '../metrics.ts'
import type { CompareSettings, Scenario } from '../sweep/types.ts'
import { compareMetric } from './compare-metric.ts'
import type { Comparison, ComparisonRow, Group, GroupPair, TestSettings } from './comparison.ts'
import { holm } from './correct.ts'
import { pairScenarios } from './pairs.ts'
import { groupByScenario } from './values.ts'
import { isDifference } from './verdict.ts'
import type { Warning } from './warnings.ts'

export type { Comparison, ComparisonRow, Group, GroupPair, TestSettings } from './comparison.ts'

/** Compares the scenarios of one run as `settings` says. Metrics that the table lacks are named in the notes. */
export function compareScenarios(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  metrics: ReadonlyMap<string, Metric>
  settings: CompareSettings
}): Comparison {
  const { pairs, notes } = pairScenarios(input.scenarios, input.settings.reference)
  const groups = groupByScenario(input.trials)
  const toGroup = ({ id, label }: Scenario): Group => ({ id, label, trials: groups.get(id) ?? [] })
  const wanted: Metric[] = []
  for (const name of input.settings.metrics) {
    const metric = input.metrics.get(name)
    if (metric) wanted.push(metric)
    else notes.push({ kind: 'unknown_metric', metric: name, known: [...input.metrics.keys()] })
  }
  const groupPairs = pairs.map(({ a, b }) => ({ a: toGroup(a), b: toGroup(b) }))
  return { rows: comparePairs(groupPairs, wanted, input.settings), notes }
}

/** Compares any pairs of groups; rows by metric, then by pair. Holm runs over the pairs of one metric. */
export function comparePairs(
  pairs: readonly GroupPair[],
  metrics: readonly Metric[],
  settings: TestSettings,
): ComparisonRow[] {
  return metrics.flatMap((metric) => {
    const rows = pairs.map((pair) => compareMetric(pair, metric, settings))
    const adjusted = holm(rows.map((row) => row.p))
    return rows.map((row, index) => withAdjusted(row, adjusted[index] ?? null, settings.alpha))
  })
}

function withAdjusted(row: ComparisonRow, adjusted: number | null, alpha: number): ComparisonRow {
  const contradicts = adjusted !== null && adjusted >= alpha && isDifference(row.verdict)
  const warning: Warning[] = contradicts
    ? [{ kind: 'not_significant_after_correction', p_adjusted: adjusted, alpha }]
    : []
  return { ...row, p_adjusted: adjusted, warnings: [...row.warnings, ...warning] }
}
