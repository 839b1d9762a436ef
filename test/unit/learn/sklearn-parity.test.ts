import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Classifier, FeatureBatch, LearnerOptions } from '../../../workers/pipeline/learn/learner.ts'
import { LinearClassifier, LinearRegressor } from '../../../workers/pipeline/learn/linear-learner.ts'
import { PassiveAggressive } from '../../../workers/pipeline/learn/pa.ts'
import { createLearner } from '../../../workers/pipeline/learn/registry.ts'
import { StandardScaler } from '../../../workers/pipeline/learn/scaler.ts'
import { Sgd } from '../../../workers/pipeline/learn/sgd.ts'
import { shared } from '../shared.ts'
import { batchOf } from './batches.ts'

type State = [rows: number, coefficients: number[], intercept: number]
type Moments = [mean: number[], variance: number[], scale: number[]]

const TOLERANCE = 1e-12

/** sklearn's own defaults where they differ from ours. */
const PLAIN = { scale_features: false }
const BASE: Record<string, LearnerOptions> = {
  sgd: { ...PLAIN, scale_target: false, clip: false, eta0: 0.01 },
  pa: { ...PLAIN, scale_target: false, clip: false },
  logistic: PLAIN,
  pa_classifier: PLAIN,
}

function expectStates(learner: unknown, batch: FeatureBatch, size: number, states: State[]): void {
  if (!(learner instanceof LinearRegressor || learner instanceof LinearClassifier)) {
    throw new Error('a linear learner was expected')
  }
  const expected = new Map(states.map((state) => [Math.min(state[0], batch.rows), state]))
  let compared = 0
  for (let from = 0; from < batch.rows; from += size) {
    const to = Math.min(batch.rows, from + size)
    learner.learnMany(batch, from, to)
    const state = expected.get(to)
    if (state === undefined) continue
    const { dense, intercept } = learner.model.coefficients()
    for (const [i, coefficient] of state[1].entries()) expectClose(dense[i]!, coefficient)
    expectClose(intercept, state[2])
    compared += 1
  }
  expect(compared).toBe(states.length)
}

function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(expected)))
}

function expectScaler(rows: number[][], states: Moments[], chunk: number): void {
  const batch = batchOf(
    rows,
    rows.map(() => 0),
  )
  const scaler = new StandardScaler()
  const standard = new Float64Array(batch.width)
  for (const [k, [mean, variance, scale]] of states.entries()) {
    scaler.learn(batch, k * chunk, Math.min(batch.rows, (k + 1) * chunk))
    for (const [i, value] of mean.entries()) expectClose(scaler.mean[i]!, value)
    for (const [i, value] of variance.entries()) expectClose(scaler.variance()[i]!, value)
    scaler.transform(batch, 0, 1, standard)
    for (const [i, value] of scale.entries()) expectClose(standard[i]!, (rows[0]![i]! - mean[i]!) / value)
  }
}

describe('parity with scikit-learn, own fixture', () => {
  const fixture = JSON.parse(
    readFileSync(new URL('../../fixtures/sklearn-parity.json', import.meta.url), 'utf8'),
  ) as {
    chunk: number
    raw: number[][]
    x: number[][]
    y: number[]
    classes: number[]
    learners: { learner: string; options: LearnerOptions; batch: number; states: State[] }[]
    scaler: Moments[]
    minima: { alpha: number; target: number[]; probabilities: number[][] }[]
  }

  test.each(fixture.minima.map((minimum) => [Math.max(...minimum.target) + 1, minimum] as const))(
    'logistic regression of %i classes in batch mode is at its minimum',
    (classes, { alpha, target, probabilities }) => {
      const batch = batchOf(fixture.x, target)
      // scikit-learn penalises one vector of two classes; softmax has two, of half its length each.
      const learner = createLearner(classes === 2 ? 'logistic' : 'softmax', {
        ...PLAIN,
        ...{ alpha, eta0: 0.1 },
      }) as Classifier
      learner.fitMany!((visit) => {
        for (let from = 0; from < batch.rows; from += 50) visit(batch, from, Math.min(batch.rows, from + 50))
      })
      const out = new Float64Array(batch.rows * classes)
      learner.predictProbabilities!(batch, 0, batch.rows, out)
      for (const [i, expected] of probabilities.flat().entries()) expect(out[i]).toBeCloseTo(expected, 4)
    },
  )

  test.each(
    fixture.learners.map((l) => [`${l.learner} ${JSON.stringify(l.options)} batch ${l.batch}`, l] as const),
  )('%s', (_name, { learner, options, batch, states }) => {
    const target = learner === 'logistic' || learner === 'pa_classifier' ? fixture.classes : fixture.y
    const model = createLearner(learner, { ...BASE[learner], ...options })
    expectStates(model, batchOf(fixture.x, target), batch, states)
  })

  test('StandardScaler', () => {
    expectScaler(fixture.raw, fixture.scaler, fixture.chunk)
  })
})

const path = shared('fixtures/sklearn121_parity.json')
describe.skipIf(!existsSync(path))(
  `parity with scikit-learn 1.2.1 on NBA rows (${path}, skipped when absent)`,
  () => {
    const fixture = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, never>) : {}
    const z = fixture['Z'] as unknown as number[][]
    const ys = fixture['ys'] as unknown as number[]
    const yc = (fixture['yc'] as unknown as number[] | undefined)?.map((k) => (k > 0 ? 1 : 0)) ?? []
    const cases: [string, () => unknown, number[], number][] = [
      ['sgd_default_row', () => new LinearRegressor('sgd', new Sgd()), ys, 1],
      ['sgd_default_chunk64', () => new LinearRegressor('sgd', new Sgd()), ys, 64],
      ['sgd_elasticnet', () => new LinearRegressor('sgd', new Sgd({ alpha: 1e-3, l1_ratio: 0.15 })), ys, 1],
      ['sgd_avg', () => new LinearRegressor('sgd', new Sgd({ average: true })), ys, 1],
      ['sgd_huber', () => new LinearRegressor('sgd', new Sgd({ loss: 'huber' })), ys, 1],
      [
        'sgdc_log_default',
        () => new LinearClassifier('logistic', new Sgd({ loss: 'log', learning_rate: 'optimal' }), true),
        yc,
        1,
      ],
      [
        'sgdc_hinge_const',
        () =>
          new LinearClassifier(
            'logistic',
            new Sgd({ loss: 'hinge', learning_rate: 'constant', eta0: 0.01 }),
            false,
          ),
        yc,
        1,
      ],
      ['pa1', () => new LinearRegressor('pa', new PassiveAggressive({ variant: 'pa1', c: 0.01 })), ys, 1],
      ['pa2', () => new LinearRegressor('pa', new PassiveAggressive({ variant: 'pa2', c: 0.01 })), ys, 1],
    ]
    test.each(cases)('%s', (name, make, target, size) => {
      expectStates(make(), batchOf(z, target), size, fixture[name] as unknown as State[])
    })

    test('StandardScaler by chunks of 64', () => {
      expectScaler(
        fixture['A'] as unknown as number[][],
        fixture['scaler_chunk64'] as unknown as Moments[],
        64,
      )
    })
  },
)
