/** Descriptive statistics: mean and standard deviation without loss of digits, quantiles, means with their interval. */
import { studentQuantile } from './distributions.ts'

/** Sum with Neumaier's compensation (Neumaier 1974). */
export function sum(values: readonly number[]): number {
  let total = 0
  let lost = 0
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}

/** Arithmetic mean, corrected by the mean of the residuals; NaN for no values. */
export function mean(values: readonly number[]): number {
  const first = sum(values) / values.length
  return first + sum(values.map((value) => value - first)) / values.length
}

/** Geometric mean on the log scale, arithmetic where a value has no log; NaN for no values. */
export function centre(values: readonly number[], scale: 'log' | 'natural'): number {
  const logs = scale === 'log' && values.every((value) => value > 0)
  return logs ? Math.exp(mean(values.map(Math.log))) : mean(values)
}

/**
 * Variance with n - 1; NaN for fewer than two values.
 * Two passes with the correction for the rounded mean (Chan, Golub & LeVeque 1983).
 */
export function variance(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN
  const centre = mean(values)
  const residuals = values.map((value) => value - centre)
  const squares = sum(residuals.map((residual) => residual * residual))
  const rounding = sum(residuals) ** 2 / values.length
  return Math.max(0, squares - rounding) / (values.length - 1)
}

export function standardDeviation(values: readonly number[]): number {
  return Math.sqrt(variance(values))
}

/**
 * Quantile of any numbers, linear between order statistics: type 7 of Hyndman & Fan (1996), the default of
 * R and NumPy. `p` from 0 to 1; NaN for no values.
 */
export function quantile(values: readonly number[], p: number): number {
  return sortedQuantile(Float64Array.from(values).sort(), p)
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The same for values that are sorted already. */
export function sortedQuantile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN
  const position = p * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (position - below) * (high - low)
}

// ---------------------------------------------------------------- means with a confidence interval

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

/**
 * As `estimateMean`, for a metric on the log scale: the geometric mean with Student's t interval of the mean logarithm.
 * Arithmetic where a value has no log.
 */
export function estimateGeometricMean(
  values: readonly (number | null | undefined)[],
  level = 0.95,
): Estimate | null {
  const usable = values.filter((value): value is number => Number.isFinite(value))
  const logs = usable.every((value) => value > 0) ? estimateMean(usable.map(Math.log), level) : null
  if (logs === null) return estimateMean(usable, level)
  const { value, low, high, standardError, n } = logs
  return {
    value: Math.exp(value),
    low: low === null ? null : Math.exp(low),
    high: high === null ? null : Math.exp(high),
    // By the delta method.
    standardError: standardError === null ? null : Math.exp(value) * standardError,
    n,
  }
}
