/** By which factor does b differ from a, when each round (or duet) gives one pair? */
import type { TrialResult } from '../../workers/protocol.ts'
import { studentQuantile, studentTwoSidedP } from './distributions.ts'
import { mean, standardDeviation } from './moments.ts'
import { metricValues, okTrials, usableValues } from './values.ts'
import type { Warning } from './warnings.ts'

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

/** Log ratios b / a of the rounds in which both sides were `ok` and have a positive value. */
export function logRatiosByRound(
  a: readonly TrialResult[],
  b: readonly TrialResult[],
  metric: string,
): { logRatios: number[]; warnings: Warning[] } {
  const [left, right] = [byRound(a, metric), byRound(b, metric)]
  const logRatios: number[] = []
  const notPositive = { a: 0, b: 0 }
  const rounds = new Set([
    ...left.keys(),
    ...right.keys(),
    ...a.map((t) => t.round),
    ...b.map((t) => t.round),
  ])
  let dropped = 0
  for (const round of [...rounds].sort((x, y) => x - y)) {
    const [valueA, valueB] = [left.get(round), right.get(round)]
    if (valueA === undefined || valueB === undefined) dropped++
    else if (valueA > 0 && valueB > 0) logRatios.push(Math.log(valueB / valueA))
    else {
      if (valueA <= 0) notPositive.a++
      if (valueB <= 0) notPositive.b++
    }
  }
  const warnings: Warning[] = []
  if (dropped > 0) warnings.push({ kind: 'unpaired_rounds', dropped, kept: logRatios.length })
  for (const side of ['a', 'b'] as const) {
    if (notPositive[side] > 0) warnings.push({ kind: 'not_positive', side, count: notPositive[side] })
  }
  return { logRatios, warnings }
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
  // A log ratio is of order 1, so rounding alone leaves errors of this size.
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

function byRound(trials: readonly TrialResult[], metric: string): Map<number, number> {
  const values = metricValues(trials, metric)
  const rounds = new Map<number, number>()
  for (const [index, trial] of okTrials(trials).entries()) {
    const value = values[index]
    if (value !== null && value !== undefined) rounds.set(trial.round, value)
  }
  return rounds
}
