/** Interval of the ratio of two means. */
import type { Interval } from './estimate.ts'

export interface MeanWithError {
  mean: number
  standardError: number
}

/**
 * Fieller's interval (1954) of b / a.
 * Null where a is not clearly different from zero, since every ratio is then possible.
 * @param critical quantile of Student's t; with Welch's degrees of freedom the interval excludes 1 exactly
 *   when Welch's test rejects, with n - 1 and the covariance exactly when the paired test does
 * @param covariance of the two means; 0 where they are independent
 */
export function fiellerInterval(
  a: MeanWithError,
  b: MeanWithError,
  critical: number,
  covariance = 0,
): Interval | null {
  const varianceA = (critical * a.standardError) ** 2
  const varianceB = (critical * b.standardError) ** 2
  const leading = a.mean ** 2 - varianceA
  if (!(leading > 0)) return null
  const shared = critical ** 2 * covariance
  const centre = (a.mean * b.mean - shared) / leading
  const independent = a.mean ** 2 * varianceB + b.mean ** 2 * varianceA - varianceA * varianceB
  const half = Math.sqrt(Math.max(0, independent - 2 * a.mean * b.mean * shared + shared ** 2)) / leading
  return { low: centre - half, high: centre + half }
}

interface ValueWithInterval extends Interval {
  value: number
}

/**
 * b / a and (b - a) / |a| of two means with Fieller's interval; the ratio is null where a is negative, and both
 * are where a is not clearly different from zero.
 */
export function changeOfMeans(
  a: MeanWithError,
  b: MeanWithError,
  critical: number,
  covariance = 0,
): { ratio: ValueWithInterval | null; change: ValueWithInterval } | null {
  const interval = fiellerInterval(a, b, critical, covariance)
  if (interval === null) return null
  const value = b.mean / a.mean
  const { low, high } = interval
  return a.mean > 0
    ? { ratio: { value, low, high }, change: { value: value - 1, low: low - 1, high: high - 1 } }
    : { ratio: null, change: { value: 1 - value, low: 1 - high, high: 1 - low } }
}
