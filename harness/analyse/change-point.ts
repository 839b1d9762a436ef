/** When did a series of measurements change, in level or in spread? */
import { randomStream, shuffle } from '../random.ts'

export interface ChangePoint {
  /** Index of the first value of the new regime. */
  index: number
  /** Of the permutation test, given the changes found before it. */
  p: number
}

export interface ChangePointSettings {
  seed: number
  alpha?: number
  /** Fewest values of a regime, at least 2. */
  minSize?: number
  permutations?: number
}

interface Split {
  index: number
  statistic: number
}

/**
 * E-divisive (Matteson & James 2014): splits where the energy distance between what lies before and after is
 * largest, tests that against shuffles within the regimes found so far, and goes on until a split is not
 * significant. In order of index.
 * @throws RangeError when a value is not finite, since its time would be lost
 */
export function changePoints(values: readonly number[], settings: ChangePointSettings): ChangePoint[] {
  const { seed, alpha = 0.05, minSize = 5, permutations = 199 } = settings
  const bad = values.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) {
    throw new RangeError(`value ${bad} of the series is ${values[bad]}; leave out what was not measured`)
  }
  const smallest = Math.max(2, minSize)
  const series = Float64Array.from(values)
  const random = randomStream(seed)
  const bounds = [0, series.length]
  const found: ChangePoint[] = []
  for (;;) {
    const best = bestSplit(series, bounds, smallest)
    if (best === null) break
    const p = permutationP(series, bounds, smallest, best.statistic, permutations, random)
    if (p > alpha) break
    found.push({ index: best.index, p })
    bounds.push(best.index)
    bounds.sort((x, y) => x - y)
  }
  return found.sort((x, y) => x.index - y.index)
}

/** Share of shuffles (the series itself counts as one) whose best split is at least as good. */
function permutationP(
  series: Float64Array,
  bounds: readonly number[],
  minSize: number,
  statistic: number,
  permutations: number,
  random: () => number,
): number {
  const shuffled = Float64Array.from(series)
  let asGood = 1
  for (let i = 0; i < permutations; i++) {
    for (let k = 1; k < bounds.length; k++) shuffle(shuffled, random, bounds[k - 1]!, bounds[k]!)
    const best = bestSplit(shuffled, bounds, minSize)
    if (best !== null && best.statistic >= statistic) asGood++
  }
  return asGood / (permutations + 1)
}

/** The best split of any regime; null where all are too short. */
function bestSplit(series: Float64Array, bounds: readonly number[], minSize: number): Split | null {
  let best: Split | null = null
  for (let k = 1; k < bounds.length; k++) {
    const split = bestSplitOf(series, bounds[k - 1]!, bounds[k]!, minSize)
    if (split !== null && (best === null || split.statistic > best.statistic)) best = split
  }
  return best
}

/**
 * Over all splits and all right ends (a later change back must not hide an earlier one), the largest
 * mn / (m + n) times the energy distance with exponent 1. Sums
 * over all stretches are made first, so a regime of n values takes on the order of n^2 steps.
 */
function bestSplitOf(series: Float64Array, from: number, to: number, minSize: number): Split | null {
  const size = to - from
  if (size < 2 * minSize) return null
  const within = distanceSums(series, from, size)
  let best: Split | null = null
  for (let left = minSize; left <= size - minSize; left++) {
    for (let end = left + minSize; end <= size; end++) {
      const right = end - left
      const before = within[left]!
      const after = within[left * (size + 1) + end]!
      const between = within[end]! - before - after
      const distance = (2 * between) / (left * right) - before / pairsOf(left) - after / pairsOf(right)
      const statistic = ((left * right) / (left + right)) * distance
      if (best === null || statistic > best.statistic) best = { index: from + left, statistic }
    }
  }
  return best
}

function pairsOf(n: number): number {
  return (n * (n - 1)) / 2
}

/** Sums of distances over the pairs within any stretch: entry start * (size + 1) + end, end excluded. */
function distanceSums(series: Float64Array, from: number, size: number): Float64Array {
  const width = size + 1
  const sums = new Float64Array(width * width)
  for (let start = size - 1; start >= 0; start--) {
    let fromStart = 0
    for (let end = start + 1; end <= size; end++) {
      fromStart += Math.abs(series[from + start]! - series[from + end - 1]!)
      sums[start * width + end] = sums[(start + 1) * width + end]! + fromStart
    }
  }
  return sums
}
