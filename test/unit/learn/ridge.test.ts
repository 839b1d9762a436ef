import { describe, expect, test } from 'vitest'
import type { FeatureBatch } from '../../../workers/pipeline/learn/learner.ts'
import { Ridge, type RidgeOptions } from '../../../workers/pipeline/learn/ridge.ts'
import { batchOf, densified, randomBatch } from './batches.ts'

/** Ridge by the textbook: weighted, standardised dense columns, raw one-hot columns, Gaussian elimination. */
function direct(batch: FeatureBatch, rows: number, options: Pick<RidgeOptions, 'lambda' | 'forgetting'>) {
  const full = densified(batch)
  const p = full.width
  const weights = Array.from({ length: rows }, (_, r) => options.forgetting ** (rows - 1 - r))
  const total = weights.reduce((a, b) => a + b, 0)
  const average = (value: (r: number) => number) =>
    weights.reduce((sum, w, r) => sum + w * value(r), 0) / total
  const x = (r: number, i: number) => full.dense[r * p + i]!
  const y = (r: number) => full.target[r]!
  const mean = Array.from({ length: p }, (_, i) => average((r) => x(r, i)))
  const yMean = average(y)
  const scale = mean.map((m, i) => (i < batch.width ? Math.sqrt(average((r) => (x(r, i) - m) ** 2)) : 1))
  const z = (r: number, i: number) => (scale[i]! > 1e-9 ? (x(r, i) - mean[i]!) / scale[i]! : 0)
  const a = mean.map((_, i) =>
    mean.map((__, k) => total * average((r) => z(r, i) * z(r, k)) + (i === k ? options.lambda : 0)),
  )
  const b = mean.map((_, i) => total * average((r) => z(r, i) * (y(r) - yMean)))
  const beta = eliminate(a, b)
  return (r: number) => yMean + beta.reduce((sum, w, i) => sum + w * z(r, i), 0)
}

function eliminate(a: number[][], b: number[]): number[] {
  const n = b.length
  for (let c = 0; c < n; c += 1) {
    let best = c
    for (let r = c + 1; r < n; r += 1) if (Math.abs(a[r]![c]!) > Math.abs(a[best]![c]!)) best = r
    ;[a[c], a[best]] = [a[best]!, a[c]!]
    ;[b[c], b[best]] = [b[best]!, b[c]!]
    for (let r = c + 1; r < n; r += 1) {
      const f = a[r]![c]! / a[c]![c]!
      for (let k = c; k < n; k += 1) a[r]![k]! -= f * a[c]![k]!
      b[r]! -= f * b[c]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let r = n - 1; r >= 0; r -= 1) {
    let sum = b[r]!
    for (let k = r + 1; k < n; k += 1) sum -= a[r]![k]! * x[k]!
    x[r] = sum / a[r]![r]!
  }
  return x
}

function predictions(learner: Ridge, batch: FeatureBatch): Float64Array {
  const out = new Float64Array(batch.rows)
  learner.predictMany(batch, 0, batch.rows, out)
  return out
}

describe('ridge', () => {
  const batch = randomBatch(1, { rows: 120, width: 4, categories: [11, 3, 5] })

  test.each([
    [10, 1],
    [0.5, 1],
    [3, 0.98],
    [3, 0.5],
  ])('equals the direct solution: lambda %d, forgetting %d', (lambda, forgetting) => {
    const learner = new Ridge({ lambda, forgetting, clip: false })
    for (let from = 0; from < 100; from += 7) learner.learnMany(batch, from, Math.min(100, from + 7))
    const expected = direct(batch, 100, { lambda, forgetting })
    const out = predictions(learner, batch)
    for (let r = 0; r < 120; r += 1) expect(out[r]).toBeCloseTo(expected(r), 9)
  })

  test('forgetting stays exact over more rows than a double can weight', () => {
    // 0.5^-1500 overflows, so the sums must have been scaled down on the way.
    const long = randomBatch(2, { rows: 1500, width: 2, categories: [4] })
    const learner = new Ridge({ lambda: 1, forgetting: 0.5, clip: false })
    learner.learnMany(long, 0, 1500)
    const tail = 60
    const last: FeatureBatch = {
      ...long,
      rows: tail,
      dense: long.dense.slice(-tail * 2),
      hot: long.hot.slice(-tail),
      target: long.target.slice(-tail),
    }
    const expected = direct(last, tail, { lambda: 1, forgetting: 0.5 })
    const out = predictions(learner, last)
    for (let r = 0; r < tail; r += 1) expect(out[r]).toBeCloseTo(expected(r), 7)
  })

  test('recovers an exact linear law without a penalty, constant and duplicate columns included', () => {
    const rows = Array.from({ length: 40 }, (_, r) => {
      const a = Math.sin(r * 1.7) * 5
      const b = Math.cos(r * 0.9) + r / 10
      return [a, b, 7, a]
    })
    const target = rows.map(([a, b]) => 3 * a! - 2 * b! + 11)
    const hot = rows.map((_, r) => [r % 3])
    const exact = batchOf(rows, target, hot)
    const learner = new Ridge({ lambda: 0 })
    learner.learnMany(exact, 0, 40)
    const out = predictions(learner, exact)
    for (let r = 0; r < 40; r += 1) expect(out[r]).toBeCloseTo(target[r]!, 8)
  })

  test('is not disturbed by a large offset', () => {
    const shifted: FeatureBatch = { ...batch, dense: batch.dense.map((v) => v + 1e7) }
    const plain = new Ridge({ clip: false })
    const moved = new Ridge({ clip: false })
    plain.learnMany(batch, 0, 120)
    moved.learnMany(shifted, 0, 120)
    const a = predictions(plain, batch)
    const b = predictions(moved, shifted)
    for (let r = 0; r < 120; r += 1) expect(b[r]).toBeCloseTo(a[r]!, 5)
  })

  test('predicts 0 before any row, and the target after one', () => {
    const learner = new Ridge()
    expect(predictions(learner, batch)[0]).toBe(0)
    learner.learnMany(batch, 0, 1)
    expect(predictions(learner, batch)[5]).toBe(batch.target[0])
  })

  test('clips to the range of the targets seen', () => {
    const line = batchOf([[0], [1], [2], [50], [-50]], [0, 1, 2, 50, -50])
    const out = new Float64Array(5)
    const clipped = new Ridge({ lambda: 0.01 })
    clipped.learnMany(line, 0, 3)
    clipped.predictMany(line, 0, 5, out)
    expect(out[3]).toBe(2)
    expect(out[4]).toBe(0)
    const free = new Ridge({ lambda: 0.01, clip: false })
    free.learnMany(line, 0, 3)
    free.predictMany(line, 0, 5, out)
    expect(out[3]).toBeGreaterThan(40)
  })

  test('ignores and counts one-hot indexes beyond the limit', () => {
    const limited = new Ridge({ max_one_hot: 4 })
    limited.learnMany(batch, 0, 120)
    const beyond = batch.hot.filter((j) => j >= 4).length
    expect(beyond).toBeGreaterThan(0)
    expect(limited.ignored).toBe(beyond)
    const kept = { ...batch, hot: batch.hot.map((j) => (j < 4 ? j : -1)) }
    const plain = new Ridge()
    plain.learnMany(kept, 0, 120)
    expect(predictions(limited, batch)).toEqual(predictions(plain, kept))
  })

  test('an index that was never learnt counts nothing', () => {
    const learner = new Ridge({ clip: false })
    learner.learnMany(batch, 0, 60)
    const row = batchOf([Array.from(batch.dense.slice(0, 4))], [0], [[-1, -1, -1]])
    const unseen = batchOf([Array.from(batch.dense.slice(0, 4))], [0], [[900, -1, -1]])
    expect(predictions(learner, unseen)[0]).toBe(predictions(learner, row)[0])
  })

  test('refuses another width, bad options, and merging with forgetting', () => {
    const learner = new Ridge()
    learner.learnMany(batch, 0, 10)
    expect(() => learner.learnMany(randomBatch(1, { rows: 3, width: 2 }), 0, 3)).toThrow(/2 dense features/)
    expect(() => new Ridge({ lambda: -1 })).toThrow(/lambda/)
    expect(() => new Ridge({ forgetting: 0 })).toThrow(/forgetting/)
    expect(() => new Ridge({ forgetting: 0.9 }).merge(new Ridge())).toThrow(/order/)
  })
})
