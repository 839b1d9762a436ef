/** Passive-aggressive learners: the smallest change of the weights that fits the row, within an aggressiveness C. */
import type { FeatureBatch, LearnerState } from './learner.ts'
import type { LinearModel } from './linear-learner.ts'
import { LinearWeights } from './linear-weights.ts'
import { readObject } from './state.ts'

export interface PaOptions {
  /** PA-I bounds the step by C; PA-II damps it by 1 / (2 C). */
  variant: 'pa1' | 'pa2'
  /** Aggressiveness, above 0. */
  c: number
  /** Regression: errors up to this change nothing. */
  epsilon: number
}

export const PA_DEFAULTS: PaOptions = { variant: 'pa2', c: 0.01, epsilon: 0.1 }

/**
 * Crammer et al. (2006): tau = min(C, loss / |x|^2) for PA-I, loss / (|x|^2 + 1 / (2 C)) for PA-II; w += tau sign x.
 * As in scikit-learn the intercept takes the same step and does not count in |x|^2.
 */
export class PassiveAggressive implements LinearModel {
  readonly options: PaOptions
  private weights = new LinearWeights()

  /** @throws {RangeError} on options out of range */
  constructor(options: Partial<PaOptions> = {}) {
    this.options = { ...PA_DEFAULTS, ...options }
    const { c, epsilon } = this.options
    if (!(c > 0)) throw new RangeError(`c must be above 0, not ${c}`)
    if (!(epsilon >= 0)) throw new RangeError(`epsilon must be 0 or more, not ${epsilon}`)
  }

  margins(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.weights.predict(batch, from, to, out)
  }

  /** Numbers by the epsilon-insensitive loss; classes by the hinge, as -1 and +1. */
  learn(batch: FeatureBatch, from: number, to: number, classes: boolean): void {
    const { weights } = this
    const { variant, c, epsilon } = this.options
    weights.fit(batch)
    for (let row = from; row < to; row += 1) {
      const norm = squaredNorm(batch, row)
      if (norm === 0 && variant === 'pa1') continue
      const p = weights.margin(batch, row)
      const y = batch.target[row]!
      const sign = classes ? (y > 0 ? 1 : -1) : y < p ? -1 : 1
      const loss = Math.max(0, classes ? 1 - sign * p : Math.abs(y - p) - epsilon)
      if (loss === 0) continue
      const step = sign * (variant === 'pa1' ? Math.min(c, loss / norm) : loss / (norm + 0.5 / c))
      weights.add(batch, row, step)
      weights.intercept += step
    }
  }

  coefficients(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    return this.weights.effective()
  }

  toJSON(): Record<string, unknown> {
    return { options: this.options, weights: this.weights.toJSON() }
  }

  static fromJSON(state: LearnerState): PassiveAggressive {
    const model = new PassiveAggressive(readObject(state, 'options'))
    model.weights = LinearWeights.fromJSON(state.learner, readObject(state, 'weights'))
    return model
  }
}

function squaredNorm(batch: FeatureBatch, row: number): number {
  let sum = 0
  for (let at = row * batch.width; at < (row + 1) * batch.width; at += 1) {
    const value = batch.dense[at]!
    sum += value * value
  }
  for (let at = row * batch.slots; at < (row + 1) * batch.slots; at += 1) if (batch.hot[at]! >= 0) sum += 1
  return sum
}
