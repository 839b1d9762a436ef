import { describe, expect, it } from 'vitest'
import { bootstrapMedianRatio } from '../../../harness/analyse/bootstrap.ts'
import { comparePairs, compareScenarios } from '../../../harness/analyse/compare.ts'
import { benjaminiHochberg, holm } from '../../../harness/analyse/correct.ts'
import { smallestExactP } from '../../../harness/analyse/mann-whitney.ts'
import { operatingPoints } from '../../../harness/analyse/operating-points.ts'
import { equivalenceTest, smallestEffect } from '../../../harness/analyse/power.ts'
import { NO_SECONDARY_TESTS } from '../../../harness/analyse/secondary-tests.ts'
import type { Correction } from '../../../harness/sweep/types.ts'
import { METRICS, makeScenario, makeTrial, trialsOf } from './make-trials.ts'

const SETTINGS = { alpha: 0.05, correction: 'holm' as Correction, margin: 0.02, seed: 11 }
const FAST = [10, 9.5, 11, 10.4, 9.9]
const SLOW = [20, 19, 23, 20.1, 22]

function rowOf(metric: string, x: readonly (number | null)[], y: readonly (number | null)[], seed = true) {
  const group = (id: string, values: readonly (number | null)[]) => ({
    id,
    label: id,
    trials: trialsOf(id, metric, values),
  })
  const { seed: _, ...alone } = SETTINGS
  const settings = seed ? SETTINGS : alone
  return comparePairs([{ a: group('x', x), b: group('y', y) }], [METRICS.get(metric)!], settings)[0]!
}

const kinds = (row: { warnings: { kind: string }[] }) => row.warnings.map(({ kind }) => kind)

describe('the tests beside Welch', () => {
  it('are those of the pure functions, on the same values', () => {
    const { secondary_tests: tests, test } = rowOf('latency_p50_ms', FAST, SLOW)
    expect(test).toBe('welch')
    // Every value of one side above the other: 2 of the 252 orders of 5 and 5.
    expect(tests).toMatchObject({ mann_whitney_p: expect.closeTo(2 / 252, 12), mann_whitney_method: 'exact' })
    const median = bootstrapMedianRatio(FAST, SLOW, { seed: 11, resamples: 2000 }).ratio!
    expect(tests.median_ratio).toBeCloseTo(20.1 / 10, 12)
    expect([tests.median_ratio_ci_low, tests.median_ratio_ci_high]).toEqual([median.low, median.high])
    const scale = 'log'
    expect(tests.equivalence_p).toBe(equivalenceTest(FAST, SLOW, { margin: 0.02, scale }).p)
    expect(tests.smallest_change).toBe(smallestEffect(FAST, SLOW, { alpha: 0.05, scale }).change)
    expect(tests.paired_rounds).toBe(5)
    const logs = SLOW.map((slow, i) => Math.log(slow / FAST[i]!))
    const centre = logs.reduce((s, x) => s + x, 0) / 5
    expect(tests.paired_ratio).toBeCloseTo(Math.exp(centre), 12)
    expect(tests.paired_ratio_ci_low).toBeGreaterThan(1.8)
  })

  it('pair differences by round on the natural scale, without a ratio', () => {
    const shift = [1, 2, 1, 2, 1]
    const { secondary_tests: tests } = rowOf(
      'peak_memory_mb',
      FAST,
      FAST.map((v, i) => v + shift[i]!),
    )
    // Differences of mean 1.4 and standard error sqrt 0.06: t with 4 degrees of freedom in closed form.
    const t = 1.4 / Math.sqrt(0.06)
    const x = t / Math.sqrt(4 + t * t)
    expect(tests.paired_p).toBeCloseTo(1 - (1.5 * x - x ** 3 / 2), 7)
    expect(tests.paired_ratio).toBeNull()
  })

  it('are fixed by the seed and made only where one is given', () => {
    expect(rowOf('wall_s', FAST, SLOW)).toEqual(rowOf('wall_s', FAST, SLOW))
    const alone = rowOf('wall_s', FAST, SLOW, false)
    expect(alone).toMatchObject({ secondary_tests: NO_SECONDARY_TESTS, test: 'welch' })
    expect(alone.p).toBe(rowOf('wall_s', FAST, SLOW).p)
  })

  it('are null, never 0, for deterministic, constant, single and missing values', () => {
    const none = [
      rowOf('r2', [0.8, 0.8], [0.7, 0.7]),
      rowOf('wall_s', [2, 2, 2], [3, 3, 3]),
      rowOf('wall_s', [1], [2]),
      rowOf('wall_s', [null, null], FAST),
    ]
    for (const row of none) expect(row.secondary_tests).toEqual(NO_SECONDARY_TESTS)
    expect(none.map(({ test }) => test)).toEqual(['exact', 'exact', 'welch', null])
  })

  it('give ranks and nothing else where a log does not exist', () => {
    const { secondary_tests: tests, p } = rowOf('wall_s', [0, 1, 2, 3, 4], SLOW)
    expect(p).toBeNull()
    expect(tests).toMatchObject({
      mann_whitney_p: expect.closeTo(2 / 252, 12),
      median_ratio: null,
      paired_p: null,
      equivalence_p: null,
      smallest_change: null,
    })
  })
})

describe('warnings', () => {
  it('say when ranks cannot reach alpha, and how many trials could', () => {
    expect(smallestExactP(3, 3)).toBeCloseTo(0.1, 12)
    expect(smallestExactP(4, 4)).toBeCloseTo(2 / 70, 12)
    const row = rowOf('wall_s', FAST.slice(0, 3), SLOW.slice(0, 3))
    expect(row.warnings).toContainEqual({
      kind: 'cannot_reach_alpha',
      n_a: 3,
      n_b: 3,
      smallest_p: expect.closeTo(0.1, 12),
      alpha: 0.05,
      needed: 4,
    })
    expect(kinds(rowOf('wall_s', FAST.slice(0, 4), SLOW.slice(0, 4)))).toEqual([])
  })

  it('count ties', () => {
    const row = rowOf('peak_memory_mb', [5, 6, 6, 7, 8], [6, 9, 9, 10, 11])
    expect(row.warnings).toEqual([{ kind: 'ties', tied: 5, n: 10 }])
    expect(row.secondary_tests.mann_whitney_method).toBe('normal')
  })

  it('tell when one side had ended before the other began', () => {
    const at = (id: string, hours: number[]) => ({
      id,
      label: id,
      trials: hours.map((hour, round) =>
        makeTrial(id, round, {
          metrics: { wall_s: FAST[round]!, r2: 0.5 },
          started_at: `2026-01-01T0${hour}:00:00.000Z`,
        }),
      ),
    })
    const warned = (a: number[], b: number[], metric = 'wall_s') =>
      kinds(comparePairs([{ a: at('x', a), b: at('y', b) }], [METRICS.get(metric)!], SETTINGS)[0]!).includes(
        'one_machine_state',
      )
    expect(warned([1, 2, 3], [4, 5, 6])).toBe(true)
    expect(warned([4, 5, 6], [1, 2, 3])).toBe(true)
    expect(warned([1, 4, 6], [2, 3, 5])).toBe(false)
    expect(warned([1, 3], [2, 4])).toBe(false)
    expect(warned([1, 2, 3], [4, 5, 6], 'r2')).toBe(false)
  })

  it('tell so by the clock of each machine only', () => {
    /** Hours of trials by machine, whose clocks may be hours apart. */
    const at = (id: string, hours: Record<string, number[]>) => ({
      id,
      label: id,
      trials: Object.entries(hours).flatMap(([machine, own], index) =>
        own.map((hour, round) =>
          makeTrial(id, 2 * round + index, {
            ...{ machine, metrics: { wall_s: FAST[round]! } },
            started_at: `2026-01-01T0${hour}:00:00.000Z`,
          }),
        ),
      ),
    })
    const warned = (a: Record<string, number[]>, b: Record<string, number[]>) =>
      kinds(
        comparePairs([{ a: at('x', a), b: at('y', b) }], [METRICS.get('wall_s')!], SETTINGS)[0]!,
      ).includes('one_machine_state')
    // Two machines of an axis: which began first cannot be told, nor would it matter.
    expect(warned({ pi: [1, 2, 3] }, { server: [5, 6, 7] })).toBe(false)
    expect(warned({ pi: [1, 2], server: [7, 8] }, { pi: [3, 4], server: [8, 9] })).toBe(false)
    expect(warned({ pi: [1, 2], server: [6, 7] }, { pi: [3, 4], server: [8, 9] })).toBe(true)
    // In turn on each, though not by the hours of both.
    expect(warned({ pi: [1, 3] }, { pi: [2, 4], server: [8, 9] })).toBe(false)
  })

  it('tell of rounds without a partner', () => {
    const row = rowOf('wall_s', [...FAST, 10.2], [...SLOW, null])
    expect(row.warnings).toContainEqual({ kind: 'unpaired_rounds', dropped: 1, kept: 5 })
    // A scenario that needed fewer rounds lost none.
    expect(kinds(rowOf('wall_s', [...FAST, 10.2], SLOW))).toEqual([])
  })
})

describe('the correction of the sweep', () => {
  const scenarios = ['x', 'y', 'z', 'w'].map((id) => makeScenario(id))
  const trials = [
    ...trialsOf('x', 'wall_s', FAST),
    ...trialsOf('y', 'wall_s', [11.2, 10.9, 11.6, 11.4, 10.1]),
    ...trialsOf('z', 'wall_s', [11.2, 10.6, 11.7, 11.5, 10.3]),
    ...trialsOf('w', 'wall_s', [11.1, 10.8, 11.5, 11.3, 10.2]),
  ]
  const rowsBy = (correction: Correction) =>
    compareScenarios({
      trials,
      scenarios,
      metrics: METRICS,
      settings: {
        reference: null,
        metrics: ['wall_s'],
        alpha: 0.05,
        correction,
        margin: 0,
        unpaired_expected: false,
      },
    }).rows
  const tiedBy = (correction: Correction) =>
    operatingPoints({
      trials,
      scenarios,
      metrics: [METRICS.get('wall_s')!],
      accuracy: null,
      settings: { alpha: 0.05, correction, margin: 0.02 },
    }).points[0]!.tied.map(({ scenario }) => scenario)

  it('is Holm or Benjamini-Hochberg, and every row says which', () => {
    for (const [correction, adjust] of [
      ['holm', holm],
      ['bh', benjaminiHochberg],
    ] as const) {
      const rows = rowsBy(correction)
      expect(rows.map(({ p_adjusted }) => p_adjusted)).toEqual(adjust(rows.map(({ p }) => p)))
      expect(rows.every((row) => row.correction === correction)).toBe(true)
    }
  })

  it('decides which others cannot be told from the best', () => {
    // Each p alone is between alpha / 3 and alpha, so that the milder correction tells them all apart.
    for (const { p } of rowsBy('holm')) {
      expect(p).toBeLessThan(0.05)
      expect(p).toBeGreaterThan(0.05 / 3)
    }
    expect(tiedBy('holm').sort()).toEqual(['w', 'y', 'z'])
    expect(tiedBy('bh')).toEqual([])
  })
})
