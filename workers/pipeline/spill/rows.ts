/** Rows of features kept in order: in memory as far as they fit, the later ones in files. */
import { RowBuffer } from '../features/row-buffer.ts'
import type { BlockShape, Segments, Spill } from './spill.ts'

export class RowStore {
  rows = 0
  private readonly shape: BlockShape
  private readonly spill: Spill | null
  /** Full blocks, the first of the store. */
  private readonly resident: RowBuffer[] = []
  /** Full blocks after those. */
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

/** Rows that leave in the order in which they came, such as those whose labels arrive late. */
export class RowQueue {
  /** Rows that wait. */
  length = 0
  private readonly shape: BlockShape
  private readonly spill: Spill | null
  /** The block that rows leave from; its rows before `first` are gone. */
  private head: RowBuffer
  /** Full blocks after the head that stayed in memory. */
  private readonly resident: RowBuffer[] = []
  /** Full blocks after those. */
  private segments: Segments | null = null
  private nextSegmentBlock = 0
  /** The block that rows come into; the head itself while no other is needed. */
  private tail: RowBuffer

  /** @param spill null: all rows stay in memory */
  constructor(shape: BlockShape, spill: Spill | null) {
    this.shape = shape
    this.spill = spill
    this.head = this.block()
    this.tail = this.head
  }

  /**
   * Copies one row to the end.
   * @throws {SpillError} where a block cannot be written
   */
  push(from: RowBuffer, row: number): void {
    if (this.tail.batch.rows === this.shape.blockRows) this.turnTail()
    this.tail.append(from, row, row + 1)
    this.length += 1
  }

  /**
   * Moves the first `rows` rows, at most those that wait, after what `into` holds.
   * @throws {SpillError} where a block cannot be read back
   */
  shift(rows: number, into: RowBuffer): void {
    const count = Math.min(rows, this.length)
    into.reserve(count)
    for (let i = 0; i < count; i += 1) {
      if (this.head.waiting === 0) this.turnHead()
      into.append(this.head, this.head.first, this.head.first + 1)
      this.head.first += 1
      this.length -= 1
    }
  }

  private turnTail(): void {
    const full = this.tail
    if (full === this.head) {
      this.tail = this.block()
      return
    }
    const spilled = this.segments !== null && this.nextSegmentBlock < this.segments.blocks
    if (this.spill === null || (!spilled && this.spill.claim(full.byteLength))) {
      this.resident.push(full)
      this.tail = this.block()
      return
    }
    this.segments ??= this.spill.segments(this.shape)
    this.segments.append(full)
    full.clear(this.shape.blockRows)
  }

  private turnHead(): void {
    const next = this.resident.shift()
    if (next !== undefined) {
      this.spill?.release(next.byteLength)
      this.head = next
    } else if (this.segments !== null && this.nextSegmentBlock < this.segments.blocks) {
      this.segments.read(this.nextSegmentBlock, this.head)
      this.nextSegmentBlock += 1
      this.segments.drop(this.nextSegmentBlock)
    } else {
      this.head = this.tail
    }
  }

  private block(): RowBuffer {
    const block = new RowBuffer(this.shape.width, this.shape.slots)
    block.clear(this.shape.blockRows)
    return block
  }
}
