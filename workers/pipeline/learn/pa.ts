/** Passive-aggressive learners: the smallest change of the weights that fits the row, within an aggressiveness C. */
import { checkBinary, marginsToClasses } from './binary.ts'
import type { Classifier, FeatureBatch, Learner, LearnerState } from './learner.ts'
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
class PaCore {
  readonly options: PaOptions
  weights = new LinearWeights()

  constructor(options: PaOptions) {
    this.options = options
    if (!(options.c > 0)) throw new RangeError(`c must be above 0, not ${options.c}`)
    if (!(options.epsilon >= 0)) throw new RangeError(`epsilon must be 0 or more, not ${options.epsilon}`)
  }

  /** `signed`: targets are classes and the loss is the hinge. */
  learn(batch: FeatureBatch, from: number, to: number, signed: boolean): void {
    const { weights } = this
    const { variant, c, epsilon } = this.options
    weights.fit(batch)
    for (let row = from; row < to; row += 1) {
      const norm = squaredNorm(batch, row)
      if (norm === 0 && variant === 'pa1') continue
      const p = weights.margin(batch, row)
      const y = batch.target[row]!
      const sign = signed ? (y > 0 ? 1 : -1) : y < p ? -1 : 1
      const loss = Math.max(0, signed ? 1 - sign * p : Math.abs(y - p) - epsilon)
      if (loss === 0) continue
      const step = sign * (variant === 'pa1' ? Math.min(c, loss / norm) : loss / (norm + 0.5 / c))
      weights.add(batch, row, step)
      weights.intercept += step
    }
  }

  toJSON(learner: string): LearnerState {
    return { learner, options: this.options, weights: this.weights.toJSON() }
  }

  restore(state: LearnerState): void {
    this.weights = LinearWeights.fromJSON(state.learner, readObject(state, 'weights'))
  }
}

/** Passive-aggressive regression with the epsilon-insensitive loss. Predicts 0 before any row. */
export class PaRegressor implements Learner {
  private readonly core: PaCore

  constructor(options: Partial<PaOptions> = {}) {
    this.core = new PaCore({ ...PA_DEFAULTS, ...options })
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.core.weights.predict(batch, from, to, out)
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    this.core.learn(batch, from, to, false)
  }

  coefficients(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    return this.core.weights.effective()
  }

  toJSON(): LearnerState {
    return this.core.toJSON('pa')
  }

  static fromJSON(state: LearnerState): PaRegressor {
    const learner = new PaRegressor(readObject(state, 'options'))
    learner.core.restore(state)
    return learner
  }
}

/** Passive-aggressive classification of 0 and 1 with the hinge loss; it has no notion of probability. */
export class PaClassifier implements Classifier {
  readonly classes = 2
  private readonly core: PaCore

  constructor(options: Partial<PaOptions> = {}) {
    this.core = new PaCore({ ...PA_DEFAULTS, ...options })
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.core.weights.predict(batch, from, to, out)
    marginsToClasses(out, to - from)
  }

  /** @throws {RangeError} on a class other than 0 and 1 */
  learnMany(batch: FeatureBatch, from: number, to: number): void {
    checkBinary(batch, from, to)
    this.core.learn(batch, from, to, true)
  }

  coefficients(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    return this.core.weights.effective()
  }

  toJSON(): LearnerState {
    return this.core.toJSON('pa_classifier')
  }

  static fromJSON(state: LearnerState): PaClassifier {
    const learner = new PaClassifier(readObject(state, 'options'))
    learner.core.restore(state)
    return learner
  }
}

function squaredNorm(batch: FeatureBatch, row: number): number {
  let sum = 0
  for (let at = row * batch.width; at < (row + 1) * batch.width; at += 1) sum += batch.dense[at]! ** 2
  for (let at = row * batch.slots; at < (row + 1) * batch.slots; at += 1) if (batch.hot[at]! >= 0) sum += 1
  return sum
}
