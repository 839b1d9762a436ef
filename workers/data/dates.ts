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

/** A time of day that may follow a date, after a space or a T. */
const LATER = String.raw`(?:(?:[T :]|, ?| at )\s*(.+))?`
const ISO = new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})${LATER}$`)
const SHORT_YEAR = new RegExp(String.raw`^(\d{1,2})([/.-])(\d{1,2})\2(\d{2})${LATER}$`)
const LONG_YEAR = new RegExp(String.raw`^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})${LATER}$`)
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([/.])(\d{1,2})\2(\d{1,2})${LATER}$`)
const COMPACT = new RegExp(String.raw`^(\d{4})(\d{2})(\d{2})${LATER}$`)
const YEAR_AND_MONTH = /^(\d{4})[-/.](\d{1,2})$/
/** `200001`, `2000M1`, as statistical offices write months. */
const COMPACT_MONTH = /^(\d{4})(?:(0[1-9]|1[0-2])|-?m(\d{1,2}))$/i
/** `2000Q1`, `2000-Q1`, `Q1 2000`: a quarter starts on the first of its first month. */
const QUARTER = /^(?:(\d{4})[ /.-]?q([1-4])|q([1-4])[ /.-]?(\d{4}))$/i
/** `2019-W01`, `2019W01`, `2019-W01-3`: a week of ISO 8601 starts on its Monday, and the first one has January 4. */
const WEEK = /^(\d{4})[ -]?w(\d{1,2})(?:-([1-7]))?$/i
const WEEKDAY = String.raw`(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+)?`
/** A month's name or its start, of whichever language. */
const NAME = '(\\p{L}{3,})\\.?'
/** A weekday in the languages of OTHER_MONTHS, long or short. */
const OTHER_WEEKDAY = String.raw`(?:(?:lun|mar|mer|mi[eé]|jeu|jue|gio|ven|vie|s[aáä][mb]|dim|dom|mo|di|mi|do|fr|sa|so|ma|wo|vr|za|zo|m[aå]n|ti[rs]|ons|tor|l[øö]r|s[øö]n|seg|ter|qua|qui|sex)[\p{L}-]*[,.]{0,2}\s+)?`
/** `Jan 1 2000`, `January 1st, 2000 13:45`. */
const MONTH_FIRST = new RegExp(
  String.raw`^${WEEKDAY}${NAME}[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(\d{4}|\d{2})${LATER}$`,
  'iu',
)
/** `Sat Jan 1 10:00:00 UTC 2000`, as Unix prints it. */
const YEAR_LAST = new RegExp(
  String.raw`^${WEEKDAY}${NAME}\s+(\d{1,2})\s+(\d{1,2}:\d{2}(?::\d{2})?(?:\s+(?:[A-Z]{3,4}|[+-]\d{4}))?)\s+(\d{4})$`,
  'iu',
)
/** `1 Jan 2000`, `1-Jan-00`, `Sat, 01 Jan 2000 13:45:00 GMT`, `1er janvier 2000`, `3 de enero de 2000`. */
const DAY_FIRST = new RegExp(
  String.raw`^(?:${WEEKDAY}|${OTHER_WEEKDAY})(\d{1,2})(?:st|nd|rd|th|er|[º°])?\.?(?:\s+de\s+|[\s/-]*)${NAME},?(?:\s+del?\s+|[\s/-]*)(\d{4}|\d{2})${LATER}$`,
  'iu',
)
/** `Jan 2000`, `Jan-00`, `enero de 2000`. */
const NAME_AND_YEAR = new RegExp(String.raw`^${NAME}(?:\s+del?\s+|[\s,/-]+)(\d{4}|\d{2})$`, 'iu')
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** How the months begin in German, French, Spanish, Italian, Portuguese, Dutch, Danish, Norwegian and Swedish. */
const OTHER_MONTHS: readonly RegExp[] = [
  /^(?:jan|jän|ene|gen)/u,
  /^(?:feb|fev|fév)/u,
  /^(?:mar|mär|mrt|mrz|maa)/u,
  /^(?:apr|abr|avr)/u,
  /^(?:may|mai|mei|maj|mag)/u,
  /^(?:jun|juin|giu)/u,
  /^(?:jul|juil|lug)/u,
  /^(?:aug|ago|aoû|aou)/u,
  /^(?:sep|set)/u,
  /^(?:oct|okt|out|ott)/u,
  /^nov/u,
  /^(?:dec|déc|dez|dic|des)/u,
]
/** Zones by letters, other than UTC, say too little to count: the clock is then taken as it is. */
const LETTERED = 'Z|UTC|GMT|[ECMP][SD]T|BST|WES?T|CES?T|EES?T|MSK|IST|JST|KST|AE[SD]T'
const TIME = new RegExp(
  String.raw`^(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s?(am|pm|a\.m\.|p\.m\.)?\s?(${LETTERED}|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)?(?:\s?\[[\w/+-]+\])?$`,
  'i',
)
const COMPACT_TIME = /^(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}:?\d{2})?$/

const HOURS_PER_DAY = 24
/** Above what a day number of this age loses of its fraction, and far below a second. */
const CLOCK_SLACK_HOURS = 1e-6

/** 0 for Monday; NaN stays NaN. 1970-01-01 was a Thursday. */
export function weekdayOf(days: number): number {
  return (((Math.floor(days) + 3) % 7) + 7) % 7
}

/** 0 to 23; NaN stays NaN. */
export function hourOf(days: number): number {
  const hour = Math.floor((days - Math.floor(days)) * HOURS_PER_DAY + CLOCK_SLACK_HOURS)
  return hour === HOURS_PER_DAY ? HOURS_PER_DAY - 1 : hour
}

const MINUTES_PER_DAY = 1440
const HALF_DAY_HOURS = 12

/**
 * Days since 1970-01-01 for trimmed text; null where it is not a date of that form. A time of day is a fraction of a
 * day, in UTC where it names an offset; of `time` that is all there is. A month without a day starts on its first.
 */
export function parseDate(text: string, format: DateFormat): number | null {
  switch (format) {
    case 'iso': {
      const m = ISO.exec(text)
      return m === null ? null : withTime(daysFromCivil(Number(m[1]), Number(m[2]), Number(m[3])), m[4])
    }
    case 'ymd': {
      const m = YEAR_FIRST.exec(text)
      if (m !== null) return withTime(daysFromCivil(Number(m[1]), Number(m[3]), Number(m[4])), m[5])
      const compact = COMPACT.exec(text)
      if (compact === null) return null
      const [, year, month, day, time] = compact
      return withTime(daysFromCivil(Number(year), Number(month), Number(day)), time)
    }
    case 'ym': {
      const m = YEAR_AND_MONTH.exec(text)
      return m === null ? compactMonth(text) : daysFromCivil(Number(m[1]), Number(m[2]), 1)
    }
    case 'time':
      return timeOfDay(text, false)
    case 'month_name':
      return namedMonth(text)
    default: {
      const m = (format === 'mdy2' || format === 'dmy2' ? SHORT_YEAR : LONG_YEAR).exec(text)
      if (m === null) return null
      const first = Number(m[1])
      const second = Number(m[3])
      const year = fullYear(m[4]!)
      const day =
        format === 'dmy4' || format === 'dmy2'
          ? daysFromCivil(year, second, first)
          : daysFromCivil(year, first, second)
      return withTime(day, m[5])
    }
  }
}

function compactMonth(text: string): number | null {
  const m = COMPACT_MONTH.exec(text)
  if (m !== null) return daysFromCivil(Number(m[1]), Number(m[2] ?? m[3]), 1)
  const q = QUARTER.exec(text)
  if (q !== null) return daysFromCivil(Number(q[1] ?? q[4]), 3 * Number(q[2] ?? q[3]) - 2, 1)
  const w = WEEK.exec(text)
  return w === null ? null : dayOfWeek(Number(w[1]), Number(w[2]), Number(w[3] ?? 1))
}

/** Null where the year has no such week. */
function dayOfWeek(year: number, week: number, day: number): number | null {
  const january4 = daysFromCivil(year, 1, 4)!
  const monday = january4 - weekdayOf(january4) + 7 * (week - 1)
  // A week belongs to the year of its Thursday.
  const belongs = week >= 1 && Math.floor(monthIndex(monday + 3) / 12) === year
  return belongs ? monday + day - 1 : null
}

function namedMonth(text: string): number | null {
  const m = MONTH_FIRST.exec(text)
  if (m !== null) return withTime(namedDay(m[3]!, m[1]!, m[2]!), m[4])
  const d = DAY_FIRST.exec(text)
  if (d !== null) return withTime(namedDay(d[3]!, d[2]!, d[1]!), d[4])
  const y = YEAR_LAST.exec(text)
  if (y !== null) return withTime(namedDay(y[4]!, y[1]!, y[2]!), y[3])
  const n = NAME_AND_YEAR.exec(text)
  return n === null ? null : namedDay(n[2]!, n[1]!, '1')
}

function namedDay(year: string, month: string, day: string): number | null {
  return daysFromCivil(fullYear(year), monthOf(month, year), Number(day))
}

/** 0 for none. Names of languages other than English start as other words do, and need a year of four digits. */
function monthOf(name: string, year: string): number {
  const low = name.toLowerCase()
  const english = MONTHS.indexOf(low.slice(0, 3)) + 1
  if (english > 0 || year.length < 4) return english
  const composed = low.normalize('NFC')
  return OTHER_MONTHS.findIndex((begins) => begins.test(composed)) + 1
}

function fullYear(digits: string): number {
  const written = Number(digits)
  return digits.length === 4 ? written : written + (written < PIVOT_YEAR ? 2000 : 1900)
}

function withTime(day: number | null, time: string | undefined): number | null {
  if (day === null || time === undefined) return day
  const share = timeOfDay(time, true)
  return share === null ? null : day + share
}

/** Share of a day; may lie outside 0 to 1 where an offset leads into the next day. */
function timeOfDay(text: string, compact: boolean): number | null {
  const m = TIME.exec(text.trim())
  if (m === null) return compact ? compactTime(text) : null
  const [minutes, seconds] = [Number(m[2]), Number((m[3] ?? '0').replace(',', '.'))]
  const hours = hoursOf(Number(m[1]), m[4])
  if (hours === null || minutes > 59 || seconds >= 61) return null
  return (hours * 60 + minutes + seconds / 60 - offsetOf(m[5])) / MINUTES_PER_DAY
}

function compactTime(text: string): number | null {
  const m = COMPACT_TIME.exec(text)
  if (m === null) return null
  const [hours, minutes, seconds] = [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)]
  if (hours > 23 || minutes > 59 || seconds > 60) return null
  return (hours * 60 + minutes + seconds / 60 - offsetOf(m[4])) / MINUTES_PER_DAY
}

/** 12 am is midnight. */
function hoursOf(hours: number, half: string | undefined): number | null {
  if (half === undefined) return hours > 23 ? null : hours
  if (hours < 1 || hours > HALF_DAY_HOURS) return null
  return (hours % HALF_DAY_HOURS) + (half.toLowerCase().startsWith('p') ? HALF_DAY_HOURS : 0)
}

/** Minutes before UTC. */
function offsetOf(zone: string | undefined): number {
  const m = zone === undefined ? null : /([+-])(\d{2}):?(\d{2})?$/.exec(zone)
  if (m === null) return 0
  return (m[1] === '-' ? -1 : 1) * (Number(m[2]) * 60 + Number(m[3] ?? 0))
}
