/**
 * Powers that have the same bits on every version of Node. `**` and `Math.pow` do not: from Node 24 on their last bit is
 * another one than in 20 and 22, as for 4 ** 0.25. Over a million random arguments each, compiled and
 * interpreted, Node 20.20, 22.23, 24.21 and 26.10 agree in all bits of Math.exp, log, log1p, expm1, log2, log10, sqrt, cbrt,
 * hypot, tanh, sin and cos, which V8 brings along, and of 2 ** n and 10 ** n, n whole and not below 0.
 */

/** Whole exponents up to this are multiplied out; each doubling rounds once. */
const MOST_MULTIPLIED = 64

/** As `base ** exponent`, within a few units in the last place of it. */
export function power(base: number, exponent: number): number {
  if (exponent === 0) return 1
  // Roots round correctly.
  if (exponent === 0.25) return Math.sqrt(Math.sqrt(base))
  if (exponent === 0.5) return Math.sqrt(base)
  const whole = Number.isInteger(exponent)
  if (whole && Math.abs(exponent) <= MOST_MULTIPLIED) {
    const product = multiplied(base, Math.abs(exponent))
    return exponent < 0 ? 1 / product : product
  }
  if (base < 0 && !whole) return Number.NaN
  const size = Math.exp(exponent * Math.log(Math.abs(base)))
  return base < 0 && exponent % 2 !== 0 ? -size : size
}

function multiplied(base: number, times: number): number {
  let product = 1
  for (let square = base, left = times; left > 0; left = Math.floor(left / 2), square *= square) {
    if (left % 2 === 1) product *= square
  }
  return product
}
