/** The numbers in the reports of steps, each kept in a column: writing JSON within a chunk's time costs ten times as much. */
import type { StepReport } from '../contract.ts'

/** What a report holds besides its rows and bytes. */
export type Reported = Pick<StepReport, 'operators_ms' | 'detail'>

/** A column, or a further level of names. */
type Columns = Map<string, number | Columns>

/** Stands for null and for numbers that JSON writes as null; NaN stands for what a report does not have. */
const NULL = Number.POSITIVE_INFINITY

export class ReportNumbers {
  /** Columns there are at most; what holds numbers beyond them is left over. */
  readonly width: number
  private readonly columns = { operators_ms: new Map() as Columns, detail: new Map() as Columns }
  private used = 0

  constructor(width: number) {
    this.width = width
  }

  /**
   * Puts the report's numbers into `out[at .. at + width)`.
   * @returns what is left over: entries that are or hold anything else; null where there are none
   */
  take(report: Reported, out: Float64Array, at: number): Reported | null {
    out.fill(Number.NaN, at, at + this.width)
    let rest = null as Reported | null
    for (const name in report.operators_ms) {
      const value = report.operators_ms[name]!
      if (this.keep(this.columns.operators_ms, name, value, out, at)) continue
      rest = { ...rest, operators_ms: { ...rest?.operators_ms, [name]: value } }
    }
    for (const name in report.detail) {
      const value = report.detail[name]
      if (this.keep(this.columns.detail, name, value, out, at)) continue
      rest = { ...rest, detail: { ...rest?.detail, [name]: value } }
    }
    return rest
  }

  /** The report again, from its numbers and what was left over. */
  report(from: Float64Array, at: number, rest: Reported | null): Reported {
    const operators = { ...objectOf(this.columns.operators_ms, from, at), ...rest?.operators_ms }
    const detail = { ...objectOf(this.columns.detail, from, at), ...rest?.detail }
    return {
      ...(Object.keys(operators).length > 0 && { operators_ms: operators as Record<string, number> }),
      ...(Object.keys(detail).length > 0 && { detail }),
    }
  }

  private keep(level: Columns, name: string, value: unknown, out: Float64Array, at: number): boolean {
    const known = level.get(name)
    if (typeof value === 'number' || value === null) {
      if (known instanceof Map || (known === undefined && this.used === this.width)) return false
      const column = known ?? this.used++
      if (known === undefined) level.set(name, column)
      out[at + column] = value === null || !Number.isFinite(value) ? NULL : value
      return true
    }
    if (typeof value !== 'object' || Array.isArray(value) || typeof known === 'number') return false
    const below = known ?? (new Map() as Columns)
    if (known === undefined) level.set(name, below)
    let any = false
    for (const key in value) {
      any = this.keep(below, key, (value as Record<string, unknown>)[key], out, at)
      if (!any) break
    }
    // All of an object or nothing, and an empty one would be lost.
    if (!any) clear(below, out, at)
    return any
  }
}

function clear(level: Columns, out: Float64Array, at: number): void {
  for (const column of level.values()) {
    if (column instanceof Map) clear(column, out, at)
    else out[at + column] = Number.NaN
  }
}

function objectOf(level: Columns, from: Float64Array, at: number): Record<string, unknown> | undefined {
  const entries: [string, unknown][] = []
  for (const [name, column] of level) {
    if (column instanceof Map) {
      const value = objectOf(column, from, at)
      if (value !== undefined) entries.push([name, value])
      continue
    }
    const value = from[at + column]!
    if (!Number.isNaN(value)) entries.push([name, value === NULL ? null : value])
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
