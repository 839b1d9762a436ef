/** Multinomial logistic regression by SGD; classes may appear at any time. */
import { power } from '../power.ts'
import type { Classifier, EachBatch, FeatureBatch, LearnerState } from './learner.ts'
import { LinearWeights } from './linear-weights.ts'
import { fitAll } from './logistic-fit.ts'
import { normalise } from './loss.ts'
import { grownFloats, readNumber, readObject } from './state.ts'

export interface SoftmaxOptions {
  /** Step size at step t (from 1): eta0 / t^power_t. */
  eta0: number
  power_t: number
  /** L2 penalty. */
  alpha: number
  /** As of SgdOptions. */
  intercept_lr: number | null
}

export const SOFTMAX_DEFAULTS: SoftmaxOptions = {
  eta0: 0.05,
  power_t: 0.25,
  alpha: 1e-4,
  intercept_lr: null,
}

/**
 * One weight vector a class; a row moves class k's by -eta (p_k - [y = k]) x, the gradient of the log loss.
 * A class never seen has weights 0 and counts from its first row on.
 */
export class Softmax implements Classifier {
  readonly options: SoftmaxOptions
  private models: LinearWeights[] = []
  private t = 1
  private scores = new Float64Array(0)
  /** The minimum of the same objective. Absent where the intercept has a step size of its own: that is no objective. */
  readonly fitMany?: (each: EachBatch) => void

  constructor(options: Partial<SoftmaxOptions> = {}) {
    this.options = { ...SOFTMAX_DEFAULTS, ...options }
    const { eta0, power_t, alpha, intercept_lr } = this.options
    if (!(eta0 > 0)) throw new RangeError(`eta0 must be above 0, not ${eta0}`)
    if (!(power_t >= 0)) throw new RangeError(`power_t must be 0 or more, not ${power_t}`)
    if (!(alpha >= 0)) throw new RangeError(`alpha must be 0 or more, not ${alpha}`)
    if (intercept_lr !== null && !(intercept_lr >= 0)) {
      throw new RangeError(`intercept_lr must be 0 or more, not ${intercept_lr}`)
    }
    if (intercept_lr === null) this.fitMany = (each) => this.converge(each)
  }

  get classes(): number {
    return this.models.length
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const rows = to - from
    this.scores = grownFloats(this.scores, rows * this.classes)
    this.predictProbabilities(batch, from, to, this.scores)
    for (let r = 0; r < rows; r += 1) {
      let best = 0
      const base = r * this.classes
      for (let k = 1; k < this.classes; k += 1) {
        if (this.scores[base + k]! > this.scores[base + best]!) best = k
      }
      out[r] = best
    }
  }

  predictProbabilities(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { models, classes } = this
    for (let row = from; row < to; row += 1) {
      const base = (row - from) * classes
      for (let k = 0; k < classes; k += 1) out[base + k] = models[k]!.margin(batch, row)
      normalise(out, base, classes)
    }
  }

  /** @throws {RangeError} on a target that is no class index */
  learnMany(batch: FeatureBatch, from: number, to: number): void {
    const { eta0, power_t, alpha, intercept_lr } = this.options
    for (let row = from; row < to; row += 1) {
      const k = batch.target[row]!
      if (!(Number.isInteger(k) && k >= 0)) {
        throw new RangeError(`a class must be a whole number from 0, not ${k}`)
      }
      while (this.models.length <= k) this.models.push(new LinearWeights())
    }
    const { models, classes } = this
    for (const model of models) model.fit(batch)
    this.scores = grownFloats(this.scores, classes)
    const { scores } = this
    for (let row = from; row < to; row += 1) {
      const eta = eta0 / power(this.t, power_t)
      for (let k = 0; k < classes; k += 1) scores[k] = models[k]!.margin(batch, row)
      normalise(scores, 0, classes)
      for (let k = 0; k < classes; k += 1) {
        const model = models[k]!
        if (alpha > 0) model.decay(Math.max(0, 1 - eta * alpha))
        const gradient = scores[k]! - (batch.target[row] === k ? 1 : 0)
        model.add(batch, row, -eta * gradient)
        model.intercept -= (intercept_lr ?? eta) * gradient
      }
      this.t += 1
    }
  }

  private converge(each: EachBatch): void {
    const { width, blocks } = fitAll(each, this.options.alpha, false)
    this.models = blocks.map((block) => {
      const model = new LinearWeights()
      model.set(width, block)
      return model
    })
  }

  /** Weights stay; the step size goes back to what it was after that share of the steps. */
  forget(keep: number): void {
    this.t = 1 + keep * (this.t - 1)
  }

  toJSON(): LearnerState {
    return {
      learner: 'softmax',
      options: this.options,
      t: this.t,
      models: this.models.map((model) => model.toJSON()),
    }
  }

  static fromJSON(state: LearnerState): Softmax {
    const learner = new Softmax(readObject(state, 'options'))
    learner.t = readNumber(state, 't')
    const models = state['models']
    if (!Array.isArray(models)) throw new TypeError('state of learner "softmax": "models" must be a list')
    learner.models = models.map((model: Record<string, unknown>) => LinearWeights.fromJSON('softmax', model))
    return learner
  }
}
