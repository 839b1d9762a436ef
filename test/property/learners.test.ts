import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type {
  FeatureBatch,
  Learner,
  LearnerOptions,
  LearnerState,
} from '../../workers/pipeline/learn/learner.ts'
import { createLearner, LEARNERS, learnerFromJSON } from '../../workers/pipeline/learn/registry.ts'
import { Ridge } from '../../workers/pipeline/learn/ridge.ts'
import { isClassifier } from '../../workers/pipeline/learn/scaled.ts'
import { densified, randomBatch } from '../unit/learn/batches.ts'

/** Every learner, and those options that take other paths through the code. */
const VARIANTS: [string, LearnerOptions][] = [
  ...Object.keys(LEARNERS).map((name): [string, LearnerOptions] => [name, {}]),
  ['ridge', { forgetting: 0.97, lambda: 0.1 }],
  ['sgd', { average: true, alpha: 0.1 }],
  ['sgd', { l1_ratio: 0.5, alpha: 0.05, scale_target: false }],
  ['sgd', { loss: 'huber', learning_rate: 'constant', eta0: 0.001, scale_features: false }],
  ['logistic', { loss: 'hinge', average: true }],
  ['ftrl', { l1: 0.5 }],
  ['pa', { variant: 'pa1' }],
  ['mondrian_forest', { trees: 2, forgetting: 0.9, forest_memory_mb: 0.004 }],
  ['mondrian_forest_classifier', { trees: 2, forgetting: 0.9, forest_memory_mb: 0.004 }],
  ['ridge', { target_transform: 'log' }],
  ['sgd', { target_transform: 'sqrt' }],
  ['kernel_ridge', { landmarks: 12 }],
  ['softmax', { last_label: true, eta0: 0.1 }],
  ['window_logistic', { fit_rows: 9 }],
]

function classesOf(name: string): number {
  if (LEARNERS[name]?.task !== 'classification') return 0
  return LEARNERS[name].two_classes ? 2 : 4
}

const shape = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 30 }),
  rows: fc.integer({ min: 2, max: 60 }),
  width: fc.integer({ min: 0, max: 5 }),
  categories: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  size: fc.integer({ min: 1, max: 20 }),
  cut: fc.double({ min: 0, max: 1, noNaN: true }),
})

function learn(learner: Learner, batch: FeatureBatch, from: number, to: number, size: number): void {
  for (let at = from; at < to; at += size) learner.learnMany(batch, at, Math.min(to, at + size))
}

function predictions(learner: Learner, batch: FeatureBatch): Float64Array {
  const out = new Float64Array(batch.rows)
  learner.predictMany(batch, 0, batch.rows, out)
  return out
}

function throughText(learner: Learner): Learner {
  return learnerFromJSON(JSON.parse(JSON.stringify(learner)) as LearnerState)
}

const FULL = process.env['STINT_FULL'] === '1'

describe.each(VARIANTS)('%s %j', (name, options) => {
  test('goes on bit by bit after a round trip through JSON text', () => {
    fc.assert(
      fc.property(shape, ({ seed, rows, width, categories, size, cut }) => {
        const batch = randomBatch(seed, { rows, width, categories, classes: classesOf(name) })
        const middle = Math.floor((cut * rows) / size) * size
        const straight = createLearner(name, options)
        learn(straight, batch, 0, middle, size)
        const restored = throughText(straight)
        expect(JSON.stringify(restored)).toBe(JSON.stringify(straight))
        learn(straight, batch, middle, rows, size)
        learn(restored, batch, middle, rows, size)
        expect(JSON.stringify(restored)).toBe(JSON.stringify(straight))
        expect(predictions(restored, batch)).toEqual(predictions(straight, batch))
      }),
      { numRuns: FULL ? 25 : 6 },
    )
  })

  test('predicting changes no state, and does not depend on where the rows lie', () => {
    fc.assert(
      fc.property(shape, ({ seed, rows, width, categories, size }) => {
        const batch = randomBatch(seed, { rows, width, categories, classes: classesOf(name) })
        const learner = createLearner(name, options)
        const half = Math.floor(rows / 2)
        learn(learner, batch, 0, half, size)
        const before = JSON.stringify(learner)
        const whole = predictions(learner, batch)
        const single = new Float64Array(1)
        for (let r = 0; r < rows; r += 1) {
          learner.predictMany(batch, r, r + 1, single)
          expect(Object.is(single[0], whole[r])).toBe(true)
        }
        expect(JSON.stringify(learner)).toBe(before)
      }),
      { numRuns: FULL ? 15 : 4 },
    )
  })

  test('room for indexes that have not come yet changes nothing', () => {
    fc.assert(
      fc.property(shape, ({ seed, rows, width, categories, size }) => {
        const batch = randomBatch(seed, { rows, width, categories, classes: classesOf(name) })
        const roomy = { ...batch, hotSize: batch.hotSize + 40 }
        const a = createLearner(name, options)
        const b = createLearner(name, options)
        learn(a, batch, 0, rows, size)
        learn(b, roomy, 0, rows, size)
        expect(JSON.stringify(b)).toBe(JSON.stringify(a))
      }),
      { numRuns: FULL ? 15 : 4 },
    )
  })
})

/** What standardises dense columns or weighs indexes otherwise; to a tree a slot is one feature. */
const OTHERWISE = /^(ridge|kernel_ridge|window_logistic|experts|mondrian)/
/** An L1 penalty falls on all dense columns but on active indexes only. */
const SAME_BOTH_WAYS = VARIANTS.filter(([name, options]) => !OTHERWISE.test(name) && !('l1_ratio' in options))

describe.each(SAME_BOTH_WAYS)('%s %j', (name, options) => {
  test('the sparse one-hot path equals dense columns of 0 and 1', () => {
    const plain: LearnerOptions = { ...options }
    if (LEARNERS[name]?.options['scale_features']) plain['scale_features'] = false
    fc.assert(
      fc.property(shape, ({ seed, rows, width, categories, size }) => {
        const batch = randomBatch(seed, { rows, width, categories, classes: classesOf(name) })
        const full = densified(batch)
        const sparse = createLearner(name, { ...plain, ...small(name) })
        const dense = createLearner(name, { ...plain, ...small(name) })
        learn(sparse, batch, 0, rows, size)
        learn(dense, full, 0, rows, size)
        const a = predictions(sparse, batch)
        const b = predictions(dense, full)
        for (let r = 0; r < rows; r += 1) {
          expect(Math.abs(a[r]! - b[r]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(b[r]!)))
        }
      }),
      { numRuns: FULL ? 25 : 6 },
    )
  })
})

const PROBABILISTIC = ['logistic', 'softmax', 'ftrl_classifier', 'majority', 'mondrian_forest_classifier']

describe.each(PROBABILISTIC)('%s', (name) => {
  test('probabilities sum to 1 and the class is the most probable', () => {
    const batch = randomBatch(5, { rows: 80, width: 3, categories: [4], classes: classesOf(name) })
    const learner = createLearner(name)
    if (!isClassifier(learner)) throw new Error('a classifier was expected')
    learn(learner, batch, 0, 80, 8)
    expect(learner.classes).toBe(classesOf(name))
    if (learner.predictProbabilities === undefined) throw new Error('probabilities were expected')
    const out = new Float64Array(80 * learner.classes)
    learner.predictProbabilities(batch, 0, 80, out)
    const classes = predictions(learner, batch)
    for (let r = 0; r < 80; r += 1) {
      const row = Array.from(out.subarray(r * learner.classes, (r + 1) * learner.classes))
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
      expect(row[classes[r]!]).toBe(Math.max(...row))
    }
  })
})

/** Unscaled random rows need small steps, or rounding is amplified without bound. */
function small(name: string): LearnerOptions {
  return 'eta0' in (LEARNERS[name]?.options ?? {}) ? { eta0: 1e-4 } : {}
}

describe('ridge', () => {
  test('a merge equals learning all rows', () => {
    fc.assert(
      fc.property(shape, ({ seed, rows, width, categories, cut }) => {
        const batch = randomBatch(seed, { rows, width, categories })
        const middle = Math.floor(cut * rows)
        const whole = new Ridge({ lambda: 1 })
        whole.learnMany(batch, 0, rows)
        const first = new Ridge({ lambda: 1 })
        const second = new Ridge({ lambda: 1 })
        first.learnMany(batch, 0, middle)
        second.learnMany(batch, middle, rows)
        first.merge(second)
        const a = predictions(first, batch)
        const b = predictions(whole, batch)
        for (let r = 0; r < rows; r += 1) {
          expect(Math.abs(a[r]! - b[r]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(b[r]!)))
        }
      }),
    )
  })

  test('does not depend on which slot is eliminated, nor on how rows are batched', () => {
    fc.assert(
      fc.property(shape, ({ seed, rows, width, categories, size }) => {
        const batch = randomBatch(seed, { rows, width, categories })
        // Each index in a slot of its own leaves nothing to eliminate but one column.
        const apart: FeatureBatch = { ...batch, slots: batch.hotSize, hot: spread(batch) }
        const a = new Ridge({ lambda: 2 })
        const b = new Ridge({ lambda: 2 })
        learn(a, batch, 0, rows, size)
        b.learnMany(apart, 0, rows)
        const x = predictions(a, batch)
        const y = predictions(b, apart)
        for (let r = 0; r < rows; r += 1) {
          expect(Math.abs(x[r]! - y[r]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(y[r]!)))
        }
      }),
    )
  })
})

function spread(batch: FeatureBatch): Int32Array {
  const hot = new Int32Array(batch.rows * batch.hotSize).fill(-1)
  for (let r = 0; r < batch.rows; r += 1) {
    for (let s = 0; s < batch.slots; s += 1) {
      const j = batch.hot[r * batch.slots + s]!
      if (j >= 0) hot[r * batch.hotSize + j] = j
    }
  }
  return hot
}
