import { describe, expect, test } from 'vitest'
import { KernelRidge, type KernelRidgeOptions } from '../../../workers/pipeline/learn/kernel-ridge.ts'
import type { FeatureBatch } from '../../../workers/pipeline/learn/learner.ts'
import { createLearner } from '../../../workers/pipeline/learn/registry.ts'
import { batchOf, randomBatch, randomNumbers } from './batches.ts'

/** Kernel ridge by the textbook: all pairs, standardised by the first `scaledBy` rows, Gaussian elimination. */
function direct(batch: FeatureBatch, rows: number, scaledBy: number, options: KernelRidgeOptions) {
  const { width, slots, dense, hot, target } = batch
  const column = (i: number) => Array.from({ length: scaledBy }, (_, r) => dense[r * width + i]!)
  const scale = Array.from({ length: width }, (_, i) => {
    const values = column(i)
    const mean = values.reduce((a, b) => a + b, 0) / scaledBy
    return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / scaledBy)] as const
  })
  const z = (r: number) => scale.map(([mean, deviation], i) => (dense[r * width + i]! - mean) / deviation)
  /** One-hot columns of weight .3. */
  const hots = (r: number) =>
    Array.from({ length: batch.hotSize }, (_, j) =>
      hot.subarray(r * slots, (r + 1) * slots).includes(j) ? 0.3 : 0,
    )
  const point = (r: number) => [...z(r), ...hots(r)]
  const kernel = (r: number, s: number) => {
    const [a, b] = [point(r), point(s)]
    const distance = a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0)
    const product = a.reduce((sum, v, i) => sum + v * b[i]!, 0)
    return Math.exp(-distance / (2 * options.length_scale ** 2 * (width + slots))) + options.linear * product
  }
  const mean = target.subarray(0, rows).reduce((a, b) => a + b, 0) / rows
  const matrix = Array.from({ length: rows }, (_, r) => [
    ...Array.from({ length: rows }, (__, s) => kernel(r, s) + (r === s ? options.lambda : 0)),
    target[r]! - mean,
  ])
  for (let c = 0; c < rows; c += 1) {
    let best = c
    for (let r = c + 1; r < rows; r += 1) if (Math.abs(matrix[r]![c]!) > Math.abs(matrix[best]![c]!)) best = r
    ;[matrix[c], matrix[best]] = [matrix[best]!, matrix[c]!]
    for (let r = 0; r < rows; r += 1) {
      if (r === c) continue
      const factor = matrix[r]![c]! / matrix[c]![c]!
      for (let k = c; k <= rows; k += 1) matrix[r]![k]! -= factor * matrix[c]![k]!
    }
  }
  const alpha = matrix.map((row, r) => row[rows]! / row[r]!)
  return (r: number) => mean + alpha.reduce((sum, a, s) => sum + a * kernel(r, s), 0)
}

const OPTIONS: KernelRidgeOptions = {
  lambda: 0.3,
  length_scale: 1.5,
  linear: 0.1,
  landmarks: 50,
  clip: false,
}

const predict = (learner: KernelRidge, batch: FeatureBatch) => {
  const out = new Float64Array(batch.rows)
  learner.predictMany(batch, 0, batch.rows, out)
  return out
}

describe('kernel ridge', () => {
  const batch = randomBatch(4, { rows: 60, width: 3, categories: [4, 3] })

  test.each([
    // The scale is taken anew at 1, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 38, 48 rows, and when the landmarks are full.
    [24, 24, 50],
    [30, 30, 50],
    [44, 38, 50],
    [50, 50, 50],
  ])('equals the direct solution over its %i rows', (rows, scaledBy, landmarks) => {
    const options = { ...OPTIONS, landmarks }
    const learner = new KernelRidge(options)
    for (let from = 0; from < rows; from += 7) learner.learnMany(batch, from, Math.min(rows, from + 7))
    const expected = direct(batch, rows, scaledBy, options)
    const out = predict(learner, batch)
    for (let r = 0; r < 60; r += 1) expect(out[r]).toBeCloseTo(expected(r), 5)
  })

  test('keeps learning on its landmarks from then on', () => {
    const random = randomNumbers(3)
    const features = Array.from({ length: 1500 }, () => [4 * random() - 2, 4 * random() - 2])
    const curve = ([a, b]: number[]) => Math.sin(2 * a!) + a! * b!
    const rows = batchOf(
      features,
      features.map((x) => curve(x) + 0.5 * (random() - 0.5)),
    )
    const error = (learned: number) => {
      const learner = new KernelRidge({ landmarks: 60, lambda: 0.05 })
      for (let row = 0; row < learned; row += 1) learner.learnMany(rows, row, row + 1)
      const out = predict(learner, rows)
      return features.reduce((sum, x, r) => sum + (out[r]! - curve(x)) ** 2, 0) / features.length
    }
    expect(error(1500)).toBeLessThan(0.5 * error(60))
    const line = createLearner('ridge')
    line.learnMany(rows, 0, 1500)
    const straight = new Float64Array(1500)
    line.predictMany(rows, 0, 1500, straight)
    const bent = features.reduce((sum, x, r) => sum + (straight[r]! - curve(x)) ** 2, 0) / features.length
    expect(error(1500)).toBeLessThan(0.1 * bent)
  })

  test('holds no more than its landmarks', () => {
    const rows = randomBatch(5, { rows: 3000, width: 3, categories: [3] })
    const size = (learned: number) => {
      const learner = new KernelRidge({ landmarks: 40 })
      for (let from = 0; from < learned; from += 50) learner.learnMany(rows, from, from + 50)
      return JSON.stringify(learner).length
    }
    expect(size(3000)).toBeLessThan(1.01 * size(500))
  })

  test('rows that repeat one another give finite predictions', () => {
    const rows = batchOf(
      Array.from({ length: 80 }, (_, r) => [r % 2, 1]),
      Array.from({ length: 80 }, (_, r) => r % 2),
    )
    const learner = new KernelRidge({ landmarks: 30, lambda: 1e-6 })
    for (let row = 0; row < 80; row += 1) learner.learnMany(rows, row, row + 1)
    const out = predict(learner, rows)
    for (let r = 0; r < 80; r += 1) expect(out[r]).toBeCloseTo(r % 2, 2)
  })
})

describe('target_transform', () => {
  test.each(['log', 'sqrt'])(
    '%s learns what is a line in it, and stays within the range seen',
    (target_transform) => {
      const random = randomNumbers(6)
      const features = Array.from({ length: 400 }, () => [random() * 6 - 3])
      const back = (z: number) =>
        target_transform === 'log' ? Math.sign(z) * Math.expm1(Math.abs(z)) : z * Math.abs(z)
      const rows = batchOf(
        features,
        features.map(([x]) => back(2 * x! + 1)),
      )
      const errors = ['none', target_transform].map((transform) => {
        const learner = createLearner('ridge', { target_transform: transform, lambda: 1e-6 })
        learner.learnMany(rows, 0, 300)
        const out = new Float64Array(100)
        learner.predictMany(rows, 300, 400, out)
        const far = batchOf([[50]], [0])
        const beyond = new Float64Array(1)
        learner.predictMany(far, 0, 1, beyond)
        expect(beyond[0]).toBe(Math.max(...rows.target.subarray(0, 300)))
        return out.reduce((sum, value, i) => sum + Math.abs(value - rows.target[300 + i]!), 0)
      })
      expect(errors[1]).toBeLessThan(1e-3 * errors[0]!)
    },
  )
})
