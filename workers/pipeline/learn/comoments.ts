/** Running means and co-moments of the dense features and the target: all that least squares needs of them. */
import type { Kernels } from '../../kernels.ts'
import type { LearnerState } from './learner.ts'
import { encodeFloats, readFloats, readNumber } from './state.ts'

/** Weights grow by 1 / forgetting a row; above this all sums are scaled down by an exact power of two. */
const WEIGHT_LIMIT = 2 ** 200

const FLOAT_BYTES = 8

/**
 * Means and sums of products of deviations of [x, y] (y last), by Welford's update, so that nothing is lost to
 * large means. With forgetting f a row's weight falls by f with each later row: kept as weights that grow by 1/f,
 * which leaves every stored sum untouched until all are scaled at once.
 */
export class CoMoments {
  /** Features and target together. */
  readonly size: number
  /** Weight that the next row gets; the last row's is this times the forgetting. */
  rowWeight = 1
  /** Sum of weights. */
  total = 0
  readonly mean: Float64Array
  /** Lower triangle by rows: entry (i, k), k <= i, at i (i + 1) / 2 + k. */
  readonly products: Float64Array
  private readonly delta: Float64Array
  private readonly furtherDeltas: readonly [Float64Array, Float64Array, Float64Array]

  constructor(size: number) {
    this.size = size
    this.mean = new Float64Array(size)
    this.products = new Float64Array((size * (size + 1)) / 2)
    this.delta = new Float64Array(size)
    this.furtherDeltas = [new Float64Array(size), new Float64Array(size), new Float64Array(size)]
  }

  /** Adds row `row` of `dense` (rows of `size` - 1 features) and its target with the current weight. */
  add(dense: Float64Array, row: number, target: number): void {
    const { size, delta, products } = this
    const share = this.move(dense, row, target, delta)
    let at = 0
    for (let i = 0; i < size; i += 1) {
      const scaled = share * delta[i]!
      for (let k = 0; k <= i; k += 1) products[at + k]! += scaled * delta[k]!
      at += i + 1
    }
  }

  /**
   * Adds rows `from` to `to`, or each `step`th of them, with the current weight: the same bits as one row at a time.
   * Four rows share each trip of a product through memory, which takes half the time.
   */
  addMany(dense: Float64Array, targets: Float64Array, from: number, to: number, step = 1): void {
    const first = this.delta
    const [second, third, fourth] = this.furtherDeltas
    let row = from
    for (; row + 3 * step < to; row += 4 * step) {
      const a = this.move(dense, row, targets[row]!, first)
      const b = this.move(dense, row + step, targets[row + step]!, second)
      const c = this.move(dense, row + 2 * step, targets[row + 2 * step]!, third)
      const d = this.move(dense, row + 3 * step, targets[row + 3 * step]!, fourth)
      this.addFour(a, b, c, d)
    }
    for (; row < to; row += step) this.add(dense, row, targets[row]!)
  }

  /** `addMany` of rows in the kernels' memory. */
  addCompiled(kernels: Kernels, dense: Float64Array, targets: Float64Array, from: number, to: number): void {
    const { size, mean, products } = this
    const width = size - 1
    const room = kernels.scratch(size + products.length + 4 * (size + 1))
    room.set(mean)
    room.set(products, size)
    const means = room.byteOffset
    this.total = kernels.run.addMoments(
      dense.byteOffset + FLOAT_BYTES * from * width,
      targets.byteOffset + FLOAT_BYTES * from,
      to - from,
      width,
      means,
      means + FLOAT_BYTES * size,
      means + FLOAT_BYTES * (size + products.length),
      this.total,
      this.rowWeight,
    )
    for (let i = 0; i < size; i += 1) mean[i] = room[i]!
    products.set(room.subarray(size, size + products.length))
  }

  /** Adds the products of four rows, as `move` left them, by the share of each; apart, so that it is soon compiled. */
  private addFour(a: number, b: number, c: number, d: number): void {
    const { size, products, delta: first } = this
    const [second, third, fourth] = this.furtherDeltas
    let at = 0
    for (let i = 0; i < size; i += 1) {
      const scaledA = a * first[i]!
      const scaledB = b * second[i]!
      const scaledC = c * third[i]!
      const scaledD = d * fourth[i]!
      for (let k = 0; k <= i; k += 1) {
        products[at + k] =
          products[at + k]! +
          scaledA * first[k]! +
          scaledB * second[k]! +
          scaledC * third[k]! +
          scaledD * fourth[k]!
      }
      at += i + 1
    }
  }

  /** Moves the means by a row and writes how far it was from them to `delta`; the share of its products that counts. */
  private move(dense: Float64Array, row: number, target: number, delta: Float64Array): number {
    const { mean } = this
    const width = this.size - 1
    const base = row * width
    const weight = this.rowWeight
    const total = this.total + weight
    this.total = total
    const rate = weight / total
    for (let i = 0; i < width; i += 1) {
      const d = dense[base + i]! - mean[i]!
      delta[i] = d
      mean[i]! += rate * d
    }
    const d = target - mean[width]!
    delta[width] = d
    mean[width]! += rate * d
    return weight * (1 - rate)
  }

  /** Ages all rows so far by one row; returns the factor by which the caller must scale sums of its own, mostly 1. */
  age(forgetting: number): number {
    this.rowWeight /= forgetting
    if (this.rowWeight < WEIGHT_LIMIT) return 1
    const factor = 1 / WEIGHT_LIMIT
    this.rowWeight *= factor
    this.scale(factor)
    return factor
  }

  /** Multiplies the weight of every row so far. */
  scale(factor: number): void {
    this.total *= factor
    for (let i = 0; i < this.products.length; i += 1) this.products[i]! *= factor
  }

  /** Adds all rows of another, by the pairwise form of Chan, Golub and LeVeque. */
  merge(other: CoMoments): void {
    if (other.total === 0) return
    const total = this.total + other.total
    const share = (this.total * other.total) / total
    for (let i = 0; i < this.size; i += 1) this.delta[i] = other.mean[i]! - this.mean[i]!
    let at = 0
    for (let i = 0; i < this.size; i += 1) {
      const scaled = share * this.delta[i]!
      for (let k = 0; k <= i; k += 1)
        this.products[at + k]! += other.products[at + k]! + scaled * this.delta[k]!
      at += i + 1
    }
    for (let i = 0; i < this.size; i += 1) {
      this.mean[i] =
        this.total === 0 ? other.mean[i]! : this.mean[i]! + this.delta[i]! * (other.total / total)
    }
    this.total = total
  }

  toJSON(): Record<string, unknown> {
    return {
      size: this.size,
      total: this.total,
      row_weight: this.rowWeight,
      mean: encodeFloats(this.mean),
      products: encodeFloats(this.products),
    }
  }

  static fromJSON(fields: Record<string, unknown>): CoMoments {
    const state: LearnerState = { ...fields, learner: 'ridge' }
    const moments = new CoMoments(readNumber(state, 'size'))
    moments.total = readNumber(state, 'total')
    moments.rowWeight = readNumber(state, 'row_weight')
    moments.mean.set(readFloats(state, 'mean'))
    moments.products.set(readFloats(state, 'products'))
    return moments
  }
}
