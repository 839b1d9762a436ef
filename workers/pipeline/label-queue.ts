/** Rows that were predicted and wait for their labels, with their predictions, in order. */
import { RowBuffer } from './features/row-buffer.ts'
import type { FeatureBatch } from './learn/learner.ts'
import { encodeFloats, readFloats } from './learn/state.ts'

export class LabelQueue {
  private readonly buffer: RowBuffer
  /** By model: `widths` numbers a row, as the buffer's rows. */
  private readonly widths: readonly number[]
  readonly predictions: Float64Array[]

  /** `widths`: numbers of one prediction, by model. */
  constructor(width: number, slots: number, widths: readonly number[], state?: Record<string, unknown>) {
    this.buffer = new RowBuffer(width, slots)
    this.widths = widths
    this.predictions = widths.map(() => new Float64Array(0))
    if (state === undefined) return
    this.buffer.restore(state)
    const kept = state['predictions'] as string[]
    for (let m = 0; m < widths.length; m += 1) {
      this.predictions[m] = readFloats({ learner: 'label queue', kept: kept[m] }, 'kept')
    }
  }

  get waiting(): number {
    return this.buffer.waiting
  }

  /** The oldest row's place in `upTo`'s batch; its predictions begin at this times the width. */
  get first(): number {
    return this.buffer.first
  }

  /** Adds rows `from` to `to` of another buffer, `made` being their predictions by model. */
  push(rows: RowBuffer, from: number, to: number, made: readonly Float64Array[]): void {
    const { buffer, widths } = this
    if (buffer.room < to - from) this.makeRoom(to - from)
    const at = buffer.batch.rows
    for (let m = 0; m < widths.length; m += 1) {
      const width = widths[m]!
      const kept = this.predictions[m]!
      for (let i = 0; i < (to - from) * width; i += 1) kept[at * width + i] = made[m]![i]!
    }
    buffer.append(rows, from, to)
  }

  /** As RowBuffer.upTo. */
  upTo(to: number): FeatureBatch {
    return this.buffer.upTo(to)
  }

  /** Lets go of the oldest rows. */
  drop(rows: number): void {
    this.buffer.first += rows
  }

  toJSON(): Record<string, unknown> {
    const { first, batch } = this.buffer
    return {
      ...this.buffer.toJSON(),
      predictions: this.predictions.map((values, m) =>
        encodeFloats(values.subarray(first * this.widths[m]!, batch.rows * this.widths[m]!)),
      ),
    }
  }

  /** As much again as is waiting, so that each row is moved once on average. */
  private makeRoom(rows: number): void {
    const { buffer } = this
    const { first, waiting } = buffer
    const end = buffer.batch.rows
    buffer.reserve(rows + waiting)
    const capacity = buffer.batch.rows + buffer.room
    for (const [m, width] of this.widths.entries()) {
      const kept = this.predictions[m]!
      if (kept.length >= capacity * width) kept.copyWithin(0, first * width, end * width)
      else {
        const grown = new Float64Array(capacity * width)
        grown.set(kept.subarray(first * width, end * width))
        this.predictions[m] = grown
      }
    }
  }
}
