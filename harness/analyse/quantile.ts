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
