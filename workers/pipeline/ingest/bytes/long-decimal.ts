/** Digits whose number a double holds whatever they are. */
const EXACT_DIGITS = 15
/** With 7 more behind them, the rest of the sum below stays below 2^53. */
const MOST_DIGITS = 22
/** Splits a double into halves of 26 bits, whose products are exact (Veltkamp). */
const SPLITTER = 2 ** 27 + 1
/** Far above the error of the correction: four roundings of a value below 2^-46 of the quotient. */
const ERROR_BOUND = 2 ** -90

const ZERO = 48
const NINE = 57

/**
 * The digits in `bytes[start .. end)`, a point among them skipped, divided by `power`, a power of ten up to 10^22;
 * correctly rounded, or NaN where too many digits or too near a halfway case to tell.
 *
 * The quotient is taken in two doubles by error-free products (Dekker, "A floating-point technique for extending
 * the available precision", 1971), and holds where both ends of its error bound round to the same double.
 */
export function divideLongDigits(bytes: Uint8Array, start: number, end: number, power: number): number {
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
