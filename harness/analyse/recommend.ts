/** Which scenario to use: the best that meets a goal, or without one where the front of latency and accuracy bends. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import { own } from '../own.ts'
import { randomStream } from '../random.ts'
import type { Constraint, Goal, Operator, Scenario } from '../sweep/types.ts'
import { comparePairs } from './compare.ts'
import type { ComparisonRow, Group, TestSettings } from './comparison.ts'
import { centre, type Estimate, estimateMean, mean } from './descriptive.ts'
import { frontShares, kneeOf, paretoFrontier } from './front.ts'
import { type ConstraintStanding, goalStanding, within } from './goal.ts'
import { groupOf, poolBySeed, seedKeys, unitValues } from './seeds.ts'
import { groupByScenario, metricOf } from './values.ts'

/** `met`: the whole interval of the mean lies within the limit; `by_mean`: only the mean does. */
export type LimitState = 'met' | 'by_mean' | 'missed'

export interface JudgedLimit {
  metric: string
  unit: string
  op: Operator
  value: number
  state: LimitState
  /** Geometric for a metric on the log scale. */
  estimate: Estimate | null
}

/** A scenario, or a pool of seeds whose ids are joined by `+`. */
export interface Choice {
  scenario: string
  label: string
  metrics: Record<string, Estimate | null>
}

/**
 * Why it is recommended. `meets_goal`: best by the goal among those within its limits. `knee`: a step beyond it on the
 * front costs most for what it gains. `same_accuracy`: the fastest, since accuracy differs by less than the margin.
 * `most_accurate`: of a front without a knee. `fastest`: no accuracy is known. `nothing_meets`: `choice` comes nearest
 * to the limits and is not recommended. `nothing_ok`: no scenario had only ok trials.
 */
export type Reason =
  | 'meets_goal'
  | 'knee'
  | 'same_accuracy'
  | 'most_accurate'
  | 'fastest'
  | 'nothing_meets'
  | 'nothing_ok'

export interface Recommendation {
  reason: Reason
  choice: Choice | null
  /** Scenarios that took part, and those left out because not every trial was ok. */
  of: number
  unreliable: number
  /** Of a goal: what it sought, its limits and how the choice stands to them. */
  objective: string | null
  limits: JudgedLimit[]
  /** Scenarios whose intervals lie within every limit, and those of which only the means do. */
  meeting: number
  unsure: number
  /**
   * How often the choice stays, when its trials are drawn again: on the front, or within the limits. Null where a single
   * trial cannot say.
   */
  share: number | null
  /** Others that do not differ from the choice significantly in what decided. */
  tied: { scenario: string; label: string }[]
  /** Whether caps vary over the scenarios, so that one can be cheaper than another. */
  priced: boolean
  /** Meets the limits under a lower cap than the choice, at a price in the objective; the best of these. Null where none does. */
  cheaper: Choice | null
  /** The ends of the front of latency and accuracy; null where it played no part. */
  front: { size: number; fastest: Choice; most_accurate: Choice } | null
}

interface Objective {
  metric: Metric
  direction: 'maximize' | 'minimize'
}

interface Candidate extends Group {
  point: Scenario
  choice: Choice
}

/**
 * Scenarios with a trial that was not ok take no part, and those that differ only in a seed are one. Null where there is
 * nothing to choose: a single scenario without a goal, or no trials.
 * @param latency by which speed is compared
 */
export function recommend(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  metrics: ReadonlyMap<string, Metric>
  latency: Metric
  accuracy: Metric | null
  goal: Goal | null
  settings: TestSettings
  seed: number
}): Recommendation | null {
  const { metrics, settings, goal } = input
  const trials = groupByScenario(input.trials)
  const pools = poolBySeed(input.scenarios, seedKeys(input.scenarios))
  const seen = pools
    .map((pool) => ({ ...groupOf(pool, trials), point: pool.scenario }))
    .filter((group) => group.trials.length > 0)
  if (seen.length === 0 || (seen.length === 1 && goal === null)) return null
  const candidates = seen
    .filter((group) => group.trials.every(({ outcome }) => outcome === 'ok'))
    .map((group): Candidate => ({ ...group, choice: choiceOf(group, metrics, settings) }))
  const base = { ...NOTHING, of: candidates.length, unreliable: seen.length - candidates.length }
  if (candidates.length === 0) return base
  if (goal !== null) return { ...base, ...byGoal(candidates, goal, input) }
  return byFront(candidates, input, base)
}

const NOTHING: Recommendation = {
  reason: 'nothing_ok',
  choice: null,
  of: 0,
  unreliable: 0,
  objective: null,
  limits: [],
  meeting: 0,
  unsure: 0,
  share: null,
  tied: [],
  priced: false,
  cheaper: null,
  front: null,
}

interface Context {
  metrics: ReadonlyMap<string, Metric>
  latency: Metric
  accuracy: Metric | null
  settings: TestSettings
  seed: number
}

function choiceOf(group: Group, table: ReadonlyMap<string, Metric>, { alpha }: TestSettings): Choice {
  // Without what every object inherits: a workload's metric may have any name.
  const metrics: Record<string, Estimate | null> = Object.create(null)
  for (const metric of table.values())
    metrics[metric.name] = estimateMean(unitValues(group, metric), 1 - alpha)
  return { scenario: group.id, label: group.label, metrics }
}

// ---------------------------------------------------------------- with a goal

function byGoal(
  candidates: readonly Candidate[],
  goal: Goal,
  { metrics, latency, settings, seed }: Context,
): Partial<Recommendation> {
  const sought = goal.objective === null ? undefined : metrics.get(goal.objective.metric)
  const objective: Objective | null = sought ? { metric: sought, direction: goal.objective!.direction } : null
  const judged = candidates.map((candidate) => ({
    candidate,
    limits: goalStanding(goal, candidate.trials, metrics).constraints.map((one) => limitOf(one, metrics)),
  }))
  const standing = (states: readonly LimitState[]) =>
    judged.filter(({ limits }) => limits.every(({ state }) => states.includes(state)))
  const proven = standing(['met'])
  const likely = standing(['met', 'by_mean'])
  const known = objective === null ? null : objective.metric.name
  const said = { objective: known, meeting: proven.length, unsure: likely.length - proven.length }
  const usable = (proven.length > 0 ? proven : likely).filter(
    ({ candidate }) => known === null || candidate.choice.metrics[known],
  )
  if (usable.length === 0) {
    const nearest = [...judged].sort((a, b) => excess(a.limits) - excess(b.limits))[0]!
    return {
      ...said,
      reason: 'nothing_meets',
      choice: nearest.candidate.choice,
      limits: nearest.limits,
    }
  }
  const price = priceOrder(latency)
  const ranked = [...usable].sort(
    (a, b) => betterBy(objective, a.candidate, b.candidate) || price(a.candidate, b.candidate),
  )
  const best = ranked[0]!
  const others = ranked.slice(1).map(({ candidate }) => candidate)
  // What is as good within the margin may be cheaper.
  const same =
    objective === null
      ? new Set(others.map(({ id }) => id))
      : sameBy(best.candidate, others, [objective.metric], settings).same
  const chosen = ranked
    .filter((one) => one === best || same.has(one.candidate.id))
    .sort((a, b) => price(a.candidate, b.candidate))[0]!
  const { candidate } = chosen
  const rivals = usable.flatMap((one) => (one === chosen ? [] : [one.candidate]))
  const tied = objective === null ? [] : sameBy(candidate, rivals, [objective.metric], settings).tied
  const cheaper = rivals
    .filter((rival) => isCheaper(rival.point, candidate.point))
    .sort((a, b) => betterBy(objective, a, b) || price(a, b))[0]
  return {
    ...said,
    reason: 'meets_goal',
    choice: candidate.choice,
    limits: chosen.limits,
    share: withinShare(candidate, goal.subject_to, metrics, seed),
    tied: tied.map(({ id, label }) => ({ scenario: id, label })),
    priced: candidates.some(
      ({ point }) => isCheaper(point, candidate.point) || isCheaper(candidate.point, point),
    ),
    cheaper: cheaper?.choice ?? null,
  }
}

function limitOf(
  { constraint, standing, estimate }: ConstraintStanding,
  metrics: ReadonlyMap<string, Metric>,
): JudgedLimit {
  const { metric, operator, bound } = constraint
  const holds = estimate !== null && within(estimate.value, operator, bound)
  return {
    metric,
    unit: metrics.get(metric)?.unit ?? '',
    op: operator,
    value: bound,
    state: standing === 'met' ? 'met' : standing === 'undecided' && holds ? 'by_mean' : 'missed',
    estimate,
  }
}

/** How far beyond its limits the mean is, the worst of them: a log ratio, or a share of the limit's size. */
function excess(limits: readonly JudgedLimit[]): number {
  return limits.reduce((worst, { estimate, op, value, state }) => {
    if (state !== 'missed') return worst
    if (estimate === null) return Number.POSITIVE_INFINITY
    const sign = op.startsWith('<') ? 1 : -1
    const far =
      estimate.value > 0 && value > 0
        ? Math.log(estimate.value / value)
        : (estimate.value - value) / Math.max(Math.abs(value), Math.abs(estimate.value))
    return Math.max(worst, sign * far)
  }, 0)
}

/** Best first; equal without an objective. */
function betterBy(objective: Objective | null, a: Candidate, b: Candidate): number {
  if (objective === null) return 0
  const { metric, direction } = objective
  const sign = direction === 'maximize' ? -1 : 1
  const middle = (one: Candidate) => centre(unitValues(one, metric), metric.scale)
  return sign * (middle(a) - middle(b))
}

const computeOf = ({ settings }: Scenario) => settings.max_compute_units ?? Number.POSITIVE_INFINITY
const memoryOf = ({ settings }: Scenario) => settings.max_memory_mb ?? Number.POSITIVE_INFINITY

/** Neither cap is higher, and one is lower. */
function isCheaper(a: Scenario, b: Scenario): boolean {
  const [compute, memory] = [computeOf(a) - computeOf(b), memoryOf(a) - memoryOf(b)].map((difference) =>
    Number.isNaN(difference) ? 0 : difference,
  ) as [number, number]
  return compute <= 0 && memory <= 0 && (compute < 0 || memory < 0)
}

/** Cheapest first: fewer cores, then less memory allowed, then lower latency, then less memory used. */
function priceOrder(latency: Metric): (a: Candidate, b: Candidate) => number {
  const used = (one: Candidate, name: string) => one.choice.metrics[name]?.value ?? Number.POSITIVE_INFINITY
  return (a, b) => {
    for (const of of [
      ({ point }: Candidate) => computeOf(point),
      ({ point }: Candidate) => memoryOf(point),
      (one: Candidate) => used(one, latency.name),
      (one: Candidate) => used(one, 'peak_memory_mb'),
    ]) {
      const difference = of(a) - of(b)
      if (difference !== 0 && !Number.isNaN(difference)) return difference
    }
    return 0
  }
}

const RESAMPLES = 1000

/**
 * Share of draws of the trials, with replacement, whose means lie within every bound, on the scale of each metric;
 * deviations as in `frontShares`.
 */
function withinShare(
  { trials }: Candidate,
  bounds: readonly Constraint[],
  metrics: ReadonlyMap<string, Metric>,
  seed: number,
): number | null {
  const n = trials.length
  const rows = bounds.map(({ metric }) => trials.map((trial) => metricOf(trial, metric)))
  if (n < 2 || rows.some((values) => values.includes(null))) return null
  const known = rows as number[][]
  const scaled = bounds.map(({ metric }, k) => {
    const isLog = metrics.get(metric)?.scale === 'log' && known[k]!.every((value) => value > 0)
    return isLog ? { values: known[k]!.map(Math.log), back: Math.exp } : { values: known[k]!, back: Number }
  })
  const random = randomStream(seed)
  const stretch = Math.sqrt(n / (n - 1))
  let hits = 0
  for (let round = 0; round < RESAMPLES; round++) {
    const drawn = Array.from({ length: n }, () => Math.floor(random() * n))
    const holds = bounds.every(({ operator, bound }, k) => {
      const { values, back } = scaled[k]!
      // What does not vary is not to be moved by the rounding of a sum.
      if (values.every((value) => value === values[0])) return within(known[k]![0]!, operator, bound)
      const middle = mean(values)
      return within(back(middle + stretch * (mean(drawn.map((i) => values[i]!)) - middle)), operator, bound)
    })
    if (holds) hits++
  }
  return hits / RESAMPLES
}

// ---------------------------------------------------------------- without a goal

function byFront(candidates: readonly Candidate[], context: Context, base: Recommendation): Recommendation {
  const { latency, accuracy, settings, seed } = context
  const fast = candidates.filter(({ choice }) => choice.metrics[latency.name])
  const placed = fast.filter(({ choice }) => accuracy && choice.metrics[accuracy.name])
  if (accuracy === null || placed.length === 0) {
    const best = [...fast].sort((a, b) => betterBy({ metric: latency, direction: 'minimize' }, a, b))[0]
    if (best === undefined) return base
    const others = fast.filter((one) => one !== best)
    const { tied } = sameBy(best, others, [latency], settings)
    return { ...base, reason: 'fastest', choice: best.choice, tied: tied.map(named) }
  }
  const value = ({ choice }: Candidate, { name }: Metric) => choice.metrics[name]!.value
  const gain = (one: Candidate) =>
    accuracy.direction === 'lower_is_better' ? -value(one, accuracy) : value(one, accuracy)
  const on = paretoFrontier(
    placed.map(({ id, choice: { metrics } }) => ({ id, metrics })),
    latency,
    accuracy,
  )
  const front = placed
    .filter(({ id }) => on.has(id))
    .sort((a, b) => value(a, latency) - value(b, latency) || gain(a) - gain(b))
  const [fastest, last] = [front[0]!, front.at(-1)!]
  const knee = kneeOf(
    front.map((one) => ({ cost: value(one, latency), gain: gain(one) })),
    latency.scale,
  )
  const margin = own(settings.margins, accuracy.name) ?? settings.margin
  const gained = gain(last) - gain(fastest)
  const allowed = accuracy.signed === true ? margin : margin * Math.abs(gain(last))
  const [reason, chosen]: [Reason, Candidate] =
    gained <= allowed
      ? ['same_accuracy', fastest]
      : knee === null
        ? ['most_accurate', last]
        : ['knee', front[knee]!]
  const others = placed.filter((one) => one !== chosen)
  const { tied } = sameBy(chosen, others, [latency, accuracy], settings)
  const shares = frontShares(placed, latency, accuracy, { seed })
  return {
    ...base,
    reason,
    choice: chosen.choice,
    tied: tied.map(named),
    share: chosen.trials.length > 1 ? (shares.get(chosen.id) ?? null) : null,
    front: { size: front.length, fastest: fastest.choice, most_accurate: last.choice },
  }
}

function named({ id, label }: Candidate): { scenario: string; label: string } {
  return { scenario: id, label }
}

// ---------------------------------------------------------------- which others are as good?

/**
 * Others whose difference from `one` is not significant in any of the metrics (`tied`), and those that are equal or
 * equivalent within the margin in all of them (`same`).
 */
function sameBy(
  one: Candidate,
  others: readonly Candidate[],
  metrics: readonly Metric[],
  settings: TestSettings,
): { tied: Candidate[]; same: Set<string> } {
  const rows = comparePairs(
    others.map((b) => ({ a: one, b })),
    metrics,
    settings,
  )
  const byRival = new Map<string, ComparisonRow[]>()
  for (const row of rows) byRival.set(row.b, [...(byRival.get(row.b) ?? []), row])
  const all = (test: (row: ComparisonRow) => boolean) =>
    others.filter(({ id }) => {
      const found = byRival.get(id) ?? []
      return found.length > 0 && found.every(test)
    })
  const isSame = (row: ComparisonRow) =>
    row.verdict === 'equivalent' || (row.test === 'exact' && row.difference === 0)
  const isTied = (row: ComparisonRow) =>
    isSame(row) || (row.p_adjusted !== null && row.p_adjusted >= settings.alpha)
  return { tied: all(isTied), same: new Set(all(isSame).map(({ id }) => id)) }
}
