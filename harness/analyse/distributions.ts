/** Probability distributions: Student's t by jStat, the normal with tails exact enough for small spending. */
import jStat from 'jstat'

/** Two-sided p of Student's t; `df` need not be whole. */
export function studentTwoSidedP(t: number, df: number): number {
  return Math.min(1, 2 * jStat.studentt.cdf(-Math.abs(t), df))
}

/** P(T > t). */
export function studentUpperTail(t: number, df: number): number {
  const tail = jStat.studentt.cdf(-Math.abs(t), df)
  return Math.min(1, Math.max(0, t >= 0 ? tail : 1 - tail))
}

/** The value that T stays below with probability `p`. */
export function studentQuantile(p: number, df: number): number {
  // jStat's inverse is exact in one tail only; the distribution is symmetric.
  return p < 0.5 ? -jStat.studentt.inv(1 - p, df) : jStat.studentt.inv(p, df)
}

export function logGamma(x: number): number {
  return jStat.gammaln(x)
}

const SQRT_2PI = Math.sqrt(2 * Math.PI)
/** Below this the series converges fast, above it the continued fraction does. */
const SERIES_LIMIT = 3
/** So many terms, which the fraction needs fewer of farther out: relative error below 1e-14. */
const fractionTerms = (z: number): number => Math.ceil(8 + 320 / (z * z))

export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / SQRT_2PI
}

/**
 * P(Z > z), relative error below 1e-13 out to z = 30.
 * jStat takes it as 1 - erf, which has no digits left where a sequential plan spends its first alpha.
 * Abramowitz & Stegun 26.2.11 (series) and 26.2.14 (continued fraction).
 */
export function normalUpperTail(z: number): number {
  if (z < 0) return 1 - normalUpperTail(-z)
  if (z < SERIES_LIMIT) {
    let term = z
    let sum = z
    for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
      term *= (z * z) / k
      sum += term
    }
    return 0.5 - normalDensity(z) * sum
  }
  let fraction = z
  for (let k = fractionTerms(z); k >= 1; k--) fraction = z + k / fraction
  return normalDensity(z) / fraction
}

export function normalCdf(z: number): number {
  return normalUpperTail(-z)
}

/** The value that Z stays below with probability `p`; jStat's inverse, polished by Newton steps. */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity
  if (p >= 1) return Infinity
  if (p > 0.5) return -normalQuantile(1 - p)
  let z = jStat.normal.inv(p, 0, 1)
  if (!Number.isFinite(z)) z = -Math.sqrt(-2 * Math.log(p))
  for (let step = 0; step < NEWTON_STEPS; step++) {
    // On the log scale, so that far tails converge as fast as the middle.
    const tail = normalUpperTail(-z)
    z -= (Math.log(tail / p) * tail) / normalDensity(z)
  }
  return z
}
const NEWTON_STEPS = 4

// ---------------------------------------------------------------- noncentral t, on which the power of a t-test rests

const STEPS = 400
/** Enough where neither a value nor a noncentrality lies beyond this: absolute error below 1e-11 for df >= 2.5. */
const FEW_STEPS = 200
const NEAR = 6
/** Standard deviations of the chi distribution that are covered on either side. */
const REACH = 10
/** For few degrees of freedom the density of log S falls off below only as exp(df log S); this is e^-30. */
const LOG_CUT = 30

/** Weights below this add nothing that a number could hold. */
const LEAST_WEIGHT = 1e-20

/** Values of S over which the normal tail is averaged, and their weights. */
export interface ChiGrid {
  s: readonly number[]
  weights: readonly number[]
}

/**
 * For these degrees of freedom: made once where many tails are wanted.
 * @param farthest of the values and noncentralities that it is for; absent: any
 */
export function chiGrid(df: number, farthest = Number.POSITIVE_INFINITY): ChiGrid {
  const steps = farthest <= NEAR && df >= 2.5 ? FEW_STEPS : STEPS
  const spread = 1 / Math.sqrt(2 * df)
  const low = -LOG_CUT / df - REACH * spread
  const high = Math.log1p(REACH * spread)
  const step = (high - low) / steps
  const half = df / 2
  const logConstant = Math.LN2 + half * Math.log(half) - logGamma(half)
  const [values, weights]: [number[], number[]] = [[], []]
  for (let i = 0; i <= steps; i++) {
    const logS = low + i * step
    const s = Math.exp(logS)
    const weight = step * Math.exp(logConstant + df * logS - half * s * s)
    if (weight < LEAST_WEIGHT) continue
    values.push(s)
    weights.push(weight)
  }
  return { s: values, weights }
}

/**
 * P(T > t) for T = (Z + noncentrality) / S, where df S^2 is chi-square: the normal tail averaged over log S,
 * whose density is smooth and fades at both ends, so that the trapezoidal rule converges fast.
 * Absolute error below 1e-8 for df >= 1.
 */
export function noncentralUpperTail(
  t: number,
  df: number,
  noncentrality: number,
  grid: ChiGrid = chiGrid(df),
): number {
  let total = 0
  const { s, weights } = grid
  for (let i = 0; i < s.length; i++) total += weights[i]! * normalUpperTail(t * s[i]! - noncentrality)
  return Math.min(1, Math.max(0, total))
}
