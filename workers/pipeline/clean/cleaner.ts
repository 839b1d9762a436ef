/** Cleans chunks in place: rows that cannot be used go, gaps are filled, categories get their clean spelling. */

import type { CategoryColumn, Column, ColumnChunk } from '../../data/columns.ts'
import type { ColumnDeclaration } from '../../data/types.ts'
import { isKernelArray, type Kernels } from '../../kernels.ts'
import { createImputer, fillMeans, type Imputer, type ImputerState, type NumberStrategy } from './imputer.ts'
import { type CategoryRule, Respelling, type RespellingState } from './respelling.ts'

/** Below so many rows the way to the kernel costs more than it gains. */
const FEWEST_COMPILED_ROWS = 256

export interface CleanerOptions {
  /** How gaps in numbers are filled where a column does not say. */
  impute?: NumberStrategy
  /** What `constant` fills in where a column does not say. */
  impute_value?: number
  impute_categories?: 'none' | 'most_frequent'
  /** What was declared of columns. */
  columns?: ReadonlyMap<string, ColumnDeclaration>
  /** What computes on chunks in its memory; null or absent: JavaScript. */
  kernels?: Kernels | null
}

export interface CleanerState {
  rows_without_target: number
  rows_dropped: number
  imputed: number
  numbers: Record<string, ImputerState>
  categories: Record<string, RespellingState>
}

interface Gap {
  column: number
  name: string
  imputer: Imputer
}

export class Cleaner {
  rowsWithoutTarget = 0
  /** Rows that went because of a bad value. */
  rowsDropped = 0
  /** Numbers filled in so far. */
  private imputedNumbers = 0
  private readonly target: string
  private readonly rules: ReadonlyMap<string, CategoryRule>
  private readonly options: CleanerOptions
  private readonly state: CleanerState | undefined
  private readonly gaps: Gap[] = []
  private readonly respellings: Respelling[] = []
  private targetColumn = -1
  private readonly out: ColumnChunk = { rows: 0, firstRow: 0, columns: [], bytes: 0 }

  constructor(
    target: string,
    rules: ReadonlyMap<string, CategoryRule>,
    state?: CleanerState,
    options: CleanerOptions = {},
  ) {
    this.target = target
    this.rules = rules
    this.options = options
    this.state = state
    this.rowsWithoutTarget = state?.rows_without_target ?? 0
    this.rowsDropped = state?.rows_dropped ?? 0
    this.imputedNumbers = state?.imputed ?? 0
  }

  /** Values filled in so far. */
  get imputed(): number {
    let imputed = this.imputedNumbers
    for (const respelling of this.respellings) imputed += respelling.filled
    return imputed
  }

  /**
   * Changes the chunk's arrays. What it returns has the same columns in the same order and is valid as long as the
   * chunk is. A gap is filled from the values before it.
   * @param drop 1 for each row that must go; null for none
   * @param onDrop told of each row that goes, by its place in the chunk
   */
  clean(chunk: ColumnChunk, drop: Uint8Array | null = null, onDrop?: (row: number) => void): ColumnChunk {
    if (this.targetColumn < 0) this.prepare(chunk)
    const { out } = this
    out.rows = this.dropRows(chunk, drop, onDrop)
    out.firstRow = chunk.firstRow
    out.bytes = chunk.bytes
    for (let i = 0; i < chunk.columns.length; i += 1) out.columns[i] = chunk.columns[i]!
    this.fillGaps(chunk, out.rows)
    for (const respelling of this.respellings) {
      respelling.apply(chunk.columns[respelling.column] as CategoryColumn, out.rows)
      out.columns[respelling.column] = respelling.clean
    }
    return out
  }

  toJSON(): CleanerState {
    if (this.targetColumn < 0 && this.state !== undefined) return this.state
    return {
      rows_without_target: this.rowsWithoutTarget,
      rows_dropped: this.rowsDropped,
      imputed: this.imputed,
      numbers: Object.fromEntries(this.gaps.map(({ name, imputer }) => [name, imputer.toJSON()])),
      categories: Object.fromEntries(this.respellings.map((one) => [one.clean.name, one.toJSON()])),
    }
  }

  private fillGaps(chunk: ColumnChunk, rows: number): void {
    const kernels = rows < FEWEST_COMPILED_ROWS ? null : (this.options.kernels ?? null)
    let { gaps } = this
    if (kernels !== null) {
      const compiled = gaps.filter(
        ({ column, imputer }) => imputer.isMean === true && isKernelArray(valuesOf(chunk.columns[column]!)),
      )
      const columns = compiled.map(({ column }) => valuesOf(chunk.columns[column]!))
      this.imputedNumbers += fillMeans(
        kernels,
        compiled.map(({ imputer }) => imputer),
        columns,
        rows,
      )
      gaps = gaps.filter((gap) => !compiled.includes(gap))
    }
    for (const { column, imputer } of gaps) {
      this.imputedNumbers += imputer.fill(valuesOf(chunk.columns[column]!), rows)
    }
  }

  private prepare(chunk: ColumnChunk): void {
    const { impute = 'mean', impute_value = 0, impute_categories, columns } = this.options
    const numbers = new Map(Object.entries(this.state?.numbers ?? {}))
    const categories = new Map(Object.entries(this.state?.categories ?? {}))
    for (const [column, { name, kind }] of chunk.columns.entries()) {
      const declared = columns?.get(name)
      if (name === this.target) this.targetColumn = column
      if (kind === 'category') {
        const rule = { ...this.rules.get(name) }
        if (rule.missing === undefined) {
          const strategy = declared?.impute ?? impute_categories
          if (strategy === 'constant') rule.missing = String(declared?.fill ?? '')
          if (strategy === 'most_frequent') rule.mostFrequent = true
        }
        const kernels = this.options.kernels ?? null
        this.respellings.push(new Respelling(column, name, rule, categories.get(name), kernels))
      } else if (name !== this.target) {
        const strategy = declared?.impute ?? impute
        const constant = typeof declared?.fill === 'number' ? declared.fill : impute_value
        const imputer = createImputer(
          strategy === 'none' ? impute : strategy,
          strategy === 'constant' ? constant : 0,
          numbers.get(name),
        )
        this.gaps.push({ column, name, imputer })
      }
    }
  }

  /** Moves the rows that stay to the front; how many there are. */
  private dropRows(
    chunk: ColumnChunk,
    drop: Uint8Array | null,
    onDrop: ((row: number) => void) | undefined,
  ): number {
    const target = valuesOf(chunk.columns[this.targetColumn]!)
    const kernels = this.options.kernels ?? null
    let kept = 0
    if (kernels !== null && drop === null && isKernelArray(target)) {
      kept = kernels.run.firstGap(target.byteOffset, chunk.rows)
    }
    while (kept < chunk.rows && !Number.isNaN(target[kept]!) && (drop === null || drop[kept] === 0)) kept += 1
    if (kept === chunk.rows) return kept
    for (let row = kept; row < chunk.rows; row += 1) {
      const bad = drop !== null && drop[row] === 1
      if (bad || Number.isNaN(target[row]!)) {
        if (bad) this.rowsDropped += 1
        else this.rowsWithoutTarget += 1
        onDrop?.(row)
        continue
      }
      for (const column of chunk.columns) {
        if (column.kind === 'category') column.codes[kept] = column.codes[row]!
        else column.values[kept] = column.values[row]!
      }
      kept += 1
    }
    return kept
  }
}

function valuesOf(column: Column): Float64Array {
  if (column.kind === 'category') throw new TypeError(`column "${column.name}" holds no numbers`)
  return column.values
}
