import { describe, expect, test } from 'vitest'
import { Experts, ExpertsClassifier } from '../../../workers/pipeline/learn/experts.ts'
import { FixedShare } from '../../../workers/pipeline/learn/fixed-share.ts'
import type { Classifier, FeatureBatch, Learner } from '../../../workers/pipeline/learn/learner.ts'
import { createLearner } from '../../../workers/pipeline/learn/registry.ts'
import { batchOf, randomBatch, randomNumbers } from './batches.ts'

const FULL = process.env['STINT_FULL'] === '1'

const OPTIONS = { eta: 1, share: 0.002 }

describe('fixed share', () => {
  test.each(FULL ? [0, 0.001, 0.05] : [0, 0.001])(
    'weights sum to 1 and the regret stays within its bound, share %d',
    (share) => {
      for (let seed = 1; seed <= (FULL ? 20 : 8); seed += 1) {
        const random = randomNumbers(seed)
        const [experts, rows, eta] = [5, 600, 0.3]
        const prior = Array.from({ length: experts }, () => 0.1 + random())
        const hedge = new FixedShare(prior, eta, share)
        const losses = new Float64Array(experts)
        const totals = new Float64Array(experts)
        let own = 0
        for (let row = 0; row < rows; row += 1) {
          for (let k = 0; k < experts; k += 1) {
            // Whole stretches in which one is better, and some rows at which it is all or nothing.
            const better = Math.floor(row / 150) % experts === k
            losses[k] = random() < 0.1 ? Math.round(random()) : better ? 0.4 * random() : random()
            totals[k]! += losses[k]!
            own += hedge.weights[k]! * losses[k]!
          }
          hedge.update(losses)
          expect(hedge.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
        }
        for (let k = 0; k < experts; k += 1) {
          const bound = (-Math.log(hedge.prior[k]!) - rows * Math.log(1 - share)) / eta + (eta * rows) / 8
          expect(own).toBeLessThanOrEqual(totals[k]! + bound)
        }
      }
    },
  )

  test('follows an expert that becomes the best, which plain weights cannot', () => {
    const moved = (share: number) => {
      const hedge = new FixedShare([1, 1], 1, share)
      for (let row = 0; row < 400; row += 1) hedge.update(Float64Array.of(0, 1))
      for (let row = 0; row < 30; row += 1) hedge.update(Float64Array.of(1, 0))
      return hedge.weights[1]!
    }
    expect(moved(0)).toBeLessThan(1e-9)
    expect(moved(0.002)).toBeGreaterThan(0.99)
  })

  test('no loss makes all weights vanish', () => {
    const hedge = new FixedShare([1, 1], 1, 0)
    hedge.update(Float64Array.of(1e6, 1e6 + 1))
    expect(hedge.weights[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12)
  })
})

describe('experts on numbers', () => {
  test('come near the best of them, and predict within their predictions', () => {
    const batch = randomBatch(3, { rows: 800, width: 3, categories: [4] })
    const names = ['ridge', 'mean', 'last_value']
    const squared = (learner: Learner) => {
      const out = new Float64Array(1)
      let sum = 0
      for (let row = 0; row < batch.rows; row += 1) {
        learner.predictMany(batch, row, row + 1, out)
        if (row > 0) sum += (out[0]! - batch.target[row]!) ** 2
        learner.learnMany(batch, row, row + 1)
      }
      return sum
    }
    const alone = names.map((name) => squared(createLearner(name)))
    const members = names.map((name) => ({ name, learner: createLearner(name), prior: 1 }))
    const mixed = new Experts(members, OPTIONS)
    // Within .01 of its R2.
    expect(squared(mixed) - Math.min(...alone)).toBeLessThan(0.01 * alone[1]!)
    expect(mixed.weights[0]).toBeGreaterThan(0.9)
    expect(mixed.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(Object.keys(mixed.info()['experts'] as object)).toEqual(names)
  })

  test('weigh by what was predicted when the rows came, not by what is known when their labels do', () => {
    const batch = randomBatch(8, { rows: 40, width: 1 })
    const make = () =>
      new Experts(
        [
          { name: 'a', learner: createLearner('last_value'), prior: 1 },
          { name: 'b', learner: createLearner('mean'), prior: 1 },
        ],
        OPTIONS,
      )
    const [late, prompt] = [make(), make()]
    for (const each of [late, prompt]) each.learnMany(batch, 0, 10)
    const made = new Float64Array(20)
    late.predictMany(batch, 10, 20, new Float64Array(10))
    late.judge(batch, 10, 20, made)
    // By now last_value would predict rows 10 to 20 otherwise.
    late.learnMany(batch, 20, 30)
    prompt.learnMany(batch, 20, 30)
    const before = late.weights
    late.learnJudged(batch, 10, 20, made, 0)
    prompt.learnMany(batch, 10, 20)
    expect(late.weights).not.toEqual(before)
    expect(late.weights).not.toEqual(prompt.weights)
  })

  test('say which names and options there are', () => {
    expect(() => createLearner('experts', { experts: 'ridge' })).toThrow(/two learners or more/)
    expect(() => createLearner('experts', { experts: 'ridge, softmax' })).toThrow(
      /"softmax" is none that learns numbers; there are ridge, kernel_ridge/,
    )
    expect(() => createLearner('experts', { experts: 'ridge, experts' })).toThrow(/"experts" is none/)
    expect(() => createLearner('experts', { experts: 'ridge, ridge lambda' })).toThrow(
      /"lambda" after "ridge" must be an option such as lambda=5/,
    )
    expect(() => createLearner('experts', { experts: 'ridge, ridge lambda=-1' })).toThrow(
      /"lambda" must be a number from 0, not -1/,
    )
    const named = createLearner('experts', {
      experts: 'ridge lambda=2 target_transform=log, sgd clip=false',
    }) as Experts
    expect(named.members.map((member) => member.toJSON().learner)).toEqual(['transformed', 'scaled'])
  })
})

/** Labels that keep to one class, and change it every `run` rows; features say nothing. */
function switching(rows: number, run: number, purity: number): FeatureBatch {
  const random = randomNumbers(11)
  const features = Array.from({ length: rows }, () => [random(), random()])
  const labels = features.map((_, row) => {
    const major = Math.floor(row / run) % 2
    return random() < purity ? major : 1 - major
  })
  return batchOf(features, labels)
}

function accuracy(learner: Classifier, batch: FeatureBatch): number {
  const out = new Float64Array(1)
  let right = 0
  for (let row = 0; row < batch.rows; row += 1) {
    if (row > 0) {
      learner.predictMany(batch, row, row + 1, out)
      if (out[0] === batch.target[row]) right += 1
    }
    learner.learnMany(batch, row, row + 1)
  }
  return right / (batch.rows - 1)
}

describe('experts on labels', () => {
  const of = (name: string, batch: FeatureBatch, options = {}) =>
    accuracy(createLearner(name, options, 0, 'classification') as Classifier, batch)

  test.each(FULL ? [0.8, 0.95] : [0.95])(
    'beat "no change" where the majority label switches, %d of one label',
    (purity) => {
      const batch = switching(3000, 300, purity)
      const noChange = of('no_change', batch)
      for (const name of ['experts', 'logistic', 'softmax']) {
        expect(of(name, batch), name).toBeGreaterThan(noChange)
      }
      // One falling step size cannot follow.
      expect(of('logistic', batch, { eta0: 0.05 })).toBeLessThan(noChange)
    },
  )

  test('are much better than "no change" where stray labels come in short runs', () => {
    const batch = switching(3000, 50, 0.9)
    const noChange = of('no_change', batch)
    expect(of('softmax', batch, { eta0: 0.05, power_t: 0, last_label: true })).toBeGreaterThan(
      noChange + 0.02,
    )
    expect(of('experts', batch)).toBeGreaterThan(noChange + 0.02)
  })

  test('are as good as "no change" where labels come in long runs', () => {
    const batch = switching(3000, 12, 1)
    expect(of('experts', batch)).toBeGreaterThan(of('no_change', batch) - 0.01)
  })

  test('softmax without a step size comes near the best constant one', () => {
    const random = randomNumbers(2)
    for (const scale of FULL ? [0.3, 1, 4] : [1]) {
      const features = Array.from({ length: 2500 }, () => [random() - 0.5, random() - 0.5, random() - 0.5])
      const batch = batchOf(
        features,
        features.map(([a, b, c]) => {
          const scores = [a! + random() / scale, b! + random() / scale, c! + random() / scale]
          return scores.indexOf(Math.max(...scores))
        }),
      )
      const steps = [0.003, 0.01, 0.03, 0.1, 0.3, 1]
      const best = Math.max(...steps.map((eta0) => of('softmax', batch, { eta0, power_t: 0 })))
      expect(of('softmax', batch)).toBeGreaterThan(best - 0.01)
    }
  })

  test('take members that give classes only, and labels that come late', () => {
    const batch = randomBatch(9, { rows: 300, width: 2, classes: 5 })
    const members = ['softmax', 'no_change', 'majority'].map((name) => ({
      name,
      learner: createLearner(name) as Classifier,
      prior: 1,
    }))
    const learner = new ExpertsClassifier(members, OPTIONS)
    for (let from = 0; from < 300; from += 3) {
      learner.learnMany(batch, from, from + 3)
      const { classes } = learner
      const out = new Float64Array(10 * classes)
      learner.predictProbabilities(batch, 0, 10, out)
      for (let row = 0; row < 10; row += 1) {
        const sum = out.subarray(row * classes, (row + 1) * classes).reduce((a, b) => a + b, 0)
        expect(sum).toBeCloseTo(1, 9)
      }
    }
    expect(learner.classes).toBe(5)
  })
})
