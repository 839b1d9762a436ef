import type { ColumnSpec } from '../columns.ts'

type DateFormat = NonNullable<ColumnSpec['format']>

const ZERO = 48
const NINE = 57
const SLASH = 47
const DASH = 45
/** Two-digit years below this are 20xx. */
const PIVOT_YEAR = 50
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * The date in `bytes[start .. end)` as days since 1970-01-01; NaN where this fast path cannot tell, which says
 * nothing about the text.
 */
export function parseDate(bytes: Uint8Array, start: number, end: number, format: DateFormat): number {
  const mark = format === 'iso' ? DASH : SLASH
  let a = 0
  let b = 0
  let c = 0
  let p = start
  let byte = 0
  for (; p < end && (byte = bytes[p]!) >= ZERO && byte <= NINE; p++) a = a * 10 + (byte - ZERO)
  const aDigits = p - start
  if (p >= end || byte !== mark) return Number.NaN
  const second = ++p
  for (; p < end && (byte = bytes[p]!) >= ZERO && byte <= NINE; p++) b = b * 10 + (byte - ZERO)
  const bDigits = p - second
  if (p >= end || byte !== mark) return Number.NaN
  const third = ++p
  for (; p < end && (byte = bytes[p]!) >= ZERO && byte <= NINE; p++) c = c * 10 + (byte - ZERO)
  const cDigits = p - third
  if (p < end) return Number.NaN
  if (format === 'iso') return aDigits === 4 && bDigits === 2 && cDigits === 2 ? daysOf(a, b, c) : Number.NaN
  if (aDigits === 0 || aDigits > 2 || bDigits === 0 || bDigits > 2) return Number.NaN
  if (cDigits !== (format === 'mdy2' ? 2 : 4)) return Number.NaN
  const year = format === 'mdy2' ? c + (c < PIVOT_YEAR ? 2000 : 1900) : c
  return format === 'dmy4' ? daysOf(year, b, a) : daysOf(year, a, b)
}

/**
 * Days since 1970-01-01 in the proleptic Gregorian calendar; NaN where there is no such day.
 * Counts by eras of 400 years from 1 March (Hinnant, "chrono-compatible low-level date algorithms").
 */
function daysOf(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1) return Number.NaN
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > MONTH_DAYS[month - 1]! + (leap ? 1 : 0)) return Number.NaN
  const shifted = month > 2 ? year : year - 1
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
