/** What a recorded search came to, as data: for `stint find --json`, its report and its tables. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import {
  ALPHA,
  decidedDistance,
  type LineSearch,
  POWER,
  SHARE_OF_FAILS,
  SHARE_OF_MEETS,
  searchInputOf,
  searchState,
} from '../analyse/search.ts'
import { count, formatNumber, formatShare, list } from '../format.ts'
import type { Manifest } from '../record/types.ts'
import { goalText } from '../sweep/goal.ts'
import type { SearchSettings } from '../sweep/types.ts'

/** What a search came to at one value of the axis that it was repeated over. */
export interface FoundValue {
  /** By the axis of `over`; empty without one. */
  at: Record<string, Scalar>
  /** The value that was looked for, confirmed to meet the goal; null where the range has none. */
  meets: number | null
  /** The value nearest to it that was confirmed to fail the goal; null where the range has none. */
  fails: number | null
  /** At least the probability that every confirmed verdict is right; null where they contradict each other. */
  confidence: number | null
  trials: number
  /** Values between the two that as many trials as one may have did not decide. */
  undecided: number[]
  /** Values that fail beyond one that meets: the axis is not monotone, or a verdict is wrong. */
  violations: number[]
}

/** How sure the verdicts of a search are. */
export interface SearchTest {
  /** Chance that any confirmed verdict at one value of the other axis is wrong. */
  alpha: number
  /** Chance to decide a value whose means lie at least `distance_sd` from their bounds. */
  power: number
  /** In standard deviations of a trial. */
  distance_sd: number
  /** A value meets the goal where at least this share of its trials does. */
  share_meets: number
  /** A value fails the goal where at most this share of its trials meets it. */
  share_fails: number
  /** Most trials of one value. */
  most_trials: number
}

export interface Found {
  axis: string
  best: 'min' | 'max'
  goal: string
  test: SearchTest
  results: FoundValue[]
}

/** A search as its report shows it. */
export interface RecordedSearch {
  search: SearchSettings
  found: Found
  lines: LineSearch[]
}

/**
 * @param run of a search, whether it is over or not
 * @throws {Error} where it is none
 */
export function recordedSearch(run: { manifest: Manifest; trials: readonly TrialResult[] }): RecordedSearch {
  const input = searchInputOf(run.manifest)
  const { search } = input
  const { axis, best, over, trials } = search
  const { lines } = searchState(input, run.trials)
  const results = lines.map((line): FoundValue => {
    const { at, meets, fails, confidence, undecided, violations } = line
    const where = over === null ? {} : { [over]: at }
    return { at: where, meets, fails, confidence, trials: line.trials, undecided, violations }
  })
  const test: SearchTest = {
    alpha: ALPHA,
    power: POWER,
    distance_sd: decidedDistance(trials),
    share_meets: SHARE_OF_MEETS,
    share_fails: SHARE_OF_FAILS,
    most_trials: trials,
  }
  return { search, lines, found: { axis, best, goal: goalText(input.goal), test, results } }
}

/** `max_memory_mb 19 is the smallest that meets the goal; 18 fails it; 18 trials, 97% sure.` */
export function answerText({ axis, best }: Pick<Found, 'axis' | 'best'>, result: FoundValue): string {
  const { at, meets, fails, confidence, trials, undecided, violations } = result
  const where = Object.entries(at).map(([name, value]) => `${name} ${value}: `)
  const most = best === 'min' ? 'smallest' : 'largest'
  const parts = [
    meets === null
      ? `no ${axis} in the range was confirmed to meet the goal`
      : `${axis} ${meets} is the ${most} that meets the goal`,
    ...(fails === null ? [] : [`${fails} fails it`]),
    ...(undecided.length === 0 ? [] : [`${list(undecided.map(String))} could not be decided`]),
    ...(violations.length === 0
      ? []
      : [
          `yet ${list(violations.map(String))} ${violations.length === 1 ? 'fails' : 'fail'} too: ${axis} is not monotone, or a verdict is wrong`,
        ]),
    `${count(trials, 'trial')}${confidence === null ? '' : `, ${formatShare(confidence)} sure`}`,
  ]
  return `${where.join('')}${parts.join('; ')}`
}

/** How a value is judged, and how sure that is. */
export function testText({
  alpha,
  power,
  distance_sd,
  share_meets,
  share_fails,
  most_trials,
}: SearchTest): string {
  return [
    `A value meets the goal where at least ${formatShare(share_meets)} of its trials do and the mean of every other metric lies within its bound; it fails where at most ${formatShare(share_fails)} do or a mean lies beyond.`,
    `On the way a value is placed by a trial or two. Both sides of the answer are confirmed by a sequential test of further trials: the chance that any confirmed verdict is wrong is at most ${formatShare(alpha)}, and a mean ${formatNumber(distance_sd)} standard deviations of a trial from its bound is decided with a chance of at least ${formatShare(power)} within ${most_trials} trials.`,
  ].join(' ')
}
