/** Seeded simulations: do the promised error rates and coverages hold? */
import { describe, expect, it } from 'vitest'
import { bootstrapMedianRatio } from '../../../harness/analyse/bootstrap.ts'
import { pairedTest } from '../../../harness/analyse/paired.ts'
import {
  equivalenceTest,
  powerOf,
  smallestEffect,
  smallestPairedEffect,
} from '../../../harness/analyse/power.ts'
import { hedgesG, welchTest } from '../../../harness/analyse/welch.ts'
import { normals, sample } from './make-noise.ts'

const FULL = process.env['STINT_FULL'] === '1'

const share = (runs: number, hit: () => boolean) => {
  let hits = 0
  for (let run = 0; run < runs; run++) if (hit()) hits++
  return hits / runs
}
/** Three standard errors of a share. */
const slack = (p: number, runs: number) => 3 * Math.sqrt((p * (1 - p)) / runs)

describe("Welch's test", () => {
  const RUNS = FULL ? 6000 : 3000

  it.each([
    ['equal spread', 10, 1, 10, 1],
    ['unequal spread and size', 20, 1, 8, 3],
  ])('rejects as often as alpha says where nothing differs: %s', (_name, na, spreadA, nb, spreadB) => {
    const draw = normals(1)
    const rate = share(RUNS, () => {
      const a = sample(na, () => 100 + spreadA * draw())
      return (
        welchTest(
          a,
          sample(nb, () => 100 + spreadB * draw()),
        ).p! < 0.05
      )
    })
    expect(Math.abs(rate - 0.05)).toBeLessThan(slack(0.05, RUNS))
  })

  it('does so on the log scale under log-normal noise, and covers the true ratio', () => {
    const draw = normals(2)
    let covered = 0
    const rate = share(RUNS, () => {
      const a = sample(12, () => 5 * Math.exp(0.17 * draw()))
      const b = sample(9, () => 5 * Math.exp(0.4 * draw()))
      const test = welchTest(a, b, { scale: 'log' })
      if (test.ratio!.low! <= 1 && test.ratio!.high! >= 1) covered++
      return test.p! < 0.05
    })
    expect(Math.abs(rate - 0.05)).toBeLessThan(slack(0.05, RUNS))
    expect(covered / RUNS).toBeCloseTo(1 - rate, 12)
  })

  it("Fieller's interval covers a true ratio other than 1", () => {
    const draw = normals(3)
    const rate = share(RUNS, () => {
      const a = sample(10, () => 20 + 3 * draw())
      const b = sample(10, () => 26 + 4 * draw())
      const { low, high } = welchTest(a, b).ratio!
      return low! <= 1.3 && high! >= 1.3
    })
    expect(Math.abs(rate - 0.95)).toBeLessThan(slack(0.95, RUNS) + 0.004)
  })
})

describe('other tests', () => {
  it("Hedges' g is unbiased and its interval covers the true effect", () => {
    const draw = normals(4)
    const runs = 6000
    let total = 0
    const rate = share(runs, () => {
      const g = hedgesG(
        sample(8, draw),
        sample(8, () => 1 + draw()),
      )!
      total += g.value
      return g.low <= 1 && g.high >= 1
    })
    expect(Math.abs(total / runs - 1)).toBeLessThan(0.025)
    expect(rate).toBeGreaterThan(0.935)
    expect(rate).toBeLessThan(0.975)
  })

  it('claims equivalence at the very margin no more often than alpha', () => {
    const draw = normals(5)
    const runs = FULL ? 6000 : 3000
    const rate = share(runs, () => {
      const a = sample(12, () => 100 * Math.exp(0.01 * draw()))
      const b = sample(12, () => 105 * Math.exp(0.01 * draw()))
      return equivalenceTest(a, b, { margin: 0.05, scale: 'log' }).p! < 0.05
    })
    expect(Math.abs(rate - 0.05)).toBeLessThan(slack(0.05, runs))
  })

  it('finds the smallest effect as often as its power says', () => {
    const draw = normals(6)
    const runs = 4000
    // The spread is known here; the estimate of it is what varies from run to run.
    const shift = powerShift(10)
    const rate = share(
      runs,
      () =>
        welchTest(
          sample(10, draw),
          sample(10, () => shift + draw()),
        ).p! < 0.05,
    )
    expect(Math.abs(rate - 0.8)).toBeLessThan(slack(0.8, runs) + 0.005)
  })

  it('covers the ratio of medians with a bootstrap, skewed noise and all', () => {
    const draw = normals(7)
    const runs = FULL ? 300 : 150
    let seed = 0
    const rate = share(runs, () => {
      const a = sample(25, () => Math.exp(0.5 * draw()))
      const b = sample(25, () => 1.2 * Math.exp(0.5 * draw()))
      const { ratio } = bootstrapMedianRatio(a, b, { seed: seed++, resamples: 800 })
      return ratio!.low <= 1.2 && ratio!.high >= 1.2
    })
    expect(rate).toBeGreaterThan(0.91)
    expect(rate).toBeLessThan(0.99)
  })

  it('sees in pairs what the machine hides between rounds', () => {
    const draw = normals(8)
    const rounds = sample(20, () => Math.exp(0.3 * draw()))
    const a = rounds.map((load) => 10 * load * Math.exp(0.02 * draw()))
    const b = rounds.map((load) => 10.5 * load * Math.exp(0.02 * draw()))
    const logRatios = a.map((value, round) => Math.log(b[round]! / value))
    const paired = pairedTest(logRatios)
    expect(welchTest(a, b, { scale: 'log' }).p).toBeGreaterThan(0.05)
    expect(paired.p).toBeLessThan(0.001)
    expect(paired.ratio!.low).toBeLessThan(1.05)
    expect(paired.ratio!.high).toBeGreaterThan(1.05)
    const alone = smallestEffect(a, b, { scale: 'log' }).change!
    expect(smallestPairedEffect(logRatios).change!).toBeLessThan(alone / 5)
  })
})

/** The shift in standard deviations that a test of n a side finds with 80% power. */
function powerShift(n: number): number {
  let [low, high] = [0, 4]
  while (high - low > 1e-4) {
    const shift = (low + high) / 2
    if (powerOf(shift / Math.sqrt(2 / n), 2 * n - 2) < 0.8) low = shift
    else high = shift
  }
  return high
}
