/** Dates from bytes and the calendar, with the results of `data/dates.ts`, which says where the formulas come from. */

const DAYS_PER_ERA: i32 = 146097
const YEARS_PER_ERA: i32 = 400
const EPOCH_SHIFT: i32 = 719468
/** Two-digit years below this are 20xx, the others 19xx. */
const PIVOT_YEAR: i32 = 50
const MONTH_DAYS = memory.data<u8>([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

const ZERO: u32 = 48
const SLASH: u32 = 47
const DASH: u32 = 45

/** Forms by number, in the order of DATE_FORMATS. */
const ISO: i32 = 0
const DMY4: i32 = 2
const MDY2: i32 = 3

/** Days since 1970-01-01; NaN for a day that the calendar does not have. */
function daysFromCivil(year: i32, month: i32, day: i32): f64 {
  if (month < 1 || month > 12 || day < 1) return NaN
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > <i32>load<u8>(MONTH_DAYS + <usize>(month - 1)) + (month === 2 && leap ? 1 : 0)) return NaN
  const y = (month <= 2 ? year - 1 : year) + YEARS_PER_ERA
  const century = y / 100
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  return <f64>(y * 365 + (y >> 2) - century + (century >> 2) + dayOfYear - EPOCH_SHIFT - DAYS_PER_ERA)
}

function parseDate(start: usize, end: usize, format: i32): f64 {
  const iso = format === ISO
  const mark = iso ? DASH : SLASH
  let first: i32 = 0
  let second: i32 = 0
  let value: i32 = 0
  let from = start
  let marks: i32 = 0
  for (let p = start; p < end; p++) {
    const c = <u32>load<u8>(p)
    if (c - ZERO <= 9) {
      value = value * 10 + <i32>(c - ZERO)
    } else if (c === mark && marks < 2) {
      const digits = <i32>(p - from)
      if (iso && marks === 0 ? digits !== 4 : digits < 1 || digits > 2) return NaN
      if (marks++ === 0) first = value
      else second = value
      value = 0
      from = p + 1
    } else {
      return NaN
    }
  }
  const digits = <i32>(end - from)
  if (marks < 2) return NaN
  if (iso) return digits === 1 || digits === 2 ? daysFromCivil(first, second, value) : NaN
  if (digits !== (format === MDY2 ? 2 : 4)) return NaN
  if (format === DMY4) return daysFromCivil(value, second, first)
  return daysFromCivil(format === MDY2 ? fullYear(value) : value, first, second)
}

function fullYear(year: i32): i32 {
  return year + (year < PIVOT_YEAR ? 2000 : 1900)
}

/** `MM/DD/YY`, in full, as eight bytes: where the slashes are, and a zero in place of each digit. */
const SLASHES: u64 = 0x3030_2f30_302f_3030

/** As `numbers`; the forms are `iso` and those with slashes and the year last. */
export function dates(
  bytes: usize,
  fields: usize,
  stride: usize,
  rows: i32,
  out: usize,
  odd: usize,
  format: i32,
): i32 {
  let count: usize = 0
  for (let row = 0; row < rows; row++, fields += stride, out += 8) {
    const start = bytes + <usize>load<i32>(fields)
    const end = bytes + <usize>load<i32>(fields, 4)
    let value: f64 = NaN
    let read = false
    if (format === MDY2 && end - start === 8) {
      const digits = load<u64>(start) ^ SLASHES
      // Bytes above 9 are no digits, and neither slash may differ.
      if (
        (((digits + 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080) === 0 &&
        (digits & 0x0000_ff00_00ff_0000) === 0
      ) {
        const pairs = digits * 10 + (digits >> 8)
        value = daysFromCivil(
          fullYear(<i32>((pairs >> 48) & 0xff)),
          <i32>(pairs & 0xff),
          <i32>((pairs >> 24) & 0xff),
        )
        read = true
      }
    }
    if (!read) value = parseDate(start, end, format)
    store<f64>(out, value)
    store<i32>(odd + (count << 2), row)
    if (value !== value) count++
  }
  return <i32>count
}

/** year * 12 + (month - 1) of day numbers. @returns the first row whose day is far off or none, or `rows` */
export function months(out: usize, rows: i32, days: usize): i32 {
  for (let row: usize = 0; row < <usize>rows; row++) {
    const whole = Math.floor(load<f64>(days + (row << 3)))
    if (!(whole >= <f64>-EPOCH_SHIFT && whole <= 1073741824)) return <i32>row
    const shifted = <i32>whole + EPOCH_SHIFT
    const era = shifted / DAYS_PER_ERA
    const dayOfEra = shifted - era * DAYS_PER_ERA
    const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
    const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - yearOfEra / 100)
    const month = (era * YEARS_PER_ERA + yearOfEra) * 12 + (5 * dayOfYear + 2) / 153 + 2
    store<f64>(out + (row << 3), <f64>month)
  }
  return rows
}
