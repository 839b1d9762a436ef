/** Mean and standard deviation against the NIST reference data sets and against exact arithmetic. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mean, quantile, standardDeviation, sum, variance } from '../../../harness/analyse/descriptive.ts'

const file = JSON.parse(
  readFileSync(new URL('../../fixtures/nist-univariate.json', import.meta.url), 'utf8'),
) as Record<'lew' | 'lottery' | 'mavro' | 'michelson', number[]>

/** The constructed sets: the first value, then the other two in turn, 1001 in all. */
const constructed = (first: number, second: number, third: number) => [
  first,
  ...Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? second : third)),
]

/** Digits that agree. */
const digits = (actual: number, certified: number) =>
  actual === certified ? 16 : -Math.log10(Math.abs(actual - certified) / Math.abs(certified))

/** Mean and standard deviation of the doubles themselves, in whole numbers of 2^-60. */
function exactMoments(values: readonly number[]): { mean: number; sd: number } {
  const unit = 2 ** 60
  const scaled = values.map((value) => BigInt(value * unit))
  const n = BigInt(values.length)
  const total = scaled.reduce((s, x) => s + x, 0n)
  const squares = scaled.reduce((s, x) => s + x * x, 0n)
  return {
    mean: quotient(total, n) / unit,
    sd: Math.sqrt(quotient(n * squares - total * total, n * (n - 1n))) / unit,
  }
}

function quotient(a: bigint, b: bigint): number {
  return Number((a << 80n) / b) / 2 ** 80
}

describe('NIST reference data', () => {
  const sets = [
    { name: 'Lew', values: () => file.lew, mean: -177.435, sd: 277.332168044316, n: 200 },
    { name: 'Lottery', values: () => file.lottery, mean: 518.95871559633, sd: 291.699727470969, n: 218 },
    { name: 'Mavro', values: () => file.mavro, mean: 2.001856, sd: 0.000429123454003053, n: 50, input: 12 },
    {
      name: 'Michelson',
      values: () => file.michelson,
      mean: 299.8524,
      sd: 0.0790105478190518,
      n: 100,
      input: 13,
    },
    { name: 'NumAcc1', values: () => [10000001, 10000003, 10000002], mean: 10000002, sd: 1, n: 3 },
    { name: 'NumAcc2', values: () => constructed(1.2, 1.1, 1.3), mean: 1.2, sd: 0.1, n: 1001 },
    {
      name: 'NumAcc3',
      values: () => constructed(1000000.2, 1000000.1, 1000000.3),
      mean: 1000000.2,
      sd: 0.1,
      n: 1001,
      input: 9,
    },
    {
      name: 'NumAcc4',
      values: () => constructed(10000000.2, 10000000.1, 10000000.3),
      mean: 10000000.2,
      sd: 0.1,
      n: 1001,
      input: 8,
    },
  ]

  // `input`: digits that are left in the standard deviation once the decimal data are stored as doubles.
  it.each(sets)('$name', ({ values, mean: certifiedMean, sd, n, input }) => {
    const data = values()
    expect(data).toHaveLength(n)
    expect(digits(mean(data), certifiedMean)).toBeGreaterThan(14.5)
    expect(digits(standardDeviation(data), sd)).toBeGreaterThan(input ?? 14.5)
    const exact = exactMoments(data)
    expect(digits(mean(data), exact.mean)).toBeGreaterThan(15)
    expect(digits(standardDeviation(data), exact.sd)).toBeGreaterThan(15)
  })
})

describe('moments', () => {
  it('keeps what a plain sum loses', () => {
    expect(sum([1e16, 1, -1e16])).toBe(1)
    expect(sum([1, 1e100, 1, -1e100])).toBe(2)
  })

  it('knows nothing of nothing', () => {
    expect(mean([])).toBeNaN()
    expect(variance([3])).toBeNaN()
    expect(quantile([], 0.5)).toBeNaN()
  })

  it('is exactly 0 for equal values', () => {
    expect(variance([0.1, 0.1, 0.1])).toBe(0)
  })
})
