/** Test, then train: every batch is predicted by models that have seen only the batches before it. */
import type { RowBuffer } from './features/row-buffer.ts'
import { learnRows, type Model, scoreRows } from './models.ts'

export class Prequential {
  /** Rows predicted and then learned. */
  learned = 0
  /** May change between batches. */
  batchSize: number
  private readonly models: readonly Model[]
  private room = new Float64Array(0)

  constructor(models: readonly Model[], batchSize: number) {
    this.models = models
    this.batchSize = batchSize
  }

  /** Handles all full batches that wait in the buffer; with `last`, the rest as a smaller batch too. */
  take(buffer: RowBuffer, last: boolean): void {
    while (buffer.waiting >= this.batchSize) this.batch(buffer, this.batchSize)
    if (last && buffer.waiting > 0) this.batch(buffer, buffer.waiting)
  }

  private batch(buffer: RowBuffer, rows: number): void {
    const from = buffer.first
    const to = from + rows
    const batch = buffer.upTo(to)
    if (this.room.length < rows) this.room = new Float64Array(rows)
    scoreRows(this.models, batch, from, to, this.room)
    learnRows(this.models, batch, from, to)
    buffer.first = to
    this.learned += rows
  }
}
