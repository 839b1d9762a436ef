/** FTRL-Proximal: per-coordinate step sizes and weights that are exactly 0 until a feature has earned one. */
import type { FeatureBatch, LearnerState } from './learner.ts'
import type { LinearModel } from './linear-learner.ts'
import { sigmoid } from './loss.ts'
import { encodeFloats, grownFloats, readFloats, readNumber, readObject, usedLength } from './state.ts'

export interface FtrlOptions {
  /** Step size scale. */
  alpha: number
  /** Smooths the first steps. */
  beta: number
  l1: number
  l2: number
}

export const FTRL_DEFAULTS: FtrlOptions = { alpha: 0.1, beta: 1, l1: 0, l2: 1 }

/** Gradients are kept within this bound so that one absurd row cannot overflow the sums of their squares. */
const GRADIENT_LIMIT = 1e12

/** z, n and the weight they give, for one block of coordinates. */
class Coordinates {
  z = new Float64Array(0)
  n = new Float64Array(0)
  weight = new Float64Array(0)

  reserve(size: number): void {
    this.z = grownFloats(this.z, size)
    this.n = grownFloats(this.n, size)
    this.weight = grownFloats(this.weight, size)
  }

  /** One coordinate's update by gradient g. */
  update(i: number, g: number, alpha: number, beta: number, l1: number, l2: number): void {
    const before = this.n[i]!
    const after = before + g * g
    const root = Math.sqrt(after)
    const z = this.z[i]! + g - ((root - Math.sqrt(before)) / alpha) * this.weight[i]!
    this.n[i] = after
    this.z[i] = z
    this.weight[i] = Math.abs(z) <= l1 ? 0 : -(z - Math.sign(z) * l1) / ((beta + root) / alpha + l2)
  }

  /** Sums of squared gradients keep that share, so steps grow; z moves along, so that every weight stays. */
  forget(keep: number, alpha: number, beta: number, l1: number, l2: number): void {
    for (let i = 0; i < this.n.length; i += 1) {
      const n = this.n[i]! * keep
      this.n[i] = n
      const weight = this.weight[i]!
      if (weight !== 0) this.z[i] = -weight * ((beta + Math.sqrt(n)) / alpha + l2) - Math.sign(weight) * l1
    }
  }

  toJSON(): Record<string, string> {
    const used = usedLength(this.n)
    return {
      z: encodeFloats(this.z.subarray(0, used)),
      n: encodeFloats(this.n.subarray(0, used)),
      weight: encodeFloats(this.weight.subarray(0, used)),
    }
  }

  restore(learner: string, fields: Record<string, unknown>, size: number): void {
    const state: LearnerState = { ...fields, learner }
    this.z = readFloats(state, 'z')
    this.n = readFloats(state, 'n')
    this.weight = readFloats(state, 'weight')
    this.reserve(size)
  }
}

/**
 * McMahan et al. (2013), Algorithm 1, on the margin's gradient: p - y for log loss as for squared loss / 2.
 * The intercept is a coordinate of its own, without penalty.
 */
export class Ftrl implements LinearModel {
  readonly options: FtrlOptions
  private readonly dense = new Coordinates()
  private readonly hot = new Coordinates()
  private readonly intercept = new Coordinates()
  private width = -1

  /** @throws {RangeError} on options out of range */
  constructor(options: Partial<FtrlOptions> = {}) {
    this.options = { ...FTRL_DEFAULTS, ...options }
    if (!(this.options.alpha > 0)) throw new RangeError(`alpha must be above 0, not ${this.options.alpha}`)
    for (const name of ['beta', 'l1', 'l2'] as const) {
      const value = this.options[name]
      if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more, not ${value}`)
    }
    this.intercept.reserve(1)
  }

  margins(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (this.width < 0) {
      out.fill(0, 0, to - from)
      return
    }
    this.checkWidth(batch.width)
    for (let row = from; row < to; row += 1) out[row - from] = this.margin(batch, row)
  }

  learn(batch: FeatureBatch, from: number, to: number, classes: boolean): void {
    const { width, slots } = batch
    if (this.width < 0) {
      this.width = width
      this.dense.reserve(width)
    }
    this.checkWidth(width)
    this.hot.reserve(batch.hotSize)
    const { alpha, beta, l1, l2 } = this.options
    for (let row = from; row < to; row += 1) {
      const margin = this.margin(batch, row)
      const error = (classes ? sigmoid(margin) : margin) - batch.target[row]!
      const g = Math.max(-GRADIENT_LIMIT, Math.min(GRADIENT_LIMIT, error))
      if (g === 0) continue
      const base = row * width
      for (let i = 0; i < width; i += 1) {
        const x = batch.dense[base + i]!
        if (x !== 0) this.dense.update(i, g * x, alpha, beta, l1, l2)
      }
      const hotBase = row * slots
      for (let s = 0; s < slots; s += 1) {
        const j = batch.hot[hotBase + s]!
        if (j >= 0) this.hot.update(j, g, alpha, beta, l1, l2)
      }
      this.intercept.update(0, g, alpha, beta, 0, 0)
    }
  }

  forget(keep: number): void {
    const { alpha, beta, l1, l2 } = this.options
    this.dense.forget(keep, alpha, beta, l1, l2)
    this.hot.forget(keep, alpha, beta, l1, l2)
    this.intercept.forget(keep, alpha, beta, 0, 0)
  }

  coefficients(): { dense: Float64Array; hot: Float64Array; intercept: number } {
    return {
      dense: this.dense.weight.slice(),
      hot: this.hot.weight.slice(),
      intercept: this.intercept.weight[0]!,
    }
  }

  toJSON(): Record<string, unknown> {
    return {
      options: this.options,
      width: this.width,
      dense: this.dense.toJSON(),
      hot: this.hot.toJSON(),
      intercept: this.intercept.toJSON(),
    }
  }

  static fromJSON(state: LearnerState): Ftrl {
    const model = new Ftrl(readObject(state, 'options'))
    model.width = readNumber(state, 'width')
    model.dense.restore(state.learner, readObject(state, 'dense'), Math.max(0, model.width))
    model.hot.restore(state.learner, readObject(state, 'hot'), 0)
    model.intercept.restore(state.learner, readObject(state, 'intercept'), 1)
    return model
  }

  private margin(batch: FeatureBatch, row: number): number {
    const { width, slots } = batch
    const dense = this.dense.weight
    const hot = this.hot.weight
    const base = row * width
    let sum = this.intercept.weight[0]!
    for (let i = 0; i < width; i += 1) sum += dense[i]! * batch.dense[base + i]!
    const hotBase = row * slots
    for (let s = 0; s < slots; s += 1) {
      const j = batch.hot[hotBase + s]!
      if (j >= 0 && j < hot.length) sum += hot[j]!
    }
    return sum
  }

  private checkWidth(width: number): void {
    if (width !== this.width) {
      throw new RangeError(`rows have ${width} dense features, the learner has ${this.width}`)
    }
  }
}
