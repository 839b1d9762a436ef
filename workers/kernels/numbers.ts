/**
 * Numbers from bytes, with the bits of `data/csv/decimal.ts` and `fast-path.ts`, which say why it is right. Fields are
 * read a column at a time; up to 32 bytes after a field's start may be read.
 */
import { behindLast, stands } from './text'

/** Digits whose number a double holds whatever they are. */
const EXACT_DIGITS: i32 = 15
const MOST_DIGITS: i32 = 22
const SPLITTER: f64 = 134217729
const ERROR_BOUND: f64 = 8.077935669463161e-28
const TWO_53: f64 = 9007199254740992
/** Above 2^53, and ten times as much still fits 64 bits. */
const MOST_DIGITS_SUM: u64 = 100000000000000000
const LARGEST_EXACT_POWER: i32 = 22
const EXPONENT_LIMIT: i32 = 9999

const ZERO: u32 = 48
const PLUS: u32 = 43
const COMMA: u32 = 44
const MINUS: u32 = 45
const POINT: u32 = 46
const SPACE: u32 = 32
const LOWER_E: u32 = 101
const UPPER_E: u32 = 69

const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
])

function power(exponent: i32): f64 {
  return load<f64>(POWERS + ((<usize>exponent) << 3))
}

function isDigit(c: u32): bool {
  return c - ZERO <= 9
}

/** The byte at `p`, or 0 at the end. */
function at(p: usize, end: usize): u32 {
  return p < end ? <u32>load<u8>(p) : 0
}

const ZEROS: u64 = 0x3030303030303030
/** A point, as a byte from which a zero was taken by exclusive or. */
const POINT_BITS: u64 = 0x1e

/** High bits at the bytes that are no digits, exact up to the first of them. */
function noDigits(digits: u64): u64 {
  return ((digits + 0x7676767676767676) | digits) & 0x8080808080808080
}

/** The number of eight digits, a byte each, the first lowest. */
function eight(digits: u64): f64 {
  digits = (digits * 2561) >> 8
  digits = ((digits & 0x00ff00ff00ff00ff) * 6553601) >> 16
  digits = ((digits & 0x0000ffff0000ffff) * 42949672960001) >> 32
  return <f64>(<i32>digits)
}

/** Up to nine digits with or without a point, and nothing else; -1 for all other text. */
function parseShort(start: usize, end: usize): f64 {
  const length = <i32>(end - start)
  if (<u32>(length - 1) <= 7) {
    // All bytes at once: those before the first become zeros.
    const shift = <u64>(64 - 8 * length)
    let digits = (load<u64>(start) ^ ZEROS) << shift
    const first = noDigits(digits)
    if (first === 0) return eight(digits)
    const bit = ctz(first) - 7
    if (((digits >> bit) & 0xff) !== POINT_BITS || length === 1) return -1
    const before = digits & (((<u64>1) << bit) - 1)
    digits = (digits & ((<u64>-256) << bit)) | (before << 8)
    if (noDigits(digits) !== 0) return -1
    return eight(digits) / power(<i32>((56 - bit) >> 3))
  }
  if (length !== 9) return -1
  let digits: u32 = 0
  let fraction = end
  for (let p = start; p < end; p++) {
    const digit = <u32>load<u8>(p) - ZERO
    if (digit <= 9) digits = digits * 10 + digit
    else if (digit === POINT - ZERO && fraction === end) fraction = p + 1
    else return -1
  }
  return fraction === end ? <f64>digits : <f64>digits / power(<i32>(end - fraction))
}

/** The decimal number, bit for bit what JavaScript's `Number()` makes of it; NaN where this cannot tell. */
function parseDecimal(start: usize, end: usize): f64 {
  let p = start
  let c = at(p, end)
  const negative = c === MINUS
  if (negative || c === PLUS) c = at(++p, end)
  let digits: f64 = 0
  const whole = p
  while (isDigit(c)) {
    digits = digits * 10 + <f64>(c - ZERO)
    c = at(++p, end)
  }
  let count = <i32>(p - whole)
  let exponent: i32 = 0
  if (c === POINT) {
    const fraction = ++p
    c = at(p, end)
    while (isDigit(c)) {
      digits = digits * 10 + <f64>(c - ZERO)
      c = at(++p, end)
    }
    exponent = <i32>(fraction - p)
    count -= exponent
  }
  if (count === 0) return NaN
  if (digits >= TWO_53) {
    if (p < end || exponent < -LARGEST_EXACT_POWER) return NaN
    const long = divideLongDigits(whole, end, power(-exponent))
    return negative ? -long : long
  }
  if (c === LOWER_E || c === UPPER_E) {
    c = at(++p, end)
    const below = c === MINUS
    if (below || c === PLUS) c = at(++p, end)
    const first = p
    let scale: i32 = 0
    while (isDigit(c) && scale < EXPONENT_LIMIT) {
      scale = scale * 10 + <i32>(c - ZERO)
      c = at(++p, end)
    }
    if (p === first) return NaN
    exponent += below ? -scale : scale
  }
  if (p < end || exponent > LARGEST_EXACT_POWER || exponent < -LARGEST_EXACT_POWER) return NaN
  const value = exponent < 0 ? digits / power(-exponent) : digits * power(exponent)
  return negative ? -value : value
}

/** The digits, a point among them skipped, divided by a power of ten in twice the precision. */
function divideLongDigits(start: usize, end: usize, divisor: f64): f64 {
  let high: f64 = 0
  let low: f64 = 0
  let count: i32 = 0
  let scale: f64 = 1
  for (let p = start; p < end; p++) {
    const c = <u32>load<u8>(p)
    if (!isDigit(c) || (count === 0 && c === ZERO)) continue
    if (count++ < EXACT_DIGITS) {
      high = high * 10 + <f64>(c - ZERO)
    } else {
      low = low * 10 + <f64>(c - ZERO)
      scale *= 10
    }
  }
  if (count > MOST_DIGITS) return NaN
  const sum = high * scale
  const rest = productError(high, scale, sum) + low
  const quotient = sum / divisor
  const product = quotient * divisor
  const correction = (sum - product - productError(quotient, divisor, product) + rest) / divisor
  const error = quotient * ERROR_BOUND
  const value = quotient + (correction - error)
  return value === quotient + (correction + error) ? value : NaN
}

/** What `product`, the rounded a x b, lacks of the true one. */
function productError(a: f64, b: f64, product: f64): f64 {
  const aSplit = SPLITTER * a
  const aHigh = aSplit - (aSplit - a)
  const aLow = a - aHigh
  const bSplit = SPLITTER * b
  const bHigh = bSplit - (bSplit - b)
  const bLow = b - bHigh
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow
}

/** A decimal number between spaces. */
function parsePlain(start: usize, end: usize): f64 {
  const short = parseShort(start, end)
  if (short >= 0) return short
  while (start < end && <u32>load<u8>(start) === SPACE) start++
  while (start < end && <u32>load<u8>(end - 1) === SPACE) end--
  return parseDecimal(start, end)
}

/** What may not stand before a number, or makes it another one: `-.(<>=~/` and all beyond ASCII. */
function hindersBefore(c: u32): bool {
  return (
    c >= 128 ||
    c === MINUS ||
    c === POINT ||
    c === 40 ||
    c === 60 ||
    c === 62 ||
    c === 61 ||
    c === 126 ||
    c === 47
  )
}

/** What may not follow a number: `,.-+*\/:^)` and all beyond ASCII. */
function hindersAfter(c: u32): bool {
  return (
    c >= 128 ||
    c === COMMA ||
    c === POINT ||
    c === MINUS ||
    c === PLUS ||
    c === 42 ||
    c === 47 ||
    c === 58 ||
    c === 94 ||
    c === 41
  )
}

/** `kKMGBT`. */
function multiplies(c: u32): bool {
  return c === 107 || c === 75 || c === 77 || c === 71 || c === 66 || c === 84
}

function isLetter(c: u32): bool {
  return (c | 32) >= 97 && (c | 32) <= 122
}

/** A number among other text; NaN where this cannot tell. */
function parseLoose(start: usize, end: usize): f64 {
  let p = start
  let c: u32 = 0
  for (; p < end; p++) {
    c = <u32>load<u8>(p)
    if (isDigit(c)) break
    if (hindersBefore(c)) return NaN
  }
  if (p === end) return NaN
  // As whole numbers they are added up faster; from 2^53 on they do not count.
  let digits: u64 = 0
  let group = p
  let grouped = false
  for (;;) {
    while (isDigit(c)) {
      digits = min<u64>(digits * 10 + <u64>(c - ZERO), MOST_DIGITS_SUM)
      c = at(++p, end)
    }
    const size = <i32>(p - group)
    if (grouped ? size !== 3 : c === COMMA && (size > 3 || <u32>load<u8>(group) === ZERO)) return NaN
    if (c !== COMMA) break
    grouped = true
    group = ++p
    c = at(p, end)
  }
  let decimals: i32 = 0
  if (c === POINT) {
    const fraction = ++p
    c = at(p, end)
    while (isDigit(c)) {
      digits = min<u64>(digits * 10 + <u64>(c - ZERO), MOST_DIGITS_SUM)
      c = at(++p, end)
    }
    decimals = <i32>(p - fraction)
  }
  if (<f64>digits >= TWO_53 || decimals > LARGEST_EXACT_POWER) return NaN
  if (p < end) {
    const last = <u32>load<u8>(end - 1)
    if (c === LOWER_E || c === UPPER_E || last === MINUS || last <= SPACE || last >= 128) return NaN
    if (c <= SPACE) {
      c = at(++p, end)
      if (c <= SPACE || isDigit(c)) return NaN
    }
    if (hindersAfter(c)) return NaN
    if (multiplies(c) && !(p + 1 < end && isLetter(<u32>load<u8>(p + 1)))) return NaN
  }
  return <f64>digits / power(decimals)
}

/** A number without a sign or an exponent, with or without thousands separators, and nothing else; else NaN. */
function parseGrouped(start: usize, end: usize): f64 {
  const short = parseShort(start, end)
  if (short >= 0) return short
  let digits: f64 = 0
  let decimals: i32 = -1
  let group = start
  let grouped = false
  for (let p = start; p < end; p++) {
    const digit = <u32>load<u8>(p) - ZERO
    if (digit <= 9) {
      digits = digits * 10 + <f64>digit
      if (decimals >= 0) decimals++
      continue
    }
    const size = <i32>(p - group)
    if (decimals >= 0 || (grouped && size !== 3)) return NaN
    if (digit === COMMA - ZERO) {
      if (size < 1 || size > 3 || <u32>load<u8>(start) === ZERO) return NaN
      grouped = true
      group = p + 1
    } else if (digit === POINT - ZERO) decimals = 0
    else return NaN
  }
  if (grouped && decimals < 0 && end - group !== 3) return NaN
  if (<i32>(end - start) < (decimals < 0 ? 1 : 2) || digits >= TWO_53 || decimals > LARGEST_EXACT_POWER)
    return NaN
  return decimals > 0 ? digits / power(decimals) : digits
}

/**
 * The loops below read `rows` fields, the first at `fields`, the next `stride` bytes further on, to `out`, and list the
 * rows whose result is NaN at `odd`.
 * @returns how many those are
 */
export function numbers(bytes: usize, fields: usize, stride: usize, rows: i32, out: usize, odd: usize): i32 {
  let count: usize = 0
  for (let row = 0; row < rows; row++, fields += stride, out += 8) {
    const value = parsePlain(bytes + <usize>load<i32>(fields), bytes + <usize>load<i32>(fields, 4))
    store<f64>(out, value)
    store<i32>(odd + (count << 2), row)
    if (value !== value) count++
  }
  return <i32>count
}

export function looseNumbers(
  bytes: usize,
  fields: usize,
  stride: usize,
  rows: i32,
  out: usize,
  odd: usize,
): i32 {
  let count: usize = 0
  for (let row = 0; row < rows; row++, fields += stride, out += 8) {
    const value = parseLoose(bytes + <usize>load<i32>(fields), bytes + <usize>load<i32>(fields, 4))
    store<f64>(out, value)
    store<i32>(odd + (count << 2), row)
    if (value !== value) count++
  }
  return <i32>count
}

/** Numbers after the last occurrence of a text. */
export function numbersAfter(
  bytes: usize,
  fields: usize,
  stride: usize,
  rows: i32,
  out: usize,
  odd: usize,
  text: usize,
  length: i32,
  loose: i32,
): i32 {
  let count: usize = 0
  for (let row = 0; row < rows; row++, fields += stride, out += 8) {
    const end = bytes + <usize>load<i32>(fields, 4)
    const from = behindLast(bytes + <usize>load<i32>(fields), end, text, length)
    let value: f64 = NaN
    if (from !== 0) value = loose !== 0 ? parseLoose(from, end) : parsePlain(from, end)
    store<f64>(out, value)
    store<i32>(odd + (count << 2), row)
    if (value !== value) count++
  }
  return <i32>count
}

/** The currency sign before, the unit after, one space at most between it and the number. */
export function decoratedNumbers(
  bytes: usize,
  fields: usize,
  stride: usize,
  rows: i32,
  out: usize,
  odd: usize,
  currency: usize,
  currencyLength: i32,
  unit: usize,
  unitLength: i32,
): i32 {
  let count: usize = 0
  for (let row = 0; row < rows; row++, fields += stride, out += 8) {
    let start = bytes + <usize>load<i32>(fields)
    let end = bytes + <usize>load<i32>(fields, 4)
    let value: f64 = NaN
    if (stands(currency, currencyLength, start, end)) start += <usize>currencyLength
    if (unitLength === 0) value = parseGrouped(start, end)
    else if (<i32>(end - start) >= unitLength && stands(unit, unitLength, end - <usize>unitLength, end)) {
      end -= <usize>unitLength
      if (end > start && <u32>load<u8>(end - 1) === SPACE) end--
      value = parseGrouped(start, end)
    }
    store<f64>(out, value)
    store<i32>(odd + (count << 2), row)
    if (value !== value) count++
  }
  return <i32>count
}
