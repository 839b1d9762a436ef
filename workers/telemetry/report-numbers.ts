/** The numbers in the reports of steps, each kept in a column: writing JSON within a chunk's time costs ten times as much. */

import { checkedPart, checkOperatorMs } from '../untrusted.ts'
import type { StepReport } from '../workload.ts'

const { create, hasOwn } = Object
const { stringify } = JSON
const PARTS = ['operators_ms', 'detail'] as const
/** What lies deeper is left over. */
const DEEPEST = 4

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
   * @throws {WorkloadError} where a part is no object, or the time of an operator no number
   */
  take(report: Reported, out: Float64Array, at: number): Reported | null {
    out.fill(Number.NaN, at, at + this.width)
    let rest: Reported | null = null
    for (const part of PARTS) {
      const given = checkedPart(report, part)
      for (const name in given) {
        if (!hasOwn(given, name)) continue
        const value = given[name]
        if (part === 'operators_ms') checkOperatorMs(value, name)
        if (this.keep(this.columns[part], name, value, out, at, 1)) continue
        rest ??= {}
        const left: Record<string, unknown> = rest[part] ?? create(null)
        left[name] = value
        rest[part] = left as Record<string, number>
      }
    }
    return rest
  }

  /** The kept numbers as members of a JSON object, `"operators_ms":{...},"detail":{...}`, without those that are empty. */
  json(from: Float64Array, at: number): string {
    const { operators_ms, detail } = this.columns
    const parts = [memberOf('operators_ms', operators_ms, from, at), memberOf('detail', detail, from, at)]
    return parts.filter((part) => part !== '').join()
  }

  private keep(
    level: Columns,
    name: string,
    value: unknown,
    out: Float64Array,
    at: number,
    depth: number,
  ): boolean {
    const known = level.get(name)
    if (typeof value === 'number' || value === null) {
      if (known instanceof Map || (known === undefined && this.used === this.width)) return false
      const column = known ?? this.used++
      if (known === undefined) level.set(name, column)
      out[at + column] = value === null || !Number.isFinite(value) ? NULL : value
      return true
    }
    const isObject = typeof value === 'object' && !Array.isArray(value)
    if (!isObject || typeof known === 'number' || depth === DEEPEST) return false
    if (known === undefined && this.used === this.width) return false
    const below = known ?? (new Map() as Columns)
    if (known === undefined) level.set(name, below)
    let any = false
    for (const key in value) {
      any = this.keep(below, key, (value as Record<string, unknown>)[key], out, at, depth + 1)
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

/**
 * Put together as text, and numbers by JSON: objects, and the strings that `${value}` keeps for the next time, would
 * outlive the line, and the heap would grow with the log.
 */
function memberOf(name: string, column: number | Columns, from: Float64Array, at: number): string {
  if (column instanceof Map) {
    let inside = ''
    for (const [below, next] of column) {
      const member = memberOf(below, next, from, at)
      if (member !== '') inside += inside === '' ? member : `,${member}`
    }
    return inside === '' ? '' : `${stringify(name)}:{${inside}}`
  }
  const value = from[at + column]!
  return Number.isNaN(value) ? '' : `${stringify(name)}:${value === NULL ? 'null' : stringify(value)}`
}

/** A report's numbers, read back, with what was left over. */
export function joined<T extends Reported>(numbers: T, rest: Reported): T {
  const { operators_ms, detail } = rest
  return {
    ...numbers,
    ...(operators_ms && { operators_ms: { ...numbers.operators_ms, ...operators_ms } }),
    ...(detail && { detail: { ...numbers.detail, ...detail } }),
  }
}
