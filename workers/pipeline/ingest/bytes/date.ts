import type { DateFormat } from '../../../contract.ts'
import { daysFromCivil } from '../dates.ts'

const ZERO = 48
const NINE = 57
const SLASH = 47
const DASH = 45
/** Two-digit years below this are 20xx. */
const PIVOT_YEAR = 50

/**
 * The date in `bytes[start .. end)` as days since 1970-01-01; NaN where this fast path cannot tell, which says
 * nothing about the text. Knows `-` in ISO dates and `/` in the others.
 */
export function parseDateBytes(bytes: Uint8Array, start: number, end: number, format: DateFormat): number {
  if (format === 'ymd' || format === 'dmy2') return Number.NaN
  const iso = format === 'iso'
  const mark = iso ? DASH : SLASH
  let first = 0
  let second = 0
  let value = 0
  let from = start
  let marks = 0
  for (let p = start; p < end; p++) {
    const c = bytes[p]!
    if (c >= ZERO && c <= NINE) {
      value = value * 10 + (c - ZERO)
    } else if (c === mark && marks < 2) {
      const digits = p - from
      if (iso && marks === 0 ? digits !== 4 : digits < 1 || digits > 2) return Number.NaN
      if (marks++ === 0) first = value
      else second = value
      value = 0
      from = p + 1
    } else {
      return Number.NaN
    }
  }
  const digits = end - from
  if (marks < 2) return Number.NaN
  if (iso)
    return digits === 1 || digits === 2 ? (daysFromCivil(first, second, value) ?? Number.NaN) : Number.NaN
  if (digits !== (format === 'mdy2' ? 2 : 4)) return Number.NaN
  if (format === 'dmy4') return daysFromCivil(value, second, first) ?? Number.NaN
  const year = format === 'mdy4' ? value : value + (value < PIVOT_YEAR ? 2000 : 1900)
  return daysFromCivil(year, first, second) ?? Number.NaN
}
