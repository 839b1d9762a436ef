/** Rows that were there before, among the last many. */
import type { ColumnChunk } from '../../data/columns.ts'
import { hashText } from '../../data/hash.ts'

/** A repeat is found where the row is among the last 16,384 to 32,767; one further back is not. */
export const REMEMBERED_ROWS = 16_384
const CAPACITY = 2 * REMEMBERED_ROWS
/** Bits of a filter: so many that few rows find theirs set by another row. */
const FILTER_WORDS = REMEMBERED_ROWS / 2
const A = 0x9e3779b1
const B = 0x85ebca6b
const C = 0xc2b2ae35

export interface DuplicatesState {
  recent: [number, number][]
  older: [number, number][]
}

/**
 * 64-bit hashes of the last rows, in a ring; rows of one head are chained, the newest first. What drops out of the ring
 * stays in the chains until its place is taken again: a chain ends where its rows do not get older, or are too old.
 */
class RecentHashes {
  private readonly first = new Int32Array(CAPACITY)
  private readonly second = new Int32Array(CAPACITY)
  private readonly heads = new Uint16Array(CAPACITY)
  private readonly before = new Uint16Array(CAPACITY)
  /** A bit for each hash of this turn and of the last: what is new is told without a wait for the chains in memory. */
  private filter = new Int32Array(FILTER_WORDS)
  private olderFilter = new Int32Array(FILTER_WORDS)
  private next = 0
  /** Hashes since the last turn, and those of the turn before. */
  private recent = 0
  private older = 0

  /** Takes a hash up where it is new; true where it was there. */
  seen(h1: number, h2: number): boolean {
    const { filter, next } = this
    const word = (h2 >>> 5) & (FILTER_WORDS - 1)
    const bit = 1 << (h2 & 31)
    if (((filter[word]! | this.olderFilter[word]!) & bit) !== 0 && this.holds(h1, h2)) return true
    filter[word]! |= bit
    const head = h1 & (CAPACITY - 1)
    this.first[next] = h1
    this.second[next] = h2
    this.before[next] = this.heads[head]!
    this.heads[head] = next
    this.next = (next + 1) & (CAPACITY - 1)
    this.recent += 1
    if (this.recent === REMEMBERED_ROWS) this.turn()
    return false
  }

  private turn(): void {
    this.older = this.recent
    this.recent = 0
    const { filter } = this
    this.filter = this.olderFilter.fill(0)
    this.olderFilter = filter
  }

  private holds(h1: number, h2: number): boolean {
    const { first, second, before, next } = this
    const remembered = this.recent + this.older
    let at = this.heads[h1 & (CAPACITY - 1)]!
    for (let age = 0; ; at = before[at]!) {
      const older = (next - at) & (CAPACITY - 1)
      if (older <= age || older > remembered) return false
      if (first[at] === h1 && second[at] === h2) return true
      age = older
    }
  }

  toJSON(): DuplicatesState {
    const of = (from: number, to: number) =>
      Array.from({ length: from - to }, (_, i): [number, number] => {
        const at = (this.next - from + i) & (CAPACITY - 1)
        return [this.first[at]!, this.second[at]!]
      })
    return { recent: of(this.recent, 0), older: of(this.recent + this.older, this.recent) }
  }

  static from({ recent, older }: DuplicatesState): RecentHashes {
    const hashes = new RecentHashes()
    for (const [h1, h2] of [...older, ...recent]) hashes.seen(h1, h2)
    return hashes
  }
}

export class Duplicates {
  found = 0
  private readonly remembered: RecentHashes
  private first = new Int32Array(0)
  private second = new Int32Array(0)
  /** By category column: hash of each code's value, so that codes may differ between two readings of the data. */
  private readonly hashes = new Map<number, number[]>()

  constructor(state?: DuplicatesState) {
    this.remembered = state === undefined ? new RecentHashes() : RecentHashes.from(state)
  }

  /** How many of the first `rows` rows were there before, in all columns of the chunk. */
  check(chunk: ColumnChunk, rows: number): number {
    this.hash(chunk, rows)
    const { first, second, remembered } = this
    let found = 0
    for (let row = 0; row < rows; row += 1) if (remembered.seen(first[row]!, second[row]!)) found += 1
    this.found += found
    return found
  }

  toJSON(): DuplicatesState {
    return this.remembered.toJSON()
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
        mixCodes(first, second, column.codes, this.hashesOf(i, column.dictionary), rows)
      } else {
        mixNumbers(
          first,
          second,
          new Int32Array(column.values.buffer, column.values.byteOffset, 2 * rows),
          rows,
        )
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

/** Mixes the values of a column into the hashes of its rows; small and apart, so that it is soon compiled. */
function mixCodes(
  first: Int32Array,
  second: Int32Array,
  codes: Int32Array,
  hashes: readonly number[],
  rows: number,
): void {
  for (let row = 0; row < rows; row += 1) {
    const word = hashes[codes[row]! + 1]!
    const h = Math.imul(first[row]! ^ word, A)
    first[row] = h ^ (h >>> 15)
    second[row] = Math.imul(second[row]! + word, C) ^ h
  }
}

/** The same, of numbers as two words each. */
function mixNumbers(first: Int32Array, second: Int32Array, words: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row += 1) {
    const word = Math.imul(words[2 * row]!, B) ^ words[2 * row + 1]!
    const h = Math.imul(first[row]! ^ word, A)
    first[row] = h ^ (h >>> 15)
    second[row] = Math.imul(second[row]! + word, C) ^ h
  }
}
