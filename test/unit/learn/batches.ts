/** Feature batches for tests: from plain rows, or random ones. */
import { orderStream } from '../../../harness/random.ts'
import type { FeatureBatch } from '../../../workers/pipeline/learn/learner.ts'

/** A batch of dense rows and, where given, one-hot indexes by row. */
export function batchOf(dense: number[][], target: number[], hot: number[][] = []): FeatureBatch {
  const indexes = hot.flat()
  return {
    rows: dense.length,
    width: dense[0]?.length ?? 0,
    dense: Float64Array.from(dense.flat()),
    slots: hot[0]?.length ?? 0,
    hot: Int32Array.from(indexes),
    hotSize: indexes.reduce((size, j) => Math.max(size, j + 1), 0),
    target: Float64Array.from(target),
  }
}

/** Numbers from 0 to 1: the same for the same seed. */
export const randomNumbers = orderStream

export interface RandomShape {
  rows: number
  width: number
  /** Categories by slot; indexes are handed out in order of first appearance. */
  categories?: number[]
  /** 0 for regression, or the number of classes. */
  classes?: number
  /** Chance that a slot is empty. */
  empty?: number
}

/** Rows whose target depends on the dense features and the categories. */
export function randomBatch(seed: number, shape: RandomShape): FeatureBatch {
  const random = randomNumbers(seed)
  const { rows, width, categories = [], classes = 0, empty = 0.05 } = shape
  const known = new Map<string, number>()
  const dense: number[][] = []
  const hot: number[][] = []
  const target: number[] = []
  for (let r = 0; r < rows; r += 1) {
    const x = Array.from({ length: width }, (_, i) => (random() - 0.5) * (1 + i) * 4 + i * 10)
    const h = categories.map((count, s) => {
      if (random() < empty) return -1
      const key = `${s}:${Math.floor(random() * count)}`
      if (!known.has(key)) known.set(key, known.size)
      return known.get(key)!
    })
    const signal =
      x.reduce((sum, v, i) => sum + (i % 2 === 0 ? v : -v), 0) + h.reduce((sum, j) => sum + (j % 5), 0)
    dense.push(x)
    hot.push(h)
    target.push(classes === 0 ? signal + random() : Math.abs(Math.floor(signal + 100)) % classes)
  }
  return batchOf(dense, target, hot)
}

/** The same rows with every one-hot index as a dense column of 0 and 1. */
export function densified(batch: FeatureBatch): FeatureBatch {
  const width = batch.width + batch.hotSize
  const dense = new Float64Array(batch.rows * width)
  for (let r = 0; r < batch.rows; r += 1) {
    dense.set(batch.dense.subarray(r * batch.width, (r + 1) * batch.width), r * width)
    for (let s = 0; s < batch.slots; s += 1) {
      const j = batch.hot[r * batch.slots + s]!
      if (j >= 0) dense[r * width + batch.width + j] = 1
    }
  }
  return {
    rows: batch.rows,
    width,
    dense,
    slots: 0,
    hot: new Int32Array(0),
    hotSize: 0,
    target: batch.target,
  }
}
