/** Feature rows that tell which they are. */
import { RowBuffer } from '../../../workers/pipeline/features/row-buffer.ts'

export const WIDTH = 3
export const SLOTS = 2

/** Rows `from` to `to`; every number depends on the row, NaN and -0 among them. */
export function rowBuffer(from: number, to: number): RowBuffer {
  const buffer = new RowBuffer(WIDTH, SLOTS)
  buffer.reserve(to - from)
  const { batch } = buffer
  for (let row = from; row < to; row += 1) {
    const at = row - from
    batch.dense.set([row + 0.1, row % 7 === 0 ? Number.NaN : -0, 1 / (row + 1)], at * WIDTH)
    batch.hot.set([row % 5 === 0 ? -1 : row, row * 2], at * SLOTS)
    batch.target[at] = row * 1e-3
    buffer.hotSizes[at] = row + 1
  }
  batch.rows = to - from
  return buffer
}

/** The waiting rows as plain values. */
export function rowsOf(buffer: RowBuffer): unknown[] {
  const { batch, first } = buffer
  return Array.from({ length: buffer.waiting }, (_, i) => {
    const row = first + i
    return [
      ...batch.dense.subarray(row * WIDTH, (row + 1) * WIDTH),
      ...batch.hot.subarray(row * SLOTS, (row + 1) * SLOTS),
      batch.target[row],
      buffer.hotSizes[row],
    ]
  })
}
