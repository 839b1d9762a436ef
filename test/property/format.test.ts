import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  count,
  formatDuration,
  formatMetric,
  formatNumber,
  formatP,
  formatShare,
  list,
} from '../../harness/format.ts'

const runs = { numRuns: 2000 }
const magnitude = (least: number, most: number) =>
  fc
    .tuple(fc.double({ min: 1, max: 10, noNaN: true }), fc.integer({ min: least, max: most }))
    .map(([digits, power]) => digits * 10 ** power)

/** What a text of this module says. */
const read = (text: string) => Number(text.replaceAll(',', '').replace('%', ''))

/** The value of one in the last digit of a text. */
function lastDigit(text: string): number {
  const [digits = '', power = '0'] = text.replaceAll(',', '').replace(/[-%]/g, '').split('e')
  return 10 ** (Number(power) - (digits.split('.')[1] ?? '').length)
}

describe('a number', () => {
  it.each([
    [9.996, '10.0'],
    [99.96, '100'],
    [999.6, '1,000'],
    [999.4, '999'],
    [1234.5, '1,235'],
    [0.0009996, '0.00100'],
    [0.0009994, '9.99e-4'],
    [5, '5.00'],
    [-1.3149, '-1.31'],
    [2158756210, '2,158,756,210'],
    [1e15, '1.00e+15'],
    [0, '0'],
    [-0, '0'],
    [Number.NaN, '—'],
    [Number.POSITIVE_INFINITY, '—'],
  ])('%f is %s', (value, text) => expect(formatNumber(value)).toBe(text))

  it('lies within half of its last digit, and has the digits that were asked for', () => {
    fc.assert(
      fc.property(magnitude(-9, 17), fc.integer({ min: 1, max: 6 }), fc.boolean(), (size, digits, minus) => {
        const value = minus ? -size : size
        const text = formatNumber(value, digits)
        const unit = lastDigit(text)
        expect(Math.abs(read(text) - value)).toBeLessThanOrEqual(unit * (0.5 + 1e-6) + size * 1e-15)
        const shown = text.replace(/e.*/, '').replace(/[-.,]/g, '').replace(/^0+/, '').length
        expect(shown).toBeGreaterThanOrEqual(digits)
        if (size < 999 && digits >= 3) expect(shown).toBe(digits)
      }),
      runs,
    )
  })

  it('of a larger value is never smaller', () => {
    const pair = fc.tuple(magnitude(-5, 5), fc.double({ min: 1, max: 1.02, noNaN: true }))
    fc.assert(
      fc.property(pair, ([value, factor]) => {
        expect(read(formatNumber(value * factor))).toBeGreaterThanOrEqual(read(formatNumber(value)))
      }),
      runs,
    )
  })

  it('of a metric has its unit, and a dash where it is unknown', () => {
    expect(formatMetric(0.17351, 'ms')).toBe('0.174 ms')
    expect(formatMetric(0.5, '')).toBe('0.500')
    expect([null, undefined, Number.NaN].map((value) => formatMetric(value, 'ms'))).toEqual(['—', '—', '—'])
  })
})

describe('a share', () => {
  it.each([
    [0, '0%'],
    [0.02, '2%'],
    [0.005, '0.5%'],
    [0.1234, '12.3%'],
    [0.07, '7%'],
    [0.95, '95%'],
    [0.999, '99.9%'],
    [0.9996, '99.96%'],
    [1, '100%'],
    [1.5, '150%'],
    [12.345, '1,235%'],
    [-0.02, '-2%'],
    [Number.NaN, '—'],
  ])('%f is %s', (share, text) => expect(formatShare(share)).toBe(text))

  it('lies within half of its last of three digits, and is all or nothing only where the value is', () => {
    const near = fc.integer({ min: 1, max: 14 }).map((power) => 1 - 10 ** -power)
    const share = fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), magnitude(-9, -1), near)
    fc.assert(
      fc.property(share, (value) => {
        const text = formatShare(value)
        // Of numbers too small for three digits to matter, the first ones are shown.
        const unit = Math.max(10 ** (Math.floor(Math.log10(Math.max(value * 100, 1e-300))) - 2), 0)
        if (value >= 0.99 && value < 1) expect(read(text)).toBeLessThan(100)
        expect(Math.abs(read(text) - value * 100)).toBeLessThanOrEqual(unit * (0.5 + 1e-6) + 1e-13)
        expect(read(text) === 0).toBe(value === 0)
      }),
      runs,
    )
  })
})

describe('a duration', () => {
  it.each([
    [0, '0 s'],
    [0.0003, '0.0003 s'],
    [0.25, '0.25 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [61, '1 min 1 s'],
    [119.6, '2 min'],
    [3599.4, '59 min 59 s'],
    [3599.6, '1 h'],
    [7199, '2 h'],
    [86390, '1 d'],
    [1e6, '11 d 14 h'],
  ])('of %f s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))

  it('is never shorter for a longer time, and within half of its smaller unit', () => {
    const UNITS: Record<string, number> = { s: 1, min: 60, h: 3600, d: 86400 }
    const parts = (text: string) =>
      [...text.matchAll(/([\d.]+) (\w+)/g)].map(([, n, unit]) => [Number(n), UNITS[unit!]!] as const)
    const secondsOf = (text: string) => parts(text).reduce((sum, [n, unit]) => sum + n * unit, 0)
    const time = fc.oneof(fc.double({ min: 0, max: 200, noNaN: true }), magnitude(0, 6))
    fc.assert(
      fc.property(time, fc.double({ min: 0, max: 2, noNaN: true }), (seconds, more) => {
        const [text, later] = [formatDuration(seconds), formatDuration(seconds + more)]
        expect(secondsOf(later)).toBeGreaterThanOrEqual(secondsOf(text))
        const smaller = seconds < 3599 ? 1 : seconds < 86000 ? 60 : 3600
        expect(Math.abs(secondsOf(text) - seconds)).toBeLessThanOrEqual(smaller / 2 + 1e-6)
        expect(text).not.toMatch(/\b60 (s|min)\b|\b24 h\b/)
      }),
      runs,
    )
  })
})

it('a p-value claims no more than it can', () => {
  expect([null, 0, 0.0004, 0.0341, 0.9996, 1].map(formatP)).toEqual([
    '—',
    '< 0.001',
    '< 0.001',
    '0.034',
    '> 0.999',
    '1.000',
  ])
})

it('counts and lists read as sentences do', () => {
  expect([count(0, 'trial'), count(1, 'trial'), count(10000, 'trial')]).toEqual([
    '0 trials',
    '1 trial',
    '10,000 trials',
  ])
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map((items) => list(items))).toEqual([
    '',
    'a',
    'a and b',
    'a, b and c',
  ])
  expect(list(['a', 'b', 'c'], 'or')).toBe('a, b or c')
  expect(list(['a', 'b', 'c', 'd', 'e'], 'and', 2)).toBe('a, b and 3 more')
  expect(list(['a', 'b', 'c'], 'and', 2)).toBe('a, b and c')
})
