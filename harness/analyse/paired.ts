/** Does b differ from a, and by which factor, when each round, duet or seed gives one pair? */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { mean, standardDeviation, variance } from './descriptive.ts'
import { studentQuantile, studentTwoSidedP } from './distributions.ts'
import { metricValues, okTrials, usableValues } from './values.ts'
import type { Warning } from './warnings.ts'
import { changeOfMeans, relativeChange, type Scale, type WelchTest } from './welch.ts'

export interface PairedTest {
  /** Pairs that entered. */
  n: number
  t: number | null
  df: number | null
  /** Two-sided. */
  p: number | null
  /** Geometric mean of b / a over the pairs. */
  ratio: { value: number; low: number | null; high: number | null } | null
  warnings: Warning[]
}

/**
 * Values of the rounds in which both sides were `ok` and have one, in the order of the rounds; `dropped` counts
 * those in which both ran and one has none. Rounds whose sides ran on different machines are no pairs.
 */
export function pairsByRound(
  a: readonly TrialResult[],
  b: readonly TrialResult[],
  metric: string,
): { a: number[]; b: number[]; dropped: number } {
  const [left, right] = [byRound(a, metric), byRound(b, metric)]
  // A scenario may have had enough after fewer rounds than the other: those it did not run are no loss.
  const ran = new Map(b.map(({ round, machine }) => [round, machine]))
  const together = a.filter(({ round, machine }) => ran.has(round) && ran.get(round) === machine)
  const rounds = [...new Set(together.map(({ round }) => round))]
  rounds.sort((x, y) => x - y)
  const kept = rounds.filter((round) => left.has(round) && right.has(round))
  return {
    a: kept.map((round) => left.get(round)!),
    b: kept.map((round) => right.get(round)!),
    dropped: rounds.length - kept.length,
  }
}

/** Student's t-test of the mean log ratio against 0, and the interval of the ratio. */
export function pairedTest(logRatios: readonly (number | null)[], level = 0.95): PairedTest {
  const { values } = usableValues(logRatios)
  const n = values.length
  const result: PairedTest = { n, t: null, df: null, p: null, ratio: null, warnings: [] }
  if (n === 0) return { ...result, warnings: [{ kind: 'no_values', side: 'b' }] }
  const centre = mean(values)
  result.ratio = { value: Math.exp(centre), low: null, high: null }
  if (n === 1) return { ...result, warnings: [{ kind: 'too_few_values', side: 'b', n, needed: 2 }] }
  const error = standardDeviation(values) / Math.sqrt(n)
  // A log ratio is of order 1, so rounding leaves errors of this size.
  if (error <= 10 * Number.EPSILON) return { ...result, warnings: [{ kind: 'no_spread' }] }
  const half = studentQuantile((1 + level) / 2, n - 1) * error
  const t = centre / error
  return {
    ...result,
    t,
    df: n - 1,
    p: studentTwoSidedP(t, n - 1),
    ratio: { value: Math.exp(centre), low: Math.exp(centre - half), high: Math.exp(centre + half) },
  }
}

/**
 * Student's paired t-test of b against a, pair by pair: of log ratios, or on the natural scale of differences,
 * where the ratio is one of means with Fieller's interval.
 * @param a one finite value per pair
 * @param b as many, in the same order
 */
export function pairedComparison(
  a: readonly number[],
  b: readonly number[],
  options: { scale: Scale; level?: number },
): WelchTest {
  const level = options.level ?? 0.95
  const n = a.length
  const blank = {
    scale: options.scale,
    n: { a: n, b: n },
    t: null,
    df: null,
    p: null,
    difference: null,
    ratio: null,
    change: null,
    warnings: [],
  }
  if (n === 0) return { ...blank, warnings: [{ kind: 'no_values', side: 'b' }] }
  if (options.scale === 'log') {
    const warnings = (['a', 'b'] as const).flatMap((side): Warning[] => {
      const count = (side === 'a' ? a : b).filter((value) => value <= 0).length
      return count === 0 ? [] : [{ kind: 'not_positive', side, count }]
    })
    if (warnings.length > 0) return { ...blank, warnings }
    const test = pairedTest(
      a.map((value, index) => Math.log(b[index]! / value)),
      level,
    )
    const { value, low, high } = test.ratio!
    const change = {
      value: value - 1,
      low: low === null ? null : low - 1,
      high: high === null ? null : high - 1,
    }
    return { ...blank, t: test.t, df: test.df, p: test.p, ratio: test.ratio, change, warnings: test.warnings }
  }
  const [meanA, meanB] = [mean(a), mean(b)]
  const point = relativeChange(meanA, meanB)
  const points = {
    ...blank,
    ratio: meanA > 0 ? { value: meanB / meanA, low: null, high: null } : null,
    change: point === null ? null : { value: point, low: null, high: null },
  }
  if (n === 1) return { ...points, warnings: [{ kind: 'too_few_values', side: 'b', n, needed: 2 }] }
  const differences = a.map((value, index) => b[index]! - value)
  const error = standardDeviation(differences) / Math.sqrt(n)
  const size = Math.max(...[...a, ...b].map(Math.abs))
  if (error <= 10 * Number.EPSILON * size) return { ...points, warnings: [{ kind: 'no_spread' }] }
  const difference = mean(differences)
  const t = difference / error
  // Of the means: (Var a + Var b - Var (b - a)) / 2n.
  const covariance = (variance(a) + variance(b) - variance(differences)) / (2 * n)
  const withError = (values: readonly number[], centre: number) => ({
    mean: centre,
    standardError: standardDeviation(values) / Math.sqrt(n),
  })
  const critical = studentQuantile((1 + level) / 2, n - 1)
  const change = changeOfMeans(withError(a, meanA), withError(b, meanB), critical, covariance)
  const undefinedRatio: Warning = {
    kind: 'ratio_undefined',
    reason: meanA > 0 ? 'reference_near_zero' : 'reference_not_positive',
  }
  return {
    ...points,
    difference: {
      value: difference,
      low: difference - critical * error,
      high: difference + critical * error,
    },
    ...(change ?? {}),
    t,
    df: n - 1,
    p: studentTwoSidedP(t, n - 1),
    warnings: change?.ratio ? [] : [undefinedRatio],
  }
}

function byRound(trials: readonly TrialResult[], metric: string): Map<number, number> {
  const values = metricValues(trials, metric)
  const rounds = new Map<number, number>()
  for (const [index, trial] of okTrials(trials).entries()) {
    const value = values[index]
    if (value !== null && value !== undefined) rounds.set(trial.round, value)
  }
  return rounds
}
