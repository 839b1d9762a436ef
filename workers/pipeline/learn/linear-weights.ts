/** The weights of a linear model over dense features and one-hot indexes; a row costs O(width + slots). */
import { isKernelArray, kernelsFor } from '../../kernels.ts'
import type { FeatureBatch, LearnerState } from './learner.ts'
import { readNumber, readObject } from './state.ts'
import { WeightBlock } from './weight-block.ts'

const FLOAT_BYTES = 8
const INT_BYTES = 4

export class LinearWeights {
  readonly dense: WeightBlock
  readonly hot: WeightBlock
  intercept = 0
  private readonly averaged: boolean
  /** Dense features; -1 before the first batch. */
  private width = -1
  /** Steps averaged over. */
  private steps = 0
  private meanIntercept = 0

  constructor(averaged = false) {
    this.averaged = averaged
    this.dense = new WeightBlock(averaged)
    this.hot = new WeightBlock(averaged)
  }

  /** Makes room for a batch to be learnt. @throws {RangeError} when the width changed */
  fit(batch: FeatureBatch): void {
    if (this.width < 0) {
      this.width = batch.width
      this.dense.reserve(batch.width)
    }
    this.checkWidth(batch)
    this.hot.reserve(batch.hotSize)
  }

  /** Takes these weights in place of its own: the dense ones, the one-hot ones, the intercept. */
  set(width: number, weights: Float64Array): void {
    const hot = weights.length - width - 1
    this.width = width
    this.dense.set(weights.subarray(0, width))
    this.hot.set(weights.subarray(width, width + hot))
    this.intercept = weights[width + hot]!
  }

  /** w . x + intercept of one row by the current weights, never the averaged ones. Unknown indexes count 0. */
  margin(batch: FeatureBatch, row: number): number {
    const dense = this.dense.stored
    const hot = this.hot.stored
    const known = hot.length
    const { width, slots, dense: x, hot: indexes } = batch
    const base = row * width
    const hotBase = row * slots
    let sum = 0
    for (let i = 0; i < width; i += 1) sum += dense[i]! * x[base + i]!
    let hotSum = 0
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0 && j < known) hotSum += hot[j]!
    }
    return sum * this.dense.scale + hotSum * this.hot.scale + this.intercept
  }

  /** Writes w . x + intercept of the rows; by the averaged weights where there are any. Unknown indexes count 0. */
  predict(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (this.width < 0) {
      out.fill(this.intercept, 0, to - from)
      return
    }
    this.checkWidth(batch)
    if (this.averaged && this.steps > 0) {
      for (let row = from; row < to; row += 1) out[row - from] = this.meanMargin(batch, row)
    } else {
      this.margins(batch, from, to, out)
    }
  }

  /** `margin` of many rows: four at a time, so that four sums run side by side, each in the order of `margin`. */
  private margins(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const dense = this.dense.stored
    const hot = this.hot.stored
    const known = hot.length
    const { width, slots, dense: x, hot: indexes } = batch
    const denseScale = this.dense.scale
    const hotScale = this.hot.scale
    const { intercept } = this
    const kernels = kernelsFor(batch, to - from)
    if (kernels !== null && isKernelArray(out)) {
      const room = kernels.scratch(dense.length + known)
      room.set(dense)
      room.set(hot, dense.length)
      kernels.run.margins(
        x.byteOffset + FLOAT_BYTES * from * width,
        indexes.byteOffset + INT_BYTES * from * slots,
        to - from,
        width,
        slots,
        room.byteOffset,
        room.byteOffset + FLOAT_BYTES * dense.length,
        known,
        denseScale,
        hotScale,
        intercept,
        out.byteOffset,
      )
      return
    }
    let row = from
    for (; row + 3 < to; row += 4) {
      const first = row * width
      const second = first + width
      const third = second + width
      const fourth = third + width
      let a = 0
      let b = 0
      let c = 0
      let d = 0
      for (let i = 0; i < width; i += 1) {
        const weight = dense[i]!
        a += weight * x[first + i]!
        b += weight * x[second + i]!
        c += weight * x[third + i]!
        d += weight * x[fourth + i]!
      }
      const at = row - from
      out[at] = a
      out[at + 1] = b
      out[at + 2] = c
      out[at + 3] = d
      for (let r = 0; r < 4; r += 1) {
        let hotSum = 0
        const hotBase = (row + r) * slots
        for (let s = 0; s < slots; s += 1) {
          const j = indexes[hotBase + s]!
          if (j >= 0 && j < known) hotSum += hot[j]!
        }
        out[at + r] = out[at + r]! * denseScale + hotSum * hotScale + intercept
      }
    }
    for (; row < to; row += 1) out[row - from] = this.margin(batch, row)
  }

  /** Multiplies all weights, the intercept apart, by `factor`. */
  decay(factor: number): void {
    this.dense.decay(factor)
    this.hot.decay(factor)
  }

  /** w += step x, the intercept apart. */
  add(batch: FeatureBatch, row: number, step: number): void {
    const { width, slots, dense: x, hot: indexes } = batch
    const base = row * width
    const hotBase = row * slots
    const denseStep = step / this.dense.scale
    const hotStep = step / this.hot.scale
    const dense = this.dense.stored
    const hot = this.hot.stored
    for (let i = 0; i < width; i += 1) dense[i]! += denseStep * x[base + i]!
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0) hot[j]! += hotStep
    }
    if (!this.averaged) return
    const denseLag = denseStep * this.dense.scaleSum
    const hotLag = hotStep * this.hot.scaleSum
    for (let i = 0; i < width; i += 1) this.dense.lag[i]! += denseLag * x[base + i]!
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0) this.hot.lag[j]! += hotLag
    }
  }

  /** Takes the current weights into the average; once per step. */
  average(): void {
    this.steps += 1
    this.dense.scaleSum += this.dense.scale
    this.hot.scaleSum += this.hot.scale
    this.meanIntercept += (this.intercept - this.meanIntercept) / this.steps
  }

  /** The weights that predictions use, as plain numbers: for reports and tests. */
  effective(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    return {
      dense: this.dense.effective(this.steps),
      hot: this.hot.effective(this.steps),
      intercept: this.steps > 0 ? this.meanIntercept : this.intercept,
    }
  }

  toJSON(): Record<string, unknown> {
    return {
      width: this.width,
      dense: this.dense.toJSON(),
      hot: this.hot.toJSON(),
      intercept: this.intercept,
      steps: this.steps,
      mean_intercept: this.meanIntercept,
    }
  }

  static fromJSON(learner: string, fields: Record<string, unknown>, averaged = false): LinearWeights {
    const state: LearnerState = { ...fields, learner }
    const weights = new LinearWeights(averaged)
    weights.width = readNumber(state, 'width')
    weights.dense.restore(learner, readObject(state, 'dense'))
    weights.dense.reserve(Math.max(0, weights.width))
    weights.hot.restore(learner, readObject(state, 'hot'))
    weights.intercept = readNumber(state, 'intercept')
    weights.steps = readNumber(state, 'steps')
    weights.meanIntercept = readNumber(state, 'mean_intercept')
    return weights
  }

  private meanMargin(batch: FeatureBatch, row: number): number {
    const { dense, hot, steps } = this
    const { width, slots, dense: x, hot: indexes } = batch
    const base = row * width
    const hotBase = row * slots
    let sum = 0
    for (let i = 0; i < width; i += 1) {
      sum += (dense.stored[i]! * dense.scaleSum - dense.lag[i]!) * x[base + i]!
    }
    for (let s = 0; s < slots; s += 1) {
      const j = indexes[hotBase + s]!
      if (j >= 0 && j < hot.stored.length) sum += hot.stored[j]! * hot.scaleSum - hot.lag[j]!
    }
    return sum / steps + this.meanIntercept
  }

  private checkWidth(batch: FeatureBatch): void {
    if (batch.width === this.width) return
    throw new RangeError(`rows have ${batch.width} dense features, the learner has ${this.width}`)
  }
}
