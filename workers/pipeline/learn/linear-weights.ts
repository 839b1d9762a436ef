/** The weights of a linear model over dense features and one-hot indexes, with lazy decay and lazy averaging. */
import type { FeatureBatch, LearnerState } from './learner.ts'
import { encodeFloats, grownFloats, readFloats, readNumber } from './state.ts'

/** Below this the common scale is folded into the weights, so that it never underflows. */
const SCALE_FLOOR = 1e-9

/**
 * Real weights are `scale` times the stored ones, so that decay costs O(1) and a row costs O(width + slots).
 * With averaging, the sum over steps of the real weights is `scaleSum` x stored - `lag`: a change of a stored weight
 * by delta adds delta x scaleSum to its lag, so that weights which a row does not touch need no work.
 */
export class LinearWeights {
  dense = new Float64Array(0)
  hot = new Float64Array(0)
  scale = 1
  intercept = 0
  readonly averaged: boolean
  /** Steps averaged over. */
  private steps = 0
  private scaleSum = 0
  private meanIntercept = 0
  private denseLag = new Float64Array(0)
  private hotLag = new Float64Array(0)

  constructor(averaged = false) {
    this.averaged = averaged
  }

  /** Makes room for a batch; call before the other methods. @throws {RangeError} when the width changed */
  fit(batch: FeatureBatch): void {
    if (this.dense.length === 0 && batch.width > 0) {
      this.dense = new Float64Array(batch.width)
      if (this.averaged) this.denseLag = new Float64Array(batch.width)
    }
    if (batch.width !== this.dense.length) {
      throw new RangeError(`rows have ${batch.width} dense features, the learner has ${this.dense.length}`)
    }
    if (batch.hotSize > this.hot.length) {
      this.hot = grownFloats(this.hot, batch.hotSize)
      if (this.averaged) this.hotLag = grownFloats(this.hotLag, this.hot.length)
    }
  }

  /** w . x + intercept of one row by the current weights, averaged or not. */
  margin(batch: FeatureBatch, row: number): number {
    const { dense, hot } = this
    const { width, slots } = batch
    const x = batch.dense
    const indexes = batch.hot
    const base = row * width
    let sum = 0
    for (let i = 0; i < width; i += 1) sum += dense[i]! * x[base + i]!
    const hotBase = row * slots
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0) sum += hot[j]!
    }
    return sum * this.scale + this.intercept
  }

  /** Writes w . x + intercept of the rows; by the averaged weights where there are any. Unknown indexes count 0. */
  predict(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (this.dense.length === 0 && this.hot.length === 0) {
      out.fill(this.intercept, 0, to - from)
      return
    }
    const averaging = this.averaged && this.steps > 0
    const weight = averaging ? this.scaleSum / this.steps : this.scale
    const lagWeight = averaging ? 1 / this.steps : 0
    const intercept = averaging ? this.meanIntercept : this.intercept
    const { dense, hot, denseLag, hotLag } = this
    const { width, slots } = batch
    const x = batch.dense
    const indexes = batch.hot
    const known = hot.length
    for (let row = from; row < to; row += 1) {
      const base = row * width
      const hotBase = row * slots
      let sum = 0
      for (let i = 0; i < width; i += 1) sum += dense[i]! * x[base + i]!
      for (let s = 0; s < slots; s += 1) {
        const j = indexes[hotBase + s]!
        if (j >= 0 && j < known) sum += hot[j]!
      }
      sum *= weight
      if (averaging) {
        let lag = 0
        for (let i = 0; i < width; i += 1) lag += denseLag[i]! * x[base + i]!
        for (let s = 0; s < slots; s += 1) {
          const j = indexes[hotBase + s]!
          if (j >= 0 && j < known) lag += hotLag[j]!
        }
        sum -= lag * lagWeight
      }
      out[row - from] = sum + intercept
    }
  }

  /** Multiplies all weights, the intercept apart, by `factor`. */
  decay(factor: number): void {
    this.scale *= factor
    if (this.scale >= SCALE_FLOOR) return
    if (this.averaged) {
      // The sum so far moves into the lags whole, and a new one starts at 0.
      for (let i = 0; i < this.dense.length; i += 1) this.denseLag[i]! -= this.scaleSum * this.dense[i]!
      for (let j = 0; j < this.hot.length; j += 1) this.hotLag[j]! -= this.scaleSum * this.hot[j]!
      this.scaleSum = 0
    }
    for (let i = 0; i < this.dense.length; i += 1) this.dense[i]! *= this.scale
    for (let j = 0; j < this.hot.length; j += 1) this.hot[j]! *= this.scale
    this.scale = 1
  }

  /** w += step x, the intercept apart. */
  add(batch: FeatureBatch, row: number, step: number): void {
    const { dense, hot } = this
    const { width, slots } = batch
    const x = batch.dense
    const indexes = batch.hot
    const base = row * width
    const hotBase = row * slots
    const delta = step / this.scale
    for (let i = 0; i < width; i += 1) dense[i]! += delta * x[base + i]!
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0) hot[j]! += delta
    }
    if (!this.averaged || this.scaleSum === 0) return
    const lag = delta * this.scaleSum
    for (let i = 0; i < width; i += 1) this.denseLag[i]! += lag * x[base + i]!
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0) this.hotLag[j]! += lag
    }
  }

  /** Changes one stored weight. */
  shiftDense(i: number, change: number): void {
    this.dense[i]! += change
    if (this.averaged) this.denseLag[i]! += change * this.scaleSum
  }

  /** Changes one stored weight. */
  shiftHot(j: number, change: number): void {
    this.hot[j]! += change
    if (this.averaged) this.hotLag[j]! += change * this.scaleSum
  }

  /** Takes the current weights into the average; once a step. */
  average(): void {
    this.steps += 1
    this.scaleSum += this.scale
    this.meanIntercept += (this.intercept - this.meanIntercept) / this.steps
  }

  /** The weights that predictions use, as plain numbers: for reports and tests. */
  effective(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    const averaging = this.averaged && this.steps > 0
    const value = (stored: Float64Array, lag: Float64Array) =>
      stored.map((v, i) => (averaging ? (v * this.scaleSum - lag[i]!) / this.steps : v * this.scale))
    return {
      dense: value(this.dense, this.denseLag),
      hot: value(this.hot, this.hotLag),
      intercept: averaging ? this.meanIntercept : this.intercept,
    }
  }

  toJSON(): Record<string, unknown> {
    return {
      dense: encodeFloats(this.dense),
      hot: encodeFloats(this.hot),
      scale: this.scale,
      intercept: this.intercept,
      ...(this.averaged && {
        steps: this.steps,
        scale_sum: this.scaleSum,
        mean_intercept: this.meanIntercept,
        dense_lag: encodeFloats(this.denseLag),
        hot_lag: encodeFloats(this.hotLag),
      }),
    }
  }

  static fromJSON(learner: string, fields: Record<string, unknown>, averaged = false): LinearWeights {
    const state: LearnerState = { ...fields, learner }
    const weights = new LinearWeights(averaged)
    weights.dense = readFloats(state, 'dense')
    weights.hot = readFloats(state, 'hot')
    weights.scale = readNumber(state, 'scale')
    weights.intercept = readNumber(state, 'intercept')
    if (averaged) {
      weights.steps = readNumber(state, 'steps')
      weights.scaleSum = readNumber(state, 'scale_sum')
      weights.meanIntercept = readNumber(state, 'mean_intercept')
      weights.denseLag = readFloats(state, 'dense_lag')
      weights.hotLag = readFloats(state, 'hot_lag')
    }
    return weights
  }
}
