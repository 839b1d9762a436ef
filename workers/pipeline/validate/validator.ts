/** What the data is like, counted as it passes: gaps, outliers, repeated rows. Changes nothing. */
import type { Column, ColumnChunk } from '../../data/columns.ts'
import { Duplicates, type DuplicatesState } from './duplicates.ts'
import { P2Quantile, type P2State } from './p2.ts'

/** Quartiles learn from every row up to this one, and from each eighth after it: by row, so never by chunk. */
const EVERY_ROW_UNTIL = 1024
const THEN_EACH = 8
/** Tukey's fences: so many interquartile ranges beyond the quartiles (Tukey, "Exploratory Data Analysis", 1977). */
const FENCE = 1.5
/** Values before the first fence. */
const LEAST_VALUES = 64

/** Counts of one chunk; columns without any are left out. */
export interface ChunkQuality {
  missing?: Record<string, number>
  outliers?: Record<string, number>
  /** Rows that were there before. */
  duplicates?: number
}

export interface NumberQuality {
  kind: 'number' | 'date'
  missing_ratio: number
  min: number | null
  max: number | null
  /** Estimated as the data passed. */
  lower_quartile: number | null
  upper_quartile: number | null
  /** Null where no value could be judged: under 64 of them, or half of all the same. */
  outlier_ratio: number | null
}

export interface CategoryQuality {
  kind: 'category'
  missing_ratio: number
  distinct: number
}

export interface Quality {
  rows: number
  duplicate_rows: number
  columns: Record<string, NumberQuality | CategoryQuality>
}

interface NumberState {
  missing: number
  outliers: number
  learned: number
  min: number | null
  max: number | null
  low: P2State
  high: P2State
}

export interface ValidatorState {
  rows: number
  duplicates: number
  remembered: DuplicatesState
  numbers: Record<string, NumberState>
  missing: Record<string, number>
}

export class Validator {
  private rows: number
  private readonly duplicates: Duplicates
  private readonly state: ValidatorState | undefined
  private watches: (NumberWatch | CategoryWatch)[] | null = null

  constructor(state?: ValidatorState) {
    this.state = state
    this.rows = state?.rows ?? 0
    this.duplicates = new Duplicates(state?.remembered)
    this.duplicates.found = state?.duplicates ?? 0
  }

  /** Takes up the columns, with what the state knows of them; the first chunk does it too. */
  begin(columns: readonly Column[]): (NumberWatch | CategoryWatch)[] {
    if (this.watches !== null) return this.watches
    const missing = new Map(Object.entries(this.state?.missing ?? {}))
    const numbers = new Map(Object.entries(this.state?.numbers ?? {}))
    this.watches = columns.map(({ kind, name }) =>
      kind === 'category' ? new CategoryWatch(missing.get(name)) : new NumberWatch(numbers.get(name)),
    )
    return this.watches
  }

  /** @param rows how many of the chunk's rows count */
  check(chunk: ColumnChunk, rows = chunk.rows): ChunkQuality {
    const watches = this.begin(chunk.columns)
    const gapsByName: [string, number][] = []
    const outliersByName: [string, number][] = []
    for (let i = 0; i < watches.length; i += 1) {
      const watch = watches[i]!
      const column = chunk.columns[i]!
      const { missing: gaps } = watch
      if (watch instanceof CategoryWatch) watch.check(column, rows)
      else {
        const { outliers } = watch
        watch.check(column, rows, this.rows)
        if (watch.outliers > outliers) outliersByName.push([column.name, watch.outliers - outliers])
      }
      if (watch.missing > gaps) gapsByName.push([column.name, watch.missing - gaps])
    }
    const repeated = this.duplicates.check(chunk, rows)
    this.rows += rows
    return {
      ...(outliersByName.length > 0 && { outliers: Object.fromEntries(outliersByName) }),
      ...(gapsByName.length > 0 && { missing: Object.fromEntries(gapsByName) }),
      ...(repeated > 0 && { duplicates: repeated }),
    }
  }

  /** @param columns those of any chunk */
  summary(columns: readonly Column[]): Quality {
    const watched = (this.watches ?? []).map((watch, i) => [
      columns[i]!.name,
      watch.summary(columns[i]!, this.rows),
    ])
    return { rows: this.rows, duplicate_rows: this.duplicates.found, columns: Object.fromEntries(watched) }
  }

  /** @param columns those of any chunk */
  toJSON(columns: readonly Column[]): ValidatorState {
    const watches = this.watches ?? []
    const of = (category: boolean) =>
      watches.flatMap((watch, i) =>
        watch instanceof CategoryWatch === category ? [[columns[i]!.name, watch.toJSON()]] : [],
      )
    return {
      rows: this.rows,
      duplicates: this.duplicates.found,
      remembered: this.duplicates.toJSON(),
      numbers: Object.fromEntries(of(false)),
      missing: Object.fromEntries(of(true)),
    }
  }
}

class CategoryWatch {
  missing: number

  constructor(missing = 0) {
    this.missing = missing
  }

  check(column: Column, rows: number): void {
    if (column.kind !== 'category') return
    const { codes } = column
    for (let row = 0; row < rows; row += 1) if (codes[row]! < 0) this.missing += 1
  }

  summary(column: Column, rows: number): CategoryQuality {
    const distinct = column.kind === 'category' ? column.dictionary.length : 0
    return { kind: 'category', missing_ratio: this.missing / rows, distinct }
  }

  toJSON(): number {
    return this.missing
  }
}

class NumberWatch {
  missing: number
  outliers: number
  private learned: number
  private min: number
  private max: number
  private readonly low: P2Quantile
  private readonly high: P2Quantile
  /** Values outside are outliers. */
  private lowFence = -Infinity
  private highFence = Infinity

  constructor(state?: NumberState) {
    this.missing = state?.missing ?? 0
    this.outliers = state?.outliers ?? 0
    this.learned = state?.learned ?? 0
    this.min = state?.min ?? Infinity
    this.max = state?.max ?? -Infinity
    this.low = state === undefined ? new P2Quantile(0.25) : P2Quantile.fromJSON(state.low)
    this.high = state === undefined ? new P2Quantile(0.75) : P2Quantile.fromJSON(state.high)
    this.setFences()
  }

  /** @param before rows of earlier chunks */
  check(column: Column, rows: number, before: number): void {
    if (column.kind === 'category') return
    const { values } = column
    for (let row = 0; row < rows; ) {
      const at = before + row
      const learns = at < EVERY_ROW_UNTIL ? row : row + ((THEN_EACH - (at % THEN_EACH)) % THEN_EACH)
      const end = Math.min(rows, learns + 1)
      this.count(values, row, end)
      if (learns < end && !Number.isNaN(values[learns]!)) this.learn(values[learns]!)
      row = end
    }
  }

  summary({ kind }: Column, rows: number): NumberQuality {
    const present = rows - this.missing
    return {
      kind: kind === 'date' ? 'date' : 'number',
      missing_ratio: this.missing / rows,
      min: present === 0 ? null : this.min,
      max: present === 0 ? null : this.max,
      lower_quartile: this.low.value,
      upper_quartile: this.high.value,
      outlier_ratio: this.outliers === 0 && this.highFence === Infinity ? null : this.outliers / present,
    }
  }

  toJSON(): NumberState {
    const { missing, outliers, learned, min, max } = this
    const finite = (value: number) => (Number.isFinite(value) ? value : null)
    return {
      missing,
      outliers,
      learned,
      min: finite(min),
      max: finite(max),
      low: this.low.toJSON(),
      high: this.high.toJSON(),
    }
  }

  /** Most values are nothing new, and two comparisons tell. */
  private count(values: Float64Array, from: number, to: number): void {
    const low = Math.max(this.min, this.lowFence)
    const high = Math.min(this.max, this.highFence)
    for (let row = from; row < to; row += 1) {
      const value = values[row]!
      if (value >= low && value <= high) continue
      if (Number.isNaN(value)) this.missing += 1
      if (value < this.min) this.min = value
      if (value > this.max) this.max = value
      if (value < this.lowFence || value > this.highFence) this.outliers += 1
    }
  }

  private learn(value: number): void {
    this.low.add(value)
    this.high.add(value)
    this.learned += 1
    this.setFences()
  }

  /** None where half of all values are the same: then each other value would be an outlier. */
  private setFences(): void {
    if (this.learned < LEAST_VALUES) return
    const low = this.low.value!
    const high = this.high.value!
    const range = high - low
    this.lowFence = range > 0 ? low - FENCE * range : -Infinity
    this.highFence = range > 0 ? high + FENCE * range : Infinity
  }
}
