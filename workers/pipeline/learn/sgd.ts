/** Linear models by stochastic gradient descent, row by row in the order given. */
import { power } from '../power.ts'
import type { EachBatch, FeatureBatch, LearnerState } from './learner.ts'
import type { LinearModel } from './linear-learner.ts'
import { LinearWeights } from './linear-weights.ts'
import { fitAll } from './logistic-fit.ts'
import { type Loss, lossGradient } from './loss.ts'
import { GRADIENT_LIMIT, plainSteps } from './sgd-plain.ts'
import { readNumber, readObject } from './state.ts'
import type { WeightBlock } from './weight-block.ts'

export type Schedule = 'constant' | 'invscaling' | 'optimal'

export interface SgdOptions {
  loss: Loss
  /** Step size at step t (from 1): `constant` eta0; `invscaling` eta0 / t^power_t; `optimal` 1 / (alpha (t0 + t - 1)). */
  learning_rate: Schedule
  eta0: number
  power_t: number
  /** Strength of the penalty. */
  alpha: number
  /** Share of the penalty that is L1; the rest is L2. */
  l1_ratio: number
  /** Predict by the mean of the weights over all steps. */
  average: boolean
  /** Threshold of the huber and epsilon_insensitive losses. */
  epsilon: number
  /** Constant step size of the intercept, as in River; 0 keeps it at 0. Null: that of the weights. */
  intercept_lr: number | null
}

/** The defaults of scikit-learn's SGDRegressor. */
export const SGD_DEFAULTS: SgdOptions = {
  loss: 'squared',
  learning_rate: 'invscaling',
  eta0: 0.01,
  power_t: 0.25,
  alpha: 1e-4,
  l1_ratio: 0,
  average: false,
  epsilon: 0.1,
  intercept_lr: null,
}

/**
 * The update rule of scikit-learn's `_plain_sgd`: decay by the L2 share, step along the clipped gradient, unpenalised
 * intercept, then the cumulative L1 penalty of Tsuruoka, Tsujii and Ananiadou (2009) on dense features and active indexes,
 * counted anew in every call as partial_fit does.
 */
export class Sgd implements LinearModel {
  readonly options: SgdOptions
  private weights: LinearWeights
  /** Step number of the next row. */
  private t = 1
  private readonly optimalStart: number
  private l1Due = 0
  private denseL1 = new Float64Array(0)
  private hotL1 = new Float64Array(0)

  /** @throws {RangeError} on options out of range */
  constructor(options: Partial<SgdOptions> = {}) {
    this.options = { ...SGD_DEFAULTS, ...options }
    const { alpha, eta0, l1_ratio, learning_rate, loss, epsilon, average, intercept_lr } = this.options
    if (!(alpha >= 0)) throw new RangeError(`alpha must be 0 or more, not ${alpha}`)
    if (!(l1_ratio >= 0 && l1_ratio <= 1))
      throw new RangeError(`l1_ratio must be from 0 to 1, not ${l1_ratio}`)
    if (learning_rate === 'optimal' && !(alpha > 0)) {
      throw new RangeError('learning_rate "optimal" needs alpha above 0')
    }
    if (learning_rate !== 'optimal' && !(eta0 > 0)) throw new RangeError(`eta0 must be above 0, not ${eta0}`)
    if (intercept_lr !== null && !(intercept_lr >= 0)) {
      throw new RangeError(`intercept_lr must be 0 or more, not ${intercept_lr}`)
    }
    this.weights = new LinearWeights(average)
    // Bottou's heuristic: start as if at a typical weight's size.
    const typical = Math.sqrt(1 / Math.sqrt(alpha))
    const start = typical / Math.max(1, lossGradient(loss, -typical, 1, epsilon))
    this.optimalStart = 1 / (start * alpha)
  }

  margins(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.weights.predict(batch, from, to, out)
  }

  /** Classes 0 and 1 are learnt as -1 and +1. */
  learn(batch: FeatureBatch, from: number, to: number, classes: boolean): void {
    const { loss, learning_rate, eta0, power_t, alpha, l1_ratio, average, epsilon, intercept_lr } =
      this.options
    const { weights } = this
    weights.fit(batch)
    const l2 = (1 - l1_ratio) * alpha
    const l1 = l1_ratio * alpha
    const plain = learning_rate !== 'optimal' && !average && l1 === 0 && intercept_lr === null
    if (loss === 'squared' && plain && !classes) {
      this.t = plainSteps(weights, batch, from, to, this.t, {
        eta0,
        power: learning_rate === 'constant' ? 0 : power_t,
        l2,
      })
      weights.dense.fold()
      return
    }
    if (l1 > 0) this.startL1()
    for (let row = from; row < to; row += 1) {
      const raw = batch.target[row]!
      const y = classes ? (raw > 0 ? 1 : -1) : raw
      const p = weights.margin(batch, row)
      const eta =
        learning_rate === 'constant'
          ? eta0
          : learning_rate === 'invscaling'
            ? eta0 / power(this.t, power_t)
            : 1 / (alpha * (this.optimalStart + this.t - 1))
      const g = lossGradient(loss, p, y, epsilon)
      const clipped = Math.max(-GRADIENT_LIMIT, Math.min(GRADIENT_LIMIT, g))
      const step = -eta * clipped
      if (l2 > 0) weights.decay(Math.max(0, 1 - eta * l2))
      if (step !== 0) {
        weights.add(batch, row, step)
        weights.intercept += intercept_lr === null ? step : -intercept_lr * clipped
      }
      if (average) weights.average()
      if (l1 > 0) this.applyL1(batch, row, eta * l1)
      this.t += 1
    }
    // scikit-learn folds the scale after every call; where a rate is high the rounding shows.
    weights.dense.fold()
  }

  /**
   * Classes only: the weights at the minimum of the objective, all rows at once. Refused where steps do something else:
   * by another loss, an L1 penalty, averaged weights, or an intercept with a step size of its own.
   */
  get converges(): boolean {
    const { loss, l1_ratio, average, intercept_lr } = this.options
    return loss === 'log' && l1_ratio === 0 && !average && intercept_lr === null
  }

  converge(each: EachBatch): void {
    const { width, blocks } = fitAll(each, this.options.alpha, true)
    this.weights.set(width, blocks[0]!)
  }

  /** Weights stay; the step size goes back to what it was after that share of the steps. */
  forget(keep: number): void {
    this.t = 1 + keep * (this.t - 1)
  }

  coefficients(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    return this.weights.effective()
  }

  toJSON(): Record<string, unknown> {
    return { options: this.options, t: this.t, weights: this.weights.toJSON() }
  }

  static fromJSON(state: LearnerState): Sgd {
    const model = new Sgd(readObject(state, 'options'))
    model.t = readNumber(state, 't')
    model.weights = LinearWeights.fromJSON(state.learner, readObject(state, 'weights'), model.options.average)
    return model
  }

  private startL1(): void {
    const { dense, hot } = this.weights
    if (this.denseL1.length < dense.stored.length) this.denseL1 = new Float64Array(dense.stored.length)
    if (this.hotL1.length < hot.stored.length) this.hotL1 = new Float64Array(hot.stored.length)
    this.denseL1.fill(0)
    this.hotL1.fill(0)
    this.l1Due = 0
  }

  private applyL1(batch: FeatureBatch, row: number, due: number): void {
    this.l1Due += due
    const { dense, hot } = this.weights
    for (let i = 0; i < batch.width; i += 1) shrink(dense, i, this.l1Due, this.denseL1)
    for (let s = 0; s < batch.slots; s += 1) {
      const j = batch.hot[row * batch.slots + s]!
      if (j >= 0) shrink(hot, j, this.l1Due, this.hotL1)
    }
  }
}

/** Moves one weight towards 0, never past it, by what it owes: `due` less what it has paid, which is kept up. */
function shrink(block: WeightBlock, i: number, due: number, paid: Float64Array): void {
  const { scale } = block
  const stored = block.stored[i]!
  const real = stored * scale
  let next = stored
  if (real > 0) next = Math.max(0, stored - (due + paid[i]!) / scale)
  else if (real < 0) next = Math.min(0, stored + (due - paid[i]!) / scale)
  paid[i]! += scale * (next - stored)
  block.shift(i, next - stored)
}
