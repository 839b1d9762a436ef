/** The noncentral F distribution, and the incomplete beta function below it: jStat's stops at 3e-7. */
import { logGamma } from './distributions.ts'

const MOST_TERMS = 10_000
const TINY = 1e-300
const PRECISION = 1e-16

/** Regularised incomplete beta I_x(a, b): Lentz's continued fraction (Numerical Recipes, section 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2)
    ? (front * continuedFraction(x, a, b)) / a
    : 1 - (front * continuedFraction(1 - x, b, a)) / b
}

function continuedFraction(x: number, a: number, b: number): number {
  const guarded = (value: number) => (Math.abs(value) < TINY ? TINY : value)
  let c = 1
  let d = 1 / guarded(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m <= MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / guarded(1 + even * d)
    c = guarded(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / guarded(1 + odd * d)
    c = guarded(1 + odd / c)
    const step = d * c
    fraction *= step
    if (Math.abs(step - 1) < PRECISION) break
  }
  return fraction
}

/** Standard deviations of the Poisson weights that are summed. */
const REACH = 9

/** P(F <= f) of the noncentral F: incomplete betas, weighted by a Poisson distribution of half the noncentrality. */
export function noncentralFCdf(f: number, df1: number, df2: number, noncentrality: number): number {
  if (f <= 0) return 0
  const x = (df1 * f) / (df1 * f + df2)
  const rate = noncentrality / 2
  const reach = REACH * Math.sqrt(rate) + 25
  const first = Math.max(0, Math.floor(rate - reach))
  const last = Math.ceil(rate + reach)
  // From the largest a down, where I_x(a, b) = I_x(a + 1, b) + x^a (1 - x)^b / (a B(a, b)) adds and never cancels.
  const b = df2 / 2
  let a = df1 / 2 + last
  let beta = incompleteBeta(x, a, b)
  let logTerm = logTermOf(x, a - 1, b)
  let logWeight = rate === 0 ? 0 : -rate + last * Math.log(rate) - logGamma(last + 1)
  let total = 0
  for (let j = last; j >= first; j--) {
    total += Math.exp(rate === 0 && j > 0 ? Number.NEGATIVE_INFINITY : logWeight) * beta
    a--
    beta += Math.exp(logTerm)
    logTerm += Math.log(a) - Math.log(a + b - 1) - Math.log(x)
    logWeight += Math.log(Math.max(j, TINY)) - Math.log(Math.max(rate, TINY))
  }
  return Math.min(1, total)
}

/** log of x^a (1 - x)^b / (a B(a, b)). */
function logTermOf(x: number, a: number, b: number): number {
  return a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a + 1) - logGamma(b)
}
