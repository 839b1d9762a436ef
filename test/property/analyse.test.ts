import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { benjaminiHochberg, holm } from '../../harness/analyse/correct.ts'
import { estimateMean, mean, quantile, variance } from '../../harness/analyse/descriptive.ts'
import { mannWhitney } from '../../harness/analyse/mann-whitney.ts'
import { welchTest } from '../../harness/analyse/welch.ts'

const reading = fc.oneof(
  fc.double({ min: -1e6, max: 1e6 }),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(null, Number.NaN, Infinity, 0),
)
const readings = fc.array(reading, { maxLength: 12 })
const finite = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 2, maxLength: 30 })
const pValues = fc.array(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(null)))

/** Every number in a result, however deep. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  if (value === null || typeof value !== 'object') return []
  return Object.values(value).flatMap(numbersIn)
}

describe('statistics of anything', () => {
  it('are finite or null, never NaN', () => {
    fc.assert(
      fc.property(readings, readings, fc.constantFrom('log' as const, 'natural' as const), (a, b, scale) => {
        const test = welchTest(a, b, { scale })
        for (const result of [test, mannWhitney(a, b), estimateMean(a)]) {
          for (const number of numbersIn(result)) expect(Number.isNaN(number)).toBe(false)
        }
        if (test.p === null) expect(test.warnings.length).toBeGreaterThan(0)
        else {
          expect(test.p).toBeGreaterThanOrEqual(0)
          expect(test.p).toBeLessThanOrEqual(1)
          expect(test.difference!.low).toBeLessThanOrEqual(test.difference!.value)
          expect(test.difference!.high).toBeGreaterThanOrEqual(test.difference!.value)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('do not depend on the order of the trials', () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        const [forward, back] = [welchTest(a, b), welchTest([...a].reverse(), [...b].reverse())]
        if (forward.p !== null && back.p !== null) expect(back.p).toBeCloseTo(forward.p, 6)
        expect(mannWhitney([...a].reverse(), b)).toEqual(mannWhitney(a, b))
      }),
    )
  })

  it('keep means and quantiles within the data, and variances at or above 0', () => {
    fc.assert(
      fc.property(finite, fc.double({ min: 0, max: 1, noNaN: true }), (values, p) => {
        const [low, high] = [Math.min(...values), Math.max(...values)]
        const rounding = 1e-15 * Math.max(Math.abs(low), Math.abs(high))
        for (const value of [mean(values), quantile(values, p)]) {
          expect(value).toBeGreaterThanOrEqual(low - rounding)
          expect(value).toBeLessThanOrEqual(high + rounding)
        }
        expect(variance(values)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('corrections', () => {
  it('never lower a p, keep the order, and Holm is the stricter', () => {
    fc.assert(
      fc.property(pValues, (p) => {
        const [strict, mild] = [holm(p), benjaminiHochberg(p)]
        for (const [index, value] of p.entries()) {
          if (value === null) {
            expect([strict[index], mild[index]]).toEqual([null, null])
            continue
          }
          // n / rank times p may round to just below p.
          expect(mild[index]!).toBeGreaterThanOrEqual(value * (1 - 1e-15))
          expect(strict[index]!).toBeGreaterThanOrEqual(mild[index]! * (1 - 1e-15))
          expect(strict[index]!).toBeLessThanOrEqual(1)
          for (const [other, compared] of p.entries()) {
            if (compared !== null && compared < value) {
              expect(strict[other]!).toBeLessThanOrEqual(strict[index]!)
              expect(mild[other]!).toBeLessThanOrEqual(mild[index]!)
            }
          }
        }
      }),
    )
  })
})
