import { describe, expect, test } from 'vitest'
import { Moments } from '../../../workers/pipeline/metrics/moments.ts'
import { RegressionScore, WindowedRegressionScore } from '../../../workers/pipeline/metrics/regression.ts'
import { randomNumbers } from '../learn/batches.ts'

function pairs(n: number, seed: number, offset = 0): [number, number][] {
  const random = randomNumbers(seed)
  return Array.from({ length: n }, () => {
    const target = random() * 10 + offset
    return [target, target + random() - 0.5]
  })
}

function naive(rows: [number, number][]) {
  const n = rows.length
  const mean = rows.reduce((sum, [y]) => sum + y, 0) / n
  const sse = rows.reduce((sum, [y, p]) => sum + (y - p) ** 2, 0)
  const sst = rows.reduce((sum, [y]) => sum + (y - mean) ** 2, 0)
  const sae = rows.reduce((sum, [y, p]) => sum + Math.abs(y - p), 0)
  return { r2: 1 - sse / sst, rmse: Math.sqrt(sse / n), mae: sae / n }
}

describe('regression score', () => {
  test('equals the definition', () => {
    const rows = pairs(500, 1)
    const score = new RegressionScore()
    for (const [y, p] of rows) score.add(y, p)
    const expected = naive(rows)
    expect(score.n).toBe(500)
    expect(score.r2).toBeCloseTo(expected.r2, 12)
    expect(score.rmse).toBeCloseTo(expected.rmse, 12)
    expect(score.mae).toBeCloseTo(expected.mae, 12)
  })

  test('keeps its digits where targets share a large offset', () => {
    const score = new RegressionScore()
    const shifted = new RegressionScore()
    for (const [y, p] of pairs(1000, 2)) {
      score.add(y, p)
      shifted.add(y + 1e9, p + 1e9)
    }
    expect(shifted.r2).toBeCloseTo(score.r2!, 6)
  })

  test('sums of very different sizes lose nothing', () => {
    const score = new RegressionScore()
    score.add(0, 1e8)
    for (let i = 0; i < 1000; i += 1) score.add(i, i + 1)
    // 1e16 + 1000 ones: a plain sum stays at 1e16.
    expect(score.rmse! ** 2 * 1001).toBeCloseTo(1e16 + 1000, -1)
    expect(score.mae! * 1001).toBeCloseTo(1e8 + 1000, 5)
  })

  test('says null where a score is not defined', () => {
    const score = new RegressionScore()
    expect(score.summary()).toEqual({ n: 0, r2: null, rmse: null, mae: null })
    score.add(3, 1)
    expect(score.summary()).toEqual({ n: 1, r2: null, rmse: 2, mae: 2 })
    score.add(3, 1)
    expect(score.r2).toBeNull()
    score.add(4, Number.POSITIVE_INFINITY)
    expect(score.summary()).toEqual({ n: 3, r2: null, rmse: null, mae: null })
  })

  test('goes on bit by bit after a round trip, infinities included', () => {
    const rows = pairs(100, 3)
    const score = new RegressionScore()
    for (const [y, p] of rows.slice(0, 60)) score.add(y, p)
    const restored = RegressionScore.fromJSON(JSON.parse(JSON.stringify(score)))
    for (const [y, p] of rows.slice(60)) {
      score.add(y, p)
      restored.add(y, p)
    }
    expect(restored).toEqual(score)
    score.add(1, Number.POSITIVE_INFINITY)
    expect(RegressionScore.fromJSON(JSON.parse(JSON.stringify(score))).summary().rmse).toBeNull()
  })

  test('windowed: exactly the last rows, before and after a round trip', () => {
    const rows = pairs(57, 4)
    let windowed = new WindowedRegressionScore(20)
    for (const [i, [y, p]] of rows.entries()) {
      windowed.add(y, p)
      const expected = new RegressionScore()
      for (const [a, b] of rows.slice(Math.max(0, i - 19), i + 1)) expected.add(a, b)
      const [summary, whole] = [windowed.summary(), expected.summary()]
      expect(summary.n).toBe(whole.n)
      for (const name of ['r2', 'rmse', 'mae'] as const) {
        if (whole[name] === null) expect(summary[name]).toBeNull()
        else expect(summary[name]).toBeCloseTo(whole[name], 12)
      }
      windowed = WindowedRegressionScore.fromJSON(JSON.parse(JSON.stringify(windowed)))
      expect(windowed.summary()).toEqual(summary)
    }
    expect(() => new WindowedRegressionScore(0)).toThrow(/window/)
  })
})

test('moments merge as if all values had been added to one', () => {
  const values = pairs(200, 5, 1e6).map(([y]) => y)
  const whole = new Moments()
  const first = new Moments()
  const second = new Moments()
  for (const [i, value] of values.entries()) {
    whole.add(value)
    ;(i < 77 ? first : second).add(value)
  }
  first.merge(second)
  first.merge(new Moments())
  expect(first.n).toBe(200)
  expect(first.mean).toBeCloseTo(whole.mean, 8)
  expect(first.variance / whole.variance).toBeCloseTo(1, 10)
})
