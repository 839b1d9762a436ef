/** One row of the significance table: picks the comparison that the metric allows, and gathers the warnings. */
import type { Metric } from '../metrics.ts'
import type { ComparisonRow, GroupPair, TestSettings } from './comparison.ts'
import { hedgesG } from './effect.ts'
import { mean } from './moments.ts'
import {
  computeMechanisms,
  countOutcomes,
  energySource,
  isEnergy,
  metricValues,
  okTrials,
  uncapped,
  usableValues,
} from './values.ts'
import { type Verdict, verdictOf } from './verdict.ts'
import type { Side, Warning } from './warnings.ts'
import { relativeChange, welchTest } from './welch.ts'

const SIDES: readonly Side[] = ['a', 'b']

/** `p_adjusted` is left null: it needs the other pairs. */
export function compareMetric(pair: GroupPair, metric: Metric, settings: TestSettings): ComparisonRow {
  const raw = { a: metricValues(pair.a.trials, metric.name), b: metricValues(pair.b.trials, metric.name) }
  const values = { a: usableValues(raw.a).values, b: usableValues(raw.b).values }
  const means = {
    a: values.a.length > 0 ? mean(values.a) : null,
    b: values.b.length > 0 ? mean(values.b) : null,
  }
  const margin = settings.margins?.[metric.name] ?? settings.margin
  const row: ComparisonRow = {
    metric: metric.name,
    unit: metric.unit,
    scale: metric.scale,
    a: pair.a.id,
    b: pair.b.id,
    a_label: pair.a.label,
    b_label: pair.b.label,
    n_a: values.a.length,
    n_b: values.b.length,
    mean_a: means.a,
    mean_b: means.b,
    difference: means.a === null || means.b === null ? null : means.b - means.a,
    ratio: null,
    ratio_ci_low: null,
    ratio_ci_high: null,
    t: null,
    df: null,
    p: null,
    p_adjusted: null,
    hedges_g: null,
    hedges_g_low: null,
    hedges_g_high: null,
    verdict: 'not_tested',
    warnings: warningsOfPair(pair),
  }
  if (means.a === null || means.b === null) {
    row.warnings.push(...missingSides(values))
    return row
  }
  const exactly = (a: number, b: number): ComparisonRow => ({
    ...row,
    ...compareExactly(a, b, margin, metric),
  })

  if (isEnergy(metric)) {
    row.warnings.push(...energyWarnings(pair))
    if (!energyIsMeasured(pair)) return row
  }
  if (metric.kind === 'deterministic') {
    const unstable = unstableSides(values)
    row.warnings.push({ kind: 'deterministic' }, ...missingValues(raw, values), ...unstable)
    // Where the premise fails, nothing that rests on it is claimed.
    return unstable.length > 0 ? { ...row, verdict: 'undecided' } : exactly(means.a, means.b)
  }

  const test = welchTest(raw.a, raw.b, { scale: metric.scale, level: 1 - settings.alpha })
  row.warnings.push(...test.warnings)
  if (test.warnings.some((warning) => warning.kind === 'constant')) return exactly(means.a, means.b)
  row.ratio = test.ratio?.value ?? null
  row.ratio_ci_low = test.ratio?.low ?? null
  row.ratio_ci_high = test.ratio?.high ?? null
  row.t = test.t
  row.df = test.df
  row.p = test.p
  const effect = test.t === null ? null : effectOf(metric, values, settings.alpha)
  row.hedges_g = effect?.value ?? null
  row.hedges_g_low = effect?.low ?? null
  row.hedges_g_high = effect?.high ?? null
  const { low, high } = test.change ?? { low: null, high: null }
  row.verdict = low === null || high === null ? 'undecided' : verdictOf({ low, high }, margin, metric)
  return row
}

/** Without error there is no p: the change itself is held against the margin. From 0 any change is beyond it. */
function compareExactly(
  a: number,
  b: number,
  margin: number,
  metric: Metric,
): { ratio: number | null; verdict: Verdict } {
  const change = relativeChange(a, b) ?? Math.sign(b - a) * Infinity
  const verdict = verdictOf({ low: change, high: change }, margin, metric)
  return { ratio: a > 0 ? b / a : null, verdict }
}

function effectOf(metric: Metric, values: Record<Side, number[]>, alpha: number) {
  const onScale = (numbers: number[]) => (metric.scale === 'log' ? numbers.map(Math.log) : numbers)
  return hedgesG(onScale(values.a), onScale(values.b), 1 - alpha)
}

function warningsOfPair(pair: GroupPair): Warning[] {
  const warnings: Warning[] = []
  const counts = { a: countOutcomes(pair.a.trials), b: countOutcomes(pair.b.trials) }
  const total = { a: pair.a.trials.length, b: pair.b.trials.length }
  if (counts.a.ok * total.b !== counts.b.ok * total.a) warnings.push({ kind: 'unequal_outcomes', ...counts })
  else if (counts.a.ok < total.a) warnings.push({ kind: 'survivors_only', ...counts })
  for (const side of SIDES) {
    const loose = uncapped(pair[side].trials)
    if (loose.memory > 0)
      warnings.push({ kind: 'cap_not_enforced', side, cap: 'memory', trials: loose.memory })
    if (loose.compute > 0)
      warnings.push({ kind: 'cap_not_enforced', side, cap: 'compute', trials: loose.compute })
  }
  const mechanisms = { a: computeMechanisms(pair.a.trials), b: computeMechanisms(pair.b.trials) }
  const bothCapped = mechanisms.a.length > 0 && mechanisms.b.length > 0
  if (bothCapped && mechanisms.a.join() !== mechanisms.b.join()) {
    warnings.push({ kind: 'different_mechanisms', ...mechanisms })
  }
  return warnings
}

function missingSides(values: Record<Side, number[]>): Warning[] {
  return SIDES.filter((side) => values[side].length === 0).map((side) => ({ kind: 'no_values', side }))
}

function missingValues(raw: Record<Side, unknown[]>, values: Record<Side, number[]>): Warning[] {
  return SIDES.filter((side) => values[side].length < raw[side].length).map((side) => ({
    kind: 'missing_values',
    side,
    missing: raw[side].length - values[side].length,
    n: raw[side].length,
  }))
}

function unstableSides(values: Record<Side, number[]>): Warning[] {
  return SIDES.filter((side) => new Set(values[side]).size > 1).map((side) => ({
    kind: 'not_deterministic',
    side,
    low: Math.min(...values[side]),
    high: Math.max(...values[side]),
  }))
}

function energyIsMeasured(pair: GroupPair): boolean {
  return SIDES.every((side) => ['rapl', 'perf'].includes(energySource(pair[side].trials) ?? ''))
}

function energyWarnings(pair: GroupPair): Warning[] {
  const warnings: Warning[] = energyIsMeasured(pair) ? [] : [{ kind: 'estimated_energy' }]
  const shared = SIDES.some((side) => okTrials(pair[side].trials).some((trial) => trial.energy.shared))
  if (shared) warnings.push({ kind: 'shared_energy' })
  return warnings
}
