/** What a comparison could have shown: the smallest change that it would have found, and equivalence within a margin. */
import { mean, standardDeviation, variance } from './descriptive.ts'
import {
  type ChiGrid,
  chiGrid,
  noncentralUpperTail,
  studentQuantile,
  studentUpperTail,
} from './distributions.ts'
import { pairedComparison } from './paired.ts'
import { rootBetween } from './root.ts'
import { type RawValues, usableValues } from './values.ts'
import type { Side, Warning } from './warnings.ts'
import { type Scale, type WelchTest, welchTest } from './welch.ts'

interface PowerSettings {
  /** Two-sided; 0.05 unless given. */
  alpha?: number
  /** Chance of finding the change if it is there; 0.8 unless given. */
  power?: number
}

export interface SmallestEffect {
  /** On the test's scale: units, or natural logs. */
  difference: number | null
  /** As a share of a, for an increase: 0.05 for 5%. */
  change: number | null
  warnings: Warning[]
}

/** For Welch's test of these two samples, by the noncentral t with Welch's degrees of freedom. */
export function smallestEffect(
  rawA: RawValues,
  rawB: RawValues,
  options: PowerSettings & { scale?: Scale } = {},
): SmallestEffect {
  const scale = options.scale ?? 'natural'
  const samples = { a: usableValues(rawA).values, b: usableValues(rawB).values }
  const warnings = (['a', 'b'] as const).flatMap((side) => problems(side, samples[side], scale))
  if (warnings.length > 0) return { difference: null, change: null, warnings }
  const toScale = (values: number[]) => (scale === 'log' ? values.map(Math.log) : values)
  const [a, b] = [toScale(samples.a), toScale(samples.b)]
  const [errorA, errorB] = [variance(a) / a.length, variance(b) / b.length]
  const error = errorA + errorB
  if (error === 0) return { difference: null, change: null, warnings: [{ kind: 'no_spread' }] }
  const df = error ** 2 / (errorA ** 2 / (a.length - 1) + errorB ** 2 / (b.length - 1))
  const difference = Math.sqrt(error) * smallestNoncentrality(df, options)
  if (scale === 'log') return { difference, change: Math.expm1(difference), warnings: [] }
  const reference = Math.abs(mean(a))
  return { difference, change: reference === 0 ? null : difference / reference, warnings: [] }
}

/** For the test of paired log ratios: the smallest change, as a share. */
export function smallestPairedEffect(logRatios: RawValues, options: PowerSettings = {}): SmallestEffect {
  const { values } = usableValues(logRatios)
  const n = values.length
  const failed = (warning: Warning) => ({ difference: null, change: null, warnings: [warning] })
  if (n < 2) return failed({ kind: 'too_few_values', side: 'b', n, needed: 2 })
  const error = standardDeviation(values) / Math.sqrt(n)
  if (error === 0) return failed({ kind: 'no_spread' })
  const difference = error * smallestNoncentrality(n - 1, options)
  return { difference, change: Math.expm1(difference), warnings: [] }
}

/** For the paired test on the natural scale: `a` and `b` have one finite value per pair, in the same order. */
export function smallestPairedDifference(
  a: readonly number[],
  b: readonly number[],
  options: PowerSettings = {},
): SmallestEffect {
  const found = smallestPairedEffect(
    a.map((value, index) => b[index]! - value),
    options,
  )
  const reference = Math.abs(mean(a))
  if (found.difference === null) return found
  return { ...found, change: reference === 0 ? null : found.difference / reference }
}

/** Chance that a two-sided t-test rejects when the true difference is `noncentrality` standard errors. */
export function powerOf(noncentrality: number, df: number, alpha = 0.05): number {
  return powerAt(noncentrality, df, studentQuantile(1 - alpha / 2, df), chiGrid(df))
}

function powerAt(noncentrality: number, df: number, critical: number, grid: ChiGrid): number {
  return (
    noncentralUpperTail(critical, df, noncentrality, grid) +
    noncentralUpperTail(critical, df, -noncentrality, grid)
  )
}

/** The difference in standard errors that is found with the power asked for. */
export function smallestNoncentrality(df: number, settings: PowerSettings = {}): number {
  const { alpha = 0.05, power = 0.8 } = settings
  const critical = studentQuantile(1 - alpha / 2, df)
  // Near to it, but for few degrees of freedom.
  const guess = critical + studentQuantile(power, df)
  const grid = chiGrid(df, 1.03 * guess)
  const at = (x: number) => ({ x, y: power - powerAt(x, df, critical, grid) })
  let low = at(0.97 * guess)
  let high = at(1.03 * guess)
  while (high.y > 0) {
    low = high
    high = at(1.5 * high.x)
  }
  // A power below alpha is there without any difference.
  while (low.y < 0 && low.x > 1e-9) {
    high = low
    low = at(low.x / 1.5)
  }
  return rootBetween((x) => at(x).y, low, high, POWER_TOLERANCE)
}
/** The noncentral t is known to 1e-8 itself. */
const POWER_TOLERANCE = 1e-11

function problems(side: Side, values: readonly number[], scale: Scale): Warning[] {
  if (values.length < 2) return [{ kind: 'too_few_values', side, n: values.length, needed: 2 }]
  const count = values.filter((value) => value <= 0).length
  return scale === 'log' && count > 0 ? [{ kind: 'not_positive', side, count }] : []
}

// ---------------------------------------------------------------- equivalence

export interface EquivalenceOptions {
  /** As a share, between 0 and 1. */
  margin: number
  /** The margin is an amount in the values' unit, for values that may be zero or negative. */
  absolute?: boolean
}

export interface EquivalenceTest {
  /** p of "b / a is at most 1 - margin", small where b is clearly not that much lower. */
  pLow: number | null
  /** p of "b / a is at least 1 + margin", small where b is clearly not that much higher: non-inferiority. */
  pHigh: number | null
  /** The larger of both: equivalent where it is below alpha. */
  p: number | null
  warnings: Warning[]
}

/**
 * Two one-sided Welch tests (Schuirmann 1987) of b against a times 1 - margin and a times 1 + margin; on the
 * natural scale this is the test of a ratio of means of Hauschke et al. (1999), so no margin in units is needed.
 */
export function equivalenceTest(
  a: RawValues,
  b: RawValues,
  options: EquivalenceOptions & { scale?: Scale },
): EquivalenceTest {
  const scale = options.scale ?? 'natural'
  const moved = (way: Way) =>
    a.map((value) => (typeof value === 'number' ? moveBy(value, way, options) : value))
  return bothSides((way) => welchTest(moved(way), b, { scale }), options)
}

/** The same by two one-sided paired tests; `a` and `b` have one finite value per pair, in the same order. */
export function pairedEquivalenceTest(
  a: readonly number[],
  b: readonly number[],
  options: EquivalenceOptions & { scale: Scale },
): EquivalenceTest {
  const moved = (way: Way) => a.map((value) => moveBy(value, way, options))
  return bothSides((way) => pairedComparison(moved(way), b, options), options)
}

type Way = -1 | 1

function moveBy(value: number, way: Way, { margin, absolute }: EquivalenceOptions): number {
  return absolute === true ? value + way * margin : value * (1 + way * margin)
}

type OneSided = Pick<WelchTest, 't' | 'df' | 'ratio' | 'warnings'>

function bothSides(test: (way: Way) => OneSided, { absolute }: EquivalenceOptions): EquivalenceTest {
  const [low, high] = [test(-1), test(1)]
  if (low.t === null || high.t === null || (absolute !== true && low.ratio === null)) {
    return { pLow: null, pHigh: null, p: null, warnings: low.warnings }
  }
  const pLow = studentUpperTail(low.t, low.df!)
  const pHigh = studentUpperTail(-high.t, high.df!)
  return { pLow, pHigh, p: Math.max(pLow, pHigh), warnings: low.warnings }
}
