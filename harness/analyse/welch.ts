/** Do two sets of trials have the same mean, and if not, by which factor do they differ? */

import { type Interval, mean, variance } from './descriptive.ts'
import { logGamma, normalQuantile, studentQuantile, studentTwoSidedP } from './distributions.ts'
import { type RawValues, usableValues } from './values.ts'
import type { Side, Warning } from './warnings.ts'

export type Scale = 'log' | 'natural'

/** Null fields could not be had; `warnings` says why. `b` is compared with `a`, so above 0 (or 1) means b is larger. */
export interface WelchTest {
  scale: Scale
  n: { a: number; b: number }
  t: number | null
  /** Welch-Satterthwaite. */
  df: number | null
  /** Two-sided. */
  p: number | null
  /** b - a on the test's scale: of means, or of means of natural logs. */
  difference: (Interval & { value: number }) | null
  /** b / a: of geometric means on the log scale, else of arithmetic means. Needs a positive a. */
  ratio: { value: number; low: number | null; high: number | null } | null
  /** (b - a) / |a|, which keeps its sense where a is negative. */
  change: { value: number; low: number | null; high: number | null } | null
  warnings: Warning[]
}

/** Relative standard error below which both sides count as constant, as in R's `t.test`. */
const CONSTANT = 10 * Number.EPSILON

/**
 * Welch's t-test (1947) of independent samples. On the log scale the interval of the ratio is that of the
 * difference of logs, exponentiated; on the natural scale it is Fieller's.
 * @param level of the intervals, such as 0.95
 */
export function welchTest(
  rawA: RawValues,
  rawB: RawValues,
  options: { scale?: Scale; level?: number } = {},
): WelchTest {
  const scale = options.scale ?? 'natural'
  const level = options.level ?? 0.95
  const a = side('a', rawA, scale)
  const b = side('b', rawB, scale)
  const result: WelchTest = {
    scale,
    n: { a: a.values.length, b: b.values.length },
    t: null,
    df: null,
    p: null,
    difference: null,
    ratio: null,
    change: null,
    warnings: [...a.warnings, ...b.warnings],
  }
  if (!a.comparable || !b.comparable) return result
  const [meanA, meanB] = [mean(a.scaled), mean(b.scaled)]
  result.ratio = ratioOfPoints(scale, meanA, meanB)
  result.change = changeOfPoints(scale, meanA, meanB)
  if (scale === 'natural' && meanA <= 0) {
    result.warnings.push({ kind: 'ratio_undefined', reason: 'reference_not_positive' })
  }
  if (a.values.length < 2 || b.values.length < 2) return result
  const squaredErrorA = variance(a.scaled) / a.scaled.length
  const squaredErrorB = variance(b.scaled) / b.scaled.length
  const error = Math.sqrt(squaredErrorA + squaredErrorB)
  // Logs may agree to the last bit where the values do not.
  if (bothConstant(a.values, b.values) || error === 0) {
    result.warnings.push({ kind: 'constant' })
    return result
  }

  const shareA = squaredErrorA / (squaredErrorA + squaredErrorB)
  const df = 1 / (shareA ** 2 / (a.scaled.length - 1) + (1 - shareA) ** 2 / (b.scaled.length - 1))
  const difference = meanB - meanA
  const critical = studentQuantile((1 + level) / 2, df)
  result.t = difference / error
  result.df = df
  result.p = studentTwoSidedP(result.t, df)
  result.difference = {
    value: difference,
    low: difference - critical * error,
    high: difference + critical * error,
  }
  if (scale === 'log') {
    const [low, high] = [Math.exp(result.difference.low), Math.exp(result.difference.high)]
    result.ratio = { value: Math.exp(difference), low, high }
    result.change = { value: Math.expm1(difference), low: low - 1, high: high - 1 }
    return result
  }
  const change = changeOfMeans(
    { mean: meanA, standardError: Math.sqrt(squaredErrorA) },
    { mean: meanB, standardError: Math.sqrt(squaredErrorB) },
    critical,
  )
  if (change !== null) {
    result.ratio = change.ratio
    result.change = change.change
  } else if (meanA > 0) {
    result.warnings.push({ kind: 'ratio_undefined', reason: 'reference_near_zero' })
  }
  return result
}

function side(name: Side, raw: RawValues, scale: Scale) {
  const { values, missing } = usableValues(raw)
  const n = values.length
  const warnings: Warning[] = []
  if (missing > 0 && n > 0) warnings.push({ kind: 'missing_values', side: name, missing, n: raw.length })
  if (n === 0) warnings.push({ kind: 'no_values', side: name })
  else if (n < 2) warnings.push({ kind: 'too_few_values', side: name, n, needed: 2 })
  const notPositive = scale === 'log' ? values.filter((value) => value <= 0).length : 0
  if (notPositive > 0) warnings.push({ kind: 'not_positive', side: name, count: notPositive })
  const comparable = n > 0 && notPositive === 0
  return {
    values,
    warnings,
    comparable,
    scaled: scale === 'log' && comparable ? values.map(Math.log) : values,
  }
}

/** True where neither side varies beyond rounding, so that no test has an error to go by. */
function bothConstant(a: readonly number[], b: readonly number[]): boolean {
  const error = Math.sqrt(variance(a) / a.length + variance(b) / b.length)
  return error <= CONSTANT * Math.max(Math.abs(mean(a)), Math.abs(mean(b)))
}

function ratioOfPoints(scale: Scale, a: number, b: number): WelchTest['ratio'] {
  if (scale === 'log') return { value: Math.exp(b - a), low: null, high: null }
  return a > 0 ? { value: b / a, low: null, high: null } : null
}

function changeOfPoints(scale: Scale, a: number, b: number): WelchTest['change'] {
  const value = scale === 'log' ? Math.expm1(b - a) : relativeChange(a, b)
  return value === null ? null : { value, low: null, high: null }
}

/** (b - a) / |a|; 0 where both are 0, null where only a is. */
export function relativeChange(a: number, b: number): number | null {
  if (a === b) return 0
  return a === 0 ? null : (b - a) / Math.abs(a)
}

// ---------------------------------------------------------------- the ratio of two means

interface MeanWithError {
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
function fiellerInterval(
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

// ---------------------------------------------------------------- the size of a difference in standard deviations

/**
 * Hedges' g of b against a: (mean b - mean a) over the pooled standard deviation, with the exact small-sample
 * correction (Hedges 1981). The interval is the large-sample one of Hedges & Olkin (1985):
 * var d = (na + nb) / (na nb) + d^2 / (2 (na + nb)).
 * Null for fewer than two values per side, or where neither side varies. Values must be finite.
 */
export function hedgesG(
  a: readonly number[],
  b: readonly number[],
  level = 0.95,
): (Interval & { value: number }) | null {
  if (a.length < 2 || b.length < 2) return null
  const df = a.length + b.length - 2
  const pooled = ((a.length - 1) * variance(a) + (b.length - 1) * variance(b)) / df
  if (!(pooled > 0)) return null
  const d = (mean(b) - mean(a)) / Math.sqrt(pooled)
  const correction = smallSampleCorrection(df)
  const total = a.length + b.length
  const error = Math.sqrt(total / (a.length * b.length) + d ** 2 / (2 * total))
  const half = normalQuantile((1 + level) / 2) * correction * error
  const value = correction * d
  return { value, low: value - half, high: value + half }
}

/** Hedges' J: gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)); d overstates by 1 / J. */
export function smallSampleCorrection(df: number): number {
  return Math.exp(logGamma(df / 2) - logGamma((df - 1) / 2)) / Math.sqrt(df / 2)
}
