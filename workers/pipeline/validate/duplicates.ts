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

/** 64-bit hashes of rows, found by linear probing; both halves of one side by side, 0 in the first where it is free. */
class HashSet64 {
  size = 0
  private readonly words = new Int32Array(2 * CAPACITY)

  /** Place of the hash, or of the free place where it belongs. */
  find(h1: number, h2: number): number {
    const { words } = this
    let at = 2 * (h1 & (CAPACITY - 1))
    while (words[at] !== 0 && (words[at] !== h1 || words[at + 1] !== h2)) at = (at + 2) & (2 * CAPACITY - 1)
    return at
  }

  holds(place: number): boolean {
    return this.words[place] !== 0
  }

  /** Puts a hash into the free place that `find` gave for it. */
  put(place: number, h1: number, h2: number): void {
    this.words[place] = h1
    this.words[place + 1] = h2
    this.size += 1
  }

  clear(): void {
    this.words.fill(0)
    this.size = 0
  }

  static from(entries: readonly [number, number][] = []): HashSet64 {
    const set = new HashSet64()
    for (const [h1, h2] of entries) set.put(set.find(h1, h2), h1, h2)
    return set
  }

  entries(): [number, number][] {
    const places = Array.from({ length: CAPACITY }, (_, i) => 2 * i).filter((at) => this.holds(at))
    return places.map((at) => [this.words[at]!, this.words[at + 1]!])
  }
}

export class Duplicates {
  found = 0
  private recent: HashSet64
  private older: HashSet64
  private first = new Int32Array(0)
  private second = new Int32Array(0)
  /** By category column: hash of each code's value, so that codes may differ between two readings of the data. */
  private readonly hashes = new Map<number, number[]>()

  constructor(state?: DuplicatesState) {
    this.recent = HashSet64.from(state?.recent)
    this.older = HashSet64.from(state?.older)
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
      const place = this.recent.find(h1, h2)
      if (this.recent.holds(place) || this.older.holds(this.older.find(h1, h2))) {
        found += 1
        continue
      }
      this.recent.put(place, h1, h2)
      if (this.recent.size === REMEMBERED_ROWS) this.turnOver()
    }
    this.found += found
    return found
  }

  toJSON(): DuplicatesState {
    return { recent: this.recent.entries(), older: this.older.entries() }
  }

  private turnOver(): void {
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
