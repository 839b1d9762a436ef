/** Calendar dates as days since 1970-01-01 in the proleptic Gregorian calendar. */
import type { DateFormat } from './types.ts'

const DAYS_PER_ERA = 146_097
const YEARS_PER_ERA = 400
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT = 719_468
/** Days up to this one are counted in whole numbers of 32 bits. */
const LARGEST_QUICK_DAY = 2 ** 30
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
/** Two-digit years below this are 20xx, the others 19xx. */
const PIVOT_YEAR = 50

/**
 * Days since 1970-01-01; null for a day that the calendar does not have. Month and day count from 1.
 * Years start in March here, so that the leap day is the last of its year (H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms").
 */
export function daysFromCivil(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1) return null
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > MONTH_DAYS[month - 1]! + (month === 2 && leap ? 1 : 0)) return null
  // Whole numbers all along, and none below 0: the compiler then divides them as 32-bit integers.
  const y = (month <= 2 ? year - 1 : year) + YEARS_PER_ERA
  const century = (y / 100) | 0
  const dayOfYear = (((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) | 0) + day - 1
  return y * 365 + (y >> 2) - century + (century >> 2) + dayOfYear - EPOCH_SHIFT - DAYS_PER_ERA
}

/** year * 12 + (month - 1) of a day number; NaN stays NaN, so an unknown date has an unknown year. */
export function monthIndex(days: number): number {
  const whole = Math.floor(days)
  if (!(whole >= -EPOCH_SHIFT && whole <= LARGEST_QUICK_DAY)) return farMonthIndex(whole)
  const shifted = (whole + EPOCH_SHIFT) | 0
  const era = (shifted / DAYS_PER_ERA) | 0
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))
  return (era * YEARS_PER_ERA + yearOfEra) * 12 + (((5 * dayOfYear + 2) / 153) | 0) + 2
}

/** The same where the numbers are below 0, too large for 32 bits, or NaN. */
function farMonthIndex(days: number): number {
  const shifted = days + EPOCH_SHIFT
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  return (era * YEARS_PER_ERA + yearOfEra) * 12 + shiftedMonth + 2
}

const ISO = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](.*))?$/
const TIME = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s?(Z|[+-]\d{2}:?\d{2})?$/
const SHORT_YEAR = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{2})$/
const LONG_YEAR = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})$/
const YEAR_FIRST = /^(\d{4})([/.]?)(\d{2})\2(\d{2})$/

const MINUTES_PER_DAY = 1440

/**
 * Days since 1970-01-01 for trimmed text; null where it is not a date of that form. A time of day after an ISO date
 * is a fraction of a day, in UTC where it names an offset.
 */
export function parseDate(text: string, format: DateFormat): number | null {
  if (format === 'iso') {
    const m = ISO.exec(text)
    if (m === null) return null
    const day = daysFromCivil(Number(m[1]), Number(m[2]), Number(m[3]))
    if (day === null || m[4] === undefined) return day
    const time = timeOfDay(m[4])
    return time === null ? null : day + time
  }
  if (format === 'ymd') {
    const m = YEAR_FIRST.exec(text)
    return m === null ? null : daysFromCivil(Number(m[1]), Number(m[3]), Number(m[4]))
  }
  const m = (format === 'mdy2' || format === 'dmy2' ? SHORT_YEAR : LONG_YEAR).exec(text)
  if (m === null) return null
  const first = Number(m[1])
  const second = Number(m[3])
  const written = Number(m[4])
  const year = m[4]!.length === 4 ? written : written + (written < PIVOT_YEAR ? 2000 : 1900)
  return format === 'dmy4' || format === 'dmy2'
    ? daysFromCivil(year, second, first)
    : daysFromCivil(year, first, second)
}

/** Share of a day; may lie outside 0 to 1 where an offset leads into the next day. */
function timeOfDay(text: string): number | null {
  const m = TIME.exec(text)
  if (m === null) return null
  const [hours, minutes, seconds] = [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)]
  if (hours > 23 || minutes > 59 || seconds >= 61) return null
  const zone = m[4]
  const sign = zone?.startsWith('-') ? -1 : 1
  const offset =
    zone === undefined || zone === 'Z' ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)))
  return (hours * 60 + minutes + seconds / 60 - offset) / MINUTES_PER_DAY
}
