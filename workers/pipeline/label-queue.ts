/** Batches that were predicted and wait for their labels, with their predictions, in order. */
import { RowBuffer } from './features/row-buffer.ts'
import { encodeFloats, readFloats } from './learn/state.ts'
import { RowQueue } from './spill/rows.ts'
import type { BlockShape, Spill } from './spill/spill.ts'

/** Rows a block of what waits. */
const BLOCK_ROWS = 1024

export interface LabelQueueState {
  rows: Record<string, unknown>
  /** Rows of each batch. */
  sizes: number[]
  /** By model, base64. */
  predictions: string[]
}

export class LabelQueue {
  /** The batch that `shift` took out, alone. */
  readonly batch: RowBuffer
  /** Its predictions and, behind them, those of the batches that wait; by model. */
  readonly predictions: Float64Array[]
  private readonly rows: RowQueue
  private readonly widths: readonly number[]
  private sizes: number[] = []
  /** Rows of predictions: those of the batch taken out begin at `taken`, those that wait at `taken` + its rows. */
  private taken = 0
  private end = 0

  /**
   * @param widths numbers of one prediction, by model
   * @param spill where rows go that would take too much memory; null: none do
   */
  constructor(
    shape: Omit<BlockShape, 'blockRows'>,
    widths: readonly number[],
    spill: Spill | null,
    state?: LabelQueueState,
  ) {
    this.batch = new RowBuffer(shape.width, shape.slots)
    this.rows = new RowQueue({ ...shape, blockRows: BLOCK_ROWS }, spill)
    this.widths = widths
    this.predictions = widths.map(() => new Float64Array(0))
    if (state === undefined) return
    const kept = new RowBuffer(shape.width, shape.slots)
    kept.restore(state.rows)
    this.refill(kept)
    this.sizes = [...state.sizes]
    this.end = kept.batch.rows
    for (let m = 0; m < widths.length; m += 1) {
      this.predictions[m] = readFloats({ learner: 'label queue', kept: state.predictions[m] }, 'kept')
    }
  }

  /** Rows of the oldest batch; 0 where none waits. */
  get nextRows(): number {
    return this.sizes[0] ?? 0
  }

  /** Row of `predictions` where those of the batch taken out begin. */
  get first(): number {
    return this.taken
  }

  /**
   * Adds rows `from` to `to` as one batch, `made` being their predictions by model; null: they have none, kept as NaN.
   * @throws {SpillError} where they cannot be written
   */
  push(buffer: RowBuffer, from: number, to: number, made: readonly Float64Array[] | null): void {
    const rows = to - from
    this.makeRoom(rows)
    for (let m = 0; m < this.widths.length; m += 1) {
      const width = this.widths[m]!
      const kept = this.predictions[m]!
      const start = this.end * width
      if (made === null) kept.fill(Number.NaN, start, start + rows * width)
      else for (let i = 0; i < rows * width; i += 1) kept[start + i] = made[m]![i]!
    }
    this.end += rows
    for (let row = from; row < to; row += 1) this.rows.push(buffer, row)
    this.sizes.push(rows)
  }

  /**
   * Takes the oldest batch out, in place of the one before.
   * @throws {SpillError} where it cannot be read back
   */
  shift(): void {
    this.taken = this.end - this.rows.length
    this.batch.first = this.batch.batch.rows
    this.rows.shift(this.sizes.shift()!, this.batch)
  }

  /** Call between batches. @throws {SpillError} as `shift` */
  toJSON(): LabelQueueState {
    const kept = new RowBuffer(this.batch.batch.width, this.batch.batch.slots)
    const start = this.end - this.rows.length
    this.rows.shift(this.rows.length, kept)
    this.refill(kept)
    return {
      rows: kept.toJSON(),
      sizes: [...this.sizes],
      predictions: this.predictions.map((values, m) =>
        encodeFloats(values.subarray(start * this.widths[m]!, this.end * this.widths[m]!)),
      ),
    }
  }

  private refill(kept: RowBuffer): void {
    for (let row = 0; row < kept.batch.rows; row += 1) this.rows.push(kept, row)
  }

  /** Moves predictions that still wait to the front, or doubles the room: each is moved once on average. */
  private makeRoom(rows: number): void {
    const waiting = this.rows.length
    const start = this.end - waiting
    const capacity = this.capacity()
    if (this.end + rows <= capacity) return
    const grown = 2 * (waiting + rows)
    for (let m = 0; m < this.widths.length; m += 1) {
      const width = this.widths[m]!
      const kept = this.predictions[m]!
      if (grown <= capacity) kept.copyWithin(0, start * width, this.end * width)
      else {
        const larger = new Float64Array(grown * width)
        larger.set(kept.subarray(start * width, this.end * width))
        this.predictions[m] = larger
      }
    }
    this.end = waiting
  }

  private capacity(): number {
    return this.predictions[0]!.length / this.widths[0]!
  }
}
