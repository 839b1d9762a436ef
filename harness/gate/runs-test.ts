/** New trials against recorded runs: what varies between runs counts, not what varies within one. */
import type { TrialResult } from '../../workers/protocol.ts'
import { studentQuantile } from '../analyse/distributions.ts'
import { mean, standardDeviation } from '../analyse/moments.ts'
import { metricValues, usableValues } from '../analyse/values.ts'
import { welchTest } from '../analyse/welch.ts'
import type { Metric } from '../metrics.ts'
import { LARGEST_FINDABLE, POWER } from './judge.ts'
import { PASS_ALPHA } from './plan.ts'
import type { GateRow, RowVerdict } from './types.ts'

/** Fewer runs do not show how much runs vary. */
export const FEWEST_RUNS = 5

export type RunsFinding = Pick<
  GateRow,
  'verdict' | 'ratio' | 'baseline' | 'candidate' | 'n' | 'source' | 'note'
>

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
  const found = { baseline: Math.exp(mean(runs)), candidate: Math.exp(now), n, source: 'runs' } as const
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
  const verdict = verdictFor(worse, margin)
  const note = verdict === 'undecided' ? variesBy(error, n, margin, claimAlpha) : null
  return { ...found, verdict, ratio: ratioOf(worse, metric), note }
}

/** What one run against so many could have shown. */
function variesBy(error: number, n: number, margin: number, claimAlpha: number): string {
  const quantiles = studentQuantile(1 - claimAlpha, n - 1) + studentQuantile(POWER, n - 1)
  const findable = Math.expm1(Math.log1p(margin) + quantiles * error)
  const found =
    findable <= LARGEST_FINDABLE
      ? `a change for the worse of ${Math.ceil(findable * 100)}% or more would have been found in four of five cases`
      : 'they vary too much to find anything'
  return `${found}, by how much the ${n} recorded runs differ; compare side by side with --against, or record more runs`
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
  const found = { baseline: mean(a), candidate: mean(b), n: b.length, source: 'trials' } as const
  const at = (alpha: number) => welchTest(a, b, { scale: 'log', level: 1 - 2 * alpha }).ratio
  const [claim, pass] = [at(claimAlpha), at(PASS_ALPHA)]
  const worse: Worse = {
    value: claim?.value ?? mean(b) / mean(a),
    low: claim?.low ?? null,
    high: pass?.high ?? null,
  }
  const verdict = verdictFor(worse, margin)
  const note =
    verdict !== 'undecided'
      ? null
      : worse.low === null
        ? 'one trial does not show how much it varies: raise benchmark_runs, and record the baseline anew'
        : 'its trials vary too much to tell: raise benchmark_runs, record the baseline anew, or choose another margin'
  return { ...found, verdict, ratio: worse, note }
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
