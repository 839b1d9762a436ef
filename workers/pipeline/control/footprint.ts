/** What a run holds in memory, measured, and what its next chunk will take, known from the plan. */
import { getHeapStatistics } from 'node:v8'
import type { RowBuffer } from '../features/row-buffer.ts'
import type { Plan } from '../plan.ts'
import type { Footprint } from './chunk-controller.ts'

const FLOAT64 = Float64Array.BYTES_PER_ELEMENT
const INT32 = Int32Array.BYTES_PER_ELEMENT

/** Heap and external memory of this thread. External memory is what typed arrays take. */
export function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

/** Bytes a row in the columns as read and in the results of formulas. */
export function columnRowBytes({ specs, features }: Plan): number {
  const columns = specs.reduce((sum, { kind }) => sum + (kind === 'category' ? INT32 : FLOAT64), 0)
  return columns + features.formulas.length * FLOAT64
}

/** Bytes a row where rows of features wait: dense features and target, one-hot indexes and their count. */
export function featureRowBytes(width: number, slots: number): number {
  return (width + 1) * FLOAT64 + (slots + 1) * INT32
}

/** Grown buffers stand beside the ones that they replace until these are collected, so that growth counts in full. */
export class RunFootprint implements Footprint {
  heldBytes = 0
  readonly chunkBytes: (rows: number) => number
  private readonly zeroBytes: number
  private readonly used: () => number
  private columnRows = 0

  /**
   * @param zeroBytes what the thread used before it opened the run
   * @param used reads what the thread uses now
   */
  constructor(plan: Plan, buffer: RowBuffer, zeroBytes: number, used: () => number = usedBytes) {
    const columns = columnRowBytes(plan)
    const { width, slots } = buffer.batch
    const features = featureRowBytes(width, slots)
    this.zeroBytes = zeroBytes
    this.used = used
    this.chunkBytes = (rows) => {
      const waiting = buffer.waiting + rows
      return (
        (rows > this.columnRows ? rows * columns : 0) +
        (waiting > buffer.batch.target.length ? waiting * features : 0)
      )
    }
  }

  /** Takes a reading; call before each decision. */
  read(): this {
    this.heldBytes = Math.max(0, this.used() - this.zeroBytes)
    return this
  }

  /** A chunk of so many rows was read: the columns keep their room. */
  reached(rows: number): void {
    if (rows > this.columnRows) this.columnRows = rows
  }
}
