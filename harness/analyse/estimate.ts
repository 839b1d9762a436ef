/** A number with what is known of its error: no bare means. */
import { studentQuantile } from './distributions.ts'
import { mean, standardDeviation } from './moments.ts'

export interface Interval {
  low: number
  high: number
}

export interface Estimate {
  value: number
  /** Ends of the confidence interval; null for a single value, whose error is unknown. */
  low: number | null
  high: number | null
  /** Null for a single value. */
  standardError: number | null
  /** Values that entered. */
  n: number
}

/**
 * Mean with Student's t interval. Null and non-finite values do not enter; null when none is left.
 * @param level such as 0.95
 */
export function estimateMean(values: readonly (number | null | undefined)[], level = 0.95): Estimate | null {
  const usable = values.filter((value): value is number => Number.isFinite(value))
  const n = usable.length
  if (n === 0) return null
  const value = mean(usable)
  if (n === 1) return { value, low: null, high: null, standardError: null, n }
  const standardError = standardDeviation(usable) / Math.sqrt(n)
  const half = standardError === 0 ? 0 : studentQuantile((1 + level) / 2, n - 1) * standardError
  return { value, low: value - half, high: value + half, standardError, n }
}
