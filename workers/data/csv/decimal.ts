/** Digits whose number a double holds whatever they are. */
const EXACT_DIGITS = 15
/** With 7 more after them, the rest of the sum below stays below 2^53. */
const MOST_DIGITS = 22
/** Splits a double into halves of 26 bits, whose products are exact (Veltkamp). */
const SPLITTER = 2 ** 27 + 1
/** Far above the error of the correction: four roundings of a value below 2^-46 of the quotient. */
const ERROR_BOUND = 2 ** -90

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, power) => 10 ** power)
const LARGEST_EXACT_POWER = 22
const TWO_53 = 2 ** 53
/** Beyond this the exponent's digits no longer matter: the value is 0 or infinite, which `Number()` decides. */
const EXPONENT_LIMIT = 9999

const ZERO = 48
const NINE = 57
const PLUS = 43
const MINUS = 45
const POINT = 46
const LOWER_E = 101
const UPPER_E = 69

/** So many digits fit a whole number of 32 bits, which is added up much faster than a double. */
const SHORT_BYTES = 9

/** What `parseDecimal` gives for up to nine digits with or without a point, and nothing else; -1 for all other text. */
export function parseShort(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length > SHORT_BYTES || length < 1) return -1
  let digits = 0
  let fraction = end
  for (let p = start; p < end; p++) {
    const digit = bytes[p]! - ZERO
    if (digit >= 0 && digit <= 9) digits = (digits * 10 + digit) | 0
    else if (digit === POINT - ZERO && fraction === end && length > 1) fraction = p + 1
    else return -1
  }
  return fraction === end ? digits : digits / EXACT_POWERS[end - fraction]!
}

/**
 * The decimal number in `bytes[start .. end)`, bit for bit what `Number()` makes of it; NaN where this fast path
 * cannot tell, which says nothing about the text: the caller then decides from the string.
 *
 * Digits below 2^53 scaled by an exact power of ten take one correctly rounded operation
 * (Clinger, "How to read floating point numbers accurately", PLDI 1990). More digits, as in a double printed in
 * full, are divided in double precision twice over. All else is left to `Number()`.
 */
export function parseDecimal(bytes: Uint8Array, start: number, end: number): number {
  let p = start
  let c = p < end ? bytes[p]! : 0
  const negative = c === MINUS
  if (negative || c === PLUS) c = ++p < end ? bytes[p]! : 0
  let digits = 0
  const whole = p
  while (c >= ZERO && c <= NINE) {
    digits = digits * 10 + (c - ZERO)
    c = ++p < end ? bytes[p]! : 0
  }
  let count = p - whole
  let exponent = 0
  if (c === POINT) {
    const fraction = ++p
    c = p < end ? bytes[p]! : 0
    while (c >= ZERO && c <= NINE) {
      digits = digits * 10 + (c - ZERO)
      c = ++p < end ? bytes[p]! : 0
    }
    exponent = fraction - p
    count -= exponent
  }
  if (count === 0) return Number.NaN
  // At or beyond 2^53 the sum of digits may itself have been rounded.
  if (digits >= TWO_53) {
    if (p < end || exponent < -LARGEST_EXACT_POWER) return Number.NaN
    const long = divideLongDigits(bytes, whole, end, EXACT_POWERS[-exponent]!)
    return negative ? -long : long
  }
  if (c === LOWER_E || c === UPPER_E) {
    c = ++p < end ? bytes[p]! : 0
    const below = c === MINUS
    if (below || c === PLUS) c = ++p < end ? bytes[p]! : 0
    const first = p
    let scale = 0
    while (c >= ZERO && c <= NINE && scale < EXPONENT_LIMIT) {
      scale = scale * 10 + (c - ZERO)
      c = ++p < end ? bytes[p]! : 0
    }
    if (p === first) return Number.NaN
    exponent += below ? -scale : scale
  }
  if (p < end || exponent > LARGEST_EXACT_POWER || exponent < -LARGEST_EXACT_POWER) return Number.NaN
  const value = exponent < 0 ? digits / EXACT_POWERS[-exponent]! : digits * EXACT_POWERS[exponent]!
  return negative ? -value : value
}

const COMMA = 44
const SPACE = 32

/** By byte, 1 for what may not stand before a number, or makes it another one: `-.(<>=~/` and all beyond ASCII. */
const HINDERS_BEFORE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 128 || '-.(<>=~/'.includes(String.fromCharCode(byte)) ? 1 : 0,
)
/** The same for what may not follow a number: another one may go on there, or it changes its sign. */
const HINDERS_AFTER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 128 || ',.-+*/:^)'.includes(String.fromCharCode(byte)) ? 1 : 0,
)
const MULTIPLIES = Uint8Array.from({ length: 256 }, (_, byte) =>
  'kKMGBT'.includes(String.fromCharCode(byte)) ? 1 : 0,
)

/**
 * A number among other text, as in `$1,250.00` or `113.4 kg`; NaN where this fast path cannot tell: a sign or a point
 * before the digits, an exponent, or anything after them that might belong to the number.
 */
export function parseLoose(bytes: Uint8Array, start: number, end: number): number {
  let p = start
  let c = 0
  for (; p < end; p++) {
    c = bytes[p]!
    if (c >= ZERO && c <= NINE) break
    if (HINDERS_BEFORE[c] === 1) return Number.NaN
  }
  if (p === end) return Number.NaN
  let digits = 0
  let group = p
  let grouped = false
  for (;;) {
    while (c >= ZERO && c <= NINE) {
      digits = digits * 10 + (c - ZERO)
      c = ++p < end ? bytes[p]! : 0
    }
    const size = p - group
    if (grouped ? size !== 3 : c === COMMA && (size > 3 || bytes[group] === ZERO)) return Number.NaN
    if (c !== COMMA) break
    grouped = true
    group = ++p
    c = p < end ? bytes[p]! : 0
  }
  let decimals = 0
  if (c === POINT) {
    const fraction = ++p
    c = p < end ? bytes[p]! : 0
    while (c >= ZERO && c <= NINE) {
      digits = digits * 10 + (c - ZERO)
      c = ++p < end ? bytes[p]! : 0
    }
    decimals = p - fraction
  }
  if (digits >= TWO_53 || decimals > LARGEST_EXACT_POWER) return Number.NaN
  if (p < end) {
    const last = bytes[end - 1]!
    if (c === LOWER_E || c === UPPER_E || last === MINUS || last <= SPACE || last >= 128) return Number.NaN
    if (c <= SPACE) {
      c = ++p < end ? bytes[p]! : 0
      if (c <= SPACE || (c >= ZERO && c <= NINE)) return Number.NaN
    }
    if (HINDERS_AFTER[c] === 1) return Number.NaN
    // K means thousands unless a word begins with it.
    if (MULTIPLIES[c] === 1 && !(p + 1 < end && isLetter(bytes[p + 1]!))) return Number.NaN
  }
  return digits / EXACT_POWERS[decimals]!
}

function isLetter(byte: number): boolean {
  return (byte | 32) >= 97 && (byte | 32) <= 122
}

/** A number without a sign or an exponent, with or without thousands separators, and nothing else; else NaN. */
export function parseGrouped(bytes: Uint8Array, start: number, end: number): number {
  const short = parseShort(bytes, start, end)
  if (short >= 0) return short
  let digits = 0
  let decimals = -1
  let group = start
  let grouped = false
  for (let p = start; p < end; p++) {
    const digit = bytes[p]! - ZERO
    if (digit >= 0 && digit <= 9) {
      digits = digits * 10 + digit
      if (decimals >= 0) decimals++
      continue
    }
    const size = p - group
    if (decimals >= 0 || (grouped && size !== 3)) return Number.NaN
    if (digit === COMMA - ZERO) {
      if (size < 1 || size > 3 || bytes[start] === ZERO) return Number.NaN
      grouped = true
      group = p + 1
    } else if (digit === POINT - ZERO) decimals = 0
    else return Number.NaN
  }
  if (grouped && decimals < 0 && end - group !== 3) return Number.NaN
  if (end - start < (decimals < 0 ? 1 : 2) || digits >= TWO_53 || decimals > LARGEST_EXACT_POWER)
    return Number.NaN
  return decimals > 0 ? digits / EXACT_POWERS[decimals]! : digits
}

/**
 * The digits in `bytes[start .. end)`, a point among them skipped, divided by `power`, a power of ten up to 10^22;
 * correctly rounded, or NaN where too many digits or too near a halfway case to tell.
 *
 * The quotient is taken in two doubles by error-free products (Dekker, "A floating-point technique for extending
 * the available precision", 1971), and holds where both ends of its error bound round to the same double.
 */
function divideLongDigits(bytes: Uint8Array, start: number, end: number, power: number): number {
  let high = 0
  let low = 0
  let count = 0
  let scale = 1
  for (let p = start; p < end; p++) {
    const c = bytes[p]!
    if (c < ZERO || c > NINE || (count === 0 && c === ZERO)) continue
    if (count++ < EXACT_DIGITS) {
      high = high * 10 + (c - ZERO)
    } else {
      low = low * 10 + (c - ZERO)
      scale *= 10
    }
  }
  if (count > MOST_DIGITS) return Number.NaN
  const sum = high * scale
  const rest = productError(high, scale, sum) + low
  const quotient = sum / power
  const product = quotient * power
  const correction = (sum - product - productError(quotient, power, product) + rest) / power
  const error = quotient * ERROR_BOUND
  const value = quotient + (correction - error)
  return value === quotient + (correction + error) ? value : Number.NaN
}

/** What `product`, the rounded a x b, lacks of the true one; exact for factors of this file's size. */
function productError(a: number, b: number, product: number): number {
  const aSplit = SPLITTER * a
  const aHigh = aSplit - (aSplit - a)
  const aLow = a - aHigh
  const bSplit = SPLITTER * b
  const bHigh = bSplit - (bSplit - b)
  const bLow = b - bHigh
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow
}
