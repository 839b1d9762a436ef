/** The fast reader: CSV bytes to typed columns, without a string for any value that repeats. */

import { type Kernels, openKernels } from '../../kernels.ts'
import {
  type ChunkReader,
  type ColumnChunk,
  type ColumnSpec,
  DataError,
  type Misfit,
  RowWidthError,
} from '../columns.ts'
import { misfit } from '../decode.ts'
import { columnNames, findColumns } from '../header.ts'
import { type ByteSource, NotText, openSource } from '../sources/bytes.ts'
import type { CsvDialect, Header } from '../types.ts'
import { dialectBytes } from './dialect.ts'
import { Scanner } from './scanner.ts'
import type { ColumnBuilder } from './values.ts'
import { columnBuilder } from './values.ts'

export interface BytesOptions extends CsvDialect {
  /** Only the first so many data rows. */
  rows?: number
  /** Read values that do not fit their spec as missing, and say so in the chunk, instead of failing. */
  markMisfits?: boolean
  /** First size of the input buffer, bytes; it grows only for a row that fills it. */
  bufferBytes?: number
  /** The longest row allowed, line end not counted. */
  maxRowBytes?: number
  /**
   * What reads, and in whose memory the chunks lie; null for JavaScript only. Where absent the reader has kernels of its
   * own, whose memory it gives back when it is closed.
   */
  kernels?: Kernels | null
}

const BUFFER_BYTES = 256 * 1024
const MAX_ROW_BYTES = 16 * 1024 * 1024
/** Rows scanned before their columns are read: few enough that their bytes are still in the processor's cache. */
const BLOCK_ROWS = 256
/** A wide table has fewer rows in a block. */
const BLOCK_FIELDS = 1 << 18

/** Makes what takes the fields of a table's columns, which its `spec` names, once their names are known. */
export type Builders = (header: readonly string[], kernels: Kernels | null) => readonly ColumnBuilder[]

/**
 * Opens a CSV file: plain (then all reading is synchronous), `*.gz`, or `-` for stdin.
 * Strict RFC 4180 with LF or CRLF line ends; blank lines are skipped; a byte order mark is allowed.
 * @throws {DataError} for a header that is absent, broken or lacks one of the specs
 * @throws {TypeError} for options that make no sense
 * @throws {Error} where the file cannot be read
 */
export function openBytes(
  path: string,
  specs: readonly ColumnSpec[],
  options: BytesOptions = {},
): ChunkReader | Promise<ChunkReader> {
  return openByteSource(
    reading(path, () => openSource(path, options.encoding)),
    path === '-' ? 'stdin' : path,
    specs,
    options,
  )
}

/** As `openBytes`, for bytes from elsewhere, in UTF-8; `name` stands for the file in errors. The reader closes the source. */
export function openByteSource(
  source: ByteSource,
  name: string,
  specs: readonly ColumnSpec[] | Builders,
  options: BytesOptions = {},
): ChunkReader | Promise<ChunkReader> {
  const builders: Builders =
    typeof specs === 'function'
      ? specs
      : (_header, kernels) => specs.map((spec) => columnBuilder(spec, kernels))
  return closingOnError(source, () => new BytesReader(source, name, builders, options).open())
}

class BytesReader implements ChunkReader {
  header: readonly string[] = []
  readonly #source: ByteSource
  readonly #name: string
  readonly #makeBuilders: Builders
  readonly #scanner: Scanner
  #builders: readonly ColumnBuilder[] = []
  /** Place of each builder's field among a row's wanted fields, times two. */
  #places: readonly number[] = []
  #stride = 0
  #blockRows = BLOCK_ROWS
  #markSkipped = false
  readonly #header: Header
  /** Lines before the header that are still to be skipped. */
  #linesToSkip: number
  /** Data rows that may still be read. */
  #left: number
  /** Rows asked of the read that is under way. */
  #asked = 0
  #capacity = 0
  readonly #chunk: ColumnChunk
  #failure: Error | null = null
  readonly #misfits: Misfit[] | null
  /** Those that it opened itself. */
  #kernels: Kernels | null = null
  /** Those that hold its bytes. */
  readonly #columnKernels: Kernels | null

  constructor(source: ByteSource, name: string, makeBuilders: Builders, options: BytesOptions) {
    const {
      rows = Number.POSITIVE_INFINITY,
      bufferBytes = BUFFER_BYTES,
      maxRowBytes = MAX_ROW_BYTES,
    } = options
    atLeastOne('bufferBytes', bufferBytes)
    atLeastOne('maxRowBytes', maxRowBytes)
    this.#source = source
    this.#name = name
    this.#makeBuilders = makeBuilders
    this.#header = options.header ?? true
    this.#linesToSkip = options.skip_lines ?? 0
    const dialect = dialectBytes(options)
    if (options.kernels === undefined) this.#kernels = openKernels()
    this.#columnKernels = options.kernels === undefined ? this.#kernels : options.kernels
    this.#scanner = new Scanner(dialect, bufferBytes, maxRowBytes, this.#columnKernels)
    this.#left = rows
    this.#chunk = { rows: 0, firstRow: 0, columns: [], bytes: 0 }
    this.#misfits = options.markMisfits === true ? [] : null
    if (this.#misfits !== null) this.#chunk.misfits = this.#misfits
  }

  open(): ChunkReader | Promise<ChunkReader> {
    return this.#until(() => this.#readHeader())
  }

  read(rows: number): ColumnChunk | null | Promise<ColumnChunk | null> {
    if (this.#failure !== null) throw this.#failure
    atLeastOne('rows', rows)
    const asked = Math.min(rows, this.#left)
    const chunk = this.#chunk
    chunk.firstRow += chunk.rows
    chunk.rows = 0
    chunk.bytes = 0
    if (this.#misfits !== null) this.#misfits.length = 0
    if (asked === 0) return null
    if (asked > this.#capacity) {
      for (const builder of this.#builders) builder.reserve(asked)
      this.#capacity = asked
    }
    this.#asked = asked
    return this.#until(() => this.#readRows())
  }

  close(): void {
    this.#source.close()
    this.#kernels?.close()
    this.#kernels = null
  }

  /** Repeats a step, which gives undefined as long as it needs more bytes; waits only where the source does. */
  #until<T>(step: () => T | undefined): T | Promise<T> {
    try {
      for (;;) {
        const result = step()
        if (result !== undefined) return result
        const more = this.#feed()
        if (more !== undefined) return this.#untilLater(step, more)
      }
    } catch (error) {
      throw this.#failed(error)
    }
  }

  async #untilLater<T>(step: () => T | undefined, first: Promise<number>): Promise<T> {
    try {
      this.#scanner.accept(await first)
      for (;;) {
        const result = step()
        if (result !== undefined) return result
        const more = this.#feed()
        if (more !== undefined) this.#scanner.accept(await more)
      }
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** Puts more bytes into the scanner; a promise of their number where the source makes one wait. */
  #feed(): Promise<number> | undefined {
    const scanner = this.#scanner
    for (;;) {
      const count = this.#source.read(scanner.room(), scanner.end)
      if (typeof count !== 'number') return count
      if (scanner.accept(count)) return undefined
    }
  }

  #failed(error: unknown): Error {
    const known = error instanceof DataError || error instanceof NotText
    this.#failure = known ? error : unreadable(this.#name, error)
    return this.#failure
  }

  #readHeader(): ChunkReader | undefined {
    const scanner = this.#scanner
    if (!this.#markSkipped) {
      if (!scanner.skipByteOrderMark()) return undefined
      this.#markSkipped = true
    }
    for (; this.#linesToSkip > 0 && scanner.problem === null; this.#linesToSkip -= 1) {
      if (!scanner.skipLine()) {
        if (!scanner.ended) return undefined
        break
      }
    }
    const found = scanner.problem === null ? scanner.countFields() : null
    if (found === null) {
      this.#throwProblem()
      if (!scanner.ended) return undefined
      throw new DataError('the file is empty: expected a header line', this.#name, 1)
    }
    let line = scanner.line
    let record: string[] = new Array(found).fill('')
    if (this.#header !== false) {
      scanner.want(new Array<boolean>(found).fill(true), 1)
      scanner.scan(1)
      line = scanner.rowLines[0]!
      record = record.map((_, i) => this.#text(2 * i))
    }
    this.header = columnNames(record, this.#header).names
    this.#builders = this.#makeBuilders(this.header, this.#columnKernels)
    const names = this.#builders.map(({ spec }) => spec.name)
    const columns = findColumns(this.header, names, this.#name, line)
    this.#chunk.columns = this.#builders.map((builder) => builder.column)
    const wanted = new Array<boolean>(this.header.length).fill(false)
    for (const column of columns) wanted[column] = true
    // A column's place among those that are wanted.
    let before = 0
    const places = wanted.map((one) => (one ? before++ : -1))
    this.#places = columns.map((column) => 2 * places[column]!)
    this.#stride = 2 * before
    this.#blockRows = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_FIELDS / Math.max(1, before))))
    scanner.want(wanted, this.#blockRows)
    return this
  }

  #readRows(): ColumnChunk | null | undefined {
    const scanner = this.#scanner
    const chunk = this.#chunk
    while (chunk.rows < this.#asked) {
      const limit = Math.min(this.#blockRows, this.#asked - chunk.rows)
      const rows = scanner.scan(limit)
      if (this.#misfits === null) this.#appendRows(rows)
      else this.#appendMarking(rows, this.#misfits)
      chunk.rows += rows
      chunk.bytes += scanner.rowBytes
      this.#throwProblem()
      if (rows === limit) continue
      if (!scanner.ended) return undefined
      if (rows === 0) break
    }
    this.#left -= chunk.rows
    return chunk.rows === 0 ? null : chunk
  }

  /** Of several misfits the first row's counts, and of one row's the first spec's: as if read row by row. */
  #appendRows(rows: number): void {
    const scanner = this.#scanner
    let whole = rows
    let misfitting = -1
    for (let i = 0; i < this.#builders.length; i++) {
      const place = this.#places[i]!
      const bad = this.#builders[i]!.append(
        scanner.bytes,
        scanner.fields,
        place,
        this.#stride,
        whole,
        this.#chunk.rows,
        scanner.rowLines,
      )
      if (bad < 0) continue
      whole = bad
      misfitting = i
    }
    if (misfitting < 0) return
    const { spec } = this.#builders[misfitting]!
    const text = this.#text(whole * this.#stride + this.#places[misfitting]!)
    throw new DataError(misfit(text, spec), this.#name, scanner.rowLines[whole]!, spec.name)
  }

  /** Misfits come column by column within a block of rows. */
  #appendMarking(rows: number, misfits: Misfit[]): void {
    const { bytes, fields, rowLines } = this.#scanner
    const stride = this.#stride
    for (const [column, builder] of this.#builders.entries()) {
      const place = this.#places[column]!
      for (let from = 0; from < rows; ) {
        const to = this.#chunk.rows + from
        const bad = builder.append(bytes, fields, place + from * stride, stride, rows - from, to, rowLines)
        if (bad < 0) break
        const problem = misfit(this.#text((from + bad) * stride + place), builder.spec)
        misfits.push({ row: to + bad, column, line: rowLines[from + bad]!, problem })
        if (builder.column.kind !== 'category') builder.column.values[to + bad] = Number.NaN
        from += bad + 1
      }
    }
  }

  #text(at: number): string {
    const { bytes, fields } = this.#scanner
    return bytes.toString('utf8', fields[at]!, fields[at + 1]!)
  }

  #throwProblem(): void {
    const { problem } = this.#scanner
    if (problem === null) return
    const { message, line, found } = problem
    if (found === undefined) throw new DataError(message, this.#name, line)
    const rows = this.#chunk.firstRow + this.#chunk.rows
    const hint = found === 1 && rows > 0 ? `; if the table ends before it, set dataset.rows to ${rows}` : ''
    throw new RowWidthError(message + hint, this.#name, line, this.header.length, rows)
  }
}

function atLeastOne(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1))
    throw new TypeError(`${name} must be a whole number from 1, not ${value}`)
}

function closingOnError<T>(source: ByteSource, work: () => T | Promise<T>): T | Promise<T> {
  const fail = (error: unknown): never => {
    source.close()
    throw error
  }
  try {
    const result = work()
    return result instanceof Promise ? result.catch(fail) : result
  } catch (error) {
    return fail(error)
  }
}

function reading<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw unreadable(name, error)
  }
}

function unreadable(name: string, error: unknown): Error {
  return new Error(`cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
}
