/** Every test against R's own, on the random samples of test/fixtures/r-oracle.json. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { benjaminiHochberg, holm } from '../../../harness/analyse/correct.ts'
import { estimateMean, quantile } from '../../../harness/analyse/descriptive.ts'
import { noncentralUpperTail } from '../../../harness/analyse/distributions.ts'
import { mannWhitney } from '../../../harness/analyse/mann-whitney.ts'
import { pairedTest } from '../../../harness/analyse/paired.ts'
import { equivalenceTest, smallestNoncentrality } from '../../../harness/analyse/power.ts'
import { welchTest } from '../../../harness/analyse/welch.ts'

interface Case {
  a: number[]
  b: number[]
  margin: number
  welch: number[]
  log: number[] | null
  fieller: number[] | null
  tost: number[] | null
  tost_log: number[] | null
  wilcox: number[]
  paired: number[] | null
  mean: number[]
  quantiles: number[]
}

const oracle = JSON.parse(readFileSync(new URL('../../fixtures/r-oracle.json', import.meta.url), 'utf8')) as {
  cases: Case[]
  corrections: { p: number[]; holm: number[]; bh: number[] }[]
  noncentral: number[][]
  power: number[][]
}

const TOLERANCE = 1e-7

/** Largest error over all that was compared, relative to the larger of R's value and `scale`. */
class Agreement {
  largest = 0
  compared = 0
  check(ours: (number | null | undefined)[], theirs: readonly number[], scale: number): void {
    expect(ours).toHaveLength(theirs.length)
    for (const [index, expected] of theirs.entries()) {
      const actual = ours[index]
      if (actual === null || actual === undefined || Number.isNaN(actual)) {
        throw new Error(`no value where R has ${expected}`)
      }
      this.largest = Math.max(this.largest, Math.abs(actual - expected) / Math.max(Math.abs(expected), scale))
      this.compared++
    }
  }
  done(atLeast: number): void {
    if (process.env['STINT_SHOW_ERRORS']) console.log(expect.getState().currentTestName, this.largest)
    expect(this.compared).toBeGreaterThanOrEqual(atLeast)
    expect(this.largest).toBeLessThan(TOLERANCE)
  }
}

/** p-values are compared in absolute terms, everything else relative to itself. */
const P = 1
const SELF = Number.MIN_VALUE

describe('as R has it', () => {
  it.each(['natural', 'log'] as const)("Welch's test, %s scale", (scale) => {
    const agreement = new Agreement()
    for (const { a, b, welch, log } of oracle.cases) {
      const expected = scale === 'log' ? log : welch
      if (expected === null) continue
      const test = welchTest(a, b, { scale })
      const [t, df, p, low, high] = expected as [number, number, number, number, number]
      agreement.check([test.df], [df], SELF)
      // Near 0 the statistic keeps the rounding of the means.
      agreement.check([test.t], [t], 1e-4)
      agreement.check([test.p], [p], P)
      agreement.check([test.difference!.low, test.difference!.high], [low, high], high - low)
      if (scale === 'log') {
        agreement.check([test.ratio!.low, test.ratio!.high], [Math.exp(low), Math.exp(high)], SELF)
      }
    }
    agreement.done(scale === 'log' ? 180 * 7 : 240 * 5)
  })

  it('small p-values of Welch, relative to themselves', () => {
    const agreement = new Agreement()
    for (const { a, b, welch } of oracle.cases) agreement.check([welchTest(a, b).p], [welch[2]!], SELF)
    agreement.done(240)
  })

  it("Fieller's interval, against the roots of its equation", () => {
    const agreement = new Agreement()
    for (const { a, b, fieller } of oracle.cases) {
      if (fieller === null) continue
      const { ratio } = welchTest(a, b)
      agreement.check([ratio!.low, ratio!.high], fieller, fieller[1]! - fieller[0]!)
    }
    agreement.done(150 * 2)
  })

  it('two one-sided tests', () => {
    const agreement = new Agreement()
    for (const { a, b, margin, tost, tost_log } of oracle.cases) {
      for (const [scale, expected] of [
        ['natural', tost],
        ['log', tost_log],
      ] as const) {
        const test = equivalenceTest(a, b, { margin, scale })
        if (expected === null) expect(test.p).toBeNull()
        else {
          agreement.check([test.pLow, test.pHigh], expected, P)
          expect(test.p).toBe(Math.max(test.pLow!, test.pHigh!))
        }
      }
    }
    agreement.done(400 * 2)
  })

  it('the Mann-Whitney test, exact and approximate', () => {
    const agreement = new Agreement()
    const methods = { exact: 0, normal: 0 }
    for (const { a, b, wilcox } of oracle.cases) {
      const test = mannWhitney(a, b)
      methods[test.method]++
      agreement.check([test.u, test.p], wilcox, P)
    }
    expect(methods.exact).toBeGreaterThan(100)
    expect(methods.normal).toBeGreaterThan(50)
    agreement.done(480)
  })

  it('the paired test of log ratios', () => {
    const agreement = new Agreement()
    for (const { a, b, paired } of oracle.cases) {
      if (paired === null) continue
      const pairs = Math.min(a.length, b.length)
      const test = pairedTest(Array.from({ length: pairs }, (_, i) => Math.log(b[i]! / a[i]!)))
      agreement.check([test.t], paired.slice(0, 1), 1e-4)
      agreement.check([test.p], paired.slice(1, 2), P)
      agreement.check([test.ratio!.low, test.ratio!.high], paired.slice(2), SELF)
    }
    agreement.done(150 * 4)
  })

  it('means with their interval, and quantiles', () => {
    const agreement = new Agreement()
    for (const { a, mean, quantiles } of oracle.cases) {
      const estimate = estimateMean(a)!
      agreement.check([estimate.value, estimate.low, estimate.high], mean, mean[2]! - mean[1]!)
      agreement.check([quantile(a, 0.05), quantile(a, 0.5), quantile(a, 0.9)], quantiles, 1e-3)
    }
    agreement.done(240 * 6)
  })

  it('Holm and Benjamini-Hochberg, with untested pairs left out', () => {
    const agreement = new Agreement()
    for (const { p, holm: holmOfR, bh } of oracle.corrections) {
      agreement.check(holm(p), holmOfR, P)
      agreement.check(benjaminiHochberg(p), bh, P)
      const gaps = p.flatMap((value) => [null, value])
      agreement.check(
        holm(gaps).filter((value) => value !== null),
        holmOfR,
        P,
      )
      expect(holm(gaps).filter((value) => value === null)).toHaveLength(p.length)
    }
    agreement.done(200 * 3)
  })

  it('the noncentral t, and the power of a t-test', () => {
    const agreement = new Agreement()
    for (const [t, df, noncentrality, tail] of oracle.noncentral as [number, number, number, number][]) {
      agreement.check([noncentralUpperTail(t, df, noncentrality)], [tail], P)
    }
    for (const [n, power, delta] of oracle.power as [number, number, number][]) {
      agreement.check([smallestNoncentrality(2 * n - 2, { power }) * Math.sqrt(2 / n)], [delta], SELF)
    }
    agreement.done(90)
  })
})
