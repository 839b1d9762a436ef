/**
 * Test, then train: every row is predicted as soon as it comes, by models that have seen only labels which had arrived
 * before its batch began: so the bits do not hang on how many rows come at once. A full batch is scored and learned. What
 * came before the first label was learned is not predicted and not scored, by the learner and the baselines alike:
 * a model that knows nothing has no prediction, and 0 is none. `score_from` makes that start longer (scikit-multiflow's
 * `pretrain_size`).
 */
import { RowBuffer } from './features/row-buffer.ts'
import type { FeatureBatch } from './learn/learner.ts'
import { encodeFloats, readFloats } from './learn/state.ts'
import { learnRows, type Model, PredictionRoom, predictRows, scoreRows, widthsOf } from './models.ts'
import { RowQueue } from './spill/rows.ts'
import type { BlockShape, Spill } from './spill/spill.ts'

/** Told of each batch as its labels arrive, before it is learned. */
export type Observer = (
  batch: FeatureBatch,
  from: number,
  to: number,
  /** Predictions of the first model; null where it had learned nothing. */
  predictions: Float64Array | null,
  /** Row of `predictions` that belongs to `from`. */
  first: number,
  /** Rows with a target before `from`, over the whole stream. */
  before: number,
) => void

export interface PrequentialState {
  predicted: number
  unscored: number
  learned: number
  batch_size: number
  queue: LabelQueueState | null
  due: Forgetting[]
  /** Rows that were really learned, where some were not to be. */
  trained?: number
}

/** What is known of the rows that were put into the buffer since the last call. */
export interface Taken {
  /** False: they are answered and scored, and not learned. */
  train: boolean
  /** Rows of the data that were read so far, those without a target included. */
  read: number
  /** Rows of the data, from the first on, whose labels have arrived; null: each comes with its row, or `labelDelay` later. */
  labels: number | null
}

interface Range {
  from: number
  to: number
}

/** After the batch with this row (rows with a target, from 0), what was learned keeps this share of its weight. */
interface Forgetting {
  row: number
  keep: number
}

export interface Schedule {
  /** Rows seen between a row and its label. */
  labelDelay: number
  /** Rows with a target, from the first on, that are predicted and not scored. */
  scoreFrom: number
}

/**
 * A row's label arrives when `labelDelay` more rows have been seen. A batch is learned, whole, before the first batch
 * that begins after its last label has arrived; without delay that is the batch right after it.
 */
export class Prequential {
  observer: Observer | null = null
  /** Rows in batches that were predicted, and rows of them whose labels came, which were scored and learned. */
  predicted = 0
  learned = 0
  /** Rows that were really learned: of these, some may only have been answered. */
  private trained = 0
  /** Rows seen, those included that wait for their batch to fill. */
  private seen = 0
  /** Rows not to be learned, in order; those that are settled are forgotten. */
  private readonly untrained: Range[] = []
  /** Rows of the buffer, from its first on, that are predicted. */
  private ahead = 0
  /** Rows seen before anything was learned: the first ones of the stream, in whole batches. */
  unscored = 0
  /** May change between batches. */
  batchSize: number
  private readonly models: readonly Model[]
  private readonly labelDelay: number
  private readonly scoreFrom: number
  private queue: LabelQueue | null
  private readonly newQueue: (state?: LabelQueueState) => LabelQueue
  private readonly room = new PredictionRoom()
  private readonly due: Forgetting[]

  constructor(
    models: readonly Model[],
    batchSize: number,
    { labelDelay, scoreFrom }: Schedule,
    shape: { width: number; slots: number },
    /** Where rows go whose labels are late and that would take too much memory; null: none do. */
    spill: Spill | null,
    state?: PrequentialState,
  ) {
    this.models = models
    this.batchSize = state?.batch_size ?? batchSize
    this.labelDelay = labelDelay
    this.scoreFrom = scoreFrom
    const widths = widthsOf(models)
    this.newQueue = (state) => new LabelQueue(shape, widths, spill, state)
    const queued = state?.queue ?? undefined
    this.queue = labelDelay === 0 && queued === undefined ? null : this.newQueue(queued)
    this.due = [...(state?.due ?? [])]
    this.predicted = state?.predicted ?? 0
    this.unscored = state?.unscored ?? 0
    this.learned = state?.learned ?? 0
    this.trained = state?.trained ?? this.learned
    this.seen = this.predicted
  }

  /**
   * Predicts all rows that came into the buffer, and handles all full batches; with `last`, all rows and all labels
   * that are still to come.
   */
  take(buffer: RowBuffer, last: boolean, taken: Taken | null = null): void {
    this.note(buffer, taken)
    for (;;) {
      this.predict(buffer, taken)
      if (buffer.waiting < this.batchSize) break
      this.batch(buffer, this.batchSize, taken)
    }
    if (!last) return
    if (buffer.waiting > 0) this.batch(buffer, buffer.waiting, taken)
    while (this.queue !== null && this.queue.nextRows > 0) this.settleQueued(this.queue)
  }

  /**
   * For drift alarms: the first model forgets once the batch with that row is learned, however far ahead of it the rows
   * were read. `keep` 0 starts it afresh with that batch, so that it can always predict; of several for one batch the
   * smallest counts.
   * @throws {RangeError} where `keep` is not from 0 to 1, or the row's batch is learned already
   */
  forgetAfter(row: number, keep: number): void {
    if (!(keep >= 0 && keep <= 1)) throw new RangeError(`keep must be from 0 to 1, not ${keep}`)
    if (row < this.learned) throw new RangeError(`row ${row} was learned before: now at row ${this.learned}`)
    this.due.push({ row, keep })
  }

  toJSON(): PrequentialState {
    const { predicted, unscored, learned, trained, batchSize, queue, due } = this
    return {
      predicted,
      unscored,
      learned,
      batch_size: batchSize,
      queue: queue?.toJSON() ?? null,
      due,
      ...(trained < learned && { trained }),
    }
  }

  private note(buffer: RowBuffer, taken: Taken | null): void {
    const seen = this.predicted + buffer.waiting
    if (taken?.train === false && seen > this.seen) {
      const last = this.untrained.at(-1)
      if (last !== undefined && last.to === this.seen) last.to = seen
      else this.untrained.push({ from: this.seen, to: seen })
    }
    this.seen = seen
    if (taken !== null && taken.labels !== null) this.queue ??= this.newQueue()
  }

  /** Predicts the waiting rows of the next batch that came since, by the models as they are until it is full. */
  private predict(buffer: RowBuffer, taken: Taken | null): void {
    const rows = Math.min(buffer.waiting, this.batchSize)
    if (rows <= this.ahead) return
    if (this.ahead === 0) this.settleDue(taken)
    const from = buffer.first + this.ahead
    const to = buffer.first + rows
    if (this.trained > 0) {
      const batch = buffer.upTo(to)
      const room = this.room.for(this.models, rows, this.batchSize, batch.kernels ?? null)
      predictRows(this.models, batch, from, to, room, this.ahead)
    }
    this.ahead = rows
  }

  /** Learns the batches whose labels have all arrived. */
  private settleDue(taken: Taken | null): void {
    const { queue } = this
    if (queue === null) return
    const labels = taken?.labels ?? null
    const isDue = () =>
      labels === null
        ? this.learned + queue.nextRows + this.labelDelay <= this.predicted
        : queue.nextEnd <= labels
    while (queue.nextRows > 0 && isDue()) this.settleQueued(queue)
  }

  /** Handles the first `rows` that wait, which are predicted. */
  private batch(buffer: RowBuffer, rows: number, taken: Taken | null): void {
    const from = buffer.first
    const to = from + rows
    const batch = buffer.upTo(to)
    const knows = this.trained > 0
    const made = knows ? this.room.for(this.models, rows, this.batchSize, batch.kernels ?? null) : null
    if (!knows) this.unscored += rows
    this.predicted += rows
    const { queue } = this
    if (queue === null) this.settle(batch, from, to, made, 0)
    else {
      // The rows of the data after the batch are at least those that still wait.
      queue.push(buffer, from, to, made, (taken?.read ?? 0) - (buffer.waiting - rows))
      this.settleDue(taken)
    }
    buffer.first = to
    // Where the batch became smaller since, the rest is predicted again, by the models as they are now.
    this.ahead = 0
  }

  private settleQueued(queue: LabelQueue): void {
    queue.shift()
    const { rows } = queue.batch.batch
    const made = this.learned < this.unscored ? null : queue.predictions
    this.settle(queue.batch.upTo(rows), 0, rows, made, queue.first)
  }

  private settle(
    batch: FeatureBatch,
    from: number,
    to: number,
    predictions: readonly Float64Array[] | null,
    first: number,
  ): void {
    const { models } = this
    const model = models[0]!
    const skipped = Math.max(0, Math.min(to - from, this.scoreFrom - this.learned))
    if (predictions !== null) scoreRows(models, batch, from + skipped, to, predictions, first + skipped)
    if (this.observer !== null) this.observer(batch, from, to, predictions?.[0] ?? null, first, this.learned)
    const start = this.learned
    this.learned += to - from
    const parts = this.toLearn(start, this.learned)
    if (parts.length === 0) return
    const keep = this.due.length > 0 ? this.takeDue() : 1
    if (keep === 0) {
      model.learner = model.fresh()
      model.learned = 0
    }
    for (const part of parts) {
      const at = part.from - start
      const rows = part.to - part.from
      learnRows(models, batch, from + at, from + at + rows, predictions, first + at)
      this.trained += rows
      for (const one of models) one.learned += rows
    }
    if (keep > 0 && keep < 1) model.learner.forget?.(keep)
  }

  /** Rows `from` to `to` without those that are not to be learned. */
  private toLearn(from: number, to: number): Range[] {
    const { untrained } = this
    if (untrained.length === 0) return [{ from, to }]
    const parts: Range[] = []
    let at = from
    for (const range of untrained) {
      if (range.from >= to) break
      if (range.from > at) parts.push({ from: at, to: range.from })
      at = Math.max(at, range.to)
    }
    if (at < to) parts.push({ from: at, to })
    while (untrained.length > 0 && untrained[0]!.to <= to) untrained.shift()
    return parts
  }

  /** The share to keep of what was learned, 1 for all, as asked for rows that are learned now. */
  private takeDue(): number {
    const now = this.due.filter(({ row }) => row < this.learned)
    const later = this.due.filter(({ row }) => row >= this.learned)
    this.due.splice(0, this.due.length, ...later)
    return Math.min(1, ...now.map(({ keep }) => keep))
  }
}

// ---------------------------------------------------------------- labels that arrive late
// Batches that were predicted and wait for their labels, with their predictions, in order.

/** Rows a block of what waits. */
const BLOCK_ROWS = 1024

interface LabelQueueState {
  rows: Record<string, unknown>
  /** Rows of each batch. */
  sizes: number[]
  /** By model, base64. */
  predictions: string[]
}

class LabelQueue {
  /** The batch that `shift` took out, alone. */
  readonly batch: RowBuffer
  /** Its predictions and, after them, those of the batches that wait; by model. */
  readonly predictions: Float64Array[]
  private readonly rows: RowQueue
  private readonly widths: readonly number[]
  private sizes: number[] = []
  /** Of each batch: rows of the data up to its last; 0 where nobody counts. */
  private ends: number[] = []
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
    this.ends = state.sizes.map(() => 0)
    this.end = kept.batch.rows
    for (let m = 0; m < widths.length; m += 1) {
      this.predictions[m] = readFloats({ learner: 'label queue', kept: state.predictions[m] }, 'kept')
    }
  }

  /** Rows of the oldest batch; 0 where none waits. */
  get nextRows(): number {
    return this.sizes[0] ?? 0
  }

  /** Rows of the data up to the last of the oldest batch. */
  get nextEnd(): number {
    return this.ends[0] ?? 0
  }

  /** Row of `predictions` where those of the batch taken out begin. */
  get first(): number {
    return this.taken
  }

  /**
   * Adds rows `from` to `to` as one batch, `made` being their predictions by model; null: they have none, kept as NaN.
   * The data has `end` rows up to the last of them.
   * @throws {SpillError} where they cannot be written
   */
  push(buffer: RowBuffer, from: number, to: number, made: readonly Float64Array[] | null, end: number): void {
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
    this.ends.push(end)
  }

  /**
   * Takes the oldest batch out, in place of the one before.
   * @throws {SpillError} where it cannot be read back
   */
  shift(): void {
    this.taken = this.end - this.rows.length
    this.batch.first = this.batch.batch.rows
    this.ends.shift()
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
