import { describe, expect, it } from 'vitest'
import { relativeHalfWidth, Stopping } from '../../../harness/analyse/precision.ts'
import { HARNESS_METRICS } from '../../../harness/metrics.ts'
import type { PlannedTrial } from '../../../harness/sweep/types.ts'
import type { Outcome, TrialResult } from '../../../workers/protocol/trial-result.ts'
import { okOf } from '../../fixtures/trials.ts'
import { normals } from './make-noise.ts'

const metric = (name: string) => HARNESS_METRICS.find((one) => one.name === name)!
const LATENCY = metric('latency_mean_ms')
const trial = (round: number, value: number | null, outcome: Outcome = 'ok', scenario = 's') =>
  ({
    trial: `${scenario}-${round}`,
    scenario,
    round,
    outcome,
    metrics: { latency_mean_ms: value },
    energy: {},
  }) as unknown as TrialResult
const planned = (round: number, scenario = 's'): PlannedTrial => ({
  trial: `${scenario}-${round}`,
  scenario,
  round,
})
const rule = { min: 3, metric: LATENCY.name, ci: 0.02 }
const given = (...trials: TrialResult[]) => {
  const stopping = new Stopping(rule, LATENCY)
  for (const one of trials) stopping.add(one)
  return stopping
}

describe('the relative half width', () => {
  it('is of the mean, or of the mean logarithm', () => {
    // t(0.975, 2) = 4.302653, standard error 1 / sqrt(3).
    expect(relativeHalfWidth([9, 10, 11], 'natural')).toBeCloseTo((4.302653 / Math.sqrt(3)) * 0.1, 6)
    const logs = [-0.01, 0, 0.01].map(Math.exp)
    expect(relativeHalfWidth(logs, 'log')).toBeCloseTo(Math.expm1((4.302653 * 0.01) / Math.sqrt(3)), 6)
    expect(relativeHalfWidth([-9, -10, -11], 'natural')).toBeCloseTo((4.302653 / Math.sqrt(3)) * 0.1, 6)
    expect(relativeHalfWidth([5], 'log')).toBeNull()
  })
})

describe('whether a scenario needs another round', () => {
  it('needs its first rounds whatever they say', () => {
    const stopping = given(trial(1, 5), trial(2, 5))
    expect([1, 2, 3].map((round) => stopping.needs(planned(round)))).toEqual([true, true, true])
    expect([1, 2, 3, 4].map((round) => stopping.isOptional(planned(round)))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  it('goes on while the interval is wider than asked for, and no longer', () => {
    const wide = given(trial(1, 9), trial(2, 10), trial(3, 11))
    expect(wide.needs(planned(4))).toBe(true)
    expect(wide.precision('s')).toMatchObject({ state: 'wider', halfWidth: expect.closeTo(0.286, 2) })
    const narrow = given(trial(1, 10), trial(2, 10.01), trial(3, 9.99))
    expect(narrow.needs(planned(4))).toBe(false)
    expect(narrow.precision('s').state).toBe('reached')
  })

  it.each([
    ['a trial was not ok', 'not_ok', [trial(1, 9), trial(2, 11), trial(3, null, 'out_of_memory')]],
    ['every value is the same', 'constant', [trial(1, 9), trial(2, 9), trial(3, 9)]],
    ['no trial knows the metric', 'unknown', [trial(1, null), trial(2, null), trial(3, null)]],
    ['one trial alone knows the metric', 'unknown', [trial(1, 9), trial(2, null), trial(3, null)]],
    ['a time is 0, which has no logarithm', 'unknown', [trial(1, 0), trial(2, 0), trial(3, 1)]],
  ] as const)('needs none where %s', (_, state, trials) => {
    const stopping = given(...trials)
    expect(stopping.needs(planned(4))).toBe(false)
    expect(stopping.precision('s').state).toBe(state)
  })

  it('never reaches a share of a mean of 0', () => {
    const stopping = new Stopping({ ...rule, metric: 'peak_memory_mb' }, metric('peak_memory_mb'))
    for (const [index, value] of [-1, 0, 1].entries())
      stopping.add({ ...okOf(trial(index + 1, null)), metrics: { peak_memory_mb: value } })
    expect(stopping.precision('s')).toEqual({ state: 'wider', halfWidth: null })
  })

  it('decides by the earlier rounds alone, in whatever order they ended', () => {
    const stopping = given(trial(4, 10), trial(2, 10.01), trial(3, 9.99), trial(1, 10))
    stopping.add(trial(5, 50))
    expect(stopping.needs(planned(5))).toBe(false)
    expect(stopping.needs(planned(6))).toBe(true)
  })

  it('tells which planned trials may still be to run', () => {
    const plan = [1, 2, 3, 4, 5].flatMap((round) => ['s', 'o'].map((scenario) => planned(round, scenario)))
    const stopping = given(trial(1, 10), trial(2, 10.01), trial(3, 9.99), trial(1, 9, 'ok', 'o'))
    expect(stopping.missing(plan).map((one) => one.trial)).toEqual(['o-2', 'o-3', 'o-4', 'o-5'])
    expect(stopping.count).toBe(4)
  })
})

it('an interval that ended the rounds holds the mean nearly as often as it says, from five rounds on', () => {
  const normal = normals(8)
  const series = 2000
  let held = 0
  for (let run = 0; run < series; run++) {
    const values: number[] = []
    for (let half = Infinity; half > 0.02 && values.length < 40; ) {
      values.push(Math.exp(0.03 * normal()))
      if (values.length >= 5) half = relativeHalfWidth(values, 'log')!
    }
    const mean = values.reduce((sum, value) => sum + Math.log(value), 0) / values.length
    if (Math.abs(mean) <= Math.log1p(relativeHalfWidth(values, 'log')!)) held++
  }
  // 93% in 20,000 series; three standard errors of this many.
  expect(Math.abs(held / series - 0.93)).toBeLessThan(3 * Math.sqrt((0.93 * 0.07) / series))
})
