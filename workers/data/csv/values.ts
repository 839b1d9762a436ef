/** From fields as byte ranges to a column's values: a fast path on the bytes, and `decode.ts` for all that is rare. */
import type { CategoryColumn, ColumnSpec, DateColumn, NumberColumn } from '../columns.ts'
import { decodeCategory, decodeDate, decodeNumber } from '../decode.ts'
import { Buckets, hashBytes } from '../hash.ts'
import { ByteTable } from './byte-table.ts'
import { type FastPath, fastPath } from './fast-path.ts'

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
   * @returns the first row that does not fit the spec, or -1
   */
  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number
}

export function columnBuilder(spec: ColumnSpec): ColumnBuilder {
  if (spec.kind !== 'category') return new ValueBuilder(spec)
  return spec.buckets === undefined ? new CategoryBuilder(spec) : new HashedBuilder(spec)
}

/** Numbers and dates. */
class ValueBuilder implements ColumnBuilder {
  readonly spec: ColumnSpec
  readonly column: NumberColumn | DateColumn
  readonly #fast: FastPath
  /** What the fast path makes of spellings that mean something else, such as -999 for missing. */
  readonly #reserved: readonly number[]
  readonly #spellings = new ByteTable()
  readonly #meanings: number[] = []

  constructor(spec: ColumnSpec) {
    this.spec = spec
    this.column = {
      kind: spec.kind === 'date' ? 'date' : 'number',
      name: spec.name,
      values: new Float64Array(0),
    }
    this.#fast = fastPath(spec)
    const result = new Float64Array(1)
    this.#reserved = [...(spec.missing ?? []), ...Object.keys(spec.words ?? {})]
      .map((text) => Buffer.from(text))
      .map((text) => {
        this.#fast(text, Int32Array.of(0, text.length), 0, 2, 1, result, 0)
        return result[0]!
      })
      .filter((value) => !Number.isNaN(value))
  }

  reserve(rows: number): void {
    this.column.values = new Float64Array(rows)
  }

  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number {
    const { values } = this.column
    this.#fast(bytes, fields, at, stride, rows, values, to)
    const reserved = this.#reserved.length > 0
    for (let row = 0; row < rows; row++) {
      const value = values[to + row]!
      if (!Number.isNaN(value) && !(reserved && this.#reserved.includes(value))) continue
      const start = fields[at + row * stride]!
      const end = fields[at + row * stride + 1]!
      if (start === end) continue
      const meaning = this.#decode(bytes, start, end)
      if (meaning === null) return row
      values[to + row] = meaning
    }
    return -1
  }

  #decode(bytes: Buffer, start: number, end: number): number | null {
    const short = end - start <= REMEMBERED_BYTES
    const known = short ? this.#spellings.find(bytes, start, end) : -1
    if (known >= 0) return this.#meanings[known]!
    const decode = this.spec.kind === 'date' ? decodeDate : decodeNumber
    const meaning = decode(bytes.toString('utf8', start, end), this.spec)
    if (meaning !== null && short && this.#spellings.size < REMEMBERED_SPELLINGS) {
      this.#spellings.add(end - start)
      this.#meanings.push(meaning)
    }
    return meaning
  }
}

/** Codes by the bytes of the field; a string is made once for each distinct spelling. */
class CategoryBuilder implements ColumnBuilder {
  readonly spec: ColumnSpec
  readonly column: CategoryColumn
  readonly #dictionary: string[] = []
  readonly #codeOf = new Map<string, number>()
  readonly #spellings = new ByteTable()
  /** Code of each spelling: padded ones share the code of the trimmed value, and those that mean missing have -1. */
  readonly #codes: number[] = []

  constructor(spec: ColumnSpec) {
    this.spec = spec
    this.column = {
      kind: 'category',
      name: spec.name,
      codes: new Int32Array(0),
      dictionary: this.#dictionary,
    }
  }

  reserve(rows: number): void {
    this.column.codes = new Int32Array(rows)
  }

  append(bytes: Buffer, fields: Int32Array, at: number, stride: number, rows: number, to: number): number {
    const { codes } = this.column
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
    const value = decodeCategory(bytes.toString('utf8', start, end), this.spec)
    let code = value === null ? -1 : this.#codeOf.get(value)
    if (code === undefined) {
      code = this.#dictionary.push(value!) - 1
      this.#codeOf.set(value!, code)
    }
    this.#spellings.add(end - start)
    this.#codes.push(code)
    return code
  }
}

/** A hashed category: no string and no dictionary entry for a value. */
class HashedBuilder implements ColumnBuilder {
  readonly spec: ColumnSpec
  readonly column: CategoryColumn
  readonly #buckets: Buckets
  /** Shorter fields may be a spelling of missing. */
  readonly #longestMissing: number

  constructor(spec: ColumnSpec) {
    this.spec = spec
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
    this.column.codes = new Int32Array(rows)
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
}

function isInk(byte: number): boolean {
  return byte > SPACE && byte < ASCII
}
