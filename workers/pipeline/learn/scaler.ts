/** Standardises dense features by their running mean and deviation. */
import { isKernelArray, type Kernels, kernelsFor } from '../../kernels.ts'
import type { FeatureBatch, LearnerState } from './learner.ts'
import { encodeFloats, readFloats, readNumber } from './state.ts'

const FLOAT_BYTES = 8

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
    const kernels = kernelsFor(batch, n)
    if (kernels !== null) {
      this.learnCompiled(kernels, batch, from, n)
      return
    }
    const x = batch.dense
    if (n === 1) {
      const base = from * width
      for (let i = 0; i < width; i += 1) batchMean[i] = x[base + i]!
      batchSquares.fill(0)
    } else {
      columnSums(x, from * width, to * width, width, batchMean)
      for (let i = 0; i < width; i += 1) batchMean[i]! /= n
      squaredDeviations(x, from * width, to * width, width, batchMean, batchSquares)
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
    const kernels = kernelsFor(batch, to - from)
    if (kernels !== null && isKernelArray(out)) {
      const room = kernels.scratch(4 * width)
      for (let i = 0; i < width; i += 1) {
        room[i] = room[width + i] = mean[i]!
        room[2 * width + i] = room[3 * width + i] = inverse[i]!
      }
      const means = room.byteOffset
      const inverses = means + 2 * width * FLOAT_BYTES
      const begin = x.byteOffset + from * width * FLOAT_BYTES
      kernels.run.standardise(begin, to - from, width, means, inverses, out.byteOffset)
      return
    }
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

  /** 1 / deviation by feature, 0 for one that has not varied; valid until more is learned. */
  inverses(): Float64Array {
    if (this.stale) this.invert()
    return this.inverse
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

  /** `learn` of two rows or more. */
  private learnCompiled(kernels: Kernels, batch: FeatureBatch, from: number, rows: number): void {
    const { mean, squares } = this
    const { width, dense } = batch
    const room = kernels.scratch(4 * width)
    room.set(mean)
    room.set(squares, width)
    const [means, sums, rest] = [0, width, 2 * width].map((at) => room.byteOffset + at * FLOAT_BYTES)
    const x = dense.byteOffset + from * width * FLOAT_BYTES
    kernels.run.learnScale(x, rows, width, this.rows, means!, sums!, rest!)
    for (let i = 0; i < width; i += 1) {
      mean[i] = room[i]!
      squares[i] = room[width + i]!
    }
    this.rows += rows
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

/** True where the variance is what rounding can make of a constant (scikit-learn's bound). */
function constant(variance: number, mean: number, rows: number): boolean {
  const epsilon = Number.EPSILON
  const rounding = rows * mean * epsilon
  return variance <= rows * epsilon * variance + rounding * rounding
}

/** Sums of the columns of the rows in `x[begin .. end)`: four columns at a time, whose sums stay out of memory. */
function columnSums(x: Float64Array, begin: number, end: number, width: number, out: Float64Array): void {
  let i = 0
  for (; i + 3 < width; i += 4) {
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let at = begin + i; at < end; at += width) {
      a += x[at]!
      b += x[at + 1]!
      c += x[at + 2]!
      d += x[at + 3]!
    }
    out[i] = a
    out[i + 1] = b
    out[i + 2] = c
    out[i + 3] = d
  }
  for (; i < width; i += 1) {
    let sum = 0
    for (let at = begin + i; at < end; at += width) sum += x[at]!
    out[i] = sum
  }
}

/** Sums of squared deviations of the columns from `mean`, in the same way. */
function squaredDeviations(
  x: Float64Array,
  begin: number,
  end: number,
  width: number,
  mean: Float64Array,
  out: Float64Array,
): void {
  let i = 0
  for (; i + 3 < width; i += 4) {
    const p = mean[i]!
    const q = mean[i + 1]!
    const r = mean[i + 2]!
    const s = mean[i + 3]!
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let at = begin + i; at < end; at += width) {
      // No arrays here: until it is compiled the function would make one for every four values.
      const e = x[at]! - p
      const f = x[at + 1]! - q
      const g = x[at + 2]! - r
      const h = x[at + 3]! - s
      a += e * e
      b += f * f
      c += g * g
      d += h * h
    }
    out[i] = a
    out[i + 1] = b
    out[i + 2] = c
    out[i + 3] = d
  }
  for (; i < width; i += 1) {
    let sum = 0
    for (let at = begin + i; at < end; at += width) {
      const deviation = x[at]! - mean[i]!
      sum += deviation * deviation
    }
    out[i] = sum
  }
}
