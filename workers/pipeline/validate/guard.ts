/** Applies what the data set says of bad values: those that did not fit their type, and those out of range. */

import type { CategoryColumn, ColumnChunk } from '../../data/columns.ts'
import type { BadValuePolicy, ColumnDeclaration } from '../../data/types.ts'

export interface GuardState {
  misfits: Record<string, number>
  out_of_range: Record<string, number>
}

/** Columns with limits, and the counts of what broke them. */
export class Guard {
  readonly misfits: Map<string, number>
  readonly outOfRange: Map<string, number>
  private readonly policy: BadValuePolicy
  private readonly columns: ReadonlyMap<string, ColumnDeclaration>
  private readonly path: string
  private drop = new Uint8Array(0)
  /** By column: for each code, 1 where its value is not allowed. */
  private readonly banned = new Map<string, number[]>()

  constructor(
    policy: BadValuePolicy,
    columns: ReadonlyMap<string, ColumnDeclaration>,
    path: string,
    state?: GuardState,
  ) {
    this.policy = policy
    this.columns = columns
    this.path = path
    this.misfits = new Map(Object.entries(state?.misfits ?? {}))
    this.outOfRange = new Map(Object.entries(state?.out_of_range ?? {}))
  }

  /** True where there is nothing to guard: the reader fails by itself, and no column has limits. */
  static idle(policy: BadValuePolicy, columns: ReadonlyMap<string, ColumnDeclaration>): boolean {
    return policy === 'fail' && ![...columns.values()].some(hasLimits)
  }

  /**
   * Makes bad values missing, or marks their rows.
   * @returns 1 for each row that must go; null where none must
   * @throws {Error} under `fail`, naming the row, from 1
   */
  check(chunk: ColumnChunk): Uint8Array | null {
    if (this.drop.length < chunk.rows) this.drop = new Uint8Array(chunk.rows)
    this.drop.fill(0)
    let any = false
    for (const { row, column } of chunk.misfits ?? []) {
      count(this.misfits, chunk.columns[column]!.name)
      this.drop[row] = 1
      any = true
    }
    for (const column of chunk.columns) {
      const declared = this.columns.get(column.name)
      if (declared === undefined || !hasLimits(declared)) continue
      if (column.kind === 'category') any = this.checkValues(column, chunk, declared) || any
      else any = this.checkRange(column.name, column.values, chunk, declared) || any
    }
    return any && this.policy === 'drop' ? this.drop : null
  }

  toJSON(): GuardState {
    return { misfits: Object.fromEntries(this.misfits), out_of_range: Object.fromEntries(this.outOfRange) }
  }

  private checkRange(
    name: string,
    values: Float64Array,
    chunk: ColumnChunk,
    { min = -Infinity, max = Infinity }: ColumnDeclaration,
  ): boolean {
    let any = false
    for (let row = 0; row < chunk.rows; row += 1) {
      const value = values[row]!
      if (!(value < min || value > max)) continue
      this.bad(name, chunk.firstRow + row, `${value} is outside the declared range, ${min} to ${max}`)
      this.drop[row] = 1
      if (this.policy === 'impute') values[row] = Number.NaN
      any = true
    }
    return any
  }

  private checkValues(column: CategoryColumn, chunk: ColumnChunk, { values }: ColumnDeclaration): boolean {
    if (values === undefined) return false
    let banned = this.banned.get(column.name)
    if (banned === undefined) {
      banned = []
      this.banned.set(column.name, banned)
    }
    while (banned.length < column.dictionary.length) {
      banned.push(values.includes(column.dictionary[banned.length]!) ? 0 : 1)
    }
    let any = false
    for (let row = 0; row < chunk.rows; row += 1) {
      const code = column.codes[row]!
      if (code < 0 || banned[code] === 0) continue
      const value = JSON.stringify(column.dictionary[code])
      this.bad(
        column.name,
        chunk.firstRow + row,
        `${value} is not among the declared values, ${values.join(', ')}`,
      )
      this.drop[row] = 1
      if (this.policy === 'impute') column.codes[row] = -1
      any = true
    }
    return any
  }

  private bad(name: string, row: number, problem: string): void {
    count(this.outOfRange, name)
    if (this.policy !== 'fail') return
    throw new Error(
      `${this.path}: data row ${row + 1}: column "${name}": ${problem}; mend the value, or set dataset.bad_values to drop or impute`,
    )
  }
}

function hasLimits({ min, max, values }: ColumnDeclaration): boolean {
  return min !== undefined || max !== undefined || values !== undefined
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
