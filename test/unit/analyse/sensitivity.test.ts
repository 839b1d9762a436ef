/** Shares of variance, against R's own on the random designs of test/fixtures/anova-oracle.json. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { anova, type Cell } from '../../../harness/analyse/anova.ts'
import { sensitivity } from '../../../harness/analyse/sensitivity.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { normals } from './make-noise.ts'
import { METRICS, makeScenario, makeTrial } from './make-trials.ts'

interface OracleCase {
  factors: number[][]
  y: number[]
  error_df: number
  error_ss: number
  total_ss: number
  effects: { factors: number[]; df: number; ss: number; share: number; interval: (number | null)[] }[]
}

const { cases }: { cases: OracleCase[] } = JSON.parse(
  readFileSync(new URL('../../fixtures/anova-oracle.json', import.meta.url), 'utf8'),
)

function cellsOf({ factors, y }: Pick<OracleCase, 'factors' | 'y'>): Cell[] {
  const cells = new Map<string, { levels: number[]; values: number[] }>()
  for (const [i, value] of y.entries()) {
    const levels = factors.map((factor) => factor[i]!)
    const cell = cells.get(levels.join()) ?? { levels, values: [] }
    cell.values.push(value)
    cells.set(levels.join(), cell)
  }
  return [...cells.values()]
}

it('has 50 designs of two to four factors, most of them with holes', () => {
  expect(cases).toHaveLength(50)
  const holes = cases.filter((one) => {
    const full = one.factors.reduce((product, factor) => product * new Set(factor).size, 1)
    return cellsOf(one).length < full
  })
  expect(holes.length).toBeGreaterThan(25)
})

describe.each(cases.map((one, i) => [i, one] as const))('design %i', (_, one) => {
  it('has the shares and intervals that R gives', () => {
    const found = anova(cellsOf(one))!
    const near = (value: number, target: number, digits = 1e-9) =>
      expect(Math.abs(value - target)).toBeLessThan(digits * Math.max(1, Math.abs(target)))
    expect(found.errorDf).toBe(one.error_df)
    near(found.totalSumOfSquares / one.total_ss, 1)
    near(found.errorSumOfSquares / one.error_ss, 1)
    expect(found.effects).toHaveLength(one.effects.length)
    for (const [i, target] of one.effects.entries()) {
      const effect = found.effects[i]!
      expect([effect.factors, effect.df]).toEqual([target.factors, target.df])
      near(effect.sumOfSquares / one.total_ss, target.ss / one.total_ss)
      near(effect.share, target.share)
      const [low, high] = target.interval
      if (low == null || high == null) expect([effect.low, effect.high]).toEqual([null, null])
      else {
        // R's own root is no nearer.
        near(effect.low!, low, 1e-7)
        near(effect.high!, high, 1e-7)
      }
    }
  })
})

test('without noise shares are of what was seen; without error or variance there are none', () => {
  const grid = (value: (a: number, b: number) => number): Cell[] =>
    [0, 1, 2].flatMap((a) => [0, 1].map((b) => ({ levels: [a, b], values: [value(a, b)] })))
  const exact = anova(
    grid((a, b) => a * 2 + b + a * b),
    { exact: true },
  )!
  expect(exact.effects.reduce((total, { share }) => total + share, 0)).toBeCloseTo(1, 12)
  expect(exact.effects[0]).toMatchObject({ low: exact.effects[0]!.share, high: exact.effects[0]!.share })
  expect(anova(grid(() => 5))).toBeNull()
  // One value per cell: interactions become the error.
  expect(anova(grid((a, b) => a * 2 + b + a * b))).toMatchObject({ interactions: false, errorDf: 2 })
  expect(
    anova([
      { levels: [0], values: [1] },
      { levels: [1], values: [2] },
    ]),
  ).toBeNull()
})

test('an interval covers the true share as often as it says', () => {
  const draw = normals(11)
  const runs = process.env['STINT_FULL'] ? 2000 : 100
  let covered = 0
  // Effects of 0 and 1 in noise of 1: the factor's share is 0.25 / 1.25.
  for (let run = 0; run < runs; run++) {
    const cells = [0, 1].flatMap((a) =>
      [0, 1].map((b) => ({ levels: [a, b], values: Array.from({ length: 8 }, () => a + draw()) })),
    )
    const { low, high } = anova(cells)!.effects[0]!
    if (low! <= 0.2 && high! >= 0.2) covered++
  }
  expect(Math.abs(covered / runs - 0.95)).toBeLessThan(3 * Math.sqrt((0.95 * 0.05) / runs))
})

describe('the axes of a run', () => {
  const run = (
    points: readonly Record<string, Scalar>[],
    latency: (point: Record<string, Scalar>) => number,
  ) => {
    const draw = normals(3)
    const scenarios = points.map((point, i) => makeScenario(`s${i}`, point))
    return {
      scenarios,
      axes: Object.keys(points[0]!),
      metrics: [METRICS.get('latency_mean_ms')!, METRICS.get('r2')!],
      trials: scenarios.flatMap(({ id, point }) =>
        Array.from({ length: 5 }, (_, round) =>
          makeTrial(id, round, {
            metrics: {
              latency_mean_ms: latency(point) * Math.exp(0.02 * draw()),
              r2: Number(point['batch']) / 100,
            },
          }),
        ),
      ),
    }
  }
  const grid = [1, 2, 4].flatMap((chunk) => [8, 64].map((batch) => ({ chunk, batch })))

  test('an axis that multiplies latency explains it on the log scale, whatever else multiplies it', () => {
    const found = sensitivity(run(grid, ({ chunk, batch }) => Number(chunk) ** 2 * Number(batch) ** 0.1))!
    const [latency, r2] = found.metrics
    const [chunk, batch, both] = latency!.effects
    expect(chunk!.share).toBeGreaterThan(0.9)
    expect(batch!.share).toBeGreaterThan(0.005)
    expect(both!.share).toBeLessThan(0.001)
    expect(chunk!.low!).toBeLessThan(chunk!.share)
    expect(chunk!.high!).toBeGreaterThan(chunk!.share)
    expect(r2).toMatchObject({ exact: true, n: 6 })
    expect(r2!.effects.map(({ share }) => Math.round(share * 1e9) / 1e9)).toEqual([0, 1, 0])
  })

  test('an axis that another determines has no effect of its own, and seeds are repetitions', () => {
    const points = grid.flatMap((point) =>
      [1, 2].map((seed) => ({ ...point, cap: point.chunk > 1 ? 64 : 32, random_seed: seed })),
    )
    const found = sensitivity(run(points, ({ chunk }) => Number(chunk)))!
    expect(found).toMatchObject({
      axes: ['chunk', 'batch'],
      determined: [{ axis: 'cap', by: 'chunk' }],
      seeds: ['random_seed'],
    })
    expect(found.metrics[0]!.n).toBe(60)
  })

  test('fewer than two axes have nothing to share', () => {
    expect(sensitivity(run([{ batch: 8 }, { batch: 64 }], () => 1))).toBeNull()
  })
})
