/**
 * Where along an axis does a goal begin to be met? Values are tried one after another, each by trials until a sequential
 * test tells whether it meets the goal, and bisected. Pure: the same trials give the same search, so that a search
 * which was interrupted goes on where it stood.
 */
import type { TrialResult } from '../../workers/protocol.ts'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import { type Metric, metricTable } from '../metrics.ts'
import type { Goal, Scenario, SearchSettings, Sweep } from '../sweep/types.ts'
import { type GoalStanding, goalStanding } from './goal.ts'
import { groupByScenario, metricValues } from './values.ts'

/** `undecided`: after as many trials as one value may have, the test does not tell; or no trial measures the goal. */
export type Verdict = 'meets' | 'fails' | 'undecided'

/**
 * Chance to decide one value wrongly, for either side: where the mean lies exactly at the bound, to call it within, and to
 * call it beyond.
 */
export const PROBE_ALPHA = 0.005

/** Chance to call a value met at which two of three trials do not end `ok`. */
const OK_ALPHA = 0.04
/** What two of three trials that do not end `ok` leave: so many in a row that end `ok` have a chance of at most that. */
const OK_SHARE = 1 / 3
export const FEWEST_TO_MEET = Math.ceil(Math.log(OK_ALPHA) / Math.log(OK_SHARE))

/** Trials after which the test looks, but for the last, which is as many as one value may have. */
const LOOKS = [3, 5, 8, 12]

/** Numbers of trials at which the test looks; each may spend an equal part of alpha. */
export function looksOf(most: number): number[] {
  return [...LOOKS.filter((look) => look < most), most]
}

export interface Judged {
  /** Null: more trials are needed. */
  verdict: Verdict | null
  /** Rounds that must be over before the test looks again; those that it looked at last where it is decided. */
  rounds: number
  /** Of the trials that the test looked at last. */
  standing: GoalStanding | null
}

/**
 * The group-sequential test of one value. A trial that does not end `ok` decides at once, and so does one in which a
 * metric without noise is beyond its bound. Else the test looks after certain numbers of trials and nowhere between,
 * each time with an equal part of alpha (Bonferroni), so that its error holds for every number of looks.
 * @param trials of the value's scenario that have ended, in any order
 * @param most trials that one value may have
 */
export function judge(
  goal: Goal,
  trials: readonly TrialResult[],
  metrics: ReadonlyMap<string, Metric>,
  most: number,
): Judged {
  const looks = looksOf(most)
  const part = PROBE_ALPHA / looks.length
  const upTo = (round: number) => trials.filter((trial) => trial.round <= round)
  const standingAt = (round: number) => goalStanding(goal, upTo(round), metrics, { met: part, not_met: part })
  const broken = trials.filter(({ outcome }) => outcome !== 'ok').map(({ round }) => round)
  if (broken.length > 0) {
    const rounds = broken.reduce((a, b) => Math.min(a, b))
    return { verdict: 'fails', rounds, standing: standingAt(rounds) }
  }
  if (upTo(1).length === 1) {
    const standing = standingAt(1)
    if (standing.standing === 'not_met') return { verdict: 'fails', rounds: 1, standing }
  }
  let standing: GoalStanding | null = null
  for (const rounds of looks) {
    if (upTo(rounds).length < rounds) return { verdict: null, rounds, standing }
    standing = standingAt(rounds)
    if (standing.standing === 'not_met') return { verdict: 'fails', rounds, standing }
    if (standing.standing === 'met' && rounds >= Math.min(FEWEST_TO_MEET, most))
      return { verdict: 'meets', rounds, standing }
    if (unmeasured(goal, upTo(rounds)).length > 0) return { verdict: 'undecided', rounds, standing }
  }
  return { verdict: 'undecided', rounds: most, standing }
}

/** Metrics of the goal's bounds that none of these trials knows. */
export function unmeasured(goal: Goal, trials: readonly TrialResult[]): string[] {
  return goal.subject_to
    .map(({ metric }) => metric)
    .filter((metric) => metricValues(trials, metric).every((value) => value === null))
}

// ---------------------------------------------------------------- which value comes next

/** First step away from where the neighbour's answer lies, in values; it doubles. */
const FIRST_STEP = 2
/** A narrower stretch between two values that were tried needs no check. */
const WIDE_TO_CHECK = 4

/**
 * The next value to try, of `size` in order from the one at which the goal is hardest to meet to the easiest; null where
 * the answer is known. Without a start both ends are tried first; with one, the search steps away from there until both
 * sides are known. Then it bisects: first for the hardest value that meets, then, where undecided ones lie before it,
 * for the easiest that fails.
 * @param verdicts by index, of the values tried so far
 * @param start index of the neighbour's answer; null without one
 */
export function nextValue(
  verdicts: ReadonlyMap<number, Verdict>,
  size: number,
  start: number | null,
): number | null {
  const { meets, fails, before, after } = bracketOf(verdicts, size)
  if (start === null) {
    if (!verdicts.has(size - 1)) return size - 1
    if (!verdicts.has(0)) return 0
  } else {
    if (verdicts.size === 0) return start
    const step = FIRST_STEP * 2 ** (verdicts.size - 1)
    if (meets === null && before < size - 1) return Math.min(size - 1, before + step)
    if (fails === null && after > 0) return Math.max(0, after - step)
  }
  if ((meets ?? size) - before > 1) return middle(before, meets ?? size)
  if (after - (fails ?? -1) > 1) return middle(fails ?? -1, after)
  return null
}

interface Bracket {
  /** The hardest value that meets; null: none. */
  meets: number | null
  /** The easiest value that fails and is harder than that; null: none. */
  fails: number | null
  /** The easiest value harder than `meets` that was tried; -1: none. */
  before: number
  /** The hardest value easier than `fails` that was tried; the size: none. */
  after: number
}

function bracketOf(verdicts: ReadonlyMap<number, Verdict>, size: number): Bracket {
  const tried = [...verdicts.keys()].sort((a, b) => a - b)
  const meets = tried.find((index) => verdicts.get(index) === 'meets') ?? null
  const harder = tried.filter((index) => meets === null || index < meets)
  const fails = harder.findLast((index) => verdicts.get(index) === 'fails') ?? null
  return {
    meets,
    fails,
    before: harder.at(-1) ?? -1,
    after: tried.find((index) => index > (fails ?? -1)) ?? size,
  }
}

function middle(low: number, high: number): number {
  return Math.floor((low + high) / 2)
}

/**
 * The middle of the widest stretch of values that were not tried and are easier than the answer: whether the goal is met
 * from there on is assumed by the search, and tried once. Null where every stretch is narrow, or nothing meets.
 */
export function valueToCheck(verdicts: ReadonlyMap<number, Verdict>, size: number): number | null {
  const { meets } = bracketOf(verdicts, size)
  if (meets === null) return null
  const easier = [...verdicts.keys()].filter((index) => index >= meets).sort((a, b) => a - b)
  let widest = { from: meets, width: 0 }
  for (const [i, from] of easier.entries()) {
    const width = (easier[i + 1] ?? from) - from
    if (width > widest.width) widest = { from, width }
  }
  return widest.width < WIDE_TO_CHECK ? null : middle(widest.from, widest.from + widest.width)
}

// ---------------------------------------------------------------- a whole search

/** One value that was tried. */
export interface Tried {
  value: number
  /** Its scenario's id. */
  scenario: string
  /** Null: more trials are needed. */
  verdict: Verdict | null
  /** Trials that have ended. */
  trials: number
  standing: GoalStanding | null
  /** It was tried only to see whether the goal is met from the answer on. */
  check: boolean
}

/** The search along the axis, at one value of the other axis. */
export interface LineSearch {
  /** Of the other axis; null without one. */
  at: Scalar
  /** In the order of the search. */
  tried: Tried[]
  /** The value nearest to the other side that meets the goal; null: none in the range was shown to. */
  meets: number | null
  /** The value nearest to `meets` that fails it; null: none in the range was shown to. */
  fails: number | null
  /** Between the two, shown to do neither. */
  undecided: number[]
  /** Easier than one that meets, and yet they fail: the axis is not monotone, or a verdict is wrong. */
  violations: number[]
  /** At least: that every verdict is right. Null where violations say that something is wrong, and before any verdict. */
  confidence: number | null
  /** Trials that have ended. */
  trials: number
  isOver: boolean
}

/** What must be known to go on with a search. */
export interface SearchInput {
  goal: Goal
  search: SearchSettings
  scenarios: readonly Pick<Scenario, 'id' | 'point'>[]
  metrics: ReadonlyMap<string, Metric>
}

/** @throws {Error} where the run is no search */
export function searchInputOf({ sweep, workload }: SearchedRun): SearchInput {
  const { goal, search, scenarios } = sweep
  if (goal === null || search === null) throw new Error('this run is no search')
  return { goal, search, scenarios, metrics: metricTable(workload.metrics) }
}

/** A manifest is one. */
interface SearchedRun {
  sweep: Pick<Sweep, 'goal' | 'search' | 'scenarios'>
  workload: Pick<WorkloadInfo, 'metrics'>
}

/** Trials that a search needs next; null: it is over. */
export interface Wanted {
  scenario: string
  /** Rounds 1 to this one. */
  rounds: number
}

export interface SearchState {
  /** Those that were begun, in their order. */
  lines: LineSearch[]
  wanted: Wanted | null
}

/** Where the search stands after these trials: the same, in whatever order they ended. */
export function searchState(
  { goal, search, scenarios, metrics }: SearchInput,
  trials: readonly TrialResult[],
): SearchState {
  const { axis, over, values, lines: ats } = search
  const byScenario = groupByScenario(trials)
  const lines: LineSearch[] = []
  for (const at of ats) {
    const ids = new Map(
      scenarios
        .filter(({ point }) => over === null || point[over] === at)
        .map(({ id, point }) => [point[axis], id]),
    )
    const begun = beginning(lines.at(-1), values)
    const tried: Tried[] = []
    const verdicts = new Map<number, Verdict>()
    let wanted: Wanted | null = null
    const tryOut = (index: number, check: boolean) => {
      const value = values[index]!
      const scenario = ids.get(value)!
      const ended = byScenario.get(scenario) ?? []
      const { verdict, rounds, standing } = judge(goal, ended, metrics, search.trials)
      tried.push({ value, scenario, verdict, trials: ended.length, standing, check })
      if (verdict === null) wanted = { scenario, rounds }
      else verdicts.set(index, verdict)
    }
    let next = nextValue(verdicts, values.length, begun)
    while (next !== null && wanted === null) {
      tryOut(next, false)
      next = nextValue(verdicts, values.length, begun)
    }
    const toCheck = wanted === null && begun === null ? valueToCheck(verdicts, values.length) : null
    if (toCheck !== null) tryOut(toCheck, true)
    lines.push(lineOf(at, tried, verdicts, values, wanted === null))
    if (wanted !== null) return { lines, wanted }
  }
  return { lines, wanted: null }
}

/** Where a line begins: at its neighbour's answer. */
function beginning(neighbour: LineSearch | undefined, values: readonly number[]): number | null {
  const answer = neighbour?.meets ?? neighbour?.fails ?? null
  return answer === null ? null : values.indexOf(answer)
}

function lineOf(
  at: Scalar,
  tried: Tried[],
  verdicts: ReadonlyMap<number, Verdict>,
  values: readonly number[],
  isOver: boolean,
): LineSearch {
  const { meets, fails } = bracketOf(verdicts, values.length)
  const violations = meets === null ? [] : indexesOf(verdicts, 'fails').filter((index) => index > meets)
  const undecided = indexesOf(verdicts, 'undecided').filter(
    (index) => index > (fails ?? -1) && index < (meets ?? values.length),
  )
  const known = [...verdicts.values()].filter((verdict) => verdict !== 'undecided').length
  const met = indexesOf(verdicts, 'meets').length
  const valueAt = (index: number | null) => (index === null ? null : values[index]!)
  return {
    at,
    tried,
    meets: valueAt(meets),
    fails: valueAt(fails),
    undecided: undecided.map((index) => values[index]!),
    violations: violations.map((index) => values[index]!),
    confidence:
      violations.length > 0 || known === 0 ? null : Math.max(0, 1 - known * PROBE_ALPHA - met * OK_ALPHA),
    trials: tried.reduce((sum, { trials }) => sum + trials, 0),
    isOver,
  }
}

function indexesOf(verdicts: ReadonlyMap<number, Verdict>, wanted: Verdict): number[] {
  return [...verdicts]
    .filter(([, verdict]) => verdict === wanted)
    .map(([index]) => index)
    .sort((a, b) => a - b)
}
