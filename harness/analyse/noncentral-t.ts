/** The noncentral t distribution, on which the power of a t-test rests. */
import { logGamma, normalUpperTail } from './distributions.ts'

const STEPS = 400
/** Standard deviations of the chi distribution that are covered on either side. */
const REACH = 10
/** For few degrees of freedom the density of log S falls off below only as exp(df log S); this is e^-30. */
const LOG_CUT = 30

/**
 * P(T > t) for T = (Z + noncentrality) / S, where df S^2 is chi-square: the normal tail averaged over log S,
 * whose density is smooth and fades at both ends, so that the trapezoidal rule converges fast.
 * Absolute error below 1e-8 for df >= 1.
 */
export function noncentralUpperTail(t: number, df: number, noncentrality: number): number {
  const spread = 1 / Math.sqrt(2 * df)
  const low = -LOG_CUT / df - REACH * spread
  const high = Math.log1p(REACH * spread)
  const step = (high - low) / STEPS
  const half = df / 2
  const logConstant = Math.LN2 + half * Math.log(half) - logGamma(half)
  let total = 0
  for (let i = 0; i <= STEPS; i++) {
    const logS = low + i * step
    const s = Math.exp(logS)
    const density = Math.exp(logConstant + df * logS - half * s * s)
    total += density * normalUpperTail(t * s - noncentrality)
  }
  return Math.min(1, Math.max(0, total * step))
}
