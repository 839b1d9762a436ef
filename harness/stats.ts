/**
 * `stint/stats`: the statistics behind Stint's reports and gates, on plain numbers.
 *
 * Every comparison takes the baseline's values first and the candidate's second, so that a difference above 0 or a ratio
 * above 1 means that the candidate's are larger. One value is one independent measurement, such as a trial; readings
 * within a trial are not independent of each other. A value that is null, undefined or not finite counts as missing.
 * What cannot be computed is null, and `caveats` say why.
 */

import { bootstrapMedianRatio as bootstrap } from './analyse/bootstrap.ts'
import * as changes from './analyse/change-point.ts'
import * as corrections from './analyse/correct.ts'
import * as quantiles from './analyse/descriptive.ts'
import { type Estimate, estimateMean as meanOf } from './analyse/descriptive.ts'
import { mannWhitney } from './analyse/mann-whitney.ts'
import { pairedComparison } from './analyse/paired.ts'
import * as tost from './analyse/power.ts'
import {
  type SmallestEffect,
  smallestEffect,
  smallestPairedDifference,
  smallestPairedEffect,
} from './analyse/power.ts'
import * as plans from './analyse/sequential.ts'
import { decide } from './analyse/sequential.ts'
import type { Warning } from './analyse/warnings.ts'
import * as effects from './analyse/welch.ts'
import { type WelchTest, welchTest as welch } from './analyse/welch.ts'

/** Measurements in any order; null or undefined where one gave no value. */
export type Values = ArrayLike<number | null | undefined>

export type Side = 'baseline' | 'candidate'

/**
 * `natural` compares arithmetic means. `log` compares geometric means, which suits times and rates, whose noise is in
 * proportion; it needs values above 0.
 */
export type Scale = 'natural' | 'log'

export type { Estimate }

/** A number with its confidence interval; the ends are null where they cannot be had. */
export interface Bounded {
  value: number
  low: number | null
  high: number | null
}

/** What must be known before a result is trusted. */
export type Caveat =
  /** This side has no value, so nothing was compared. */
  | { kind: 'no_values'; side: Side }
  | { kind: 'too_few_values'; side: Side; n: number; needed: number }
  /** Of n measurements this many gave no value and were left out. */
  | { kind: 'missing_values'; side: Side; missing: number; n: number }
  /** Pairs in which a side has no value were left out. */
  | { kind: 'unpaired'; dropped: number; kept: number }
  /** Values of 0 or below, of which there is no logarithm or ratio. */
  | { kind: 'not_positive'; side: Side; count: number }
  /** The values, or the differences within pairs, do not vary, so there is no error to test against. */
  | { kind: 'constant' }
  /** The baseline's mean is 0 or below, or cannot be told from 0: read the difference, not the ratio. */
  | { kind: 'ratio_undefined' }
  /** Equal values, which make the p of a rank test approximate. */
  | { kind: 'ties'; tied: number; n: number }

export interface MeanComparison {
  scale: Scale
  n: Record<Side, number>
  t: number | null
  df: number | null
  /** Two-sided. */
  p: number | null
  /** Candidate less baseline: of means, or on the log scale of means of natural logarithms. */
  difference: Bounded | null
  /** Candidate over baseline: of arithmetic means, or on the log scale of geometric means. */
  ratio: Bounded | null
  /** Difference as a share of the baseline: 0.05 for 5% more. */
  change: Bounded | null
  caveats: Caveat[]
}

export interface ComparisonOptions {
  /** `natural` unless given. */
  scale?: Scale
  /** Confidence level of the intervals; 0.95 unless given. */
  level?: number
}

/**
 * Welch's t-test (1947) of independent samples, whose variances may differ.
 * The interval of the ratio is Fieller's on the natural scale, and that of the difference, exponentiated, on the log
 * scale.
 * @throws TypeError for values that are no numbers, RangeError for a level outside 0 to 1
 * @example
 * const { ratio, p } = welchTest([10.1, 10.3, 9.9, 10.2], [11.2, 11.0, 11.4, 11.1], { scale: 'log' })
 * ratio.value.toFixed(3) // => '1.104'
 * p < 0.001 // => true
 */
export function welchTest(
  baseline: Values,
  candidate: Values,
  { scale = 'natural', level = 0.95 }: ComparisonOptions = {},
): MeanComparison {
  checkShare('level', level, 0.95)
  const { a, b, caveats } = samples(baseline, candidate)
  return meanComparison(welch(a, b, { scale, level }), caveats)
}

/**
 * Student's paired t-test, for measurements that belong together two by two: of one round, one duet or one seed.
 * @param baseline one value per pair
 * @param candidate as many, in the same order
 * @throws TypeError for values that are no numbers, RangeError for sides of different lengths or a level outside 0 to 1
 * @example
 * const { change } = pairedTest([100, 140, 90, 120], [104, 147, 93, 125], { scale: 'log' })
 * change.value.toFixed(3) // => '0.041'
 * change.low > 0 // => true
 */
export function pairedTest(
  baseline: Values,
  candidate: Values,
  { scale = 'natural', level = 0.95 }: ComparisonOptions = {},
): MeanComparison {
  checkShare('level', level, 0.95)
  const { a, b, caveats } = pairs(baseline, candidate)
  const result = pairedComparison(a, b, { scale, level })
  const isLog = scale === 'log'
  const differences = a.map((value, index) => (isLog ? Math.log(b[index]! / value) : b[index]! - value))
  const mean = result.ratio === null && isLog ? null : meanOf(differences, level)
  const difference = mean && {
    value: mean.value,
    low: result.t === null ? null : mean.low,
    high: result.t === null ? null : mean.high,
  }
  return meanComparison({ ...result, difference }, caveats)
}

export interface RankComparison {
  /** Pairs of a baseline's and a candidate's value in which the candidate's is larger; ties count half. */
  u: number | null
  /** Chance that a value of the candidate is larger than one of the baseline: u over the number of pairs. */
  superiority: number | null
  /** Two-sided. */
  p: number | null
  /** `exact` below 50 values per side without ties, otherwise the `normal` approximation. */
  method: 'exact' | 'normal'
  caveats: Caveat[]
}

/**
 * Mann and Whitney's test (1947): does one side tend to larger values, whatever the shape of the noise?
 * The same as R's `wilcox.test`.
 * @throws TypeError for values that are no numbers
 * @example
 * mannWhitneyTest([1, 2, 3, 4], [5, 6, 7, 8]).superiority // => 1
 * mannWhitneyTest([1, 2, 3, 4], [5, 6, 7, 8]).p.toFixed(4) // => '0.0286'
 */
export function mannWhitneyTest(baseline: Values, candidate: Values): RankComparison {
  const { a, b, caveats } = samples(baseline, candidate)
  const { warnings, ...result } = mannWhitney(a, b)
  return { ...result, caveats: [...caveats, ...caveatsOf(warnings)] }
}

/**
 * Ratio of medians, candidate over baseline, with its bias-corrected and accelerated bootstrap interval (Efron 1987).
 * Needs five positive values per side.
 * @param options.seed the same seed gives the same interval
 * @param options.resamples 4,000 unless given
 * @throws TypeError for values that are no numbers, RangeError for a level outside 0 to 1 or too few resamples
 * @example
 * const before = [101, 99, 102, 98, 100, 103]
 * const after = [111, 108, 112, 109, 110, 131]
 * const { ratio } = bootstrapMedianRatio(before, after, { seed: 1 })
 * ratio.value.toFixed(3) // => '1.100'
 * ratio.low > 1.05 // => true
 */
export function bootstrapMedianRatio(
  baseline: Values,
  candidate: Values,
  { seed, level = 0.95, resamples = 4000 }: { seed: number; level?: number; resamples?: number },
): { ratio: Bounded | null; caveats: Caveat[] } {
  checkShare('level', level, 0.95)
  if (!Number.isInteger(seed)) throw new RangeError(`seed is ${seed}; expected a whole number, such as 1`)
  if (!(Number.isInteger(resamples) && resamples >= 100))
    throw new RangeError(`resamples is ${resamples}; expected a whole number of at least 100, such as 4000`)
  const { a, b, caveats } = samples(baseline, candidate)
  const { ratio, warnings } = bootstrap(a, b, { seed, level, resamples })
  return { ratio, caveats: [...caveats, ...caveatsOf(warnings)] }
}

/**
 * Hedges' g: the difference of means in pooled standard deviations, corrected for small samples, with its large-sample
 * interval (Hedges and Olkin 1985). Null for fewer than two values per side, or where neither side varies.
 * @throws TypeError for values that are no numbers, RangeError for a level outside 0 to 1
 * @example
 * hedgesG([1, 2, 3, 4, 5], [3, 4, 5, 6, 7]).value.toFixed(2) // => '1.14'
 */
export function hedgesG(
  baseline: Values,
  candidate: Values,
  { level = 0.95 }: { level?: number } = {},
): Bounded | null {
  checkShare('level', level, 0.95)
  const { a, b } = samples(baseline, candidate)
  return effects.hedgesG(a, b, level)
}

export interface EquivalenceTest {
  /** Of "the candidate is lower than the baseline by the margin or more". */
  pLower: number | null
  /** Of "the candidate is higher than the baseline by the margin or more"; small means non-inferior, for a time. */
  pUpper: number | null
  /** The larger of both: the sides are equivalent where it is below alpha. */
  p: number | null
  caveats: Caveat[]
}

/**
 * Two one-sided t-tests (Schuirmann 1987): are the means the same within a margin?
 * @param options.margin share of the baseline's mean that does not matter, such as 0.02 for 2%
 * @param options.paired the values belong together two by two, in the same order
 * @throws TypeError for values that are no numbers, RangeError for a margin outside 0 to 1 or pairs of different lengths
 * @example
 * equivalenceTest([100, 101, 99, 100], [100.2, 100.9, 99.4, 100.1], { margin: 0.02 }).p < 0.05 // => true
 * equivalenceTest([100, 101, 99, 100], [103, 104, 102, 103], { margin: 0.02 }).p < 0.05 // => false
 */
export function equivalenceTest(
  baseline: Values,
  candidate: Values,
  options: { margin: number; scale?: Scale; paired?: boolean },
): EquivalenceTest {
  const { margin, scale = 'natural', paired = false } = options
  checkShare('margin', margin, 0.02)
  const { a, b, caveats } = (paired ? pairs : samples)(baseline, candidate)
  const test = paired ? tost.pairedEquivalenceTest : tost.equivalenceTest
  const { pLow, pHigh, p, warnings } = test(a, b, { margin, scale })
  return { pLower: pLow, pUpper: pHigh, p, caveats: [...caveats, ...caveatsOf(warnings)] }
}

/**
 * Holm's adjusted p-values (1979): below alpha, the chance of one or more false claims is at most alpha, however the
 * tests depend on each other. Nulls, for tests that were not made, stay null and do not count.
 * @throws RangeError for a p outside 0 to 1
 * @example
 * holm([0.01, 0.04, null, 0.03]) // => [0.03, 0.06, null, 0.06]
 */
export function holm(p: readonly (number | null)[]): (number | null)[] {
  checkProbabilities(p)
  return corrections.holm(p)
}

/**
 * Benjamini and Hochberg's adjusted p-values (1995): below alpha, on average at most that share of the claims is false.
 * @throws RangeError for a p outside 0 to 1
 * @example
 * benjaminiHochberg([0.01, 0.04, null, 0.03]) // => [0.03, 0.04, null, 0.04]
 */
export function benjaminiHochberg(p: readonly (number | null)[]): (number | null)[] {
  checkProbabilities(p)
  return corrections.benjaminiHochberg(p)
}

/**
 * Mean with Student's t interval; null where there is no value. A single value has no interval.
 * @throws TypeError for values that are no numbers, RangeError for a level outside 0 to 1
 * @example
 * const { value, low, high } = estimateMean([9.8, 10.1, 10.0, 10.3, null])
 * value // => 10.05
 * [low.toFixed(2), high.toFixed(2)] // => ['9.72', '10.38']
 */
export function estimateMean(values: Values, { level = 0.95 }: { level?: number } = {}): Estimate | null {
  checkShare('level', level, 0.95)
  return meanOf(numbers('values', values).values, level)
}

/**
 * Quantile, linear between order statistics (type 7 of Hyndman and Fan 1996, as R and NumPy do); null where there is no
 * value.
 * @param p from 0 to 1
 * @throws TypeError for values that are no numbers, RangeError for a p outside 0 to 1
 * @example
 * quantile([1, 2, 3, 4], 0.5) // => 2.5
 * quantile([], 0.5) // => null
 */
export function quantile(values: Values, p: number): number | null {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`p is ${p}; expected a number from 0 to 1`)
  const usable = numbers('values', values).values
  return usable.length === 0 ? null : quantiles.quantile(usable, p)
}

export interface DetectableChange {
  /** In the values' unit, or on the log scale of natural logarithms. */
  difference: number | null
  /** As a share of the baseline, for an increase: 0.05 for 5%. */
  change: number | null
  caveats: Caveat[]
}

/**
 * The smallest true change that Welch's test, or the paired one, would find in measurements as many and as noisy as
 * these. What lies below may be there and not be seen.
 * @param options.alpha two-sided; 0.05 unless given
 * @param options.power chance of finding the change; 0.8 unless given
 * @throws TypeError for values that are no numbers, RangeError for an alpha or power outside 0 to 1, for a power that is
 * not above alpha, and for pairs of different lengths
 * @example
 * smallestDetectableChange([100, 104, 97, 101, 99], [101, 98, 103, 100, 102]).change.toFixed(3) // => '0.047'
 */
export function smallestDetectableChange(
  baseline: Values,
  candidate: Values,
  options: { scale?: Scale; paired?: boolean; alpha?: number; power?: number } = {},
): DetectableChange {
  const { scale = 'natural', paired = false, alpha = 0.05, power = 0.8 } = options
  checkShare('alpha', alpha, 0.05)
  checkShare('power', power, 0.8)
  if (power <= alpha) throw new RangeError(`power is ${power}, which must be above alpha, ${alpha}`)
  const { a, b, caveats } = (paired ? pairs : samples)(baseline, candidate)
  const settings = { alpha, power }
  const found = (): SmallestEffect => {
    if (!paired) return smallestEffect(a, b, { ...settings, scale })
    if (scale === 'natural') return smallestPairedDifference(a, b, settings)
    const { warnings } = pairedComparison(a, b, { scale })
    if (warnings.some(({ kind }) => kind === 'not_positive'))
      return { difference: null, change: null, warnings }
    return smallestPairedEffect(
      a.map((value, index) => Math.log(b[index]! / value)),
      settings,
    )
  }
  const { warnings, ...smallest } = found()
  return { ...smallest, caveats: [...caveats, ...caveatsOf(warnings)] }
}

/** When to look at a growing sample, and what it takes to stop there. */
export interface SequentialPlan {
  /** One-sided, over all looks together. */
  alpha: number
  looks: SequentialLook[]
}

export interface SequentialLook {
  /** Share of the largest sample. */
  information: number
  /** Boundary of the statistic. */
  z: number
  /** The same as a one-sided p. */
  nominalP: number
  /** Alpha spent up to and with this look. */
  spent: number
}

/**
 * A group-sequential plan: looking several times and stopping early without more false claims than alpha. Alpha is spent
 * as Lan and DeMets (1983) spend it in the manner of O'Brien and Fleming: little early, most at the end.
 * @param looks how many, after equal shares of the largest sample; or the shares themselves, rising to 1
 * @param options.alpha one-sided, below 0.5; 0.025 unless given
 * @throws RangeError for looks or an alpha that make no plan
 * @example
 * sequentialPlan(3).looks.map(({ z }) => z.toFixed(2)) // => ['3.71', '2.51', '1.99']
 */
export function sequentialPlan(
  looks: number | readonly number[],
  { alpha = 0.025 }: { alpha?: number } = {},
): SequentialPlan {
  if (typeof looks !== 'number') return plans.sequentialPlan(looks, alpha)
  if (!(Number.isInteger(looks) && looks >= 1))
    throw new RangeError(`looks is ${looks}; expected a whole number of at least 1, or shares that rise to 1`)
  return plans.sequentialPlan(plans.equalShares(looks), alpha)
}

export interface SequentialDecision {
  /**
   * `regression`: above the margin. `ruled_out`: below it. `continue`: neither yet. `undecided`: neither, at the last
   * look.
   */
  verdict: 'regression' | 'ruled_out' | 'continue' | 'undecided'
  n: number
  /** One-sided, to be held against the look's `nominalP`. */
  pRegression: number | null
  pRuledOut: number | null
  /** Repeated confidence interval, whose ends hold at all looks together. */
  ratio: Bounded | null
  caveats: Caveat[]
}

/**
 * What may be concluded at one look: is the candidate worse than the baseline by more than the margin, or is that ruled
 * out? Both conclusions keep the plan's alpha over all looks, for noise that falls on both sides alike.
 * @param plan made before the first measurement
 * @param look index into `plan.looks`; look at the planned shares of the sample only
 * @param ratios one per pair measured so far, candidate over baseline, turned so that above 1 is worse
 * @param options.margin share that does not matter, such as 0.02 for 2%
 * @throws TypeError for values that are no numbers, RangeError for a look that is not in the plan, a margin outside
 * 0 to 1, or a ratio that is not above 0
 * @example
 * const plan = sequentialPlan(2)
 * const ratios = [1.11, 1.09, 1.12, 1.1, 1.08, 1.1, 1.13, 1.09]
 * sequentialDecision(plan, 0, ratios, { margin: 0.02 }).verdict // => 'regression'
 * sequentialDecision(plan, 0, [1.03, 0.99], { margin: 0.02 }).verdict // => 'continue'
 */
export function sequentialDecision(
  plan: SequentialPlan,
  look: number,
  ratios: Values,
  { margin }: { margin: number },
): SequentialDecision {
  if (margin !== 0) checkShare('margin', margin, 0.02)
  const { values, missing, n } = numbers('ratios', ratios)
  const bad = values.find((ratio) => ratio <= 0)
  if (bad !== undefined) throw new RangeError(`ratios contains ${bad}; expected ratios above 0`)
  const { warnings, ...decision } = decide(plan, look, values.map(Math.log), margin)
  const dropped: Caveat[] = missing > 0 ? [{ kind: 'unpaired', dropped: missing, kept: n - missing }] : []
  return { ...decision, caveats: [...dropped, ...caveatsOf(warnings)] }
}

export interface ChangePoint {
  /** Index of the first value of the new regime. */
  index: number
  /** Of the permutation test, given the changes found before it. */
  p: number
}

/**
 * When did a series change, in level or in spread? E-divisive (Matteson and James 2014) with a permutation test. In order
 * of index; takes on the order of n^2 steps per permutation.
 * @param values in order of time, all finite
 * @param options.seed the same seed gives the same permutations
 * @param options.alpha 0.05 unless given
 * @param options.minSize fewest values of a regime, at least 2; 5 unless given
 * @param options.permutations 9,999 unless given, or 20 / alpha where that is more; p is at least 1 / (permutations + 1)
 * @throws RangeError for a value that is not finite, since its time would be lost, and for fewer permutations than alpha
 * needs
 * @example
 * const series = [10, 11, 10, 9, 10, 11, 10, 20, 21, 19, 20, 21, 20, 19]
 * changePoints(series, { seed: 1 }).map(({ index }) => index) // => [7]
 */
export function changePoints(
  values: ArrayLike<number>,
  options: { seed: number; alpha?: number; minSize?: number; permutations?: number },
): ChangePoint[] {
  const { alpha = 0.05, permutations } = options
  checkShare('alpha', alpha, 0.05)
  if (permutations !== undefined && !(permutations >= 1 / alpha - 1))
    throw new RangeError(
      `permutations is ${permutations}, with which no p is as small as ${alpha}; expected at least ${Math.ceil(1 / alpha - 1)}`,
    )
  return changes.changePoints(Array.from(values), options)
}

// ---------------------------------------------------------------- what comes in

interface Sample {
  values: number[]
  missing: number
  n: number
}

function numbers(name: string, raw: Values): Sample {
  if (raw === null || typeof raw !== 'object' || typeof raw.length !== 'number')
    throw new TypeError(`${name} is ${JSON.stringify(raw)}; expected an array of numbers`)
  const values: number[] = []
  for (let index = 0; index < raw.length; index++) {
    const value: unknown = raw[index]
    if (typeof value === 'number') {
      if (Number.isFinite(value)) values.push(value)
    } else if (value !== null && value !== undefined)
      throw new TypeError(
        `${name}[${index}] is ${JSON.stringify(value)}; expected a number, or null where there is no value`,
      )
  }
  return { values, missing: raw.length - values.length, n: raw.length }
}

function samples(baseline: Values, candidate: Values): { a: number[]; b: number[]; caveats: Caveat[] } {
  const sides = { baseline: numbers('baseline', baseline), candidate: numbers('candidate', candidate) }
  const caveats = (['baseline', 'candidate'] as const).flatMap((side): Caveat[] => {
    const { missing, n } = sides[side]
    return missing === 0 ? [] : [{ kind: 'missing_values', side, missing, n }]
  })
  return { a: sides.baseline.values, b: sides.candidate.values, caveats }
}

function pairs(baseline: Values, candidate: Values): { a: number[]; b: number[]; caveats: Caveat[] } {
  const lengths = [numbers('baseline', baseline).n, numbers('candidate', candidate).n]
  if (lengths[0] !== lengths[1])
    throw new RangeError(
      `baseline has ${lengths[0]} values and candidate ${lengths[1]}; expected one each per pair`,
    )
  const all = Array.from(baseline, (value, index) => [value, candidate[index]] as const)
  const kept = all.filter((pair): pair is [number, number] => pair.every(Number.isFinite))
  const dropped = all.length - kept.length
  return {
    a: kept.map(([value]) => value),
    b: kept.map(([, value]) => value),
    caveats: dropped === 0 ? [] : [{ kind: 'unpaired', dropped, kept: kept.length }],
  }
}

function checkShare(name: string, value: number, such: number): void {
  if (!(value > 0 && value < 1))
    throw new RangeError(`${name} is ${value}; expected a number between 0 and 1, such as ${such}`)
}

function checkProbabilities(p: readonly (number | null)[]): void {
  const bad = p.findIndex((value) => value !== null && !(value >= 0 && value <= 1))
  if (bad >= 0) throw new RangeError(`p[${bad}] is ${p[bad]}; expected a number from 0 to 1, or null`)
}

// ---------------------------------------------------------------- what goes out

function meanComparison(
  result: Omit<WelchTest, 'difference'> & Pick<MeanComparison, 'difference'>,
  caveats: Caveat[],
): MeanComparison {
  const { n, warnings, ...rest } = result
  return {
    ...rest,
    n: { baseline: n.a, candidate: n.b },
    caveats: [...caveats, ...caveatsOf(warnings)],
  }
}

const SIDES = { a: 'baseline', b: 'candidate' } as const

/** @throws for a warning about trials, which plain numbers cannot give */
function caveatsOf(warnings: readonly Warning[]): Caveat[] {
  return warnings.map((warning): Caveat => {
    switch (warning.kind) {
      case 'no_values':
      case 'too_few_values':
      case 'missing_values':
      case 'not_positive':
        return { ...warning, side: SIDES[warning.side] }
      case 'constant':
      case 'no_spread':
        return { kind: 'constant' }
      case 'ratio_undefined':
        return { kind: 'ratio_undefined' }
      case 'ties':
        return warning
      default:
        throw new Error(`unexpected warning ${warning.kind}`)
    }
  })
}
