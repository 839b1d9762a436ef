/**
 * A chunk of rows as typed columns: what every reader yields and all that cleaning and features see.
 * Readers never build a string for a value that repeats, so a category is a code into a growing dictionary.
 */
import type { CsvDialect, DateFormat, DecimalMark } from './types.ts'

/** Float64; NaN where the value is missing. */
export interface NumberColumn {
  kind: 'number'
  name: string
  values: Float64Array
}

/** Days since 1970-01-01 (UTC, proleptic Gregorian); NaN where missing. */
export interface DateColumn {
  kind: 'date'
  name: string
  values: Float64Array
}

/** Codes into `dictionary`, in order of first appearance in the source; -1 where missing. */
export interface CategoryColumn {
  kind: 'category'
  name: string
  codes: Int32Array
  /** Shared by all chunks of one reader; only ever grows. */
  dictionary: readonly string[]
}

export type Column = NumberColumn | DateColumn | CategoryColumn

export interface ColumnChunk {
  /** Typed arrays may be longer than `rows`: only the first `rows` entries count. Valid until the next read. */
  rows: number
  /** Data rows before this chunk. */
  firstRow: number
  /** In the order of the specs that the reader was opened with. */
  columns: Column[]
  /** Bytes of input that these rows took. */
  bytes: number
  /** Values that do not fit their spec, as missing in their columns; absent where the reader fails at the first. */
  misfits?: Misfit[]
}

/** A value that was read as missing because it does not fit its spec. */
export interface Misfit {
  /** Row in the chunk. */
  row: number
  /** Place among the specs. */
  column: number
  line: number
  /** What was expected, and what was found. */
  problem: string
}

/** How one column's text becomes values. A header column that no spec names is skipped. */
export interface ColumnSpec {
  name: string
  kind: 'number' | 'date' | 'category'
  /** Spellings that mean missing, beside the empty field. */
  missing?: readonly string[]
  /** number: take what follows the last occurrence of this text, as in `6-9 / 2.06` with ` / `. */
  after?: string
  /** number: words that stand for a number, as `Undrafted` for 0. */
  words?: Readonly<Record<string, number>>
  /** number: the currency sign that may stand before or after it, '' for none. */
  currency?: string
  /** number: the unit that stands after each, '' for none. */
  unit?: string
  /**
   * number: skip leading text that cannot start a number (`$`, `NBA2k`, `#`) and ignore a trailing unit. Without it,
   * `currency` and `unit` the whole trimmed field must be a decimal number, read as `Number()` reads it; with any of
   * them it may have thousands separators, a multiplier (K, M, G or B, T), and be negative as `(5)` or `5-`.
   */
  loose?: boolean
  /** number: the decimal mark, `.` where absent. With a comma, points separate thousands. */
  decimal?: DecimalMark
  /** category: values that differ in capitals only are one, in small letters. */
  ignoreCase?: boolean
  /** date: the field's form; ISO 8601 where absent. */
  format?: DateFormat
  /** category: values become one of so many hashed ones, and no dictionary of them is kept. */
  buckets?: number
}

/** A value that does not fit its spec, a ragged row, a broken quote: the user's data is at fault. */
export class DataError extends Error {
  override name = 'DataError'
  readonly file: string
  /** Physical line in the file, from 1. */
  readonly line: number
  readonly column: string | undefined
  constructor(message: string, file: string, line: number, column?: string) {
    super(`${file}:${line}: ${column === undefined ? '' : `column "${column}": `}${message}`)
    this.file = file
    this.line = line
    this.column = column
  }
}

/** A row that has not as many fields as the header. */
export class RowWidthError extends DataError {
  /** Fields that the header has. */
  readonly width: number
  /** Data rows before it. */
  readonly rowsBefore: number
  constructor(message: string, file: string, line: number, width: number, rowsBefore: number) {
    super(message, file, line)
    this.width = width
    this.rowsBefore = rowsBefore
  }
}

export interface ChunkReader {
  /** Header names in file order. */
  readonly header: readonly string[]
  /**
   * The next chunk, of `rows` rows or what is left; null at the end of the data.
   * @throws {DataError} on a ragged row, a broken quote, or a value that does not fit its spec
   */
  read(rows: number): ColumnChunk | null | Promise<ColumnChunk | null>
  close(): void | Promise<void>
}

export interface ReaderOptions extends CsvDialect {
  /** Only the first so many data rows. */
  rows?: number
  /** Read values that do not fit their spec as missing, and say so in the chunk, instead of failing. */
  markMisfits?: boolean
  /** Events: the names of all fields, where they are known. */
  names?: readonly string[]
}

/** Opens a CSV file. Both readers, the reference (csv-parse) and the byte-level one, have this form. */
export type OpenReader = (
  path: string,
  specs: readonly ColumnSpec[],
  options?: ReaderOptions,
) => ChunkReader | Promise<ChunkReader>
