/** Is a scenario's mean known well enough to need no further round? */

import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { WorkloadInfo } from '../../workers/workload.ts'
import { type Metric, metricTable } from '../metrics.ts'
import type { PlannedTrial, StoppingRule, Sweep } from '../sweep/types.ts'
import { estimateMean } from './descriptive.ts'
import { metricValues } from './values.ts'

export interface Precision {
  /** Rounds go on while it is `wider`; what has no interval, or needs none, ends at `min`. */
  state: 'reached' | 'wider' | 'not_ok' | 'constant' | 'unknown'
  /** Of the 95% interval of the mean, as a share of the mean; null without an interval, and where the mean is 0. */
  halfWidth: number | null
}

/**
 * Student's interval on the metric's scale: of the mean, or of the mean logarithm, whose half width h is the share
 * exp(h) - 1. Null for fewer than two values.
 */
export function relativeHalfWidth(values: readonly number[], scale: Metric['scale']): number | null {
  const estimate = estimateMean(scale === 'log' ? values.map(Math.log) : values)
  if (estimate === null || estimate.high === null) return null
  const half = estimate.high - estimate.value
  return scale === 'log' ? Math.expm1(half) : half / Math.abs(estimate.value)
}

/** What the rule looks at of a trial. */
interface Ended {
  round: number
  ok: boolean
  /** Null where the trial could not tell. */
  value: number | null
}

function precisionOf(trials: readonly Ended[], scale: Metric['scale'], ci: number): Precision {
  if (trials.some(({ ok }) => !ok)) return { state: 'not_ok', halfWidth: null }
  // By round, so that sums round alike in whatever order the trials ended.
  const values = [...trials]
    .sort((a, b) => a.round - b.round)
    .flatMap(({ value }) => (value === null || (scale === 'log' && value <= 0) ? [] : [value]))
  const halfWidth = relativeHalfWidth(values, scale)
  if (halfWidth === null) return { state: 'unknown', halfWidth }
  if (values.every((value) => value === values[0])) return { state: 'constant', halfWidth: 0 }
  if (halfWidth <= ci) return { state: 'reached', halfWidth }
  return { state: 'wider', halfWidth: Number.isFinite(halfWidth) ? halfWidth : null }
}

/**
 * Decides from the earlier rounds of a scenario whether it needs the next: the same trials with the same values give
 * the same decisions, in whatever order they ended and however often the run was interrupted.
 */
export class Stopping {
  readonly #rule: StoppingRule
  readonly #metric: Metric
  readonly #ended = new Map<string, Ended[]>()

  /** @param metric the one that the rule names */
  constructor(rule: StoppingRule, metric: Metric) {
    this.#rule = rule
    this.#metric = metric
  }

  /** Trials that have ended. */
  get count(): number {
    return [...this.#ended.values()].reduce((sum, trials) => sum + trials.length, 0)
  }

  /** Takes a trial that has ended. */
  add(trial: TrialResult): void {
    const own = this.#trialsOf(trial.scenario)
    const [value = null] = metricValues([trial], this.#metric.name)
    own.push({ round: trial.round, ok: trial.outcome === 'ok', value })
    this.#ended.set(trial.scenario, own)
  }

  /** Whether the trial runs only where the earlier rounds leave its scenario's mean too uncertain. */
  isOptional({ round }: PlannedTrial): boolean {
    return round > this.#rule.min
  }

  /** Whether the trial is to run; of an optional one, all earlier rounds of its scenario must have been added. */
  needs(trial: PlannedTrial): boolean {
    if (!this.isOptional(trial)) return true
    const { scenario, round } = trial
    const earlier = this.#trialsOf(scenario).filter((ended) => ended.round < round)
    return precisionOf(earlier, this.#metric.scale, this.#rule.ci).state === 'wider'
  }

  /** How well the scenario's mean is known from all of its trials so far. */
  precision(scenario: string): Precision {
    return precisionOf(this.#trialsOf(scenario), this.#metric.scale, this.#rule.ci)
  }

  /** Of the planned trials, in their order, those that have not ended and are not known to be needless. */
  missing(plan: readonly PlannedTrial[]): PlannedTrial[] {
    const open = new Set<string>()
    return plan.filter((trial) => {
      const { scenario, round } = trial
      if (this.#trialsOf(scenario).some((ended) => ended.round === round)) return false
      // What follows a trial that is still to run is decided when it is due.
      if (open.has(scenario)) return true
      if (!this.needs(trial)) return false
      open.add(scenario)
      return true
    })
  }

  #trialsOf(scenario: string): Ended[] {
    return this.#ended.get(scenario) ?? []
  }
}

/** Who decides how many rounds a scenario gets; null where the sweep gives a number. */
export function stoppingOf({ sweep, workload }: { sweep: Sweep; workload: WorkloadInfo }): Stopping | null {
  if (!sweep.until) return null
  return new Stopping(sweep.until, metricTable(workload.metrics).get(sweep.until.metric)!)
}
