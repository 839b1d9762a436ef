/** What builds a column from fields as byte ranges. */
import type { CategoryColumn, ColumnSpec, DateColumn, NumberColumn } from '../columns.ts'

/** One wanted column: takes fields and keeps the values of the chunk. */
export interface ColumnBuilder {
  readonly spec: ColumnSpec
  readonly column: NumberColumn | DateColumn | CategoryColumn
  /** Makes room for `rows` values; those before are lost. */
  reserve(rows: number): void
  /**
   * Reads a field of each of `rows` rows: `fields[at]` and `fields[at + 1]` are its start and end in `bytes`, and
   * the next row's are `stride` further on. Values go to place `to` and on.
   * @returns the first row that does not fit the spec, or -1
   */
  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number
}
