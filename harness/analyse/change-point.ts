/** When did a series of measurements change, how, and how sure is the place? */
import { randomStream, shuffle } from '../random.ts'
import { mean } from './descriptive.ts'
import { studentQuantile } from './distributions.ts'

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
  /** Per test; absent: 9,999, and more where alpha is so small that these could not show it. */
  permutations?: number
}

interface Split {
  index: number
  statistic: number
}

/**
 * E-divisive (Matteson and James, "A nonparametric approach for multiple change point analysis", JASA 109, 2014):
 * splits where the energy distance between what lies before and after is largest, tests that against shuffles within
 * the regimes found so far, and goes on until a split is not significant. In order of index.
 *
 * A test ends early once p is above alpha whatever its other permutations would show, which changes no decision.
 * @throws {RangeError} when a value is not finite, since its time would be lost
 */
export function changePoints(values: readonly number[], settings: ChangePointSettings): ChangePoint[] {
  const { seed, alpha = 0.05, minSize = 5 } = settings
  const permutations = settings.permutations ?? Math.max(9999, Math.ceil(20 / alpha))
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
    const p = permutationP(series, bounds, smallest, best.statistic, { alpha, permutations, random })
    if (p === null) break
    found.push({ index: best.index, p })
    bounds.push(best.index)
    bounds.sort((x, y) => x - y)
  }
  return found.sort((x, y) => x.index - y.index)
}

/**
 * The smallest p that a series of `n` values can reach: its values fall into two groups of `n / 2` without overlap,
 * which 2 in (n choose n / 2) orders do. 1 where no split is allowed.
 */
export function smallestP(n: number, minSize: number): number {
  if (n < 2 * minSize) return 1
  let ways = 1
  for (let k = 1; k <= n >> 1; k++) ways *= (n - (n >> 1) + k) / k
  return 2 / ways
}

/** Share of shuffles (the series itself counts as one) whose best split is at least as good; null: above alpha. */
function permutationP(
  series: Float64Array,
  bounds: readonly number[],
  minSize: number,
  statistic: number,
  test: { alpha: number; permutations: number; random: () => number },
): number | null {
  const { alpha, permutations, random } = test
  const shuffled = Float64Array.from(series)
  // Sums of the same distances in another order differ in their last bits.
  const enough = statistic * (1 - 1e-9)
  let asGood = 1
  for (let i = 0; i < permutations; i++) {
    for (let k = 1; k < bounds.length; k++) shuffle(shuffled, random, bounds[k - 1]!, bounds[k]!)
    const best = bestSplit(shuffled, bounds, minSize, enough)
    if (best === null || best.statistic < enough) continue
    asGood++
    if (asGood > alpha * (permutations + 1)) return null
  }
  return asGood / (permutations + 1)
}

/**
 * The best split of any regime; null where all are too short.
 * @param enough the first split that is as good as this will do
 */
function bestSplit(
  series: Float64Array,
  bounds: readonly number[],
  minSize: number,
  enough = Number.POSITIVE_INFINITY,
): Split | null {
  let best: Split | null = null
  for (let k = 1; k < bounds.length; k++) {
    const split = bestSplitOf(series, bounds[k - 1]!, bounds[k]!, minSize, enough)
    if (split !== null && (best === null || split.statistic > best.statistic)) best = split
    if (best !== null && best.statistic >= enough) break
  }
  return best
}

/**
 * Over all splits and all right ends (a later change back must not hide an earlier one), the largest
 * mn / (m + n) times the energy distance with exponent 1: with B, W and V the sums of distances between the m values
 * before and the n after, among the former and among the latter, 2 (B - n W / (m - 1) - m V / (n - 1)) / (m + n). Sums
 * over all stretches are made first, so a regime of n values takes on the order of n^2 steps.
 */
function bestSplitOf(
  series: Float64Array,
  from: number,
  to: number,
  minSize: number,
  enough: number,
): Split | null {
  const size = to - from
  if (size < 2 * minSize) return null
  const within = distanceSums(series, from, size)
  const shares = reciprocals(size)
  let index = -1
  let largest = -Infinity
  for (let left = minSize; left <= size - minSize; left++) {
    const before = within[left]!
    const perLeft = before * shares[left - 1]!
    const row = left * (size + 1)
    for (let end = left + minSize; end <= size; end++) {
      const right = end - left
      const after = within[row + end]!
      const between = within[end]! - before - after
      const statistic = 2 * (between - right * perLeft - left * after * shares[right - 1]!) * shares[end]!
      if (statistic <= largest) continue
      largest = statistic
      index = left
      if (largest >= enough) return { index: from + index, statistic: largest }
    }
  }
  return { index: from + index, statistic: largest }
}

/** 1 / n by n, so that the innermost loop does not divide. */
let inverses = new Float64Array(0)

function reciprocals(most: number): Float64Array {
  if (inverses.length <= most) inverses = Float64Array.from({ length: most + 1 }, (_, n) => 1 / n)
  return inverses
}

/** For one series after another: a test makes these sums ten thousand times. */
let scratch = new Float64Array(0)

/** Sums of distances over the pairs within any stretch: entry start * (size + 1) + end, end excluded. */
function distanceSums(series: Float64Array, from: number, size: number): Float64Array {
  const width = size + 1
  if (scratch.length < width * width) scratch = new Float64Array(width * width)
  const sums = scratch
  // No distance lies within a stretch of no value.
  sums[size * width + size] = 0
  for (let start = size - 1; start >= 0; start--) {
    let fromStart = 0
    const row = start * width
    const next = row + width
    sums[row + start] = 0
    const first = series[from + start]!
    for (let end = start + 1; end <= size; end++) {
      fromStart += Math.abs(first - series[from + end - 1]!)
      sums[row + end] = sums[next + end]! + fromStart
    }
  }
  return sums
}

/** Where one change of level lies. */
export interface Place {
  /** The likeliest first value after the change. */
  index: number
  /** First and last index that it may have been, both included. */
  low: number
  high: number
}

/**
 * Where the level of a stretch with one change changed: the posterior over all places, of normal noise whose spread is
 * not known (flat priors for place and levels, 1/sd for the spread: Smith, "A Bayesian approach to inference about a
 * change-point in a sequence of random variables", Biometrika 62, 1975). The range is the shortest that holds
 * `confidence` of it.
 * @param values at least two
 */
export function placeOfChange(values: readonly number[], confidence: number): Place {
  const n = values.length
  const scores = Array.from({ length: n - 1 }, (_, k) => {
    const split = k + 1
    const rest = squaresAround(values, 0, split) + squaresAround(values, split, n)
    return -0.5 * Math.log(split * (n - split)) - ((n - 2) / 2) * Math.log(rest)
  })
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity)
  // Values without noise leave a sum of squares of 0, and so no doubt.
  const weights = scores.map((score) =>
    score === largest ? 1 : largest === Infinity ? 0 : Math.exp(score - largest),
  )
  const total = weights.reduce((a, b) => a + b, 0)
  const index = weights.indexOf(1)
  let [low, high] = [index, index]
  let held = 1
  while (held < confidence * total && (low > 0 || high < weights.length - 1)) {
    const below = weights[low - 1] ?? -1
    const above = weights[high + 1] ?? -1
    if (below >= above) held += weights[--low]!
    else held += weights[++high]!
  }
  return { index: index + 1, low: low + 1, high: high + 1 }
}

export interface Ramp {
  /** Index of the last value at the level before, and of the first at the level after. */
  from: number
  to: number
  before: number
  after: number
}

/** A difference of the criterion that is strong evidence (Kass and Raftery, "Bayes factors", JASA 90, 1995). */
const STRONG = 6

/** A climb over fewer values cannot be told from a step. */
const FEWEST_IN_RAMP = 4

/**
 * A steady climb between two levels where it explains a stretch clearly better than changes of level at `steps` do, by
 * the Bayesian information criterion (Schwarz 1978); else null.
 * @param steps indices of the first values after each
 */
export function rampInstead(values: readonly number[], steps: readonly number[]): Ramp | null {
  const n = values.length
  const bounds = [0, ...steps, n]
  let stepped = 0
  for (let k = 1; k < bounds.length; k++) stepped += squaresAround(values, bounds[k - 1]!, bounds[k]!)
  if (stepped === 0) return null
  // A level per regime and a place per change; a ramp has two levels and two places.
  const allowed = n * Math.log(stepped) + (2 * steps.length + 1) * Math.log(n)
  let best: (Ramp & { rest: number }) | null = null
  for (let from = 0; from + FEWEST_IN_RAMP < n; from++) {
    for (let to = from + FEWEST_IN_RAMP; to < n; to++) {
      const fit = fitRamp(values, from, to)
      if (fit !== null && (best === null || fit.rest < best.rest)) best = fit
    }
  }
  if (best === null) return null
  const { rest, ...ramp } = best
  return n * Math.log(rest) + 4 * Math.log(n) < allowed - STRONG ? ramp : null
}

/** Least squares for the two levels of a climb between two places. */
function fitRamp(values: readonly number[], from: number, to: number): (Ramp & { rest: number }) | null {
  let [aa, ab, bb, ay, by, yy] = [0, 0, 0, 0, 0, 0]
  values.forEach((y, i) => {
    const b = i <= from ? 0 : i >= to ? 1 : (i - from) / (to - from)
    const a = 1 - b
    aa += a * a
    ab += a * b
    bb += b * b
    ay += a * y
    by += b * y
    yy += y * y
  })
  const determinant = aa * bb - ab * ab
  if (determinant <= 0) return null
  const before = (bb * ay - ab * by) / determinant
  const after = (aa * by - ab * ay) / determinant
  return { from, to, before, after, rest: Math.max(Number.MIN_VALUE, yy - before * ay - after * by) }
}

/** How sure an outlier must be: a series has many values, and a history many series. */
const OUTLIER_ALPHA = 0.001

/**
 * Indices of values that stand apart from the others of their regime, by Grubbs' test ("Procedures for detecting
 * outlying observations in samples", Technometrics 11, 1969), one after another.
 * @param from the regime's first index
 * @param to after its last
 */
export function outliersOf(values: readonly number[], from: number, to: number): number[] {
  const left = Array.from({ length: to - from }, (_, k) => from + k)
  const found: number[] = []
  while (left.length >= 5 && found.length < (to - from) / 5) {
    const centre = mean(left.map((i) => values[i]!))
    const far = left.reduce((a, b) => (Math.abs(values[b]! - centre) > Math.abs(values[a]! - centre) ? b : a))
    const others = left.filter((i) => i !== far).map((i) => values[i]!)
    const m = others.length
    const sd = Math.sqrt(squaresAround(others, 0, m) / (m - 1))
    const gap = Math.abs(values[far]! - mean(others)) / Math.sqrt(1 + 1 / m)
    if (!(gap > sd * studentQuantile(1 - OUTLIER_ALPHA / (2 * left.length), m - 1))) break
    found.push(far)
    left.splice(left.indexOf(far), 1)
  }
  return found.sort((a, b) => a - b)
}

function squaresAround(values: readonly number[], from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i]!
  const centre = sum / (to - from)
  let squares = 0
  for (let i = from; i < to; i++) squares += (values[i]! - centre) ** 2
  return squares
}
