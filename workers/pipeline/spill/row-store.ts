/** Rows of features kept in order: in memory as far as they fit, the later ones in files. */
import { RowBuffer } from '../features/row-buffer.ts'
import type { BlockShape, Segments } from './segments.ts'
import type { Spill } from './spill.ts'

export class RowStore {
  rows = 0
  private readonly shape: BlockShape
  private readonly spill: Spill | null
  /** Full blocks, the first of the store. */
  private readonly resident: RowBuffer[] = []
  /** Full blocks behind those. */
  private segments: Segments | null = null
  /** The last rows. */
  private open: RowBuffer | null = null
  /** What blocks are read back into. */
  private room: RowBuffer | null = null

  /** @param spill null: all rows stay in memory */
  constructor(shape: BlockShape, spill: Spill | null) {
    this.shape = shape
    this.spill = spill
  }

  /**
   * Copies one row to the end.
   * @throws {SpillError} where a block cannot be written
   */
  add(from: RowBuffer, row: number): void {
    if (this.open?.batch.rows === this.shape.blockRows) this.put(this.open)
    this.open ??= this.block()
    this.open.append(from, row, row + 1)
    this.rows += 1
  }

  /**
   * Visits all blocks in order. A block is valid until the next one.
   * @throws {SpillError} where a block cannot be read back
   */
  forEach(visit: (block: RowBuffer) => void): void {
    for (const block of this.resident) visit(block)
    if (this.segments !== null) {
      this.room ??= this.block()
      const block = this.room
      for (let i = 0; i < this.segments.blocks; i += 1) {
        this.segments.read(i, block)
        visit(block)
      }
    }
    if (this.open !== null) visit(this.open)
  }

  /** Once a block went to disk all later ones do: the order is kept. */
  private put(full: RowBuffer): void {
    if (this.spill === null || (this.segments === null && this.spill.claim(full.byteLength))) {
      this.resident.push(full)
      this.open = null
      return
    }
    this.segments ??= this.spill.segments(this.shape)
    this.segments.append(full)
    full.clear(this.shape.blockRows)
  }

  private block(): RowBuffer {
    const block = new RowBuffer(this.shape.width, this.shape.slots)
    block.clear(this.shape.blockRows)
    return block
  }
}
