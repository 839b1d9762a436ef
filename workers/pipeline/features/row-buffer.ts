/** Rows of features that wait for their batch to fill, across chunks. */
import { type Kernels, newFloats, newInts } from '../../kernels.ts'
import type { FeatureBatch } from '../learn/learner.ts'
import { encodeFloats, encodeInts, readFloats, readInts, readNumber } from '../learn/state.ts'

export class RowBuffer {
  /** Rows `first` to `batch.rows` are waiting. */
  readonly batch: FeatureBatch
  first = 0
  /** One-hot indexes handed out up to and including each row. */
  hotSizes = new Int32Array(0) as Int32Array
  private capacity = 0

  /** @param kernels in whose memory the rows are kept; null for arrays of JavaScript's */
  constructor(width: number, slots: number, kernels: Kernels | null = null) {
    this.batch = {
      rows: 0,
      width,
      dense: new Float64Array(0),
      slots,
      hot: new Int32Array(0),
      hotSize: 0,
      target: new Float64Array(0),
      kernels,
    }
  }

  get waiting(): number {
    return this.batch.rows - this.first
  }

  /** Moves what is waiting to the front and makes room after it for `rows` more. */
  reserve(rows: number): void {
    const { batch, first, waiting } = this
    const { width, slots, kernels = null } = batch
    const end = batch.rows
    if (waiting + rows > this.capacity) {
      this.capacity = waiting + rows
      const { capacity } = this
      const { dense, hot, target } = batch
      batch.dense = moved(dense, newFloats(kernels, capacity * width), first * width, end * width)
      batch.hot = moved(hot, newInts(kernels, capacity * slots), first * slots, end * slots)
      batch.target = moved(target, newFloats(kernels, capacity), first, end)
      const sizes = this.hotSizes
      this.hotSizes = moved(sizes, newInts(kernels, capacity), first, end)
      for (const old of [dense, hot, target, sizes]) kernels?.free(old)
    } else if (first > 0) {
      batch.dense.copyWithin(0, first * width, end * width)
      batch.hot.copyWithin(0, first * slots, end * slots)
      batch.target.copyWithin(0, first, end)
      this.hotSizes.copyWithin(0, first, end)
    }
    batch.rows = waiting
    this.first = 0
  }

  get byteLength(): number {
    const { dense, hot, target } = this.batch
    return dense.byteLength + hot.byteLength + target.byteLength + this.hotSizes.byteLength
  }

  /** Forgets all rows and has room for `rows`. */
  clear(rows: number): void {
    this.batch.rows = 0
    this.first = 0
    if (rows > this.capacity) this.reserve(rows)
  }

  /** Appends rows `start` to `end` of another buffer of the same shape; room for them was reserved. */
  append(from: RowBuffer, start: number, end: number): void {
    const { batch: source, hotSizes } = from
    const { batch } = this
    const { width, slots, rows } = batch
    let to = rows * width
    for (let i = start * width; i < end * width; i += 1, to += 1) batch.dense[to] = source.dense[i]!
    to = rows * slots
    for (let i = start * slots; i < end * slots; i += 1, to += 1) batch.hot[to] = source.hot[i]!
    to = rows
    for (let i = start; i < end; i += 1, to += 1) {
      batch.target[to] = source.target[i]!
      this.hotSizes[to] = hotSizes[i]!
    }
    batch.rows = to
  }

  /** What is waiting. */
  toJSON(): Record<string, unknown> {
    const { first } = this
    const { rows, width, slots, dense, hot, target } = this.batch
    return {
      rows: rows - first,
      dense: encodeFloats(dense.subarray(first * width, rows * width)),
      hot: encodeInts(hot.subarray(first * slots, rows * slots)),
      target: encodeFloats(target.subarray(first, rows)),
      hot_sizes: encodeInts(this.hotSizes.subarray(first, rows)),
    }
  }

  /** Takes up what an empty buffer of the same shape wrote; arrays grow again when rows are reserved. */
  restore(fields: Record<string, unknown>): void {
    const state = { ...fields, learner: 'row buffer' }
    const { batch } = this
    const rows = readNumber(state, 'rows')
    this.reserve(rows)
    batch.rows = rows
    batch.dense.set(readFloats(state, 'dense'))
    batch.hot.set(readInts(state, 'hot'))
    batch.target.set(readFloats(state, 'target'))
    this.hotSizes.set(readInts(state, 'hot_sizes'))
  }

  /**
   * The batch as it stood when the row before `to` was added: what a learner sees never depends on later rows,
   * which a larger chunk has already brought in.
   */
  upTo(to: number): FeatureBatch {
    this.batch.hotSize = to === 0 ? 0 : this.hotSizes[to - 1]!
    return this.batch
  }
}

function moved<A extends Float64Array | Int32Array>(from: A, to: A, start: number, end: number): A {
  to.set(from.subarray(start, end))
  return to
}
