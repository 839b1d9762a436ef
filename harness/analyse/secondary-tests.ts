/** Tests beside the primary one, for a reader who doubts its assumptions or asks another question. */
import type { Metric } from '../metrics.ts'
import { bootstrapMedianRatio } from './bootstrap.ts'
import type { GroupPair, SecondaryTests } from './comparison.ts'
import { mannWhitney, smallestExactP } from './mann-whitney.ts'
import { pairedComparison, pairsByRound } from './paired.ts'
import {
  equivalenceTest,
  pairedEquivalenceTest,
  smallestEffect,
  smallestPairedDifference,
  smallestPairedEffect,
} from './power.ts'
import { metricValues, usableValues } from './values.ts'
import type { Warning } from './warnings.ts'

export const NO_SECONDARY_TESTS: SecondaryTests = {
  paired_rounds: null,
  paired_p: null,
  paired_ratio: null,
  paired_ratio_ci_low: null,
  paired_ratio_ci_high: null,
  mann_whitney_p: null,
  mann_whitney_method: null,
  median_ratio: null,
  median_ratio_ci_low: null,
  median_ratio_ci_high: null,
  equivalence_p: null,
  smallest_change: null,
}

/** Enough for the ends of a 95% interval; more cost time and hardly move them (Efron & Tibshirani 1993, 14.3). */
const RESAMPLES = 2000

interface Settings {
  alpha: number
  /** As a share. */
  margin: number
  /** Of the bootstrap. */
  seed: number
}

/** Beside Welch's test, one value per trial. What cannot be had is null; the warnings are of these tests only. */
export function secondaryTestsOfTrials(
  pair: GroupPair,
  { name, scale, signed }: Metric,
  { alpha, margin, seed }: Settings,
): { tests: SecondaryTests; warnings: Warning[] } {
  const [a, b] = [metricValues(pair.a.trials, name), metricValues(pair.b.trials, name)]
  const level = 1 - alpha
  const paired = pair.apart ? { tests: {}, warnings: [] } : byRound(pair, name, scale, level)
  const ranks = mannWhitney(a, b)
  const absolute = signed === true
  const median = absolute ? null : bootstrapMedianRatio(a, b, { seed, level, resamples: RESAMPLES }).ratio
  const smallest = smallestEffect(a, b, { alpha, scale })
  return {
    tests: {
      ...NO_SECONDARY_TESTS,
      ...paired.tests,
      mann_whitney_p: ranks.p,
      mann_whitney_method: ranks.p === null ? null : ranks.method,
      median_ratio: median?.value ?? null,
      median_ratio_ci_low: median?.low ?? null,
      median_ratio_ci_high: median?.high ?? null,
      equivalence_p: equivalenceTest(a, b, { margin, scale, absolute }).p,
      smallest_change: absolute ? smallest.difference : smallest.change,
    },
    warnings: [...ranks.warnings.filter(({ kind }) => kind === 'ties'), ...paired.warnings],
  }
}

/** The paired test of trials of one round; the ratio on the log scale only. */
function byRound(
  { a, b }: GroupPair,
  metric: string,
  scale: Metric['scale'],
  level: number,
): { tests: Partial<SecondaryTests>; warnings: Warning[] } {
  const rounds = pairsByRound(a.trials, b.trials, metric)
  const { p, ratio } = pairedComparison(rounds.a, rounds.b, { scale, level })
  const shown = scale === 'log' ? ratio : null
  const kept = rounds.a.length
  return {
    tests: {
      paired_rounds: kept,
      paired_p: p,
      paired_ratio: shown?.value ?? null,
      paired_ratio_ci_low: shown?.low ?? null,
      paired_ratio_ci_high: shown?.high ?? null,
    },
    warnings: rounds.dropped > 0 ? [{ kind: 'unpaired_rounds', dropped: rounds.dropped, kept }] : [],
  }
}

/** Beside a paired primary test: only what pairs allow, since their sides are not independent. */
export function secondaryTestsOfPairs(
  a: readonly number[],
  b: readonly number[],
  { scale, signed }: Metric,
  { alpha, margin }: Settings,
): SecondaryTests {
  const smallest =
    scale === 'log'
      ? smallestPairedEffect(
          a.map((value, index) => Math.log(b[index]! / value)),
          { alpha },
        )
      : smallestPairedDifference(a, b, { alpha })
  return {
    ...NO_SECONDARY_TESTS,
    equivalence_p: pairedEquivalenceTest(a, b, { margin, scale, absolute: signed === true }).p,
    smallest_change: signed === true ? smallest.difference : smallest.change,
  }
}

/** Says when ranks could not reach alpha even with all of one side above the other. */
export function tooFewForRanks(pair: GroupPair, { name }: Metric, alpha: number): Warning[] {
  const count = (trials: GroupPair['a']['trials']) => usableValues(metricValues(trials, name)).values.length
  const [n_a, n_b] = [count(pair.a.trials), count(pair.b.trials)]
  const smallest_p = smallestExactP(n_a, n_b)
  if (smallest_p < alpha) return []
  let needed = 1
  while (smallestExactP(needed, needed) >= alpha) needed++
  return [{ kind: 'cannot_reach_alpha', n_a, n_b, smallest_p, alpha, needed }]
}
