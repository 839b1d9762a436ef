/**
 * Where along an axis does a goal begin to be met? Values are tried one after another and bisected. On the way a value is
 * placed by a trial or two, since a wrong turn costs trials and no more; the two sides of the answer are then confirmed,
 * each by a sequential test of further trials. Pure: the same trials give the same search, so that a search which was
 * interrupted goes on where it stood.
 */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import { type Metric, metricTable } from '../metrics.ts'
import type { Constraint, Goal, Scenario, SearchSettings, Sweep } from '../sweep/types.ts'
import { canBeHeldByEveryTrial, type GoalStanding, goalStanding, isHeldByEveryTrial, within } from './goal.ts'
import { smallestNoncentrality } from './power.ts'
import { groupByScenario, metricOf, metricValues } from './values.ts'

/** `undecided`: after as many trials as one value may have, the test does not tell; or no trial measures the goal. */
export type Verdict = 'meets' | 'fails' | 'undecided'

// ---------------------------------------------------------------- the test of one value, and its error rates

/** Chance that a confirmed verdict is wrong, over all of them at one value of the other axis. */
export const ALPHA = 0.05
/** Chance to decide a value whose means lie at least `decidedDistance` from their bounds. */
export const POWER = 0.9
/** A value meets its goal where at least so many of its trials are good, */
export const SHARE_OF_MEETS = 0.98
/** and fails it where at most so many are. One stray crash is no more than that. */
export const SHARE_OF_FAILS = 0.5

/** Trials of a test after which means are held against their bounds, but for the last, which is all that are left. */
const LOOKS = [3, 6, 9, 13]

/** Two that may be needed to place a value, and six that show it to meet its goal. */
export const FEWEST_TRIALS = 8

export function looksOf(most: number): number[] {
  return [...LOOKS.filter((look) => look < most), most]
}

/** Parts of `ALPHA` for tests one after another. */
export interface Spending {
  first: readonly number[]
  /** For all further tests, however many: a half of it, a sixth, a twelfth. */
  last: number
}

/** By what a test is begun to show; the same spending for both: they are counted together. All parts make 1. */
export type Spendings = Readonly<Record<'meets' | 'fails', Spending>>

const FAILS: Spending = { first: [0.033, 0.033], last: 0.005 }
/**
 * Where every bound holds or breaks trial by trial. Five good trials on end show that a value meets its goal, and eight
 * where the test before did not: near the limit a search begins two or three. Two bad ones show that a value fails it.
 */
export const PARTS_OF_TRIALS: Spendings = { meets: { first: [0.7, 0.1, 0.1], last: 0.029 }, fails: FAILS }
/** The same where a value has too few trials for eight good ones: six show it in the first two tests, and seven in the third. */
export const PARTS_OF_FEW_TRIALS: Spendings = {
  meets: { first: [0.36, 0.36, 0.181], last: 0.028 },
  fails: FAILS,
}
/** Two that may be needed to place a value, and eight that show it to meet its goal. */
const ENOUGH_TRIALS = 10
const EITHER: Spending = { first: [0.4, 0.4], last: 0.2 }
/** Where a mean is held against a bound, which takes about as long on either side. */
export const PARTS_OF_MEANS: Spendings = { meets: EITHER, fails: EITHER }

/**
 * The chance of a wrong verdict that the nth test of a spending may have, so that all tests at one value of the other axis
 * have `ALPHA`. Only one verdict is wrong of any value, so that a test needs no part for either.
 * @param nth from 1
 */
export function levelOf(nth: number, { first, last }: Spending): number {
  const part = first[nth - 1]
  if (part !== undefined) return ALPHA * part
  const later = nth - first.length
  return (ALPHA * last) / (later * (later + 1))
}

/** How far from its bound the mean of one metric must lie, in standard deviations of a trial, for a test to tell with `POWER`. */
export function decidedDistance(most: number): number {
  const fresh = most - 1
  const tail = levelOf(1, EITHER) / 2 / looksOf(fresh).length
  return smallestNoncentrality(fresh - 1, { alpha: 2 * tail, power: POWER }) / Math.sqrt(fresh)
}

export interface Judged {
  /** Null: more trials are needed. */
  verdict: Verdict | null
  /** Rounds that must be over before there is more to tell; those that told where it is decided. */
  rounds: number
}

/** What a value is judged by. */
interface Judging {
  goal: Goal
  metrics: ReadonlyMap<string, Metric>
  /** Trials that one value may have. */
  most: number
}

/**
 * Where a value stands by one trial, or by two where the first did not end `ok` for a reason that may be a stray, or did
 * not measure the goal.
 * @param trials of the value's scenario that have ended, in any order
 */
export function place({ goal, metrics, most }: Judging, trials: readonly TrialResult[]): Judged {
  for (const rounds of most > 1 ? [1, 2] : [1]) {
    const first = trials.filter(({ round }) => round <= rounds)
    if (first.length < rounds) return { verdict: null, rounds }
    const ok = first.filter(({ outcome }) => outcome === 'ok')
    if (ok.length > 0 && unmeasured(goal, ok).length === 0) {
      const { constraints } = goalStanding(goal, ok, metrics)
      const isMet = constraints.every(
        ({ constraint: { operator, bound }, estimate }) =>
          estimate !== null && within(estimate.value, operator, bound),
      )
      return { verdict: isMet ? 'meets' : 'fails', rounds }
    }
    if (ok.length === 0 && (rounds > 1 || first.some(({ outcome }) => outcome === 'out_of_memory')))
      return { verdict: 'fails', rounds }
  }
  return { verdict: 'undecided', rounds: Math.min(2, most) }
}

/**
 * The sequential test of one value, whose verdict is wrong with a chance of at most `level`. The trials that placed the
 * value are no part of it: they chose what is tested, and would favour what they said. Bounds that every trial holds or
 * breaks by itself (an outcome that is `ok`, a metric without noise, `sustained >= 1`) are one: a trial that holds all of
 * them is good, and Wald's likelihood ratio of the two shares of good trials decides, after any trial. Bounds on a mean are
 * held against its interval after certain numbers of trials, each look with an equal part (Bonferroni). A value meets the
 * goal where both say so, and fails it where either does, so that these share the level. Where the trials that are left
 * cannot show any more that a value meets the goal, which it was expected to, the test ends with the next good one: it would
 * go on only to be undecided, or to show what the search does not ask of this value.
 * @param trials of the value's scenario that have ended, in any order
 * @param placed rounds that placed it
 * @param expected how it was placed: says how many trials are wanted at a time, and nothing else
 */
export function confirm(
  { goal, metrics, most }: Judging,
  trials: readonly TrialResult[],
  level: number,
  placed: number,
  expected: Verdict = 'meets',
): Judged {
  const byRound = new Map(trials.map((trial) => [trial.round, trial]))
  const looks = looksOf(most - placed)
  const first: TrialResult[] = []
  let ratio = 0
  let means: 'met' | 'undecided' = 'undecided'
  // Bounds on a mean share the level with the rest.
  const expectedPart = goal.subject_to.every((bound) => canBeHeldByEveryTrial(bound, metrics))
    ? level
    : level / 2
  /** Whether what are left of its trials, all of them good, would show that it meets the goal. */
  const mayMeet = (left: number) => ratio + left * LOG_GOOD >= -Math.log(level)
  for (let rounds = placed + 1; rounds <= most; rounds++) {
    const trial = byRound.get(rounds)
    if (trial === undefined) {
      const more =
        expected === 'fails' || !mayMeet(most - rounds + 1)
          ? (Math.log(expectedPart) - ratio) / LOG_BAD
          : (-Math.log(level) - ratio) / LOG_GOOD
      return { verdict: null, rounds: placed + nextToTell(rounds - placed, more, looks) }
    }
    first.push(trial)
    const single = goal.subject_to.filter((bound) => isHeldByEveryTrial(bound, first, metrics))
    const others = goal.subject_to.filter((bound) => !single.includes(bound))
    const part = others.length === 0 ? level : level / 2
    const before = ratio
    ratio = ratioOf(first, single)
    if (ratio <= Math.log(part)) return { verdict: 'fails', rounds }
    if (others.length === 0) means = 'met'
    else if (looks.includes(first.length)) {
      const tails = { met: level / looks.length, not_met: part / looks.length }
      const { constraints } = goalStanding({ objective: null, subject_to: others }, first, metrics, tails)
      const standings = constraints.map(({ standing }) => standing)
      if (standings.includes('not_met')) return { verdict: 'fails', rounds }
      means = standings.includes('undecided') ? 'undecided' : 'met'
    }
    if (means === 'met' && ratio >= -Math.log(level)) return { verdict: 'meets', rounds }
    // Further trials could only show that it fails, and the last one says otherwise.
    if (expected === 'meets' && !mayMeet(most - rounds) && ratio > before)
      return { verdict: 'undecided', rounds }
  }
  return { verdict: 'undecided', rounds: most }
}

const LOG_GOOD = Math.log(SHARE_OF_MEETS / SHARE_OF_FAILS)
const LOG_BAD = Math.log((1 - SHARE_OF_MEETS) / (1 - SHARE_OF_FAILS))

/** Log of how much likelier these trials are where the value meets its goal than where it fails it. */
function ratioOf(trials: readonly TrialResult[], bounds: readonly Constraint[]): number {
  let ratio = 0
  for (const trial of trials) {
    const values = bounds.map(({ metric }) => metricOf(trial, metric))
    const isBad =
      trial.outcome !== 'ok' ||
      bounds.some(({ operator, bound }, i) => values[i] !== null && !within(values[i]!, operator, bound))
    if (isBad) ratio += LOG_BAD
    // A trial that does not know a metric says nothing for it.
    else if (!values.includes(null)) ratio += LOG_GOOD
  }
  return ratio
}

/**
 * Trials of the test after which its verdict is possible: so many may run at once.
 * @param more that are needed if all of them say the same
 */
function nextToTell(rounds: number, more: number, looks: readonly number[]): number {
  const same = rounds - 1 + Math.ceil(more)
  const next = same >= rounds ? same : looks.find((look) => look >= rounds)!
  return Math.min(next, looks.at(-1)!)
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

/** Where a search may begin, by index. */
export interface Beginning {
  /** The neighbour's answer; null without one. */
  start: number | null
  /** The easiest value tells that the answer lies about here; null where it does not. */
  hint: number | null
}

/**
 * The next value to try, of `size` in order from the one at which the goal is hardest to meet to the easiest; null where
 * the answer is known. Without a start both ends are tried first, the easiest before the hardest, or the hint in the place
 * of that; with a start or a hint, the search steps away from there until both sides are known. Then it bisects. Beyond a
 * value that is in doubt it steps away from it, further each time.
 * @param verdicts by index, of the values tried so far
 * @param overturned by their tests: there trials differ more than values do
 */
export function nextValue(
  verdicts: ReadonlyMap<number, Verdict>,
  size: number,
  { start, hint }: Beginning,
  overturned: ReadonlySet<number> = new Set(),
): number | null {
  const { meets, fails, before, after } = bracketOf(verdicts, size)
  const isDoubted = (index: number) => verdicts.get(index) === 'undecided' || overturned.has(index)
  const step = FIRST_STEP * 2 ** (verdicts.size - 1)
  let most = size
  if (start !== null) {
    if (verdicts.size === 0) return start
    if (meets === null && before < size - 1) return Math.min(size - 1, before + step)
    if (fails === null && after > 0) return Math.max(0, after - step)
  } else {
    if (!verdicts.has(size - 1)) return size - 1
    if (hint !== null && meets === size - 1 && verdicts.size === 1) return hint
    if (meets !== null && fails === null && after > 0)
      return hint === null ? 0 : Math.max(0, after - step / 2)
    if (hint !== null) most = step / 2
  }
  const count = undecidedIn(verdicts, fails ?? -1, meets ?? size).length + overturned.size
  const far = stepBeyond(count)
  if (meets !== null && isDoubted(before)) {
    if (meets - before > far) return before + far
    // The same stretch, from its other end.
    if (before === fails) return null
  } else if (fails !== null && after === meets && isDoubted(after)) {
    return after - fails > far ? after - far : null
  } else if ((meets ?? size) - before > 1) return Math.min(before + most, middle(before, meets ?? size))
  if (fails !== null && isDoubted(after)) {
    if (after - fails > far) return after - far
  } else if (after - (fails ?? -1) > 1) return middle(fails ?? -1, after)
  return null
}

/** How far to step on from a value that is in doubt: its neighbours are too, and each costs many trials. */
function stepBeyond(doubted: number): number {
  return 2 ** doubted
}

function undecidedIn(verdicts: ReadonlyMap<number, Verdict>, from: number, to: number): number[] {
  return [...verdicts]
    .filter(([index, verdict]) => verdict === 'undecided' && index > from && index < to)
    .map(([index]) => index)
    .sort((a, b) => a - b)
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
 * On either side of the answer, the middle of the widest stretch of values that were not tried: that one value meets the
 * goal where a harder one does is assumed by the search, and looked at there once. None where every stretch is narrow.
 * @param begin where the search began: with a hint, the hardest values are such a stretch as well
 */
export function valuesToCheck(
  verdicts: ReadonlyMap<number, Verdict>,
  size: number,
  { hint }: Beginning,
): { index: number; expected: Verdict }[] {
  const { meets, fails } = bracketOf(verdicts, size)
  const tried = [...verdicts.keys()].sort((a, b) => a - b)
  const easier = meets === null ? [] : tried.filter((index) => index >= meets)
  const harder = fails === null ? [] : tried.filter((index) => index <= fails)
  if (hint !== null && harder.length > 0 && harder[0] !== 0) harder.unshift(0)
  return [
    ...middleOfWidest(easier).map((index) => ({ index, expected: 'meets' as const })),
    ...middleOfWidest(harder).map((index) => ({ index, expected: 'fails' as const })),
  ]
}

function middleOfWidest(tried: readonly number[]): number[] {
  let widest = { from: 0, width: 0 }
  for (const [i, from] of tried.entries()) {
    const width = (tried[i + 1] ?? from) - from
    if (width > widest.width) widest = { from, width }
  }
  return widest.width < WIDE_TO_CHECK ? [] : [middle(widest.from, widest.from + widest.width)]
}

// ---------------------------------------------------------------- a whole search

/** One thing that a search found out. */
export interface Step {
  value: number
  /** Its scenario's id. */
  scenario: string
  verdict: Verdict
  /** By the sequential test; else by the first trial or two. */
  confirmed: boolean
  /** That it took. */
  trials: number
  /** It was tried only to see whether the axis is monotone. */
  check: boolean
}

/** One value that was tried. */
export interface Tried extends Pick<Step, 'value' | 'scenario' | 'confirmed' | 'check'> {
  /** Null: more trials are needed. */
  verdict: Verdict | null
  /** Trials that have ended. */
  trials: number
  /** Of all of them. */
  standing: GoalStanding
}

/** The search along the axis, at one value of the other axis. */
export interface LineSearch {
  /** Of the other axis; null without one. */
  at: Scalar
  /** What was found out, in order; grows only at its end. */
  steps: Step[]
  /** In the order of the axis, from the value at which the goal is hardest to meet. */
  tried: Tried[]
  /** The value nearest to the other side that was confirmed to meet the goal; null: none was. */
  meets: number | null
  /** The value nearest to `meets` that was confirmed to fail it; null: none was. */
  fails: number | null
  /** Between the two, shown to do neither. */
  undecided: number[]
  /** Confirmed to fail although a harder value meets: the axis is not monotone, or a verdict is wrong. */
  violations: number[]
  /** At least: that every confirmed verdict is right. Null where violations say otherwise, and while nothing is confirmed. */
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

/**
 * Where the search stands after these trials: the same, in whatever order they ended.
 * @param input whose scenarios are all those that may be tried; of a run that was cut short, those that were
 */
export function searchState(input: SearchInput, trials: readonly TrialResult[]): SearchState {
  return stateAfter(input, trials, () => false)
}

/** Whether a trial is under way. */
type IsRunning = (scenario: string, round: number) => boolean

/**
 * What will be needed next if the trials under way say what they are expected to: that a test confirms what it was begun
 * for, and that the axis is monotone. Null: nothing can be expected.
 */
export function wantedAhead(
  input: SearchInput,
  trials: readonly TrialResult[],
  isRunning: IsRunning,
): Wanted | null {
  return stateAfter(input, trials, isRunning).wanted
}

/** @param isExpected whether to take it that a trial, which has not ended, will say what is expected */
function stateAfter(input: SearchInput, trials: readonly TrialResult[], isExpected: IsRunning): SearchState {
  const byScenario = groupByScenario(trials)
  const lines: LineSearch[] = []
  for (const at of input.search.lines) {
    const { line, wanted } = searchLine(input, at, { byScenario, isExpected }, lines.at(-1))
    if (line.tried.length > 0 || wanted !== null) lines.push(line)
    if (!line.isOver) return { lines, wanted }
  }
  return { lines, wanted: null }
}

function spendingsOf({ goal, metrics, most }: Judging): Spendings {
  if (!goal.subject_to.every((bound) => canBeHeldByEveryTrial(bound, metrics))) return PARTS_OF_MEANS
  return most < ENOUGH_TRIALS ? PARTS_OF_FEW_TRIALS : PARTS_OF_TRIALS
}

function searchLine(
  { goal, search, scenarios, metrics }: SearchInput,
  at: Scalar,
  { byScenario, isExpected }: { byScenario: ReadonlyMap<string, TrialResult[]>; isExpected: IsRunning },
  neighbour: LineSearch | undefined,
): { line: LineSearch; wanted: Wanted | null } {
  const { axis, over, values, trials: most } = search
  const size = values.length
  const parts = spendingsOf({ goal, metrics, most })
  const start = beginning(neighbour, values)
  const ofLine = scenarios.filter(({ point }) => over === null || point[over] === at)
  const ids = new Map(ofLine.map(({ id, point }) => [point[axis], id]))
  const steps: Step[] = []
  const verdicts = new Map<number, Verdict>()
  const confirmed = new Set<number>()
  /** Tests that ended, by their spending. */
  const tests = new Map<Spending, number>()
  /** Of `ALPHA`. */
  let spent = 0
  const checks = new Set<number>()
  /** Where the test said otherwise than the trials that placed the value. */
  const overturned = new Set<number>()
  /** Rounds that placed each value. */
  const placed = new Map<number, number>()
  let wanted: Wanted | null = null
  /**
   * @param expected verdict; null where any is as likely
   * @param spending of the test; null: the value is only placed
   * @returns null where there are not trials enough
   */
  const judge = (index: number, expected: Verdict | null, spending: Spending | null): Verdict | null => {
    const value = values[index]!
    const scenario = ids.get(value)
    // Of a search that was cut short only the values that were tried are known.
    if (scenario === undefined) return null
    const ended = byScenario.get(scenario) ?? []
    const judging = { goal, metrics, most }
    const nth = spending === null ? 0 : (tests.get(spending) ?? 0) + 1
    const level = spending === null ? 0 : levelOf(nth, spending)
    const { verdict, rounds } =
      spending === null
        ? place(judging, ended)
        : confirm(judging, ended, level, placed.get(index)!, expected ?? undefined)
    if (verdict === null) {
      const done = new Set(ended.map(({ round }) => round))
      const open = Array.from({ length: rounds }, (_, i) => i + 1).filter((round) => !done.has(round))
      if (expected === null || !open.every((round) => isExpected(scenario, round))) {
        wanted = { scenario, rounds }
        return null
      }
    }
    if (spending === null) placed.set(index, rounds)
    else {
      confirmed.add(index)
      tests.set(spending, nth)
      spent += level
    }
    if (verdict === null) return expected
    const check = checks.has(index)
    steps.push({ value, scenario, verdict, confirmed: spending !== null, trials: rounds, check })
    return verdict
  }
  const test = (index: number, expected: Verdict) =>
    judge(index, expected, expected === 'fails' ? parts.fails : parts.meets)
  const begin = (): Beginning => {
    const rounds = placed.get(size - 1) ?? 0
    const easiest = byScenario.get(ids.get(values[size - 1]!) ?? '') ?? []
    return {
      start,
      hint: hintOf(
        search,
        easiest.filter(({ round }) => round <= rounds),
      ),
    }
  }
  /** @returns whether there were trials enough */
  const settle = (): boolean => {
    for (;;) {
      const next = nextValue(verdicts, size, begin(), overturned)
      const { meets, fails } = bracketOf(verdicts, size)
      const unsure = [meets, fails].find((index) => index !== null && !confirmed.has(index)) ?? null
      const index = next ?? unsure
      if (index === null) return true
      const isEasiest = verdicts.size === 0 && index === size - 1
      const verdict =
        next === null ? test(index, verdicts.get(index)!) : judge(index, isEasiest ? 'meets' : null, null)
      if (verdict === null) return false
      const seemed = verdicts.get(index)
      verdicts.set(index, verdict)
      if (next !== null || verdict === seemed) continue
      if (verdict !== 'undecided') overturned.add(index)
      // What stands this near to it by a trial or two is no better known.
      const near = stepBeyond(undecidedIn(verdicts, -1, size).length + overturned.size)
      for (const other of [...verdicts.keys()])
        if (!confirmed.has(other) && Math.abs(other - index) < near) verdicts.delete(other)
    }
  }
  /** Values of no part in the search, unless it turns out that they contradict it. */
  const check = (): boolean => {
    for (const { index, expected } of valuesToCheck(verdicts, size, begin())) {
      checks.add(index)
      const seems = judge(index, expected, null)
      if (seems === null) return false
      if (seems === expected || seems === 'undecided') continue
      const sure = test(index, seems)
      if (sure === null) return false
      if (sure !== expected && sure !== 'undecided') verdicts.set(index, sure)
    }
    return true
  }
  const isOver = settle() && check() && settle()
  const shown = new Map([...verdicts].filter(([index]) => confirmed.has(index)))
  const { meets, fails } = bracketOf(shown, size)
  const valueAt = (index: number | null) => (index === null ? null : values[index]!)
  const violations =
    meets === null ? [] : [...shown.keys()].filter((index) => index > meets && shown.get(index) === 'fails')
  const known = new Map(steps.map((step) => [step.scenario, step]))
  const tried = values.flatMap((value): Tried[] => {
    const scenario = ids.get(value)
    const step = scenario === undefined ? undefined : known.get(scenario)
    const ended = scenario === undefined ? [] : (byScenario.get(scenario) ?? [])
    if (scenario === undefined || (step === undefined && ended.length === 0)) return []
    const { verdict = null, confirmed = false, check = false } = step ?? {}
    const standing = goalStanding(goal, ended, metrics)
    return [{ value, scenario, verdict, confirmed, check, trials: ended.length, standing }]
  })
  const line: LineSearch = {
    at,
    steps,
    tried,
    meets: valueAt(meets),
    fails: valueAt(fails),
    undecided: undecidedIn(verdicts, fails ?? -1, meets ?? size).map((index) => values[index]!),
    violations: violations.map((index) => values[index]!),
    confidence: violations.length > 0 || confirmed.size === 0 ? null : 1 - spent,
    trials: tried.reduce((sum, { trials }) => sum + trials, 0),
    isOver,
  }
  return { line, wanted }
}

/**
 * A trial under the largest memory cap tells how much memory its workload takes: the smallest cap that does lies near.
 * @param trials that placed the easiest value
 */
function hintOf({ axis, best, values }: SearchSettings, trials: readonly TrialResult[]): number | null {
  if (axis !== 'max_memory_mb' || best !== 'min') return null
  const [peak = null] = metricValues(trials, 'peak_memory_mb').filter((value) => value !== null)
  const index = peak === null ? -1 : values.findIndex((value) => value >= peak)
  return index < 0 || index === values.length - 1 ? null : index
}

/** Where a line begins: at its neighbour's answer. */
function beginning(neighbour: LineSearch | undefined, values: readonly number[]): number | null {
  const answer = neighbour?.meets ?? neighbour?.fails ?? null
  return answer === null ? null : values.indexOf(answer)
}
