import { describe, expect, it } from 'vitest'
import { goalStanding } from '../../../harness/analyse/goal.ts'
import { metricTable } from '../../../harness/metrics.ts'
import type { Constraint, Goal } from '../../../harness/sweep/types.ts'
import { ended } from '../../fixtures/trials.ts'
import { METRICS, makeTrial, trialsOf } from './make-trials.ts'

const goal = (...subject_to: Constraint[]): Goal => ({ objective: null, subject_to })
const p99: Constraint = { metric: 'latency_p99_ms', operator: '<=', bound: 20 }
const r2: Constraint = { metric: 'r2', operator: '>=', bound: 0.5 }
const standingOf = (values: (number | null)[], constraint: Constraint) =>
  goalStanding(goal(constraint), trialsOf('a', constraint.metric, values), METRICS).standing

describe('whether trials meet a goal', () => {
  it('says so from the interval of the mean, not from the mean', () => {
    expect(standingOf([10, 11, 12], p99)).toBe('met')
    expect(standingOf([30, 31, 32], p99)).toBe('not_met')
    // The means are 17 and 23, and two or three trials do not tell.
    expect(standingOf([11, 23], p99)).toBe('undecided')
    expect(standingOf([17, 23, 29], p99)).toBe('undecided')
  })

  it('needs more than one trial of what varies, and one of what does not', () => {
    expect(standingOf([10], p99)).toBe('undecided')
    expect(standingOf([0.6], r2)).toBe('met')
    expect(standingOf([0.4], r2)).toBe('not_met')
  })

  it.each([
    ['<=', 'met'],
    ['>=', 'met'],
    ['<', 'not_met'],
    ['>', 'not_met'],
  ] as const)('takes a bound that is touched with %s as %s', (operator, standing) => {
    expect(standingOf([0.5, 0.5], { metric: 'r2', operator, bound: 0.5 })).toBe(standing)
  })

  it('knows nothing of a metric that no trial knows', () => {
    expect(standingOf([null, null, null], p99)).toBe('undecided')
    expect(goalStanding(goal(p99), [], METRICS).standing).toBe('undecided')
  })

  it('holds every trial to a bound at the end of what the metric can be', () => {
    const none: Constraint = { metric: 'gc_count', operator: '<=', bound: 0 }
    expect(standingOf([0, 0, 0], none)).toBe('met')
    expect(standingOf([0, 0, 1], none)).toBe('not_met')
    expect(standingOf([0], none)).toBe('undecided')
    for (const metric of ['sustained', 'goodput', 'answered_share']) {
      const all: Constraint = { metric, operator: '>=', bound: 1 }
      expect(standingOf([1, 1, 1], all)).toBe('met')
      expect(standingOf([1, 1, 0.9], all)).toBe('not_met')
    }
    // A slope may be below 0, so that its mean counts.
    const slope: Constraint = { metric: 'backlog_slope_rows_s', operator: '<=', bound: 0 }
    expect(standingOf([-5, -6, -5.5, 0.1], slope)).toBe('undecided')
  })

  it('is not met by a scenario of which a trial did not end ok, however good the others are', () => {
    const trials = trialsOf('a', 'latency_p99_ms', [10, 11, 12])
    for (const outcome of ['out_of_memory', 'timed_out', 'crashed', 'failed'] as const) {
      const standing = goalStanding(goal(p99), [...trials, ended(makeTrial('a', 4), outcome)], METRICS)
      expect(standing).toMatchObject({ standing: 'not_met', trials: 4, not_ok: 1 })
      expect(standing.constraints[0]!.standing).toBe('met')
    }
    expect(goalStanding(goal(), [ended(trials[0]!, 'crashed')], METRICS).standing).toBe('not_met')
    expect(goalStanding(goal(), trials, METRICS).standing).toBe('met')
  })

  it('asks for all constraints, and one that is not met is enough', () => {
    const trials = [1, 2, 3].map((round) =>
      makeTrial('a', round, { metrics: { latency_p99_ms: 9 + round, r2: 0.4 } }),
    )
    const both = goalStanding(goal(p99, r2), trials, METRICS)
    expect(both.constraints.map(({ standing, exact }) => [standing, exact])).toEqual([
      ['met', false],
      ['not_met', true],
    ])
    expect(both.standing).toBe('not_met')
    expect(goalStanding(goal(p99), trials, METRICS).standing).toBe('met')
  })

  it('gives the mean on the metric’s scale with its interval, and that of the metric to make best', () => {
    const best: Goal = { objective: { metric: 'r2', direction: 'maximize' }, subject_to: [p99] }
    const trials = [4, 16].map((value, index) =>
      makeTrial('a', index, { metrics: { latency_p99_ms: value, r2: 0.8 } }),
    )
    const { constraints, objective } = goalStanding(best, trials, metricTable({}))
    expect(constraints[0]!.estimate!.value).toBeCloseTo(8, 12)
    // t(.975, 1) = 12.706 times log(4) / 2.
    expect(constraints[0]!.estimate!.high).toBeCloseTo(8 * Math.exp(12.7062 * Math.LN2), -1)
    expect(objective).toMatchObject({ value: 0.8, low: 0.8, high: 0.8, n: 2 })
  })
})
