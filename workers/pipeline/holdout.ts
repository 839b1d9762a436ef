/** Batch mode: all rows are kept, then learned at once on one part and scored on the other. */
import type { RowBuffer } from './features/row-buffer.ts'
import { learnRows, type Model, PredictionRoom, predictRows, scoreRows } from './models.ts'
import { RowStore } from './spill/rows.ts'
import type { Spill } from './spill/spill.ts'

/** Share of the rows that are scored and not learned. */
export const HELD_OUT = 0.2
/** Rows are kept in blocks of about this size, whatever the chunk size. */
const BLOCK_ROWS = 4096
const TWO_32 = 2 ** 32

export class Holdout {
  /** Rows learned; 0 until `fit`. */
  learned = 0
  heldOut = 0
  private readonly models: readonly Model[]
  private readonly batchSize: number
  private readonly seed: number
  private readonly train: RowStore
  private readonly test: RowStore
  private readonly blockRows: number
  private rows = 0

  /** @param spill where rows go that would take too much memory; null: none do */
  constructor(
    models: readonly Model[],
    batchSize: number,
    seed: number,
    features: { width: number; slots: number },
    spill: Spill | null,
  ) {
    this.models = models
    this.batchSize = batchSize
    this.seed = seed
    // Whole batches to a block, so that block ends never cut one.
    this.blockRows = batchSize * Math.ceil(BLOCK_ROWS / batchSize)
    const shape = { ...features, blockRows: this.blockRows }
    this.train = new RowStore(shape, spill)
    this.test = new RowStore(shape, spill)
  }

  /**
   * Takes all waiting rows out of the buffer.
   * @throws {SpillError} where they cannot be written
   */
  keep(buffer: RowBuffer): void {
    while (buffer.waiting > 0) {
      const store = hash(this.rows, this.seed) < HELD_OUT * TWO_32 ? this.test : this.train
      store.add(buffer, buffer.first)
      buffer.first += 1
      this.rows += 1
    }
  }

  /**
   * Learns the training rows, `epochs` times over, in batches; then scores the held-out rows.
   * @throws {SpillError} where rows cannot be read back
   */
  fit(epochs: number): void {
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      this.train.forEach((block) => {
        const { rows } = block.batch
        for (let from = 0; from < rows; from += this.batchSize) {
          const to = Math.min(rows, from + this.batchSize)
          learnRows(this.models, block.upTo(to), from, to)
        }
      })
    }
    this.learned = this.train.rows
    for (const model of this.models) model.learned = this.learned
    this.heldOut = this.test.rows
    // A model that has learned nothing has no prediction.
    if (this.learned === 0) return
    const room = new PredictionRoom()
    this.test.forEach((block) => {
      const { rows } = block.batch
      const batch = block.upTo(rows)
      const made = room.for(this.models, rows)
      predictRows(this.models, batch, 0, rows, made)
      scoreRows(this.models, batch, 0, rows, made, 0)
    })
  }
}

/** 32 well-mixed bits of a row number (the finaliser of MurmurHash3, A. Appleby). */
function hash(row: number, seed: number): number {
  let h = Math.imul(row ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b) ^ seed
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
