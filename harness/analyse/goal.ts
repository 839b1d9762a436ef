/** Do these trials of one scenario meet the goal? From intervals, never from bare means. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import type { Constraint, Goal, Operator } from '../sweep/types.ts'
import { type Estimate, estimateGeometricMean, estimateMean } from './descriptive.ts'
import { countOutcomes, metricValues } from './values.ts'

/** `undecided`: the trials do not tell. */
export type Standing = 'met' | 'not_met' | 'undecided'

export interface ConstraintStanding {
  constraint: Constraint
  standing: Standing
  /** The mean that the bound is held against: geometric for a metric on the log scale. Null: no trial knows the metric. */
  estimate: Estimate | null
  /** Whether the metric has no noise and every trial gave the same value: one trial is enough. */
  exact: boolean
}

export interface GoalStanding {
  /**
   * `met`: every trial ended `ok` and every constraint is met. `not_met`: a trial ended otherwise, or a constraint is
   * not met.
   */
  standing: Standing
  constraints: ConstraintStanding[]
  /** With an outcome. */
  trials: number
  /** Trials that did not end `ok`: one is enough for a scenario not to meet its goal. */
  not_ok: number
  /** Of the metric to make best; null without one, and where no trial knows it. */
  objective: Estimate | null
}

/** One-sided chances of saying so wrongly, for a mean that lies exactly at the bound. */
export interface GoalLevels {
  met: number
  not_met: number
}

/** Both ends of a 95% interval. */
export const INTERVAL_95: GoalLevels = { met: 0.025, not_met: 0.025 }

/**
 * Holds the trials of one scenario against the goal. A constraint is met where the whole confidence interval of the
 * metric's mean lies within the bound, not met where none of it does, and else undecided. The interval is Student's, on
 * the metric's scale. All constraints must be met, so that each may spend the whole of `levels.met`; any of them may
 * fail, so that they share `levels.not_met`. A bound at the end of what the metric can be (`sustained >= 1`) holds for
 * every trial: one beyond it is enough not to meet it.
 * @param trials of one scenario, whatever their outcome
 * @param metrics the run's table: `metricTable`
 */
export function goalStanding(
  goal: Goal,
  trials: readonly TrialResult[],
  metrics: ReadonlyMap<string, Metric>,
  levels: GoalLevels = INTERVAL_95,
): GoalStanding {
  const { objective, subject_to } = goal
  const share = levels.not_met / Math.max(1, subject_to.length)
  const constraints = subject_to.map((constraint) =>
    constraintStanding(constraint, trials, metrics, { met: levels.met, not_met: share }),
  )
  const outcomes = countOutcomes(trials)
  const not_ok = trials.length - outcomes.ok
  const standings = constraints.map(({ standing }) => standing)
  const standing: Standing =
    not_ok > 0 || standings.includes('not_met')
      ? 'not_met'
      : trials.length === 0 || standings.includes('undecided')
        ? 'undecided'
        : 'met'
  return {
    standing,
    constraints,
    trials: trials.length,
    not_ok,
    objective: objective === null ? null : meanOf(objective.metric, trials, metrics, levels.met),
  }
}

function constraintStanding(
  constraint: Constraint,
  trials: readonly TrialResult[],
  metrics: ReadonlyMap<string, Metric>,
  levels: GoalLevels,
): ConstraintStanding {
  const { metric: name, operator, bound } = constraint
  const values = metricValues(trials, name).filter((value) => value !== null)
  const metric = metrics.get(name)
  const exact =
    values.length > 0 && metric?.kind === 'deterministic' && values.every((value) => value === values[0])
  const estimate = meanOf(name, trials, metrics, levels.met)
  const say = (standing: Standing): ConstraintStanding => ({ constraint, standing, estimate, exact })
  if (estimate === null) return say('undecided')
  const holds = (value: number) => within(value, operator, bound)
  if (exact) return say(holds(values[0]!) ? 'met' : 'not_met')
  // No mean passes such a bound, so that no interval could lie within it.
  if (metric !== undefined && isEnd(metric, constraint)) {
    if (!values.every(holds)) return say('not_met')
    return say(values.length > 1 ? 'met' : 'undecided')
  }
  const beyond = meanOf(name, trials, metrics, levels.not_met)!
  const [worst, best] = isUpper(operator) ? [estimate.high, beyond.low] : [estimate.low, beyond.high]
  if (worst === null || best === null) return say('undecided')
  return say(holds(worst) ? 'met' : holds(best) ? 'undecided' : 'not_met')
}

/** @param tail one-sided chance that the mean lies beyond one end of the interval */
function meanOf(
  name: string,
  trials: readonly TrialResult[],
  metrics: ReadonlyMap<string, Metric>,
  tail: number,
): Estimate | null {
  const values = metricValues(trials, name)
  const level = 1 - 2 * tail
  const scale = metrics.get(name)?.scale ?? 'natural'
  return scale === 'log' ? estimateGeometricMean(values, level) : estimateMean(values, level)
}

/** Whether a value is within the bound. */
export function within(value: number, operator: Operator, bound: number): boolean {
  switch (operator) {
    case '<=':
      return value <= bound
    case '<':
      return value < bound
    case '>=':
      return value >= bound
    case '>':
      return value > bound
  }
}

const isUpper = (operator: Operator): boolean => operator === '<=' || operator === '<'

/**
 * Whether each trial holds the bound or breaks it by itself, so that no mean is needed: the bound is the end of what the
 * metric can be, or the metric is declared to have no noise.
 */
export function canBeHeldByEveryTrial(constraint: Constraint, metrics: ReadonlyMap<string, Metric>): boolean {
  const metric = metrics.get(constraint.metric)
  return metric !== undefined && (isEnd(metric, constraint) || metric.kind === 'deterministic')
}

/** The same, where no trial shows noise that was not declared. */
export function isHeldByEveryTrial(
  constraint: Constraint,
  trials: readonly TrialResult[],
  metrics: ReadonlyMap<string, Metric>,
): boolean {
  const metric = metrics.get(constraint.metric)
  if (metric === undefined || !canBeHeldByEveryTrial(constraint, metrics)) return false
  if (isEnd(metric, constraint)) return true
  const values = metricValues(trials, constraint.metric).filter((value) => value !== null)
  return values.every((value) => value === values[0])
}

/** Whether the bound is the least or the most that the metric can be. */
function isEnd({ least, most }: Metric, { operator, bound }: Constraint): boolean {
  return (operator === '<=' && bound === least) || (operator === '>=' && bound === most)
}
