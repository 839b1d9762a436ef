/** Test, then train: every batch is predicted by models that have seen only the batches before it. */
import type { RowBuffer } from './features/row-buffer.ts'
import type { FeatureBatch } from './learn/learner.ts'
import { learnRows, type Model, scoreRows } from './models.ts'

/** Told of each batch as its labels arrive, before it is learned: predictions of the first model. */
export type Observer = (
  batch: FeatureBatch,
  from: number,
  to: number,
  predictions: Float64Array,
  /** Row of `predictions` that belongs to `from`. */
  first: number,
  /** Rows with a target before `from`, over the whole stream. */
  before: number,
) => void

export class Prequential {
  observer: Observer | null = null
  /** Rows predicted and then learned. */
  learned = 0
  /** May change between batches. */
  batchSize: number
  private readonly models: readonly Model[]
  private room = new Float64Array(0)
  /** What the first model keeps after this batch. */
  private keep = 1

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
    const { observer, room } = this
    const predicted = observer === null ? null : () => observer(batch, from, to, room, 0, this.learned)
    scoreRows(this.models, batch, from, to, room, predicted)
    learnRows(this.models, batch, from, to)
    buffer.first = to
    this.learned += rows
    if (this.keep < 1) this.forget()
  }

  /** For drift alarms: the first model forgets right after the batch at hand; of several the smallest `keep` counts. */
  forgetAfter(_row: number, keep: number): void {
    this.keep = Math.min(this.keep, keep)
  }

  private forget(): void {
    const model = this.models[0]!
    if (this.keep === 0) model.learner = model.fresh()
    else model.learner.forget?.(this.keep)
    this.keep = 1
  }
}
