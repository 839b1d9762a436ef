/** Which scenario is recommended, and how often the trials would say so again. */
import { describe, expect, test } from 'vitest'
import type { Group } from '../../../harness/analyse/comparison.ts'
import { frontShares, kneeOf, paretoFrontier } from '../../../harness/analyse/front.ts'
import { recommend } from '../../../harness/analyse/recommend.ts'
import type { Goal, Scenario } from '../../../harness/sweep/types.ts'
import { ended } from '../../fixtures/trials.ts'
import { normals, sample } from './make-noise.ts'
import { METRICS, makeScenario, makeTrial } from './make-trials.ts'

const LATENCY = METRICS.get('latency_mean_ms')!
const R2 = METRICS.get('r2')!
const SKILL = METRICS.get('skill')!

interface Setting {
  id: string
  latency: number
  r2: number
  /** Cores; null without a cap. */
  cores?: number | null
  outcome?: 'out_of_memory'
}

function run(settings: readonly Setting[], { spread = 0.01, trials = 10 } = {}) {
  const draw = normals(4)
  const scenarios = settings.map(({ id, cores = null }): Scenario => {
    const scenario = makeScenario(id)
    return { ...scenario, settings: { ...scenario.settings, max_compute_units: cores } }
  })
  return {
    scenarios,
    trials: settings.flatMap(({ id, latency, r2, outcome }) =>
      Array.from({ length: trials }, (_, round) => {
        const ms = latency * (1 + spread * draw())
        const trial = makeTrial(id, round, { metrics: { latency_mean_ms: ms, latency_p99_ms: 3 * ms, r2 } })
        return outcome !== undefined && round === 0 ? ended(trial, outcome) : trial
      }),
    ),
  }
}

const settings = { alpha: 0.05, correction: 'holm', margin: 0.02 } as const
const decide = (given: ReturnType<typeof run>, goal: Goal | null = null) =>
  recommend({ ...given, metrics: METRICS, latency: LATENCY, accuracy: R2, goal, settings, seed: 1 })!
const within = (bound: number): Goal => ({
  objective: { metric: 'r2', direction: 'maximize' },
  subject_to: [{ metric: 'latency_p99_ms', operator: '<=', bound }],
})

describe('with a goal', () => {
  const grid = run([
    { id: 'small', latency: 5, r2: 0.7, cores: 0.25 },
    { id: 'middle', latency: 5, r2: 0.8, cores: 0.5 },
    { id: 'same', latency: 3, r2: 0.8, cores: 1 },
    { id: 'slow', latency: 50, r2: 0.9, cores: 1 },
  ])

  test('the best within the limits is recommended, and of equals the cheapest', () => {
    const found = decide(grid, within(20))
    expect(found).toMatchObject({ reason: 'meets_goal', meeting: 3, unsure: 0, share: 1, priced: true })
    expect(found.choice!.scenario).toBe('middle')
    expect(found.cheaper!.scenario).toBe('small')
    expect(found.tied.map(({ scenario }) => scenario)).toEqual(['same'])
    expect(found.limits[0]).toMatchObject({ metric: 'latency_p99_ms', state: 'met' })
  })

  test('where nothing meets them the nearest is named', () => {
    const found = decide(grid, within(2))
    expect(found).toMatchObject({ reason: 'nothing_meets', meeting: 0, unsure: 0 })
    expect(found.choice!.scenario).toBe('same')
  })

  test('a limit that only the mean meets is no proof, and gives way to one that is met', () => {
    const noisy = run(
      [
        { id: 'near', latency: 6.2, r2: 0.9 },
        { id: 'far', latency: 3, r2: 0.8 },
      ],
      { spread: 0.1, trials: 5 },
    )
    const found = decide(noisy, within(20))
    expect(found).toMatchObject({ meeting: 1, unsure: 1 })
    expect(found.choice!.scenario).toBe('far')
    const alone = decide(
      { ...noisy, scenarios: noisy.scenarios.slice(0, 1), trials: noisy.trials.slice(0, 5) },
      within(20),
    )
    expect(alone.limits[0]!.state).toBe('by_mean')
    expect(alone.share).toBeGreaterThan(0.5)
    expect(alone.share).toBeLessThan(1)
  })

  test('a setting that sometimes fails is not recommended', () => {
    const found = decide(
      run([
        { id: 'good', latency: 3, r2: 0.9, outcome: 'out_of_memory' },
        { id: 'plain', latency: 3, r2: 0.8 },
      ]),
      within(20),
    )
    expect(found).toMatchObject({ of: 1, unreliable: 1 })
    expect(found.choice!.scenario).toBe('plain')
  })
})

describe('without a goal', () => {
  test('the knee of the front', () => {
    const found = decide(
      run([
        { id: 'quick', latency: 1, r2: 0.3 },
        { id: 'knee', latency: 2, r2: 0.79 },
        { id: 'twin', latency: 2, r2: 0.79 },
        { id: 'best', latency: 40, r2: 0.82 },
        { id: 'beaten', latency: 30, r2: 0.6 },
      ]),
    )
    expect(found.reason).toBe('knee')
    expect(['knee', 'twin']).toContain(found.choice!.scenario)
    expect(found.tied).toHaveLength(1)
    expect(found.front).toMatchObject({
      fastest: { scenario: 'quick' },
      most_accurate: { scenario: 'best' },
    })
  })

  test('the fastest where accuracy differs by less than the margin', () => {
    const found = decide(
      run([
        { id: 'quick', latency: 1, r2: 0.8 },
        { id: 'slow', latency: 4, r2: 0.81 },
      ]),
    )
    expect(found).toMatchObject({ reason: 'same_accuracy', choice: { scenario: 'quick' }, share: 1 })
  })

  test('the most accurate of two ends, and the fastest where no accuracy is known', () => {
    const two = run([
      { id: 'quick', latency: 1, r2: 0.3 },
      { id: 'slow', latency: 4, r2: 0.8 },
    ])
    expect(decide(two)).toMatchObject({ reason: 'most_accurate', choice: { scenario: 'slow' } })
    const blind = {
      ...two,
      metrics: METRICS,
      latency: LATENCY,
      accuracy: null,
      goal: null,
      settings,
      seed: 1,
    }
    expect(recommend(blind)).toMatchObject({ reason: 'fastest', choice: { scenario: 'quick' } })
  })

  test('one scenario is no choice, and a run in which nothing was ok gives none', () => {
    expect(decide(run([{ id: 'only', latency: 1, r2: 0.3 }]))).toBeNull()
    const lost = run([
      { id: 'a', latency: 1, r2: 0.3, outcome: 'out_of_memory' },
      { id: 'b', latency: 1, r2: 0.3, outcome: 'out_of_memory' },
    ])
    expect(decide(lost)).toMatchObject({ reason: 'nothing_ok', choice: null, unreliable: 2 })
  })
})

describe('the front', () => {
  test('a knee lies above the line between the ends, on the scale of its cost', () => {
    const points = [1, 10, 100, 1000].map((cost, i) => ({ cost, gain: [0, 0.5, 0.9, 1][i]! }))
    expect(kneeOf(points, 'log')).toBe(2)
    expect(kneeOf(points, 'natural')).toBe(2)
    expect(kneeOf([0, 0.2, 0.5, 1].map((gain, i) => ({ cost: i, gain })))).toBeNull()
    expect(kneeOf(points.slice(0, 2))).toBeNull()
  })

  test('agrees with the definition, point by point', () => {
    const draw = normals(7)
    for (let round = 0; round < 50; round++) {
      const placed = Array.from({ length: 12 }, (_, i) => ({
        id: String(i),
        metrics: {
          latency_mean_ms: { value: Math.round(3 * draw()) },
          r2: { value: Math.round(3 * draw()) },
        },
      }))
      const value = (i: number) => [placed[i]!.metrics.latency_mean_ms.value, -placed[i]!.metrics.r2.value]
      const free = placed.filter((_, i) =>
        placed.every((_, j) => {
          const [[x, y], [u, v]] = [value(i), value(j)] as [[number, number], [number, number]]
          return !(u <= x && v <= y && (u < x || v < y))
        }),
      )
      expect([...paretoFrontier(placed, LATENCY, R2)].sort()).toEqual(free.map(({ id }) => id).sort())
    }
  })

  const groupOf = (id: string, latency: readonly number[], skill: readonly number[]): Group => ({
    id,
    label: id,
    trials: latency.map((ms, round) =>
      makeTrial(id, round, { metrics: { latency_mean_ms: ms, skill: skill[round]! } }),
    ),
  })

  test('what is exact is on it always or never, and one seed gives one share', () => {
    const groups = [groupOf('a', [1, 1], [0.5, 0.5]), groupOf('b', [2, 2], [0.5, 0.5])]
    expect(Object.fromEntries(frontShares(groups, LATENCY, SKILL, { seed: 1 }))).toEqual({ a: 1, b: 0 })
    const near = [groupOf('a', [1, 1.2, 1.1], [0.5, 0.5, 0.5]), groupOf('b', [1, 1.3, 1.1], [0.5, 0.5, 0.5])]
    const shares = () => [...frontShares(near, LATENCY, SKILL, { seed: 5 }).values()]
    expect(shares()).toEqual(shares())
    expect(shares()[0]).toBeGreaterThan(0.3)
  })

  // Where two scenarios are equal, a share behaves as a one-sided p: below 5% in 5% of runs.
  const rates = (trials: number, runs: number, resamples: number) => {
    const draw = normals(trials)
    let low = 0
    for (let run = 0; run < runs; run++) {
      const flat = sample(trials, () => 0.5)
      const groups = ['a', 'b'].map((id) =>
        groupOf(
          id,
          sample(trials, () => 10 + draw()),
          flat,
        ),
      )
      const share = frontShares(groups, LATENCY, SKILL, { seed: run, resamples }).get('b')!
      if (share < 0.05) low++
    }
    return low / runs
  }
  test('a share is as rarely low as it says', () => {
    expect(rates(10, 300, 200)).toBeGreaterThan(0.015)
    expect(rates(10, 300, 200)).toBeLessThan(0.11)
  })
  test.runIf(process.env['STINT_FULL'])('so it is for few trials and for many', { timeout: 600_000 }, () => {
    for (const [trials, least, most] of [
      [5, 0.03, 0.1],
      [10, 0.04, 0.075],
      [30, 0.04, 0.065],
    ] as const) {
      const rate = rates(trials, 4000, 500)
      expect(rate).toBeGreaterThan(least)
      expect(rate).toBeLessThan(most)
    }
  })
})
