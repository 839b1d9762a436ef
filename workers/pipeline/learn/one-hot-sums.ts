/** What least squares needs of one-hot columns, kept by group and never as dense rows. */
import type { Kernels } from '../../kernels.ts'
import type { FeatureBatch, LearnerState } from './learner.ts'
import {
  encodeFloats,
  encodeInts,
  grownFloats,
  readFloats,
  readInts,
  readNumber,
  usedLength,
} from './state.ts'

const FLOAT_BYTES = 8
const INT_BYTES = 4
/** Numbers a row that may be copied to the kernels' memory and back: what a row takes is many times that. */
const COPIED_PER_ROW = 32

/**
 * For each one-hot index its weight and the mean of [x, y] over its rows, and for each pair of indexes the weight of
 * the rows that have both. The co-moment of column j with feature i is then weight_j (groupMean_ji - mean_i).
 */
export class OneHotSums {
  /** Values a group: features and target. */
  readonly size: number
  /** Indexes at and above this are not kept. */
  readonly limit: number
  /** Indexes in use are below this. */
  used = 0
  /** Sum of weights by index. */
  weight = new Float64Array(0)
  /** Slot by index, -1 before its first row. */
  slot = new Int32Array(0)
  /** used x size. */
  means = new Float64Array(0)
  /** Lower triangle without diagonal: pair (j, k), k < j, at j (j - 1) / 2 + k. */
  pairs = new Float64Array(0)
  /** Active one-hot entries that were left out because of the limit. */
  ignored = 0

  constructor(size: number, limit: number) {
    this.size = size
    this.limit = limit
  }

  /** Makes room for indexes below `hotSize`; call before `add`. */
  reserve(hotSize: number): void {
    const used = Math.min(hotSize, this.limit)
    if (used <= this.used) return
    this.used = used
    this.weight = grownFloats(this.weight, used)
    this.means = grownFloats(this.means, used * this.size)
    this.pairs = grownFloats(this.pairs, (used * (used - 1)) / 2)
    if (this.slot.length < used) {
      const slot = new Int32Array(this.weight.length).fill(-1)
      slot.set(this.slot)
      this.slot = slot
    }
  }

  /** Adds one row: its active indexes at `hot[base .. base + slots)`, its features and target, its weight. */
  add(
    hot: Int32Array,
    base: number,
    slots: number,
    dense: Float64Array,
    denseBase: number,
    target: number,
    weight: number,
  ): void {
    const { size, used, means, pairs } = this
    const width = size - 1
    for (let s = 0; s < slots; s += 1) {
      const j = hot[base + s]!
      if (j < 0) continue
      if (j >= used) {
        this.ignored += 1
        continue
      }
      const total = this.weight[j]! + weight
      this.weight[j] = total
      this.slot[j] = s
      const rate = weight / total
      const group = j * size
      for (let i = 0; i < width; i += 1)
        means[group + i]! += rate * (dense[denseBase + i]! - means[group + i]!)
      means[group + width]! += rate * (target - means[group + width]!)
      for (let t = 0; t < s; t += 1) {
        const k = hot[base + t]!
        if (k >= 0 && k < used) pairs[k < j ? (j * (j - 1)) / 2 + k : (k * (k - 1)) / 2 + j]! += weight
      }
    }
  }

  /**
   * `add` of rows `from` to `to` in the kernels' memory, to which the sums are copied and from which they come back.
   * @returns false, and nothing was added, where there are so few rows that this would take longer than they do
   */
  addCompiled(kernels: Kernels, batch: FeatureBatch, from: number, to: number, weight: number): boolean {
    const { size, used } = this
    const [weights, means, pairs] = [used, used * size, (used * (used - 1)) / 2]
    const numbers = weights + means + pairs + Math.ceil(used / 2)
    const rows = to - from
    if (numbers > COPIED_PER_ROW * rows) return false
    const { dense, target, hot, width, slots } = batch
    const room = kernels.scratch(numbers)
    const slotOf = new Int32Array(
      room.buffer,
      room.byteOffset + FLOAT_BYTES * (weights + means + pairs),
      used,
    )
    room.set(this.weight.subarray(0, weights))
    room.set(this.means.subarray(0, means), weights)
    room.set(this.pairs.subarray(0, pairs), weights + means)
    slotOf.set(this.slot.subarray(0, used))
    this.ignored += kernels.run.addGroups(
      dense.byteOffset + FLOAT_BYTES * from * width,
      target.byteOffset + FLOAT_BYTES * from,
      hot.byteOffset + INT_BYTES * from * slots,
      rows,
      width,
      slots,
      used,
      weight,
      room.byteOffset,
      slotOf.byteOffset,
      room.byteOffset + FLOAT_BYTES * weights,
      room.byteOffset + FLOAT_BYTES * (weights + means),
    )
    this.weight.set(room.subarray(0, weights))
    this.means.set(room.subarray(weights, weights + means))
    this.pairs.set(room.subarray(weights + means, weights + means + pairs))
    this.slot.set(slotOf)
    return true
  }

  /** Weight of the rows that have both indexes, j and k different. */
  pair(j: number, k: number): number {
    return this.pairs[k < j ? (j * (j - 1)) / 2 + k : (k * (k - 1)) / 2 + j]!
  }

  scale(factor: number): void {
    for (let j = 0; j < this.used; j += 1) this.weight[j]! *= factor
    for (let p = 0; p < this.pairs.length; p += 1) this.pairs[p]! *= factor
  }

  merge(other: OneHotSums): void {
    this.reserve(other.used)
    for (let j = 0; j < other.used; j += 1) {
      const added = other.weight[j]!
      if (added === 0) continue
      const before = this.weight[j]!
      const total = before + added
      this.weight[j] = total
      this.slot[j] = other.slot[j]!
      for (let i = j * this.size; i < (j + 1) * this.size; i += 1) {
        const mean = this.means[i]!
        this.means[i] = before === 0 ? other.means[i]! : mean + (other.means[i]! - mean) * (added / total)
      }
    }
    const pairs = (other.used * (other.used - 1)) / 2
    for (let p = 0; p < pairs; p += 1) this.pairs[p]! += other.pairs[p]!
    this.ignored += other.ignored
  }

  toJSON(): Record<string, unknown> {
    const used = usedLength(this.weight)
    return {
      used,
      ignored: this.ignored,
      weight: encodeFloats(this.weight.subarray(0, used)),
      slot: encodeInts(this.slot.subarray(0, used)),
      means: encodeFloats(this.means.subarray(0, used * this.size)),
      pairs: encodeFloats(this.pairs.subarray(0, (used * (used - 1)) / 2)),
    }
  }

  static fromJSON(fields: Record<string, unknown>, size: number, limit: number): OneHotSums {
    const state: LearnerState = { ...fields, learner: 'ridge' }
    const sums = new OneHotSums(size, limit)
    sums.used = readNumber(state, 'used')
    sums.ignored = readNumber(state, 'ignored')
    sums.weight = readFloats(state, 'weight')
    sums.slot = readInts(state, 'slot')
    sums.means = readFloats(state, 'means')
    sums.pairs = readFloats(state, 'pairs')
    return sums
  }
}
