/** New trials against recorded runs: what varies between runs counts, not what varies within one. */
import type { TrialResult } from '../../workers/protocol.ts'
import { studentQuantile } from '../analyse/distributions.ts'
import { mean, standardDeviation } from '../analyse/moments.ts'
import { metricValues, usableValues } from '../analyse/values.ts'
import { welchTest } from '../analyse/welch.ts'
import type { Metric } from '../metrics.ts'
import { PASS_ALPHA } from './plan.ts'
import type { GateRow, RowVerdict } from './types.ts'

/** Fewer runs do not show how much runs vary. */
export const FEWEST_RUNS = 5

export type RunsFinding = Pick<GateRow, 'verdict' | 'ratio' | 'a' | 'b' | 'n' | 'source' | 'note'>

interface Worse {
  value: number
  low: number | null
  high: number | null
}

/**
 * Holds the mean of one new run against the spread of the recorded ones: Student's prediction interval on the log scale.
 * @param recorded the trials of one scenario, by run
 * @returns null where the metric was not measured
 */
export function timesTest(
  metric: Metric,
  recorded: readonly (readonly TrialResult[])[],
  trials: readonly TrialResult[],
  margin: number,
  claimAlpha: number,
): RunsFinding | null {
  const runs = recorded.map((run) => logMean(run, metric)).filter((value) => value !== null)
  const now = logMean(trials, metric)
  if (runs.length === 0 || now === null) return null
  const n = runs.length
  const sign = metric.direction === 'higher_is_better' ? -1 : 1
  const difference = sign * (now - mean(runs))
  const found = { a: Math.exp(mean(runs)), b: Math.exp(now), n, source: 'runs' } as const
  if (n < FEWEST_RUNS) {
    const worse = { value: Math.exp(difference), low: null, high: null }
    const note = `runs vary by more than trials of one run: ${FEWEST_RUNS} recorded runs are needed to tell, and there ${n === 1 ? 'is one' : `are ${n}`}`
    return { ...found, verdict: 'undecided', ratio: ratioOf(worse, metric), note }
  }
  const error = standardDeviation(runs) * Math.sqrt(1 + 1 / n)
  const worse = {
    value: Math.exp(difference),
    low: Math.exp(difference - studentQuantile(1 - claimAlpha, n - 1) * error),
    high: Math.exp(difference + studentQuantile(1 - PASS_ALPHA, n - 1) * error),
  }
  return { ...found, verdict: verdictFor(worse, margin), ratio: ratioOf(worse, metric), note: null }
}

/** Peaks hardly vary between runs: their trials are compared directly, by Welch's test on the log scale. */
export function memoryTest(
  metric: Metric,
  recorded: readonly (readonly TrialResult[])[],
  trials: readonly TrialResult[],
  margin: number,
  claimAlpha: number,
): RunsFinding | null {
  const a = usableValues(metricValues(recorded.flat(), metric.name)).values
  const b = usableValues(metricValues(trials, metric.name)).values
  if (a.length === 0 || b.length === 0) return null
  const found = { a: mean(a), b: mean(b), n: b.length, source: 'trials', note: null } as const
  const at = (alpha: number) => welchTest(a, b, { scale: 'log', level: 1 - 2 * alpha }).ratio
  const [claim, pass] = [at(claimAlpha), at(PASS_ALPHA)]
  const worse: Worse = {
    value: claim?.value ?? mean(b) / mean(a),
    low: claim?.low ?? null,
    high: pass?.high ?? null,
  }
  return { ...found, verdict: verdictFor(worse, margin), ratio: worse }
}

function verdictFor({ low, high }: Worse, margin: number): RowVerdict {
  if (low !== null && low > 1 + margin) return 'regression'
  return high !== null && high < 1 + margin ? 'ruled_out' : 'undecided'
}

function ratioOf(worse: Worse, { direction }: Metric): Worse {
  if (direction !== 'higher_is_better') return worse
  const inverse = (value: number | null) => (value === null ? null : 1 / value)
  return { value: 1 / worse.value, low: inverse(worse.high), high: inverse(worse.low) }
}

function logMean(trials: readonly TrialResult[], metric: Metric): number | null {
  const values = usableValues(metricValues(trials, metric.name)).values.filter((value) => value > 0)
  return values.length === 0 ? null : mean(values.map(Math.log))
}
