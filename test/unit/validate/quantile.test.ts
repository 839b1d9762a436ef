import { describe, expect, test } from 'vitest'
import { QuantileSketch } from '../../../workers/pipeline/validate/quantile.ts'
import { randomNumbers } from '../learn/batches.ts'

const SHARES = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999]

const random = randomNumbers(1)
const STREAMS: [string, (i: number) => number][] = [
  ['uniform', () => random()],
  ['normal', () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())],
  ['heavy tail', () => 1 / (1 - random()) ** 2],
  ['rising', (i) => i],
  ['falling', (i) => 19_999 - i],
  ['few values', () => Math.floor(random() * 4)],
]

/** Share of values below and at most `value`: a quantile is right where its share lies between. */
function rankError(sorted: number[], value: number, share: number): number {
  const below = sorted.filter((v) => v < value).length / sorted.length
  const upTo = sorted.filter((v) => v <= value).length / sorted.length
  return Math.max(0, below - share, share - upTo)
}

describe.each(STREAMS)('%s', (_name, next) => {
  const values = Array.from({ length: 20_000 }, (_, i) => next(i))
  const sorted = values.slice().sort((a, b) => a - b)

  test('is within the stated error of rank, tightest at the ends', () => {
    const sketch = new QuantileSketch()
    for (const value of values) sketch.add(value)
    for (const share of SHARES) {
      const tolerance = 0.0005 + 0.02 * Math.sqrt(share * (1 - share))
      expect(rankError(sorted, sketch.quantile(share)!, share)).toBeLessThanOrEqual(tolerance)
    }
    expect(sketch.quantile(0)).toBe(sorted[0])
    expect(sketch.quantile(1)).toBe(sorted.at(-1))
  })

  test('merged parts are as good', () => {
    const parts = [new QuantileSketch(), new QuantileSketch(), new QuantileSketch()]
    for (const [i, value] of values.entries()) parts[i % 3]!.add(value)
    for (const part of parts.slice(1)) parts[0]!.merge(part)
    expect(parts[0]!.n).toBe(20_000)
    for (const share of SHARES) {
      const tolerance = 0.001 + 0.03 * Math.sqrt(share * (1 - share))
      expect(rankError(sorted, parts[0]!.quantile(share)!, share)).toBeLessThanOrEqual(tolerance)
    }
  })

  test('stays small, and asking or saving on the way changes nothing', () => {
    const straight = new QuantileSketch()
    let asked = new QuantileSketch()
    for (const [i, value] of values.entries()) {
      straight.add(value)
      asked.add(value)
      if (i % 1111 === 0) asked.quantile(0.5)
      if (i % 3001 === 0) asked = QuantileSketch.fromJSON(JSON.parse(JSON.stringify(asked)))
    }
    expect(JSON.stringify(asked)).toBe(JSON.stringify(straight))
    expect(straight.toJSON().means.length).toBeLessThanOrEqual(100)
  })
})

test('few values are exact or between neighbours; none is null; missing ones do not count', () => {
  const sketch = new QuantileSketch()
  expect(sketch.quantile(0.5)).toBeNull()
  for (const value of [5, Number.NaN, 1, 3]) sketch.add(value)
  expect(sketch.n).toBe(3)
  expect(sketch.quantile(0)).toBe(1)
  expect(sketch.quantile(0.5)).toBe(3)
  expect(sketch.quantile(1)).toBe(5)
  expect(() => sketch.quantile(1.5)).toThrow(/share/)
  expect(() => new QuantileSketch(1)).toThrow(/compression/)
})
