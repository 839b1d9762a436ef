/** From the sufficient statistics to ridge weights. */
import { solveArrow } from './cholesky.ts'
import type { CoMoments } from './comoments.ts'
import type { OneHotSums } from './one-hot-sums.ts'

/** A standard deviation below this share of the mean is rounding error: the feature is taken as constant. */
const CONSTANT = 1e-14

export interface RidgeWeights {
  /** Prediction = offset + sum dense_i (x_i - centre_i) + sum hot_j over the active indexes. */
  offset: number
  centre: Float64Array
  dense: Float64Array
  hot: Float64Array
}

/**
 * Minimises sum of w (y - prediction)^2 + penalty (|beta|^2 + |gamma|^2), where beta belongs to the dense features
 * standardised to variance 1, gamma to the one-hot columns as they are (0 or 1), and the intercept is free.
 *
 * Two indexes of one slot never meet in a row, so the block of a slot is diagonal. The slot with most indexes goes
 * first, which costs only its diagonal; the unknowns after it are the dense features, the other indexes, the intercept.
 */
export class RidgeSolver {
  private diagonal = new Float64Array(0)
  private rows = new Float64Array(0)
  private rhs = new Float64Array(0)

  solve(moments: CoMoments, groups: OneHotSums, penalty: number, into: RidgeWeights): void {
    const width = moments.size - 1
    const { total, mean, products } = moments
    const deviation = standardDeviations(moments)
    const features: number[] = []
    for (let i = 0; i < width; i += 1) if (deviation[i]! > 0) features.push(i)
    const [leading, others] = splitBySlot(groups)
    const h = leading.length
    const d = features.length
    const q = d + others.length + 1
    const n = h + q
    this.reserve(h, q)
    const { diagonal, rows, rhs } = this
    const yRow = (width * (width + 1)) / 2
    const yMean = mean[width]!

    for (let b = 0; b < h; b += 1) {
      const j = leading[b]!
      const weight = groups.weight[j]!
      diagonal[b] = weight + penalty
      rhs[b] = weight * (groups.means[j * groups.size + width]! - yMean)
    }
    for (let a = 0; a < d; a += 1) {
      const i = features[a]!
      const row = a * n
      const scale = 1 / deviation[i]!
      for (let b = 0; b < h; b += 1) rows[row + b] = crossProduct(groups, leading[b]!, i, mean[i]!) * scale
      const from = (i * (i + 1)) / 2
      for (let b = 0; b <= a; b += 1) {
        const k = features[b]!
        rows[row + h + b] = products[from + k]! / (deviation[i]! * deviation[k]!)
      }
      rows[row + h + a]! += penalty
      rhs[h + a] = products[yRow + i]! / deviation[i]!
    }
    for (let a = 0; a < others.length; a += 1) {
      const j = others[a]!
      const row = (d + a) * n
      const weight = groups.weight[j]!
      for (let b = 0; b < h; b += 1) rows[row + b] = groups.pair(j, leading[b]!)
      for (let b = 0; b < d; b += 1) {
        const i = features[b]!
        rows[row + h + b] = crossProduct(groups, j, i, mean[i]!) / deviation[i]!
      }
      for (let b = 0; b < a; b += 1) rows[row + h + d + b] = groups.pair(j, others[b]!)
      rows[row + h + d + a] = weight + penalty
      rhs[h + d + a] = weight * (groups.means[j * groups.size + width]! - yMean)
    }
    const last = (q - 1) * n
    for (let b = 0; b < h; b += 1) rows[last + b] = groups.weight[leading[b]!]!
    for (let b = 0; b < d; b += 1) rows[last + h + b] = 0
    for (let b = 0; b < others.length; b += 1) rows[last + h + d + b] = groups.weight[others[b]!]!
    rows[last + n - 1] = total
    rhs[n - 1] = 0

    solveArrow(diagonal, h, rows, q, rhs)

    into.offset = yMean + rhs[n - 1]!
    into.centre.set(mean.subarray(0, width))
    into.dense.fill(0)
    for (let a = 0; a < d; a += 1) into.dense[features[a]!] = rhs[h + a]! / deviation[features[a]!]!
    if (into.hot.length < groups.used) into.hot = new Float64Array(groups.weight.length)
    into.hot.fill(0)
    for (let b = 0; b < h; b += 1) into.hot[leading[b]!] = rhs[b]!
    for (let a = 0; a < others.length; a += 1) into.hot[others[a]!] = rhs[h + d + a]!
  }

  private reserve(h: number, q: number): void {
    if (this.diagonal.length < h) this.diagonal = new Float64Array(2 * h)
    if (this.rhs.length < h + q) this.rhs = new Float64Array(2 * (h + q))
    if (this.rows.length < q * (h + q)) this.rows = new Float64Array(Math.ceil(1.5 * q * (h + q)))
  }
}

/** Co-moment of one-hot column j with dense feature i, whose mean is given. */
function crossProduct(groups: OneHotSums, j: number, i: number, mean: number): number {
  return groups.weight[j]! * (groups.means[j * groups.size + i]! - mean)
}

/** Population standard deviations of the features; 0 where a feature is constant. */
function standardDeviations(moments: CoMoments): Float64Array {
  const width = moments.size - 1
  const deviation = new Float64Array(width)
  for (let i = 0; i < width; i += 1) {
    const value = Math.sqrt(moments.products[(i * (i + 1)) / 2 + i]! / moments.total)
    deviation[i] = value > CONSTANT * Math.abs(moments.mean[i]!) ? value : 0
  }
  return deviation
}

/** Indexes seen: those of the slot that has most of them, and all others. */
function splitBySlot(groups: OneHotSums): [number[], number[]] {
  const bySlot: number[][] = []
  for (let j = 0; j < groups.used; j += 1) {
    if (!(groups.weight[j]! > 0)) continue
    const slot = groups.slot[j]!
    bySlot[slot] ??= []
    bySlot[slot].push(j)
  }
  let largest: number[] = []
  for (const indexes of bySlot)
    if (indexes !== undefined && indexes.length > largest.length) largest = indexes
  const kept = bySlot.flatMap((indexes) => (indexes === undefined || indexes === largest ? [] : indexes))
  return [largest, kept]
}
