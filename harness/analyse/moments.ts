/** Mean and standard deviation that keep their digits when values are large and close together. */

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
