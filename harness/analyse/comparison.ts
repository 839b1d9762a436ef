/** The shape of the significance table and of what goes into it, and the verdicts that it gives. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import type { Correction } from '../sweep/types.ts'
import type { Interval } from './descriptive.ts'
import type { Warning } from './warnings.ts'
import type { Scale } from './welch.ts'

/** Beside the primary test; null where a test does not apply or could not be had. */
export interface SecondaryTests {
  /** Paired by round: rounds with a value on both sides, two-sided p, and on the log scale the ratio. */
  paired_rounds: number | null
  paired_p: number | null
  paired_ratio: number | null
  paired_ratio_ci_low: number | null
  paired_ratio_ci_high: number | null
  /** Two-sided. */
  mann_whitney_p: number | null
  mann_whitney_method: 'exact' | 'normal' | null
  /** median b / median a with its BCa bootstrap interval. */
  median_ratio: number | null
  median_ratio_ci_low: number | null
  median_ratio_ci_high: number | null
  /** Of two one-sided tests against the margin: small where b is the same but for the margin. */
  equivalence_p: number | null
  /** Share of a, or where differences are compared an amount: the smallest change that the primary test would have found with 80% power, before correction. */
  smallest_change: number | null
}

/** Ids of scenarios are letters and digits. */
export const BETWEEN_IDS = '+'

/** Ids of the scenarios that the id of a pool stands for, or of a scenario. */
export function membersOf(id: string): string[] {
  return id.split(BETWEEN_IDS)
}

/** What gave t, df and p, or that values were compared without one; null where nothing was compared. */
type PrimaryTest = 'welch' | 'paired_by_seed' | 'paired_by_round' | 'exact'

export interface ComparisonRow {
  metric: string
  unit: string
  scale: Scale
  /** Ids of the reference and of the one compared with it (of pools of seeds, all, joined by `+`), and their labels. */
  a: string
  b: string
  a_label: string
  b_label: string
  /** Trials that entered; seeds where the seed is the unit, rounds where trials are paired by them. */
  n_a: number
  n_b: number
  /** Arithmetic means, in the metric's unit, on either scale. */
  mean_a: number | null
  mean_b: number | null
  /** mean_b - mean_a, with the interval of the test on the natural scale. */
  difference: number | null
  difference_ci_low: number | null
  difference_ci_high: number | null
  /** What the margin bounds: `difference` for metrics that may be zero or negative. */
  compared_by: 'ratio' | 'difference'
  /** b / a: of geometric means on the log scale, else of arithmetic means; null where `compared_by` is `difference`. */
  ratio: number | null
  ratio_ci_low: number | null
  ratio_ci_high: number | null
  t: number | null
  df: number | null
  p: number | null
  /** Corrected over the pairs of this metric. */
  p_adjusted: number | null
  /** What corrected it. */
  correction: Correction
  /** On the test's scale; null for pairs by seed, whose sides are not independent. */
  hedges_g: number | null
  hedges_g_low: number | null
  hedges_g_high: number | null
  verdict: Verdict
  test: PrimaryTest | null
  /** Null unless the seed is the unit: the settings that seed, and seeds with a value on both sides. */
  seeds: { keys: string[]; n: number } | null
  secondary_tests: SecondaryTests
  warnings: Warning[]
}

export interface Comparison {
  rows: ComparisonRow[]
  /** About the whole table, such as a reference that was chosen. */
  notes: Warning[]
}

/** One side of a comparison: a scenario's trials, in one run or another. */
export interface Group {
  id: string
  label: string
  trials: readonly TrialResult[]
  /** Of a pool over several seeds: the settings that seed, and by seed the trials of each of its scenarios. */
  seeds?: { keys: string[]; trials: ReadonlyMap<string, readonly (readonly TrialResult[])[]> }
}

export interface GroupPair {
  /** The reference. */
  a: Group
  b: Group
  /** Sides of different runs: their rounds have nothing in common, so none are paired. */
  apart?: true
}

export interface TestSettings {
  alpha: number
  correction: Correction
  /** As a share: 0.02 for 2%. */
  margin: number
  /** Other margins, by metric. */
  margins?: Readonly<Record<string, number>>
  /** Of the bootstrap; without it only the primary test is made. */
  seed?: number
}

// ---------------------------------------------------------------- verdicts

/** What an interval of the change says, given the change that does not matter. */
export type Verdict =
  | 'slower'
  | 'faster'
  | 'worse'
  | 'better'
  | 'higher'
  | 'lower'
  | 'equivalent'
  | 'undecided'
  /** Nothing to test: no values, or energy that was only estimated. */
  | 'not_tested'

const TIME_UNITS = new Set(['ns', 'us', 'µs', 'ms', 's', 'min', 'h'])

/**
 * `equivalent` where the interval lies within the margin on both sides, a word for the direction where it lies
 * wholly beyond, else `undecided`.
 * @param change interval of (b - a) / |a|
 * @param margin as a share, 0.02 for 2%
 */
export function verdictOf(change: Interval, margin: number, metric: Metric): Verdict {
  if (change.low > margin) return wordFor('up', metric)
  if (change.high < -margin) return wordFor('down', metric)
  return change.low >= -margin && change.high <= margin ? 'equivalent' : 'undecided'
}

/** True for verdicts that claim a difference. */
export function isDifference(verdict: Verdict): boolean {
  return verdict !== 'equivalent' && verdict !== 'undecided' && verdict !== 'not_tested'
}

/** A difference that the interval shows and that also stands after correction for having looked at many. */
export function isSignificant(
  { verdict, p_adjusted }: { verdict: Verdict; p_adjusted: number | null },
  alpha: number,
): boolean {
  return isDifference(verdict) && (p_adjusted === null || p_adjusted < alpha)
}

/** True for verdicts that claim a change for the worse. */
export function isRegression(verdict: Verdict): boolean {
  return verdict === 'slower' || verdict === 'worse'
}

function wordFor(way: 'up' | 'down', metric: Metric): Verdict {
  if (metric.direction === 'neutral') return way === 'up' ? 'higher' : 'lower'
  const good = (way === 'up') === (metric.direction === 'higher_is_better')
  if (TIME_UNITS.has(metric.unit)) return good ? 'faster' : 'slower'
  return good ? 'better' : 'worse'
}
