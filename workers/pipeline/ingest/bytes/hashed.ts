/** A hashed category column from bytes: no string and no dictionary entry for a value. */
import type { CategoryColumn, ColumnSpec } from '../columns.ts'
import { Buckets, hashBytes } from '../hash.ts'
import type { ColumnBuilder } from './column-builder.ts'

const SPACE = 32
const ASCII = 127

export class HashedBuilder implements ColumnBuilder {
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
