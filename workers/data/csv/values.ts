/** From fields as byte ranges to a column's values: a fast path on the bytes, and `decode.ts` for all that is rare. */
import { type Kernels, newFloats, newInts } from '../../kernels.ts'
import type { CategoryColumn, ColumnSpec, DateColumn, NumberColumn } from '../columns.ts'
import { decodeCategory, decodeDate, decodeNumber } from '../decode.ts'
import { Buckets, hashBytes } from '../hash.ts'
import { ByteTable } from './byte-table.ts'
import { CodeTable } from './code-table.ts'
import { compiledPath, type FastPath, fastPath } from './fast-path.ts'

/** What the fast path cannot read is remembered for up to this many spellings, of up to this many bytes each. */
const REMEMBERED_SPELLINGS = 1024
const REMEMBERED_BYTES = 64

const SPACE = 32
const ASCII = 127

/** One wanted column: takes fields and keeps the values of the chunk. */
export interface ColumnBuilder {
  readonly spec: ColumnSpec
  readonly column: NumberColumn | DateColumn | CategoryColumn
  /** Makes room for `rows` values; those before are lost. */
  reserve(rows: number): void
  /**
   * Reads a field of each of `rows` rows: `fields[at]` and `fields[at + 1]` are its start and end in `bytes`, and
   * the next row's are `stride` further on. Values go to place `to` and on.
   * @param lines on which the rows start
   * @returns the first row that does not fit the spec, or -1
   */
  append(
    bytes: Buffer,
    fields: Int32Array,
    at: number,
    stride: number,
    rows: number,
    to: number,
    lines: Float64Array,
  ): number
}

/** One that also takes fields as texts, one at a time, and gives them the values that their bytes would have. */
export interface TextBuilder extends ColumnBuilder {
  /** False where the text does not fit the spec; the value is then missing. */
  put(text: string, row: number): boolean
}

/** @param kernels in whose memory the bytes and fields lie that `append` is given; null for anywhere else */
export function columnBuilder(spec: ColumnSpec, kernels: Kernels | null): TextBuilder {
  if (spec.kind !== 'category') return new ValueBuilder(spec, kernels)
  return spec.buckets === undefined ? new CategoryBuilder(spec, kernels) : new HashedBuilder(spec, kernels)
}

/** Numbers and dates. */
class ValueBuilder implements TextBuilder {
  readonly spec: ColumnSpec
  readonly column: NumberColumn | DateColumn
  readonly #kernels: Kernels | null
  readonly #fast: FastPath
  /** Rows of a block that the fast path could not read. */
  #odd = new Int32Array(0) as Int32Array
  /** What the fast path makes of spellings that mean something else, such as -999 for missing. */
  readonly #reserved: readonly number[]
  readonly #spellings = new ByteTable()
  readonly #meanings: number[] = []

  constructor(spec: ColumnSpec, kernels: Kernels | null) {
    this.spec = spec
    this.#kernels = kernels
    this.column = {
      kind: spec.kind === 'date' ? 'date' : 'number',
      name: spec.name,
      values: new Float64Array(0),
    }
    const reference = fastPath(spec)
    this.#fast = (kernels === null ? null : compiledPath(spec, kernels)) ?? reference
    const result = new Float64Array(1)
    const odd = new Int32Array(1)
    this.#reserved = [...(spec.missing ?? []), ...Object.keys(spec.words ?? {})]
      .map((text) => Buffer.from(text))
      .map((text) => {
        reference(text, Int32Array.of(0, text.length), 0, 2, 1, result, 0, odd)
        return result[0]!
      })
      .filter((value) => !Number.isNaN(value))
  }

  reserve(rows: number): void {
    this.#kernels?.free(this.column.values)
    this.#kernels?.free(this.#odd)
    this.column.values = newFloats(this.#kernels, rows)
    this.#odd = newInts(this.#kernels, rows)
  }

  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number {
    const { values } = this.column
    let count = this.#fast(bytes, fields, at, stride, rows, values, to, this.#odd)
    if (this.#reserved.length > 0) count = this.#listReserved(rows, to)
    for (let i = 0; i < count; i++) {
      const row = this.#odd[i]!
      const start = fields[at + row * stride]!
      const end = fields[at + row * stride + 1]!
      if (start === end) continue
      const meaning = this.#decode(bytes, start, end)
      if (meaning === null) return row
      values[to + row] = meaning
    }
    return -1
  }

  put(text: string, row: number): boolean {
    const value = this.#decodeText(text)
    this.column.values[row] = value ?? Number.NaN
    return value !== null
  }

  /** Lists the rows of which the text must be looked at; how many those are. */
  #listReserved(rows: number, to: number): number {
    const { values } = this.column
    let count = 0
    for (let row = 0; row < rows; row++) {
      const value = values[to + row]!
      if (Number.isNaN(value) || this.#reserved.includes(value)) this.#odd[count++] = row
    }
    return count
  }

  #decode(bytes: Buffer, start: number, end: number): number | null {
    const short = end - start <= REMEMBERED_BYTES
    const known = short ? this.#spellings.find(bytes, start, end) : -1
    if (known >= 0) return this.#meanings[known]!
    const meaning = this.#decodeText(bytes.toString('utf8', start, end))
    if (meaning !== null && short && this.#spellings.size < REMEMBERED_SPELLINGS) {
      this.#spellings.add(end - start)
      this.#meanings.push(meaning)
    }
    return meaning
  }

  #decodeText(text: string): number | null {
    return this.spec.kind === 'date' ? decodeDate(text, this.spec) : decodeNumber(text, this.spec)
  }
}

/** Codes by the bytes of the field; a string is made once for each distinct spelling. */
class CategoryBuilder implements TextBuilder {
  readonly spec: ColumnSpec
  readonly column: CategoryColumn
  readonly #dictionary: string[] = []
  readonly #codeOf = new Map<string, number>()
  readonly #kernels: Kernels | null
  /** Spellings and their codes, where there are kernels; else the two below. */
  readonly #table: CodeTable | null
  readonly #spellings = new ByteTable()
  /** Code of each spelling: padded ones share the code of the trimmed value, and those that mean missing have -1. */
  readonly #codes: number[] = []

  constructor(spec: ColumnSpec, kernels: Kernels | null) {
    this.spec = spec
    this.#kernels = kernels
    this.#table = kernels === null ? null : new CodeTable(kernels)
    this.column = {
      kind: 'category',
      name: spec.name,
      codes: new Int32Array(0),
      dictionary: this.#dictionary,
    }
  }

  reserve(rows: number): void {
    this.#kernels?.free(this.column.codes)
    this.column.codes = newInts(this.#kernels, rows)
  }

  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number {
    const { codes } = this.column
    if (this.#table !== null) {
      this.#table.codes(bytes, fields, at, stride, rows, codes, to, (start, end) =>
        this.#code(bytes, start, end),
      )
      return -1
    }
    const spellings = this.#spellings
    for (let row = 0, o = at; row < rows; row++, o += stride) {
      const start = fields[o]!
      const end = fields[o + 1]!
      const known = spellings.find(bytes, start, end)
      codes[to + row] = known < 0 ? this.#learn(bytes, start, end) : this.#codes[known]!
    }
    return -1
  }

  #learn(bytes: Buffer, start: number, end: number): number {
    const code = this.#code(bytes, start, end)
    this.#spellings.add(end - start)
    this.#codes.push(code)
    return code
  }

  put(text: string, row: number): boolean {
    this.column.codes[row] = this.#codeOfText(text)
    return true
  }

  /** Code of a spelling that was met for the first time. */
  #code(bytes: Buffer, start: number, end: number): number {
    return this.#codeOfText(bytes.toString('utf8', start, end))
  }

  #codeOfText(text: string): number {
    const value = decodeCategory(text, this.spec)
    let code = value === null ? -1 : this.#codeOf.get(value)
    if (code === undefined) {
      code = this.#dictionary.push(value!) - 1
      this.#codeOf.set(value!, code)
    }
    return code
  }
}

/** A hashed category: no string and no dictionary entry for a value. */
class HashedBuilder implements TextBuilder {
  readonly spec: ColumnSpec
  readonly column: CategoryColumn
  readonly #buckets: Buckets
  /** Shorter fields may be a spelling of missing. */
  readonly #longestMissing: number
  readonly #kernels: Kernels | null

  constructor(spec: ColumnSpec, kernels: Kernels | null) {
    this.spec = spec
    this.#kernels = kernels
    this.#buckets = new Buckets(spec)
    this.#longestMissing = Math.max(0, ...(spec.missing ?? []).map((text) => Buffer.byteLength(text)))
    this.column = {
      kind: 'category',
      name: spec.name,
      codes: new Int32Array(0),
      dictionary: this.#buckets.dictionary,
    }
  }

  reserve(rows: number): void {
    this.#kernels?.free(this.column.codes)
    this.column.codes = newInts(this.#kernels, rows)
  }

  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number {
    const { codes } = this.column
    for (let row = 0, o = at; row < rows; row++, o += stride) {
      const start = fields[o]!
      const end = fields[o + 1]!
      // White space at the ends, which includes characters beyond ASCII, is for the slow path.
      const plain = end - start > this.#longestMissing && isInk(bytes[start]!) && isInk(bytes[end - 1]!)
      codes[to + row] = plain
        ? this.#buckets.codeOfHash(hashBytes(bytes, start, end))
        : this.#buckets.codeOfText(bytes.toString('utf8', start, end))
    }
    return -1
  }

  put(text: string, row: number): boolean {
    this.column.codes[row] = this.#buckets.codeOfText(text)
    return true
  }
}

function isInk(byte: number): boolean {
  return byte > SPACE && byte < ASCII
}
