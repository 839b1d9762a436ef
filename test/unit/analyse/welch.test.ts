import { describe, expect, it } from 'vitest'
import { hedgesG, smallSampleCorrection, welchTest } from '../../../harness/analyse/welch.ts'

const kinds = (test: { warnings: { kind: string }[] }) => test.warnings.map((warning) => warning.kind)

describe('welchTest', () => {
  const a = [10.1, 9.8, 10.4, 10.0, 9.9]
  const b = [11.2, 11.9, 10.8, 11.5, 12.3, 11.1]

  it('gives the interval that excludes 1 exactly when p is below alpha', () => {
    for (let shift = 0; shift < 2; shift += 0.05) {
      const shifted = b.map((value) => value - shift)
      for (const scale of ['natural', 'log'] as const) {
        const { p, ratio } = welchTest(a, shifted, { scale })
        expect(p! < 0.05).toBe(ratio!.low! > 1 || ratio!.high! < 1)
      }
    }
  })

  it('turns around when the sides are swapped', () => {
    const forward = welchTest(a, b, { scale: 'log' })
    const back = welchTest(b, a, { scale: 'log' })
    expect(back.t).toBeCloseTo(-forward.t!, 12)
    expect(back.p).toBeCloseTo(forward.p!, 14)
    expect(back.ratio!.value).toBeCloseTo(1 / forward.ratio!.value, 12)
    expect(back.ratio!.low).toBeCloseTo(1 / forward.ratio!.high!, 12)
  })

  it('does not depend on the unit', () => {
    const seconds = welchTest(
      a.map((v) => v / 1000),
      b.map((v) => v / 1000),
    )
    const milliseconds = welchTest(a, b)
    expect(seconds.p).toBeCloseTo(milliseconds.p!, 12)
    expect(seconds.ratio!.low).toBeCloseTo(milliseconds.ratio!.low!, 12)
  })

  it('needs two values a side', () => {
    const test = welchTest([1], [2, 3])
    expect(kinds(test)).toEqual(['too_few_values'])
    expect([test.t, test.df, test.p, test.difference]).toEqual([null, null, null, null])
    expect(test.ratio).toEqual({ value: 2.5, low: null, high: null })
  })

  it('leaves out what is missing and says so', () => {
    const whole = welchTest(a, b)
    const test = welchTest([...a, null, Number.NaN], [...b, undefined, Infinity])
    expect(test.p).toBe(whole.p)
    expect(test.warnings).toEqual([
      { kind: 'missing_values', side: 'a', missing: 2, n: 7 },
      { kind: 'missing_values', side: 'b', missing: 2, n: 8 },
    ])
  })

  it('has nothing to say without values', () => {
    const test = welchTest([null], b)
    expect(kinds(test)).toEqual(['no_values'])
    expect(test.p).toBeNull()
    expect(test.ratio).toBeNull()
  })

  it('refuses the log of zero and of negative values', () => {
    const test = welchTest([1, 2, 0], [3, -4, -5], { scale: 'log' })
    expect(test.warnings).toEqual([
      { kind: 'not_positive', side: 'a', count: 1 },
      { kind: 'not_positive', side: 'b', count: 2 },
    ])
    expect([test.t, test.p, test.ratio, test.change]).toEqual([null, null, null, null])
  })

  it('has no p where neither side varies, rounding aside', () => {
    const rounded = [0.1 + 0.2, 0.3, 0.3]
    for (const test of [welchTest([2, 2], [3, 3, 3]), welchTest(rounded, rounded)]) {
      expect(kinds(test)).toEqual(['constant'])
      expect(test.p).toBeNull()
      expect(test.ratio!.low).toBeNull()
    }
  })

  it('tests where one side alone is constant', () => {
    const test = welchTest([2, 2, 2], [3, 3.1, 2.9])
    expect(test.df).toBeCloseTo(2, 12)
    expect(test.p).toBeLessThan(0.05)
  })

  it('gives no ratio where the reference may be zero, yet tests the difference', () => {
    const test = welchTest([-1, 1, 0.5, -0.4], [3, 4, 5, 3])
    expect(kinds(test)).toEqual(['ratio_undefined'])
    expect(test.ratio).toEqual({ value: expect.any(Number), low: null, high: null })
    expect(test.p).toBeLessThan(0.05)
  })

  it('keeps the sense of a change where the reference is negative', () => {
    const test = welchTest([-2, -2.1, -1.9], [-1, -1.1, -0.9])
    expect(test.ratio).toBeNull()
    expect(test.change!.value).toBeCloseTo(0.5, 12)
    expect(test.change!.low).toBeLessThan(0.5)
    expect(test.change!.high).toBeGreaterThan(0.5)
    expect(test.t).toBeGreaterThan(0)
  })
})

describe('hedgesG', () => {
  it('follows the published example of Borenstein et al. (2009), tables 4.1 to 4.2', () => {
    // Means 103 and 100, standard deviations 5.5 and 4.5, 50 a side: d = 0.5970, g = 0.5924, var g = 0.0411.
    const spread = (mean: number, sd: number) => {
      const raw = Array.from({ length: 50 }, (_, i) => i - 24.5)
      const scale = sd / Math.sqrt(raw.reduce((s, v) => s + v * v, 0) / 49)
      return raw.map((v) => mean + v * scale)
    }
    const g = hedgesG(spread(100, 4.5), spread(103, 5.5))!
    expect(g.value).toBeCloseTo(0.5924, 4)
    expect(((g.high - g.low) / 2 / 1.959964) ** 2).toBeCloseTo(0.0411, 4)
  })

  it('shrinks little samples by the closed forms of the gamma function, near 1 - 3 / (4 df - 1)', () => {
    expect(smallSampleCorrection(2)).toBeCloseTo(1 / Math.sqrt(Math.PI), 10)
    expect(smallSampleCorrection(4)).toBeCloseTo(Math.sqrt(2 / Math.PI), 10)
    expect(smallSampleCorrection(10)).toBeCloseTo((24 * 16) / (105 * Math.sqrt(5 * Math.PI)), 10)
    expect(smallSampleCorrection(98)).toBeCloseTo(1 - 3 / 391, 5)
  })

  it('is null where there is no spread to measure by', () => {
    expect(hedgesG([1], [2, 3])).toBeNull()
    expect(hedgesG([1, 1], [2, 2])).toBeNull()
  })
})
