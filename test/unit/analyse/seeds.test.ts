import { describe, expect, it } from 'vitest'
import { compareScenarios } from '../../../harness/analyse/compare.ts'
import { membersOf } from '../../../harness/analyse/comparison.ts'
import { operatingPoints } from '../../../harness/analyse/operating-points.ts'
import { pairedComparison } from '../../../harness/analyse/paired.ts'
import {
  equivalenceTest,
  pairedEquivalenceTest,
  smallestPairedDifference,
  smallestPairedEffect,
} from '../../../harness/analyse/power.ts'
import { poolBySeed, seedKeys } from '../../../harness/analyse/seeds.ts'
import type { CompareSettings } from '../../../harness/sweep/types.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { ended } from '../../fixtures/trials.ts'
import { METRICS, makeScenario, makeTrial } from './make-trials.ts'

const SETTINGS: CompareSettings = {
  reference: { batch: 16 },
  metrics: ['r2'],
  alpha: 0.05,
  correction: 'holm',
  margin: 0.02,
  unpaired_expected: false,
}
/** 97.5% point of Student's t with 3 degrees of freedom, from tables. */
const T3 = 3.182446305284263

/** Scenarios of two batch sizes over the seeds, and one list of values of the metric a scenario. */
function over(
  metric: string,
  values: Record<number, Record<number, (number | null)[]>>,
  key = 'dataset.seed',
): { scenarios: ReturnType<typeof makeScenario>[]; trials: TrialResult[] } {
  const scenarios: ReturnType<typeof makeScenario>[] = []
  const trials: TrialResult[] = []
  for (const [batch, seeds] of Object.entries(values)) {
    for (const [seed, list] of Object.entries(seeds)) {
      const id = `b${batch}s${seed}`
      const point: Record<string, Scalar> = { batch: Number(batch), [key]: Number(seed) }
      scenarios.push({ ...makeScenario(id, point), label: `batch=${batch} ${key}=${seed}` })
      trials.push(
        ...list.map((value, round) =>
          value === null
            ? ended(makeTrial(id, round), 'crashed')
            : makeTrial(id, round, { metrics: { [metric]: value } }),
        ),
      )
    }
  }
  return { scenarios, trials }
}

const compare = (found: ReturnType<typeof over>, settings: Partial<CompareSettings> = {}) =>
  compareScenarios({ ...found, metrics: METRICS, settings: { ...SETTINGS, ...settings }, seed: 7 })

const kinds = (row: { warnings: { kind: string }[] }) => row.warnings.map(({ kind }) => kind)

const A = [0.8, 0.7, 0.9, 0.6]
const B = [0.78, 0.66, 0.88, 0.56]
const twice = (values: number[]) => Object.fromEntries(values.map((value, i) => [i + 1, [value, value]]))

describe('a deterministic metric over several seeds', () => {
  const { rows } = compare(over('r2', { 16: twice(A), 64: twice(B) }))

  it('is one comparison, paired by seed', () => {
    expect(rows).toHaveLength(1)
    // Differences -0.02 and -0.04, twice: mean -0.03, standard error 0.01 / sqrt 3.
    expect(rows[0]).toMatchObject({
      a: 'b16s1+b16s2+b16s3+b16s4',
      a_label: 'batch=16',
      b_label: 'batch=64',
      n_a: 4,
      n_b: 4,
      mean_a: expect.closeTo(0.75, 12),
      mean_b: expect.closeTo(0.72, 12),
      difference: expect.closeTo(-0.03, 12),
      ratio: expect.closeTo(0.96, 12),
      t: expect.closeTo(-3 * Math.sqrt(3), 9),
      df: 3,
      // Student's distribution with 3 degrees of freedom in closed form, at t / sqrt 3 = 3.
      p: expect.closeTo(1 - (2 / Math.PI) * (0.3 + Math.atan(3)), 9),
      hedges_g: null,
      test: 'paired_by_seed',
      seeds: { keys: ['dataset.seed'], n: 4 },
      verdict: 'undecided',
    })
    expect(kinds(rows[0]!)).toEqual(['seed_is_unit'])
  })

  it('has the interval of ratios that the paired test does not reject', () => {
    for (const ratio of [rows[0]!.ratio_ci_low!, rows[0]!.ratio_ci_high!]) {
      const rest = B.map((b, i) => b - ratio * A[i]!)
      const centre = rest.reduce((s, x) => s + x, 0) / 4
      const error = Math.sqrt(rest.reduce((s, x) => s + (x - centre) ** 2, 0) / 3 / 4)
      expect(Math.abs(centre / error)).toBeCloseTo(T3, 6)
    }
  })

  it('gives what pairs allow of the other tests, and nothing of the rest', () => {
    const { secondary_tests: tests } = rows[0]!
    const smallest = smallestPairedDifference(A, B)
    expect(tests.smallest_change).toBeCloseTo(smallest.difference! / 0.75, 12)
    const alike = A.map((a, i) => B[i]! - a)
    expect(smallest.difference).toBeCloseTo(smallestPairedEffect(alike).difference!, 12)
    expect(tests.equivalence_p).toBeGreaterThan(0.5)
    for (const name of ['paired_p', 'mann_whitney_p', 'median_ratio'] as const) expect(tests[name]).toBeNull()
  })

  it('is compared exactly where the seed changes nothing', () => {
    const [row] = compare(over('r2', { 16: twice(A), 64: twice(A.map((a) => a - 0.25)) })).rows
    expect(row).toMatchObject({
      test: 'exact',
      p: null,
      verdict: 'worse',
      secondary_tests: { equivalence_p: null },
    })
    expect(kinds(row!)).toEqual(['seeds_agree'])
  })

  it('still raises the alarm where a seed gives two values', () => {
    const data = over('r2', { 16: twice(A), 64: { ...twice(B), 2: [0.66, 0.67] } })
    const [row] = compare(data).rows
    expect(row).toMatchObject({ verdict: 'undecided', p: null, test: null })
    expect(row!.warnings).toContainEqual({ kind: 'not_deterministic', side: 'b', low: 0.66, high: 0.67 })
  })

  it('leaves out seeds that one side lacks, and says so', () => {
    const [row] = compare(over('r2', { 16: twice(A), 64: { ...twice(B), 4: [null, null] } })).rows
    expect(row).toMatchObject({ n_a: 3, n_b: 3, df: 2, mean_a: expect.closeTo(0.8, 12) })
    expect(row!.warnings).toContainEqual({ kind: 'unpaired_seeds', dropped: 1, kept: 3 })
    expect(kinds(row!)).toContain('unequal_outcomes')
  })

  it('shares one comparison over both seeds, the data being the unit', () => {
    const values = { 16: [0.8, 0.6], 64: [0.7, 0.4] } as const
    const scenarios = [16, 64].flatMap((batch) =>
      [1, 2].flatMap((data) =>
        [5, 6].map((seed) =>
          makeScenario(`b${batch}d${data}s${seed}`, { batch, 'dataset.seed': data, random_seed: seed }),
        ),
      ),
    )
    const trials = scenarios.map(({ id, point }) => {
      const base = values[point['batch'] as 16 | 64][(point['dataset.seed'] as number) - 1]!
      return makeTrial(id, 0, { metrics: { r2: base + (point['random_seed'] === 5 ? 0.02 : -0.02) } })
    })
    const [row] = compare({ scenarios, trials }).rows
    // Means by data: 0.8 and 0.6 against 0.7 and 0.4; differences -0.1 and -0.2.
    expect(row).toMatchObject({ n_a: 2, seeds: { n: 2 }, t: expect.closeTo(-3, 9), df: 1 })
    expect(kinds(row!)).toEqual(['seed_is_unit', 'ratio_undefined'])
  })
})

describe('a timed metric over several seeds', () => {
  it('takes the geometric mean of a seed, and pairs by it', () => {
    const a = { 1: [1, 4], 2: [2, 8], 3: [1, 1] }
    const b = { 1: [4, 4], 2: [16, 16], 3: [8, 8] }
    const data = over('latency_p50_ms', { 16: a, 64: b }, 'random_seed')
    const [row] = compare(data, { metrics: ['latency_p50_ms'] }).rows
    // Log ratios ln 2, ln 4, ln 8: mean 2 ln 2, standard error ln 2 / sqrt 3; p with 2 degrees in closed form.
    expect(row).toMatchObject({
      n_a: 3,
      ratio: expect.closeTo(4, 12),
      t: expect.closeTo(2 * Math.sqrt(3), 9),
      df: 2,
      p: expect.closeTo(1 - Math.sqrt(12 / 14), 7),
      test: 'paired_by_seed',
    })
  })
})

describe('what is pooled', () => {
  const grid = (key: string) => over('r2', { 16: twice(A), 64: twice(B) }, key)

  it('is what differs in a seed alone', () => {
    const { scenarios } = grid('random_seed')
    expect(seedKeys(scenarios)).toEqual(['random_seed'])
    const pools = poolBySeed(scenarios, ['random_seed'])
    expect(pools.map(({ scenario }) => [scenario.label, scenario.point])).toEqual([
      ['batch=16', { batch: 16 }],
      ['batch=64', { batch: 64 }],
    ])
    expect(membersOf(pools[1]!.scenario.id)).toEqual(['b64s1', 'b64s2', 'b64s3', 'b64s4'])
  })

  it('is compared with the first without a reference', () => {
    const { rows, notes } = compare(grid('random_seed'), { reference: null })
    expect(rows.map(({ a_label, b_label }) => [a_label, b_label])).toEqual([['batch=16', 'batch=64']])
    expect(notes).toEqual([{ kind: 'reference_chosen', scenario: 'batch=16', pairs: 1 }])
  })

  it('is nothing where the reference names the seed or only the seed varies', () => {
    const named = compare(grid('random_seed'), { reference: { random_seed: 1 } })
    expect(named.rows).toHaveLength(6)
    expect(named.rows.every(({ seeds, test }) => seeds === null && test === 'exact')).toBe(true)
    const alone = compare(over('r2', { 16: twice(A) }), { reference: null })
    expect(alone.rows.map(({ a, b }) => `${a} ${b}`)).toEqual(['b16s1 b16s2', 'b16s1 b16s3', 'b16s1 b16s4'])
  })

  it('is one candidate for an operating point: a lucky seed is no setting', () => {
    const lucky = over('r2', { 16: { 1: [0.5], 2: [0.5], 3: [0.5], 4: [0.99] }, 64: twice(B) })
    const { points } = operatingPoints({
      ...lucky,
      metrics: [METRICS.get('r2')!],
      accuracy: null,
      settings: SETTINGS,
    })
    expect(points[0]).toMatchObject({
      label: 'batch=64',
      estimate: { value: expect.closeTo(0.72, 12), n: 4 },
    })
    expect(points[0]!.tied.map(({ label }) => label)).toEqual(['batch=16'])
  })
})

describe('paired comparison and equivalence', () => {
  it('agree: equivalent at alpha where the interval at 1 - 2 alpha lies within the margin', () => {
    for (const scale of ['log', 'natural'] as const) {
      const { low, high } = pairedComparison(A, B, { scale, level: 0.9 }).ratio!
      const needed = Math.max(1 - low!, high! - 1)
      const p = (margin: number) => pairedEquivalenceTest(A, B, { margin, scale }).p!
      expect(p(needed * 1.001)).toBeLessThan(0.05)
      expect(p(needed * 0.999)).toBeGreaterThan(0.05)
      expect(p(needed)).toBeCloseTo(0.05, 6)
    }
    expect(pairedEquivalenceTest(A, B, { margin: 0.1, scale: 'natural' }).p).toBeLessThan(
      equivalenceTest(A, B, { margin: 0.1, scale: 'natural' }).p!,
    )
  })

  it('give null where nothing can be had', () => {
    expect(pairedComparison([], [], { scale: 'log' })).toMatchObject({ p: null, ratio: null })
    expect(pairedComparison([0, 1], [1, 2], { scale: 'log' })).toMatchObject({ p: null, ratio: null })
    expect(pairedComparison([2], [3], { scale: 'natural' })).toMatchObject({
      p: null,
      ratio: { value: 1.5, low: null },
    })
    const negative = pairedComparison([-1, -1.2, -0.9], [-0.5, -0.7, -0.3], { scale: 'natural' })
    expect(negative).toMatchObject({ ratio: null, change: { value: expect.closeTo(1 - 1.5 / 3.1, 12) } })
    expect(negative.change!.low).toBeLessThan(negative.change!.value)
  })
})
