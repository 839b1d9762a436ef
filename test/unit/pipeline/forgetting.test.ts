import { describe, expect, it } from 'vitest'
import { givenParams } from '../../../workers/pipeline/describe.ts'
import type { FeatureBatch } from '../../../workers/pipeline/learn/learner.ts'
import { createLearner } from '../../../workers/pipeline/learn/registry.ts'
import { Learning } from '../../../workers/pipeline/learning.ts'
import type { WorkloadSettings } from '../../../workers/workload.ts'
import { randomBatch } from '../learn/batches.ts'

const ROWS = 1200
/** The target turns round in the middle. */
const DRIFT = 600

function drifting(seed: number): FeatureBatch {
  const batch = randomBatch(seed, { rows: ROWS, width: 3, categories: [4] })
  for (let row = 0; row < ROWS; row += 1) {
    const sign = row < DRIFT ? 1 : -1
    batch.target[row] = sign * (batch.dense[row * 3]! - 2 * batch.dense[row * 3 + 1]!) + 10
  }
  return batch
}

const SETTINGS: Pick<WorkloadSettings, 'mode' | 'batch_size' | 'random_seed'> = {
  mode: 'streaming',
  batch_size: 10,
  random_seed: 1,
}

/** Feeds rows in chunks; `at` is called before the chunk that holds the alarm's row is learned. */
function run(
  batch: FeatureBatch,
  options: { learner?: string; chunk: number; keep?: number; label_delay?: number },
): Learning {
  const { learner = 'ridge', label_delay = 0, chunk, keep } = options
  const learning = new Learning(
    { task: 'regression', width: 3, slots: 1, rows: ROWS },
    { ...givenParams({ label_delay }), learner },
    SETTINGS,
    null,
  )
  const { buffer } = learning
  for (let from = 0; from < ROWS; from += chunk) {
    const to = Math.min(ROWS, from + chunk)
    buffer.reserve(to - from)
    for (let row = from; row < to; row += 1) {
      const at = buffer.batch.rows
      buffer.batch.dense.set(batch.dense.subarray(row * 3, row * 3 + 3), at * 3)
      buffer.batch.hot[at] = batch.hot[row]!
      buffer.hotSizes[at] = batch.hotSize
      buffer.batch.target[at] = batch.target[row]!
      buffer.batch.rows += 1
    }
    const alarm = DRIFT + 25
    if (keep !== undefined && from <= alarm && alarm < to) learning.forgetAfter(alarm, keep)
    learning.take(to === ROWS)
  }
  return learning
}

describe('forgetting after drift', () => {
  it.each([0, 0.05])('keeping %d of the past helps ridge, alike for all chunk sizes and delays', (keep) => {
    const batch = drifting(3)
    for (const label_delay of [0, 40]) {
      const plain = run(batch, { chunk: 50, label_delay }).metrics()
      const helped = run(batch, { chunk: 50, label_delay, keep }).metrics()
      expect(helped['rmse']!).toBeLessThan(0.7 * plain['rmse']!)
      for (const chunk of [1, 64, ROWS]) {
        expect(run(batch, { chunk, label_delay, keep }).metrics()).toEqual(helped)
      }
      expect(helped['r2_mean_baseline']).toBe(plain['r2_mean_baseline'])
    }
  })

  it.each(['sgd', 'ftrl', 'pa'])('starts %s afresh', (learner) => {
    const batch = drifting(4)
    const plain = run(batch, { learner, chunk: 50 }).metrics()
    const fresh = run(batch, { learner, chunk: 50, keep: 0 }).metrics()
    expect(fresh['rmse']).not.toBe(plain['rmse'])
  })

  it.each(['ridge', 'sgd', 'ftrl', 'softmax', 'logistic', 'ftrl_classifier'])(
    'what %s predicts stays, and later rows move it more',
    (learner) => {
      const classes = ['softmax', 'logistic', 'ftrl_classifier'].includes(learner) ? 2 : 0
      const options = learner === 'ridge' ? { lambda: 0 } : {}
      const batch = randomBatch(7, { rows: 400, width: 3, categories: [], classes })
      const [one, other] = [createLearner(learner, options), createLearner(learner, options)]
      for (const each of [one, other]) {
        for (let from = 0; from < 300; from += 10) each.learnMany(batch, from, from + 10)
      }
      const outputs = (of: typeof one) => {
        const out = new Float64Array(200)
        if ('predictProbabilities' in of && classes > 0) {
          ;(of as never as { predictProbabilities: typeof of.predictMany }).predictProbabilities(
            batch,
            300,
            400,
            out,
          )
        } else of.predictMany(batch, 300, 400, out)
        return out
      }
      const before = outputs(one)
      one.forget!(0.01)
      for (const [i, value] of outputs(one).entries()) expect(value).toBeCloseTo(before[i]!, 9)
      for (const each of [one, other]) each.learnMany(batch, 300, 310)
      const moved = (of: typeof one) =>
        outputs(of).reduce((sum, value, i) => sum + Math.abs(value - before[i]!), 0)
      expect(moved(one)).toBeGreaterThan(1.5 * moved(other))
    },
  )

  it('refuses a row that was learned, and a share that is none', () => {
    const learning = run(drifting(5), { chunk: 100 })
    expect(() => learning.forgetAfter(3, 0.5)).toThrow(/row 3 was learned before/)
    expect(() => learning.forgetAfter(ROWS, 1.5)).toThrow(/keep must be from 0 to 1/)
  })

  it('tells an observer of every row in order, whatever the chunks, without predictions before anything was learned', () => {
    const seen: (number | null)[][] = []
    for (const chunk of [7, 300]) {
      const errors: (number | null)[] = []
      const learning = new Learning(
        { task: 'regression', width: 0, slots: 0, rows: 30 },
        { ...givenParams({ label_delay: 5 }), learner: 'ridge' },
        SETTINGS,
        null,
      )
      learning.observe((batch, from, to, predictions, first, before) => {
        for (let row = from; row < to; row += 1) {
          expect(before + row - from).toBe(errors.length)
          errors.push(predictions === null ? null : batch.target[row]! - predictions[first + row - from]!)
        }
      })
      for (let from = 0; from < 30; from += chunk) {
        const to = Math.min(30, from + chunk)
        learning.buffer.reserve(to - from)
        for (let row = from; row < to; row += 1) {
          learning.buffer.batch.target[learning.buffer.batch.rows] = (row * 13) % 7
          learning.buffer.batch.rows += 1
        }
        learning.take(to === 30)
      }
      expect(errors).toHaveLength(30)
      // Two batches of 10 were seen before the labels of the first, 5 rows late, had come.
      expect(errors.slice(0, 20)).toEqual(new Array(20).fill(null))
      expect(errors.slice(20)).not.toContain(null)
      seen.push(errors)
    }
    expect(seen[1]).toEqual(seen[0])
  })
})
