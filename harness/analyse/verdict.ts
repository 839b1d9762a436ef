/** What does an interval of the change say, given the change that does not matter? */
import type { Metric } from '../metrics.ts'
import type { Interval } from './estimate.ts'

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
