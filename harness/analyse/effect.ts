/** How large is a difference, in standard deviations? */
import { logGamma, normalQuantile } from './distributions.ts'
import type { Interval } from './estimate.ts'
import { mean, variance } from './moments.ts'

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
