/** Multinomial logistic regression over the last rows, fitted anew as they change. */
import type { Classifier, FeatureBatch, LearnerState } from './learner.ts'
import { blockSize, fitLogistic, type LogisticShape } from './logistic-fit.ts'
import { normalise } from './loss.ts'
import { StandardScaler } from './scaler.ts'
import {
  encodeFloats,
  encodeInts,
  grownFloats,
  readFloats,
  readInts,
  readNumber,
  readObject,
} from './state.ts'

export interface WindowLogisticOptions {
  /** Rows kept and fitted. */
  fit_rows: number
  /** L2 penalty beside the sum of the log losses over the rows kept. */
  penalty: number
}

export const WINDOW_LOGISTIC_DEFAULTS: WindowLogisticOptions = { fit_rows: 2000, penalty: 1 }

/** It is fitted anew when the rows that came since the last time are this share of those kept. */
const REFIT_SHARE = 1 / 32
const FIT = { iterations: 10, tolerance: 1e-4 }
/** The margin of a class that the last fit did not know. */
const NEVER = -50

/**
 * What a user does who keeps the last rows and calls `LogisticRegression().fit` now and then: exact where few rows have
 * come, and forgetting what is old. Each fit goes on from the weights of the one before it.
 */
export class WindowLogistic implements Classifier {
  readonly options: WindowLogisticOptions
  private readonly window: FeatureBatch
  /** Where the next row goes. */
  private next = 0
  private seen = 0
  private known = 0
  private hotKnown = 0
  private weights = new Float64Array(0)
  private shape: LogisticShape = { outputs: 0, width: 0, hotSize: 0 }
  /** The scale of the last fit. */
  private scaler = new StandardScaler()
  private fittedAt = 0
  private standard = new Float64Array(0)
  private probabilities = new Float64Array(0)

  constructor(options: Partial<WindowLogisticOptions> = {}) {
    this.options = { ...WINDOW_LOGISTIC_DEFAULTS, ...options }
    this.window = {
      ...{ rows: 0, width: -1, dense: new Float64Array(0), slots: 0, hot: new Int32Array(0), hotSize: 0 },
      target: new Float64Array(0),
    }
  }

  get classes(): number {
    return this.known
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { known } = this
    this.probabilities = grownFloats(this.probabilities, (to - from) * known)
    const { probabilities } = this
    this.predictProbabilities(batch, from, to, probabilities)
    for (let r = 0; r < to - from; r += 1) {
      let best = 0
      for (let k = 1; k < known; k += 1)
        if (probabilities[r * known + k]! > probabilities[r * known + best]!) best = k
      out[r] = best
    }
  }

  predictProbabilities(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { known, shape, weights } = this
    const { outputs, width, hotSize } = shape
    const block = blockSize(shape)
    this.standard = grownFloats(this.standard, (to - from) * width)
    const { standard } = this
    if (outputs > 0) this.scaler.transform(batch, from, to, standard)
    for (let row = from; row < to; row += 1) {
      const at = (row - from) * known
      for (let k = 0; k < known; k += 1) {
        if (k >= outputs) {
          out[at + k] = NEVER
          continue
        }
        let sum = weights[k * block + block - 1]!
        for (let i = 0; i < width; i += 1) {
          sum += weights[k * block + i]! * standard[(row - from) * width + i]!
        }
        for (let s = 0; s < batch.slots; s += 1) {
          const j = batch.hot[row * batch.slots + s]!
          if (j >= 0 && j < hotSize) sum += weights[k * block + width + j]!
        }
        out[at + k] = sum
      }
      normalise(out, at, known)
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    for (let row = from; row < to; row += 1) this.keep(batch, row)
    const since = this.seen - this.fittedAt
    if (since >= REFIT_SHARE * this.window.rows) this.fit()
  }

  /** Keeps the newest rows, that share of those kept, and fits them with the next batch. */
  forget(keep: number): void {
    const { window } = this
    const { width, slots, dense, hot, target, rows } = window
    if (width < 0) return
    const kept = Math.ceil(keep * rows)
    const copy = { dense: dense.slice(), hot: hot.slice(), target: target.slice() }
    for (let i = 0; i < kept; i += 1) {
      const from = (this.next - kept + i + this.options.fit_rows) % this.options.fit_rows
      dense.set(copy.dense.subarray(from * width, (from + 1) * width), i * width)
      hot.set(copy.hot.subarray(from * slots, (from + 1) * slots), i * slots)
      target[i] = copy.target[from]!
    }
    window.rows = kept
    this.next = kept % this.options.fit_rows
    this.fittedAt = 0
  }

  toJSON(): LearnerState {
    const { window, shape } = this
    const state: LearnerState = { learner: 'window_logistic', options: this.options }
    if (window.width < 0) return state
    const { rows, width, slots } = window
    return {
      ...state,
      ...{ width, slots, rows, next: this.next, seen: this.seen, classes: this.known },
      hot_known: this.hotKnown,
      dense: encodeFloats(window.dense.subarray(0, rows * width)),
      hot: encodeInts(window.hot.subarray(0, rows * slots)),
      target: encodeFloats(window.target.subarray(0, rows)),
      shape,
      weights: encodeFloats(this.weights),
      scaler: this.scaler.toJSON(),
      fitted_at: this.fittedAt,
    }
  }

  static fromJSON(state: LearnerState): WindowLogistic {
    const learner = new WindowLogistic(readObject(state, 'options'))
    if (state['width'] === undefined) return learner
    learner.start(readNumber(state, 'width'), readNumber(state, 'slots'))
    learner.window.rows = readNumber(state, 'rows')
    learner.next = readNumber(state, 'next')
    learner.seen = readNumber(state, 'seen')
    learner.known = readNumber(state, 'classes')
    learner.hotKnown = readNumber(state, 'hot_known')
    learner.window.dense.set(readFloats(state, 'dense'))
    learner.window.hot.set(readInts(state, 'hot'))
    learner.window.target.set(readFloats(state, 'target'))
    learner.shape = readObject(state, 'shape') as unknown as LogisticShape
    learner.weights = readFloats(state, 'weights')
    learner.scaler = StandardScaler.fromJSON(readObject(state, 'scaler'))
    learner.fittedAt = readNumber(state, 'fitted_at')
    return learner
  }

  private start(width: number, slots: number): void {
    const { fit_rows: rows } = this.options
    Object.assign(this.window, { width, slots })
    this.window.dense = new Float64Array(rows * width)
    this.window.hot = new Int32Array(rows * slots)
    this.window.target = new Float64Array(rows)
  }

  private keep(batch: FeatureBatch, row: number): void {
    const { window } = this
    if (window.width < 0) this.start(batch.width, batch.slots)
    const { width, slots } = window
    if (batch.width !== width) {
      throw new RangeError(`rows have ${batch.width} dense features, window_logistic learnt ${width}`)
    }
    const k = batch.target[row]!
    if (!(Number.isInteger(k) && k >= 0)) {
      throw new RangeError(`a class must be a whole number from 0, not ${k}`)
    }
    if (k >= this.known) this.known = k + 1
    const at = this.next
    for (let i = 0; i < width; i += 1) window.dense[at * width + i] = batch.dense[row * width + i]!
    for (let s = 0; s < slots; s += 1) {
      const j = batch.hot[row * slots + s]!
      window.hot[at * slots + s] = j
      if (j >= this.hotKnown) this.hotKnown = j + 1
    }
    window.target[at] = k
    this.next = (at + 1) % this.options.fit_rows
    window.rows = Math.min(this.options.fit_rows, window.rows + 1)
    this.seen += 1
  }

  private fit(): void {
    const { window, known } = this
    const { rows, width } = window
    const scaler = new StandardScaler()
    scaler.learn(window, 0, rows)
    const standard = new Float64Array(rows * width)
    scaler.transform(window, 0, rows, standard)
    const shape: LogisticShape = { outputs: known, width, hotSize: this.hotKnown }
    const weights = this.carried(shape, scaler)
    const scaled: FeatureBatch = { ...window, dense: standard }
    fitLogistic((visit) => visit(scaled, 0, rows), shape, this.options.penalty, weights, FIT)
    this.weights = weights
    this.shape = shape
    this.scaler = scaler
    this.fittedAt = this.seen
  }

  /** The weights of the last fit, in the new shape and on the new scale. */
  private carried(shape: LogisticShape, scaler: StandardScaler): Float64Array<ArrayBuffer> {
    const from = this.shape
    const [size, old] = [blockSize(shape), blockSize(from)]
    const weights = new Float64Array(shape.outputs * size)
    const [before, now] = [this.scaler.variance(), scaler.variance()]
    for (let k = 0; k < from.outputs; k += 1) {
      for (let i = 0; i < from.width; i += 1) {
        if (before[i]! > 0)
          weights[k * size + i] = this.weights[k * old + i]! * Math.sqrt(now[i]! / before[i]!)
      }
      for (let j = 0; j < from.hotSize; j += 1) {
        weights[k * size + shape.width + j] = this.weights[k * old + from.width + j]!
      }
      weights[k * size + size - 1] = this.weights[k * old + old - 1]!
    }
    return weights
  }
}
