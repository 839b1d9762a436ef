/** What a whole data set is like, whatever the order of its rows: gaps, range, values far from the others. */
import type { Column, ColumnChunk } from '../../data/columns.ts'
import { Duplicates } from './duplicates.ts'

/** Rows whose values are kept to judge the others by, fewer in a wide table. */
const MOST_SAMPLED = 4096
const LEAST_SAMPLED = 64
const MOST_VALUES = 1 << 21
/** Tukey's fences: so many interquartile ranges beyond the quartiles (Tukey, "Exploratory Data Analysis", 1977). */
const FENCE = 1.5
/** Fewer values, or fewer distinct ones, have no tails. */
const LEAST_VALUES = 64
const LEAST_DISTINCT = 10
const ALL_HASHES = 2 ** 32

export interface ColumnSurvey {
  name: string
  kind: Column['kind']
  missing: number
  /** Of numbers and dates; null for none. */
  min: number | null
  max: number | null
  /** Share of the values beyond Tukey's fences, from a random sample of rows; null where that says nothing. */
  outliers: number | null
  /** Category: distinct values; null for the others. */
  distinct: number | null
}

export class Survey {
  rows = 0
  private readonly duplicates = new Duplicates()
  private columns: { missing: number; min: number; max: number; sample: number[] }[] = []
  private kinds: Pick<Column, 'name' | 'kind'>[] = []
  /** By column: the distinct values of a category. */
  private dictionaries: (readonly string[] | null)[] = []
  /** Rows are sampled whose hash is below, which falls as they become many. */
  private limit = ALL_HASHES
  private hashes: number[] = []
  private most = MOST_SAMPLED

  /** @param rows how many of the chunk's rows count */
  check(chunk: ColumnChunk, rows: number): void {
    if (this.columns.length === 0) this.begin(chunk.columns)
    const sampled = this.sampled(rows)
    for (const [i, column] of chunk.columns.entries()) {
      const seen = this.columns[i]!
      if (column.kind === 'category') {
        const { codes } = column
        for (let row = 0; row < rows; row += 1) if (codes[row]! < 0) seen.missing += 1
        continue
      }
      const { values } = column
      let { missing, min, max } = seen
      for (let row = 0; row < rows; row += 1) {
        const value = values[row]!
        if (value >= min && value <= max) continue
        if (Number.isNaN(value)) missing += 1
        if (value < min) min = value
        if (value > max) max = value
      }
      Object.assign(seen, { missing, min, max })
      for (const row of sampled) seen.sample.push(values[row]!)
    }
    this.thinOut()
    this.duplicates.check(chunk, rows)
    this.rows += rows
  }

  get duplicateRows(): number {
    return this.duplicates.found
  }

  summary(): ColumnSurvey[] {
    return this.columns.map(({ missing, min, max, sample }, i) => ({
      ...this.kinds[i]!,
      missing,
      min: Number.isFinite(min) ? min : null,
      max: Number.isFinite(max) ? max : null,
      outliers: outlierShare(sample),
      distinct: this.dictionaries[i]?.length ?? null,
    }))
  }

  private begin(columns: readonly Column[]): void {
    // Shared by all chunks.
    this.dictionaries = columns.map((column) => (column.kind === 'category' ? column.dictionary : null))
    this.kinds = columns.map(({ name, kind }) => ({ name, kind }))
    this.columns = columns.map(() => ({ missing: 0, min: Infinity, max: -Infinity, sample: [] }))
    this.most = Math.max(LEAST_SAMPLED, Math.min(MOST_SAMPLED, Math.floor(MOST_VALUES / columns.length)))
  }

  /** Rows of the next `rows` that belong to the sample. */
  private sampled(rows: number): number[] {
    const found: number[] = []
    for (let row = 0; row < rows; row += 1) {
      const hash = hashOf(this.rows + row)
      if (hash >= this.limit) continue
      found.push(row)
      this.hashes.push(hash)
    }
    return found
  }

  private thinOut(): void {
    while (this.hashes.length > this.most) {
      this.limit /= 2
      const { limit, hashes } = this
      const stays = hashes.map((hash) => hash < limit)
      for (const seen of this.columns) seen.sample = seen.sample.filter((_, i) => stays[i])
      this.hashes = hashes.filter((_, i) => stays[i])
    }
  }
}

function hashOf(row: number): number {
  let h = Math.imul(row + 1, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function outlierShare(sample: readonly number[]): number | null {
  const values = Float64Array.from(sample.filter((value) => !Number.isNaN(value))).sort()
  if (values.length < LEAST_VALUES || new Set(values).size < LEAST_DISTINCT) return null
  const low = values[Math.floor(0.25 * (values.length - 1))]!
  const high = values[Math.ceil(0.75 * (values.length - 1))]!
  const range = high - low
  // Where half of all values are the same, each other one would lie outside.
  if (!(range > 0)) return null
  const outside = values.filter((value) => value < low - FENCE * range || value > high + FENCE * range)
  return outside.length / values.length
}
