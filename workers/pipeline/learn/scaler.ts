/** Standardises dense features by their running mean and deviation. */
import type { FeatureBatch, LearnerState } from './learner.ts'
import { encodeFloats, readFloats, readNumber } from './state.ts'

/**
 * Running mean and variance by feature: a batch's own moments by two passes, then the merge of Chan, Golub and LeVeque,
 * as in scikit-learn's StandardScaler.partial_fit; rows one at a time give River's StandardScaler.
 * A feature that has not varied so far becomes 0.
 */
export class StandardScaler {
  rows = 0
  mean = new Float64Array(0)
  /** Sums of squared deviations. */
  squares = new Float64Array(0)
  private batchMean = new Float64Array(0)
  private batchSquares = new Float64Array(0)
  private inverse = new Float64Array(0)
  private stale = true

  /** Takes rows `from` to `to` into the moments. */
  learn(batch: FeatureBatch, from: number, to: number): void {
    const { width } = batch
    if (this.rows === 0 && this.mean.length !== width) this.allocate(width)
    this.checkWidth(width)
    const n = to - from
    if (n <= 0) return
    const { mean, squares, batchMean, batchSquares } = this
    const x = batch.dense
    batchMean.fill(0)
    for (let row = from; row < to; row += 1) {
      const base = row * width
      for (let i = 0; i < width; i += 1) batchMean[i]! += x[base + i]!
    }
    for (let i = 0; i < width; i += 1) batchMean[i]! /= n
    batchSquares.fill(0)
    if (n > 1) {
      for (let row = from; row < to; row += 1) {
        const base = row * width
        for (let i = 0; i < width; i += 1) {
          const d = x[base + i]! - batchMean[i]!
          batchSquares[i]! += d * d
        }
      }
    }
    const total = this.rows + n
    const rate = n / total
    const share = this.rows * rate
    for (let i = 0; i < width; i += 1) {
      const delta = batchMean[i]! - mean[i]!
      mean[i]! += delta * rate
      squares[i]! += batchSquares[i]! + delta * delta * share
    }
    this.rows = total
    this.stale = true
  }

  /** Writes rows `from` to `to` standardised to `out[0 .. (to - from) x width)`. Before any row it writes 0. */
  transform(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { width } = batch
    if (this.rows === 0) {
      out.fill(0, 0, (to - from) * width)
      return
    }
    this.checkWidth(width)
    if (this.stale) this.invert()
    const { mean, inverse } = this
    const x = batch.dense
    let at = 0
    for (let row = from; row < to; row += 1) {
      const base = row * width
      for (let i = 0; i < width; i += 1) out[at + i] = (x[base + i]! - mean[i]!) * inverse[i]!
      at += width
    }
  }

  /** Exact: as if this one had seen the other's rows too. */
  merge(other: StandardScaler): void {
    if (other.rows === 0) return
    if (this.rows === 0) this.allocate(other.mean.length)
    this.checkWidth(other.mean.length)
    const total = this.rows + other.rows
    const rate = other.rows / total
    for (let i = 0; i < this.mean.length; i += 1) {
      const delta = other.mean[i]! - this.mean[i]!
      this.mean[i]! += delta * rate
      this.squares[i]! += other.squares[i]! + delta * delta * this.rows * rate
    }
    this.rows = total
    this.stale = true
  }

  /** Counts the rows so far as `keep` times as many. */
  forget(keep: number): void {
    this.rows *= keep
    for (let i = 0; i < this.squares.length; i += 1) this.squares[i]! *= keep
    this.stale = true
  }

  /** Population variance by feature. */
  variance(): Float64Array {
    return this.squares.map((sum) => (this.rows === 0 ? 0 : sum / this.rows))
  }

  toJSON(): Record<string, unknown> {
    return { rows: this.rows, mean: encodeFloats(this.mean), squares: encodeFloats(this.squares) }
  }

  static fromJSON(fields: Record<string, unknown>): StandardScaler {
    const state: LearnerState = { ...fields, learner: 'scaled' }
    const scaler = new StandardScaler()
    const mean = readFloats(state, 'mean')
    scaler.allocate(mean.length)
    scaler.rows = readNumber(state, 'rows')
    scaler.mean.set(mean)
    scaler.squares.set(readFloats(state, 'squares'))
    return scaler
  }

  private allocate(width: number): void {
    this.mean = new Float64Array(width)
    this.squares = new Float64Array(width)
    this.batchMean = new Float64Array(width)
    this.batchSquares = new Float64Array(width)
    this.inverse = new Float64Array(width)
    this.stale = true
  }

  private invert(): void {
    for (let i = 0; i < this.mean.length; i += 1) {
      const variance = this.squares[i]! / this.rows
      this.inverse[i] = constant(variance, this.mean[i]!, this.rows) ? 0 : 1 / Math.sqrt(variance)
    }
    this.stale = false
  }

  private checkWidth(width: number): void {
    if (width !== this.mean.length) {
      throw new RangeError(`rows have ${width} dense features, the scaler has ${this.mean.length}`)
    }
  }
}

/** True where the variance is what rounding alone can make of a constant (scikit-learn's bound). */
function constant(variance: number, mean: number, rows: number): boolean {
  const epsilon = Number.EPSILON
  return variance <= rows * epsilon * variance + (rows * mean * epsilon) ** 2
}
