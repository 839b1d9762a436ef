/** Rows that were there before, among the last many. */
import type { ColumnChunk } from '../ingest/columns.ts'
import { hashText } from '../ingest/hash.ts'

/** A repeat is found where the row is among the last 16,384 to 32,767; one further back is not. */
export const REMEMBERED_ROWS = 16_384
const CAPACITY = 2 * REMEMBERED_ROWS
const A = 0x9e3779b1
const B = 0x85ebca6b
const C = 0xc2b2ae35

export interface DuplicatesState {
  recent: [number, number][]
  older: [number, number][]
}

/** 64-bit hashes of rows, found by linear probing; (0, 0) marks a free place. */
class HashSet64 {
  size = 0
  private readonly first = new Int32Array(CAPACITY)
  private readonly second = new Int32Array(CAPACITY)

  has(h1: number, h2: number): boolean {
    return this.first[this.find(h1, h2)] !== 0
  }

  add(h1: number, h2: number): void {
    const at = this.find(h1, h2)
    if (this.first[at] === 0) this.size += 1
    this.first[at] = h1
    this.second[at] = h2
  }

  clear(): void {
    this.first.fill(0)
    this.size = 0
  }

  entries(): [number, number][] {
    return Array.from(this.first, (h1, i): [number, number] => [h1, this.second[i]!]).filter(
      ([h1]) => h1 !== 0,
    )
  }

  private find(h1: number, h2: number): number {
    let at = h1 & (CAPACITY - 1)
    while (this.first[at] !== 0 && (this.first[at] !== h1 || this.second[at] !== h2))
      at = (at + 1) & (CAPACITY - 1)
    return at
  }
}

export class Duplicates {
  found = 0
  private recent = new HashSet64()
  private older = new HashSet64()
  private first = new Int32Array(0)
  private second = new Int32Array(0)
  /** By category column: hash of each code's value, so that codes may differ between two readings of the data. */
  private readonly hashes = new Map<number, number[]>()

  constructor(state?: DuplicatesState) {
    for (const [h1, h2] of state?.recent ?? []) this.recent.add(h1, h2)
    for (const [h1, h2] of state?.older ?? []) this.older.add(h1, h2)
  }

  /** How many of the first `rows` rows were there before, in all columns of the chunk. */
  check(chunk: ColumnChunk, rows: number): number {
    this.hash(chunk, rows)
    const { first, second } = this
    let found = 0
    for (let row = 0; row < rows; row += 1) {
      // 0 is taken by free places.
      const h1 = first[row] === 0 ? 1 : first[row]!
      const h2 = second[row]!
      if (this.recent.has(h1, h2) || this.older.has(h1, h2)) found += 1
      else this.remember(h1, h2)
    }
    this.found += found
    return found
  }

  toJSON(): DuplicatesState {
    return { recent: this.recent.entries(), older: this.older.entries() }
  }

  private remember(h1: number, h2: number): void {
    this.recent.add(h1, h2)
    if (this.recent.size < REMEMBERED_ROWS) return
    const { older } = this
    older.clear()
    this.older = this.recent
    this.recent = older
  }

  private hash(chunk: ColumnChunk, rows: number): void {
    if (this.first.length < rows) {
      this.first = new Int32Array(rows)
      this.second = new Int32Array(rows)
    }
    const { first, second } = this
    first.fill(A, 0, rows)
    second.fill(B, 0, rows)
    for (let i = 0; i < chunk.columns.length; i += 1) {
      const column = chunk.columns[i]!
      if (column.kind === 'category') {
        const { codes } = column
        const known = this.hashesOf(i, column.dictionary)
        for (let row = 0; row < rows; row += 1) {
          const word = known[codes[row]! + 1]!
          const h = Math.imul(first[row]! ^ word, A)
          first[row] = h ^ (h >>> 15)
          second[row] = Math.imul(second[row]! + word, C) ^ h
        }
      } else {
        const words = new Int32Array(column.values.buffer, column.values.byteOffset, 2 * rows)
        for (let row = 0; row < rows; row += 1) {
          const word = Math.imul(words[2 * row]!, B) ^ words[2 * row + 1]!
          const h = Math.imul(first[row]! ^ word, A)
          first[row] = h ^ (h >>> 15)
          second[row] = Math.imul(second[row]! + word, C) ^ h
        }
      }
    }
  }

  private hashesOf(column: number, dictionary: readonly string[]): number[] {
    let known = this.hashes.get(column)
    if (known === undefined) {
      known = [0]
      this.hashes.set(column, known)
    }
    while (known.length <= dictionary.length) known.push(hashText(dictionary[known.length - 1]!) | 0)
    return known
  }
}
