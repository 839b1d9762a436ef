/** Linear models as learners: what regression and the two-class case share, whatever the update rule. */
import type { Classifier, EachBatch, FeatureBatch, Learner, LearnerState } from './learner.ts'
import { sigmoid } from './loss.ts'

/** A linear model and its update rule. */
export interface LinearModel {
  /** Writes w . x + intercept of the rows to `out[0 .. to - from)`; 0 before any row. Changes no state. */
  margins(batch: FeatureBatch, from: number, to: number, out: Float64Array): void
  /** `classes`: targets are classes 0 and 1 instead of numbers. */
  learn(batch: FeatureBatch, from: number, to: number, classes: boolean): void
  /** As Learner.forget. */
  forget?(keep: number): void
  /** Classes only: true where `converge` gives all rows at once what passes of `learn` only come near. */
  readonly converges?: boolean
  converge?(each: EachBatch): void
  /** The weights that predictions use, as plain numbers: for reports and tests. */
  coefficients(): { dense: Float64Array; hot: Float64Array; intercept: number }
  toJSON(): Record<string, unknown>
}

/** Predicts the margin itself. */
export class LinearRegressor implements Learner {
  readonly model: LinearModel
  private readonly name: string

  /** `name`: the learner's name in its state. */
  constructor(name: string, model: LinearModel) {
    this.name = name
    this.model = model
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.model.margins(batch, from, to, out)
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    this.model.learn(batch, from, to, false)
  }

  forget(keep: number): void {
    this.model.forget?.(keep)
  }

  toJSON(): LearnerState {
    return { learner: this.name, ...this.model.toJSON() }
  }
}

/** Predicts class 1 where the margin is above 0, else class 0; none where it overflowed. */
export class LinearClassifier implements Classifier {
  readonly classes = 2
  readonly model: LinearModel
  readonly predictProbabilities?: NonNullable<Classifier['predictProbabilities']>
  readonly fitMany?: (each: EachBatch) => void
  private readonly name: string

  /** `logistic`: the margin is the log odds of class 1; without it there are no probabilities. */
  constructor(name: string, model: LinearModel, logistic: boolean) {
    this.name = name
    this.model = model
    if (logistic) this.predictProbabilities = this.probabilities
    if (model.converges === true) this.fitMany = (each) => model.converge!(each)
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.model.margins(batch, from, to, out)
    for (let i = 0; i < to - from; i += 1) {
      const margin = out[i]!
      if (margin > 0) out[i] = 1
      else if (margin <= 0) out[i] = 0
    }
  }

  /** @throws {RangeError} on a class other than 0 and 1 */
  learnMany(batch: FeatureBatch, from: number, to: number): void {
    for (let row = from; row < to; row += 1) {
      const k = batch.target[row]!
      if (k === 0 || k === 1) continue
      throw new RangeError(`this learner knows classes 0 and 1, not ${k}; use "softmax" for more classes`)
    }
    this.model.learn(batch, from, to, true)
  }

  forget(keep: number): void {
    this.model.forget?.(keep)
  }

  toJSON(): LearnerState {
    return { learner: this.name, ...this.model.toJSON() }
  }

  private probabilities(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.model.margins(batch, from, to, out)
    // The margins fill the front half; from the back, so that none is overwritten unread.
    for (let i = to - from - 1; i >= 0; i -= 1) {
      const margin = out[i]!
      out[2 * i + 1] = sigmoid(margin)
      out[2 * i] = sigmoid(-margin)
    }
  }
}
