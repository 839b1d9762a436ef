import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Classifier, FeatureBatch, Learner } from '../../../workers/pipeline/learn/learner.ts'
import { LinearClassifier, LinearRegressor } from '../../../workers/pipeline/learn/linear-learner.ts'
import { defaultLearner } from '../../../workers/pipeline/learn/options.ts'
import { createLearner, LEARNERS, learnerFromJSON } from '../../../workers/pipeline/learn/registry.ts'
import { isClassifier, Scaled } from '../../../workers/pipeline/learn/scaled.ts'
import { StandardScaler } from '../../../workers/pipeline/learn/scaler.ts'
import { Sgd } from '../../../workers/pipeline/learn/sgd.ts'
import { RegressionScore } from '../../../workers/pipeline/metrics/regression.ts'
import { shared } from '../shared.ts'
import { batchOf, randomBatch } from './batches.ts'

/** Test-then-train over the whole batch. */
function prequential(learner: Learner, batch: FeatureBatch, size: number): RegressionScore {
  const score = new RegressionScore()
  const out = new Float64Array(size)
  for (let from = 0; from < batch.rows; from += size) {
    const to = Math.min(batch.rows, from + size)
    learner.predictMany(batch, from, to, out)
    for (let row = from; row < to; row += 1) score.add(batch.target[row]!, out[row - from]!)
    learner.learnMany(batch, from, to)
  }
  return score
}

/** River's linear regression follows the gradient 2 (p - y): a step of 0.01 there is one of 0.02 here. */
const river = () =>
  new Scaled(new LinearRegressor('sgd', new Sgd({ learning_rate: 'constant', eta0: 0.02, alpha: 0 })), {
    scale_features: true,
    scale_target: false,
    clip: false,
  })

describe('regressors', () => {
  const batch = randomBatch(9, { rows: 3000, width: 5, categories: [12, 4] })
  const r2 = (name: string) => prequential(createLearner(name), batch, 8).r2!

  test.each(['ridge', 'sgd', 'pa', 'ftrl'])('%s learns what the baselines cannot', (name) => {
    expect(r2(name)).toBeGreaterThan(0.9)
    expect(r2('mean')).toBeLessThan(0.05)
    expect(r2('last_value')).toBeLessThan(0.05)
  })

  test('the last value and the running mean are what they say', () => {
    const rows = batchOf([[0], [0], [0]], [4, 8, 9])
    const out = new Float64Array(1)
    for (const [name, expected] of [
      ['last_value', 9],
      ['mean', 7],
    ] as const) {
      const learner = createLearner(name)
      learner.predictMany(rows, 0, 1, out)
      expect(out[0]).toBe(0)
      learner.learnMany(rows, 0, 3)
      learner.predictMany(rows, 0, 1, out)
      expect(out[0]).toBe(expected)
    }
  })
})

describe('classifiers', () => {
  function accuracy(name: string, classes: number): number {
    const rows = randomBatch(4, { rows: 4000, width: 3, categories: [6] })
    // Classes by the sign of two linear functions, so that linear learners can tell them apart.
    const target = rows.target.map((_, r) => {
      const [a, b] = [rows.dense[r * 3]!, rows.dense[r * 3 + 1]! - 10]
      return classes === 2 ? (a + b > 0 ? 1 : 0) : (a > 0 ? 1 : 0) + (b > 0 ? 2 : 0)
    })
    const batch = { ...rows, target }
    const learner = createLearner(name) as Classifier
    const out = new Float64Array(16)
    let right = 0
    for (let from = 0; from < 4000; from += 16) {
      learner.predictMany(batch, from, from + 16, out)
      for (let i = 0; i < 16; i += 1) if (out[i] === target[from + i]) right += 1
      learner.learnMany(batch, from, from + 16)
    }
    return right / 4000
  }

  test.each(['logistic', 'softmax', 'pa_classifier', 'ftrl_classifier'])(
    '%s tells two classes apart',
    (name) => {
      expect(accuracy(name, 2)).toBeGreaterThan(0.95)
      expect(accuracy('majority', 2)).toBeLessThan(0.65)
    },
  )

  test('softmax tells four classes apart; learners of two refuse them', () => {
    expect(accuracy('softmax', 4)).toBeGreaterThan(0.93)
    expect(() => accuracy('logistic', 4)).toThrow(/softmax/)
  })

  test('FTRL with a strong L1 penalty keeps weights of noise at exactly 0', () => {
    const rows = randomBatch(6, { rows: 1000, width: 4 })
    const target = rows.target.map((_, r) => (rows.dense[r * 4]! > 0 ? 1 : 0))
    const learner = createLearner('ftrl_classifier', { l1: 60, scale_features: true })
    learner.learnMany({ ...rows, target }, 0, 1000)
    const { inner } = learner as Scaled
    if (!(inner instanceof LinearClassifier)) throw new Error('a linear classifier was expected')
    const weights = inner.model.coefficients().dense
    expect(weights[0]).toBeGreaterThan(0)
    expect(Array.from(weights.slice(1))).toEqual([0, 0, 0])
  })
})

describe('registry', () => {
  test('every default makes a learner of the task it names', () => {
    for (const [name, { task, options }] of Object.entries(LEARNERS)) {
      const defaults = Object.fromEntries(Object.entries(options).map(([k, o]) => [k, o.default]))
      for (const each of task === null ? (['regression', 'classification'] as const) : [task]) {
        expect(isClassifier(createLearner(name, defaults, 0, each)), name).toBe(each === 'classification')
      }
    }
  })

  test('an option that experts does not take chooses the plain learner that does', () => {
    const chosen = (params: Record<string, number>, classes: number | null) =>
      defaultLearner(params, { task: classes === 0 ? 'regression' : 'classification', classes })
    expect(chosen({}, 0)).toBe('experts')
    expect(chosen({ share: 0.1 }, 2)).toBe('experts')
    expect(chosen({ lambda: 1 }, 0)).toBe('ridge')
    expect([null, 1, 2, 3].map((classes) => chosen({ eta0: 1 }, classes))).toEqual([
      ...['softmax', 'logistic', 'logistic', 'softmax'],
    ])
  })

  test('says what is wrong', () => {
    expect(() => createLearner('rigde')).toThrow(/unknown learner "rigde".*ridge/)
    expect(() => createLearner('ridge', { lamda: 1 })).toThrow(/no option "lamda"; it takes lambda/)
    expect(() => createLearner('ridge', { lambda: -1 })).toThrow(/"lambda" must be a number from 0, not -1/)
    expect(() => createLearner('ridge', { forgetting: 0 })).toThrow(/above 0 to 1/)
    expect(() => createLearner('ridge', { max_one_hot: 1.5 })).toThrow(/integer/)
    expect(() => createLearner('sgd', { loss: 'log' })).toThrow(/one of squared, huber/)
    expect(() => createLearner('sgd', { average: 1 })).toThrow(/a boolean/)
    expect(() => createLearner('constructor')).toThrow(/unknown learner/)
    expect(() => learnerFromJSON({ learner: 'oracle' })).toThrow(/oracle/)
    expect(() => learnerFromJSON({ learner: 'last_value' })).toThrow(/"last" must be a number, not absent/)
  })
})

describe('scaling', () => {
  test('by rows and by batches come to the same moments; merging too', () => {
    const batch = randomBatch(12, { rows: 200, width: 4 })
    const byRow = new StandardScaler()
    const byBatch = new StandardScaler()
    const first = new StandardScaler()
    const second = new StandardScaler()
    for (let row = 0; row < 200; row += 1) byRow.learn(batch, row, row + 1)
    byBatch.learn(batch, 0, 200)
    first.learn(batch, 0, 50)
    second.learn(batch, 50, 200)
    first.merge(second)
    for (let i = 0; i < 4; i += 1) {
      for (const scaler of [byBatch, first]) {
        expect(scaler.mean[i]).toBeCloseTo(byRow.mean[i]!, 11)
        expect(scaler.variance()[i]).toBeCloseTo(byRow.variance()[i]!, 10)
      }
    }
  })

  test('a constant feature becomes 0, whatever its size', () => {
    const rows = batchOf([[1e9 + 0.1], [1e9 + 0.1], [1e9 + 0.1]], [0, 0, 0])
    const scaler = new StandardScaler()
    for (let r = 0; r < 3; r += 1) scaler.learn(rows, r, r + 1)
    const out = new Float64Array(3)
    scaler.transform(rows, 0, 3, out)
    expect(Array.from(out)).toEqual([0, 0, 0])
  })

  test('predictions do not depend on the units of features and target', () => {
    const batch = randomBatch(13, { rows: 400, width: 3, categories: [5] })
    const other = {
      ...batch,
      dense: batch.dense.map((v) => v * 1000 - 7),
      target: batch.target.map((y) => y * 1e6 + 5e6),
    }
    const learnt = (rows: FeatureBatch) => {
      const learner = createLearner('sgd')
      const out = new Float64Array(400)
      learner.learnMany(rows, 0, 200)
      learner.predictMany(rows, 0, 400, out)
      return out
    }
    const x = learnt(batch)
    const y = learnt(other)
    for (let r = 0; r < 400; r += 1) expect((y[r]! - 5e6) / 1e6).toBeCloseTo(x[r]!, 6)
  })
})

test('River: StandardScaler | LinearRegression by hand on three rows', () => {
  const learner = river()
  const rows = batchOf([[1], [3], [2]], [10, 20, 30])
  const out = new Float64Array(1)
  learner.learnMany(rows, 0, 1)
  // First row: scaled to 0, so the intercept alone moves: 0.01 x 2 x 10.
  learner.predictMany(rows, 1, 2, out)
  expect(out[0]).toBeCloseTo(0.2, 12)
  learner.learnMany(rows, 1, 2)
  // Mean 2, deviation 1: x = 1, error 19.8, so weight and intercept each gain 0.396.
  learner.predictMany(rows, 1, 2, out)
  expect(out[0]).toBeCloseTo(0.2 + 2 * 0.396, 12)
})

/** River's `LinearRegression(intercept_lr=0.1)`: the same two steps, the intercept with a constant step of its own. */
test('intercept_lr gives the intercept a constant step size, and 0 keeps it at 0', () => {
  const rows = batchOf([[1], [3], [2]], [10, 20, 30])
  const out = new Float64Array(1)
  const after = (rows_learned: number, intercept_lr: number) => {
    const learner = createLearner('sgd', {
      ...{ learning_rate: 'constant', eta0: 0.02, alpha: 0, scale_target: false, clip: false },
      intercept_lr,
    })
    for (let row = 0; row < rows_learned; row += 1) learner.learnMany(rows, row, row + 1)
    learner.predictMany(rows, 1, 2, out)
    return out[0]
  }
  expect(after(1, 0.2)).toBeCloseTo(2, 12)
  // Error 18: the weight gains 0.02 of it, the intercept 0.2.
  expect(after(2, 0.2)).toBeCloseTo(2 + 3.6 + 0.36, 12)
  expect(after(2, 0)).toBeCloseTo(0.4, 12)
})

test.each(['logistic', 'softmax'])('intercept_lr of %s moves the log odds by itself', (name) => {
  const out = new Float64Array(2)
  const probability = (intercept_lr: number) => {
    const learner = createLearner(name, { intercept_lr, scale_features: false }) as Classifier
    learner.learnMany(batchOf([[0]], [1]), 0, 1)
    learner.predictProbabilities!(batchOf([[0]], [1]), 0, 1, out)
    return out[1]!
  }
  // The gradient at even odds is 1/2, for either class of softmax.
  const odds = (step: number) => 1 / (1 + Math.exp(-step))
  expect(probability(0.3)).toBeCloseTo(odds(name === 'softmax' ? 0.3 : 0.15), 12)
  expect(probability(0)).toBeCloseTo(0.5, 12)
  expect(() => createLearner(name, { intercept_lr: -1 })).toThrow(/"intercept_lr" must be a number from 0/)
})

const chicks = shared('fixtures/chick-weights.csv')
test.skipIf(!existsSync(chicks))(`River's ChickWeights scores (${chicks}, skipped when absent)`, () => {
  const rows = readFileSync(chicks, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number))
  const batch = batchOf(
    rows.map((row) => row.slice(1)),
    rows.map((row) => row[0]!),
  )
  const score = prequential(river(), batch, 1)
  expect(score.mae).toBeCloseTo(23.7587, 4)
  expect(score.rmse).toBeCloseTo(37.0377, 4)
  expect(score.r2).toBeCloseTo(0.727954, 6)
})
