/** Cleans chunks in place: rows without a target go, gaps in numbers are filled, categories get their clean spelling. */
import type { CategoryColumn, Column, ColumnChunk } from '../ingest/columns.ts'

/** How one category column's values are spelled afterwards. */
export interface CategoryRule {
  /** The value that stands for a missing one; without it, missing stays missing. */
  missing?: string
  /** The clean spelling of a value; called once a distinct value. */
  spell?: (value: string) => string
}

export interface CleanerState {
  rows_without_target: number
  imputed: number
  /** By column: how many numbers were present, and their sum. */
  present: Record<string, [count: number, sum: number]>
}

/** Running mean of one number or date column, over rows in order, so that it is the same whatever the chunk size. */
interface Gap {
  column: number
  name: string
  count: number
  sum: number
}

/** Clean codes of one category column. */
interface Respelling {
  column: number
  rule: CategoryRule
  /** Clean code by source code + 1 (0 stands for missing); -2 where not yet met. */
  codes: Int32Array
  known: Map<string, number>
  clean: CategoryColumn & { dictionary: string[] }
}

const UNMET = -2

export class Cleaner {
  rowsWithoutTarget = 0
  /** Numbers filled in so far. */
  imputed = 0
  private readonly target: string
  private readonly rules: Readonly<Record<string, CategoryRule>>
  private gaps: Gap[] = []
  private respellings: Respelling[] = []
  private targetColumn = -1
  private readonly out: ColumnChunk = { rows: 0, firstRow: 0, columns: [], bytes: 0 }
  private present: CleanerState['present']

  constructor(target: string, rules: Readonly<Record<string, CategoryRule>>, state?: CleanerState) {
    this.target = target
    this.rules = rules
    this.rowsWithoutTarget = state?.rows_without_target ?? 0
    this.imputed = state?.imputed ?? 0
    this.present = state?.present ?? {}
  }

  /**
   * Changes the chunk's arrays. What it returns has the same columns in the same order and is valid as long as the
   * chunk is; a missing number becomes the mean of those before it (0 where there were none).
   */
  clean(chunk: ColumnChunk): ColumnChunk {
    if (this.targetColumn < 0) this.prepare(chunk)
    const { out } = this
    out.rows = this.dropRowsWithoutTarget(chunk)
    out.firstRow = chunk.firstRow
    out.bytes = chunk.bytes
    for (let i = 0; i < chunk.columns.length; i += 1) out.columns[i] = chunk.columns[i]!
    for (const gap of this.gaps) this.fill(gap, valuesOf(chunk.columns[gap.column]!), out.rows)
    for (const respelling of this.respellings) {
      respell(respelling, chunk.columns[respelling.column] as CategoryColumn, out.rows)
      out.columns[respelling.column] = respelling.clean
    }
    return out
  }

  toJSON(): CleanerState {
    return {
      rows_without_target: this.rowsWithoutTarget,
      imputed: this.imputed,
      present: Object.fromEntries(this.gaps.map(({ name, count, sum }) => [name, [count, sum]])),
    }
  }

  private prepare(chunk: ColumnChunk): void {
    for (const [column, { name, kind }] of chunk.columns.entries()) {
      if (name === this.target) this.targetColumn = column
      else if (kind !== 'category') {
        const [count, sum] = this.present[name] ?? [0, 0]
        this.gaps.push({ column, name, count, sum })
      } else {
        const clean = { kind, name, codes: new Int32Array(0), dictionary: [] as string[] }
        const rule = this.rules[name] ?? {}
        const codes = new Int32Array(1).fill(UNMET)
        this.respellings.push({ column, rule, codes, known: new Map(), clean })
      }
    }
  }

  /** Moves the rows that have a target to the front; how many there are. */
  private dropRowsWithoutTarget(chunk: ColumnChunk): number {
    const target = valuesOf(chunk.columns[this.targetColumn]!)
    let kept = 0
    while (kept < chunk.rows && !Number.isNaN(target[kept]!)) kept += 1
    if (kept === chunk.rows) return kept
    for (let row = kept; row < chunk.rows; row += 1) {
      if (Number.isNaN(target[row]!)) continue
      for (const column of chunk.columns) {
        if (column.kind === 'category') column.codes[kept] = column.codes[row]!
        else column.values[kept] = column.values[row]!
      }
      kept += 1
    }
    this.rowsWithoutTarget += chunk.rows - kept
    return kept
  }

  private fill(gap: Gap, values: Float64Array, rows: number): void {
    let { count, sum } = gap
    for (let row = 0; row < rows; row += 1) {
      const value = values[row]!
      if (Number.isNaN(value)) {
        values[row] = count === 0 ? 0 : sum / count
        this.imputed += 1
      } else {
        count += 1
        sum += value
      }
    }
    gap.count = count
    gap.sum = sum
  }
}

function respell(respelling: Respelling, column: CategoryColumn, rows: number): void {
  const { clean } = respelling
  const met = column.dictionary.length + 1
  if (respelling.codes.length < met) {
    const grown = new Int32Array(met * 2).fill(UNMET)
    grown.set(respelling.codes)
    respelling.codes = grown
  }
  const { codes: cleanCodes } = respelling
  const { codes } = column
  for (let row = 0; row < rows; row += 1) {
    const source = codes[row]! + 1
    let code = cleanCodes[source]!
    if (code === UNMET) {
      code = meet(respelling, source === 0 ? null : column.dictionary[source - 1]!)
      cleanCodes[source] = code
    }
    codes[row] = code
  }
  clean.codes = codes
}

/** Clean code of a value met for the first time. */
function meet({ rule, known, clean }: Respelling, value: string | null): number {
  const spelled = value === null ? rule.missing : (rule.spell?.(value) ?? value)
  if (spelled === undefined) return -1
  let code = known.get(spelled)
  if (code === undefined) {
    code = clean.dictionary.push(spelled) - 1
    known.set(spelled, code)
  }
  return code
}

function valuesOf(column: Column): Float64Array {
  if (column.kind === 'category') throw new TypeError(`column "${column.name}" holds no numbers`)
  return column.values
}
