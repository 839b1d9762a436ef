/** From the sufficient statistics to ridge weights. */
import { solveCholesky } from './cholesky.ts'
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
 * Two indexes of one slot never meet in a row, so the block of a slot is diagonal. The largest slot is eliminated by
 * that diagonal (Schur complement), which is exact, and only the rest goes through Cholesky:
 * cost O(h q^2 + q^3) for h columns of that slot and q others instead of O((h + q)^3).
 */
export class RidgeSolver {
  private matrix = new Float64Array(0)
  private rhs = new Float64Array(0)
  private column = new Float64Array(0)

  solve(moments: CoMoments, groups: OneHotSums, penalty: number, into: RidgeWeights): void {
    const width = moments.size - 1
    const { total, mean, products } = moments
    const deviation = standardDeviations(moments)
    const features: number[] = []
    for (let i = 0; i < width; i += 1) if (deviation[i]! > 0) features.push(i)
    const [eliminated, kept] = splitBySlot(groups)
    const d = features.length
    const q = d + kept.length + 1
    this.reserve(q)
    const { matrix, rhs, column } = this
    const yRow = (width * (width + 1)) / 2
    const yMean = mean[width]!

    for (let a = 0; a < d; a += 1) {
      const i = features[a]!
      const row = (i * (i + 1)) / 2
      for (let b = 0; b <= a; b += 1) {
        const k = features[b]!
        matrix[a * q + b] = products[row + k]! / (deviation[i]! * deviation[k]!)
      }
      matrix[a * q + a]! += penalty
      rhs[a] = products[yRow + i]! / deviation[i]!
    }
    for (let a = 0; a < kept.length; a += 1) {
      const j = kept[a]!
      const row = (d + a) * q
      const weight = groups.weight[j]!
      const group = j * groups.size
      for (let b = 0; b < d; b += 1) {
        const i = features[b]!
        matrix[row + b] = (weight * (groups.means[group + i]! - mean[i]!)) / deviation[i]!
      }
      for (let b = 0; b < a; b += 1) matrix[row + d + b] = groups.pair(j, kept[b]!)
      matrix[row + d + a] = weight + penalty
      rhs[d + a] = weight * (groups.means[group + width]! - yMean)
    }
    const last = (q - 1) * q
    for (let b = 0; b < d; b += 1) matrix[last + b] = 0
    for (let b = 0; b < kept.length; b += 1) matrix[last + d + b] = groups.weight[kept[b]!]!
    matrix[last + q - 1] = total
    rhs[q - 1] = 0

    for (const j of eliminated) {
      const pivot = groups.weight[j]! + penalty
      const right = this.crossColumn(j, moments, groups, features, deviation, kept)
      for (let a = 0; a < q; a += 1) {
        const value = column[a]!
        if (value === 0) continue
        const scaled = value / pivot
        rhs[a]! -= scaled * right
        const row = a * q
        for (let b = 0; b <= a; b += 1) matrix[row + b]! -= scaled * column[b]!
      }
    }

    solveCholesky(matrix, q, rhs)

    into.offset = yMean + rhs[q - 1]!
    into.centre.set(mean.subarray(0, width))
    into.dense.fill(0)
    for (let a = 0; a < d; a += 1) into.dense[features[a]!] = rhs[a]! / deviation[features[a]!]!
    if (into.hot.length < groups.used) into.hot = new Float64Array(groups.weight.length)
    into.hot.fill(0)
    for (let a = 0; a < kept.length; a += 1) into.hot[kept[a]!] = rhs[d + a]!
    for (const j of eliminated) {
      let value = this.crossColumn(j, moments, groups, features, deviation, kept)
      for (let a = 0; a < q; a += 1) value -= column[a]! * rhs[a]!
      into.hot[j] = value / (groups.weight[j]! + penalty)
    }
  }

  /** Writes the products of eliminated index j with all kept unknowns to `column`; returns its product with y. */
  private crossColumn(
    j: number,
    moments: CoMoments,
    groups: OneHotSums,
    features: number[],
    deviation: Float64Array,
    kept: number[],
  ): number {
    const { column } = this
    const { mean } = moments
    const weight = groups.weight[j]!
    const group = j * groups.size
    const d = features.length
    for (let a = 0; a < d; a += 1) {
      const i = features[a]!
      column[a] = (weight * (groups.means[group + i]! - mean[i]!)) / deviation[i]!
    }
    for (let a = 0; a < kept.length; a += 1) column[d + a] = groups.pair(j, kept[a]!)
    column[d + kept.length] = weight
    const width = moments.size - 1
    return weight * (groups.means[group + width]! - mean[width]!)
  }

  private reserve(q: number): void {
    if (this.rhs.length >= q) return
    const room = Math.ceil(q * 1.25)
    this.matrix = new Float64Array(room * room)
    this.rhs = new Float64Array(room)
    this.column = new Float64Array(room)
  }
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
