/** From one field's text to a column's value, for the readers that make strings anyway. */
import type { CategoryColumn, ColumnSpec, DateColumn, NumberColumn } from './columns.ts'
import { decodeCategory, decodeDate, decodeNumber } from './decode.ts'
import { Buckets } from './hash.ts'

/** A column of the chunk and how one field's text is put into it. */
export interface ColumnSink {
  spec: ColumnSpec
  column: NumberColumn | DateColumn | CategoryColumn
  /** Makes room for `rows` values; those before are lost. */
  reserve(rows: number): void
  /** False where the text does not fit the spec; the value is then missing. */
  put(text: string, row: number): boolean
}

export function columnSink(spec: ColumnSpec): ColumnSink {
  if (spec.kind !== 'category') return valueSink(spec, spec.kind)
  return spec.buckets === undefined ? categorySink(spec) : hashedSink(spec)
}

function valueSink(spec: ColumnSpec, kind: 'number' | 'date'): ColumnSink {
  const column: NumberColumn | DateColumn = { kind, name: spec.name, values: new Float64Array(0) }
  const decode = kind === 'date' ? decodeDate : decodeNumber
  return {
    spec,
    column,
    reserve(rows) {
      column.values = new Float64Array(rows)
    },
    put(text, row) {
      const value = decode(text, spec)
      column.values[row] = value ?? Number.NaN
      return value !== null
    },
  }
}

function categorySink(spec: ColumnSpec): ColumnSink {
  const codeOf = new Map<string, number>()
  const dictionary: string[] = []
  const column: CategoryColumn = { kind: 'category', name: spec.name, codes: new Int32Array(0), dictionary }
  return {
    spec,
    column,
    reserve(rows) {
      column.codes = new Int32Array(rows)
    },
    put(text, row) {
      const value = decodeCategory(text, spec)
      let code = value === null ? -1 : codeOf.get(value)
      if (code === undefined) {
        code = dictionary.push(value!) - 1
        codeOf.set(value!, code)
      }
      column.codes[row] = code
      return true
    },
  }
}

function hashedSink(spec: ColumnSpec): ColumnSink {
  const buckets = new Buckets(spec)
  const { dictionary } = buckets
  const column: CategoryColumn = { kind: 'category', name: spec.name, codes: new Int32Array(0), dictionary }
  return {
    spec,
    column,
    reserve(rows) {
      column.codes = new Int32Array(rows)
    },
    put(text, row) {
      column.codes[row] = buckets.codeOfText(text)
      return true
    },
  }
}
