/** At which looks, and beyond which z, may a comparison stop early without more false alarms than promised? */

import { mean, standardDeviation } from './descriptive.ts'
import {
  normalDensity,
  normalQuantile,
  normalUpperTail,
  studentQuantile,
  studentUpperTail,
} from './distributions.ts'
import { usableValues } from './values.ts'
import type { Warning } from './warnings.ts'

export interface SequentialPlan {
  /** One-sided, over all looks together. */
  alpha: number
  looks: Look[]
}

interface Look {
  /** Share of the largest sample, fixed before the first look. */
  information: number
  /** Stop where the statistic is at least this. */
  z: number
  /** The same as a one-sided p: what a t-test at this look is held against. */
  nominalP: number
  /** Alpha spent up to and with this look. */
  spent: number
}

/** Where the joint density is cut off below; less than 1e-15 lies beyond. */
const LOWEST_Z = -8
/** Widest grid step, and the widest in standard deviations of the increment between two looks. */
const WIDEST_STEP = 0.05
const WIDEST_STEP_IN_SD = 0.2

/**
 * A group-sequential plan with alpha spent as Lan & DeMets (1983) spend it in O'Brien & Fleming's manner:
 * 2 - 2 Phi(z(1 - alpha / 2) / sqrt(information)), hardly any early and nearly all at the end.
 * The boundaries come from the recursion of Armitage, McPherson & Rowe (1969), integrated by Simpson's rule.
 * @param information strictly increasing shares of the largest sample; the last is 1
 * @param alpha one-sided, below 0.5
 * @throws RangeError for shares or an alpha that make no plan
 */
export function sequentialPlan(information: readonly number[], alpha = 0.025): SequentialPlan {
  checkPlan(information, alpha)
  const looks: Look[] = []
  let density: Density | null = null
  let before = { information: 0, spent: 0 }
  for (const share of information) {
    const spent = spentAlpha(share, alpha)
    const toSpend = spent - before.spent
    const step: Step = { from: before.information, to: share, density }
    const z = boundary(step, toSpend)
    looks.push({ information: share, z, nominalP: normalUpperTail(z), spent })
    density = continued(step, z)
    before = { information: share, spent }
  }
  return { alpha, looks }
}

/** Looks after equal shares of the largest sample. */
export function equalShares(looks: number): number[] {
  return Array.from({ length: looks }, (_, index) => (index + 1) / looks)
}

/** Density of z at a look, of those that went on; Simpson weights times density at each grid point. */
interface Density {
  z: Float64Array
  mass: Float64Array
}

interface Step {
  from: number
  to: number
  /** Null before the first look, when all stand at 0. */
  density: Density | null
}

function spentAlpha(information: number, alpha: number): number {
  return information >= 1
    ? alpha
    : 2 * normalUpperTail(normalQuantile(1 - alpha / 2) / Math.sqrt(information))
}

/** The z that is passed for the first time at this look with probability `toSpend`. */
function boundary(step: Step, toSpend: number): number {
  let low = LOWEST_Z
  let high = -LOWEST_Z * 5
  while (high - low > 1e-12) {
    const middle = (low + high) / 2
    if (crossing(step, middle) > toSpend) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Chance to have gone on so far and to be above `z` now. */
function crossing(step: Step, z: number): number {
  if (step.density === null) return normalUpperTail(z)
  const { toNow, fromBefore } = scaling(step)
  let total = 0
  for (let i = 0; i < step.density.z.length; i++) {
    total += step.density.mass[i]! * normalUpperTail(z * toNow - step.density.z[i]! * fromBefore)
  }
  return total
}

/** The density at this look of those below the boundary. */
function continued(step: Step, highest: number): Density {
  const widest = step.density === null ? WIDEST_STEP : widestStep(step)
  const intervals = 2 * Math.ceil((highest - LOWEST_Z) / widest / 2)
  const width = (highest - LOWEST_Z) / intervals
  const z = new Float64Array(intervals + 1)
  const mass = new Float64Array(intervals + 1)
  for (let i = 0; i <= intervals; i++) {
    const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2
    z[i] = LOWEST_Z + i * width
    mass[i] = ((weight * width) / 3) * densityAt(step, z[i]!)
  }
  return { z, mass }
}

function densityAt(step: Step, z: number): number {
  if (step.density === null) return normalDensity(z)
  const { toNow, fromBefore } = scaling(step)
  let total = 0
  for (let i = 0; i < step.density.z.length; i++) {
    total += step.density.mass[i]! * normalDensity(z * toNow - step.density.z[i]! * fromBefore)
  }
  return total * toNow
}

/** z sqrt(information) has independent increments of variance equal to the information gained. */
function scaling({ from, to }: Step): { toNow: number; fromBefore: number } {
  return { toNow: Math.sqrt(to / (to - from)), fromBefore: Math.sqrt(from / (to - from)) }
}

function widestStep({ from, to }: Step): number {
  return Math.min(WIDEST_STEP, WIDEST_STEP_IN_SD * Math.sqrt((to - from) / to))
}

function checkPlan(information: readonly number[], alpha: number): void {
  if (!(alpha > 0 && alpha < 0.5)) {
    throw new RangeError(`alpha is ${alpha}; a one-sided alpha lies between 0 and 0.5, such as 0.025`)
  }
  const rising = information.every((share, index) => share > (information[index - 1] ?? 0))
  if (information.length === 0 || !rising || information.at(-1) !== 1) {
    throw new RangeError(
      `looks at [${information.join(', ')}]; expected shares of the largest sample that rise from above 0 to 1`,
    )
  }
}

// ---------------------------------------------------------------- what may be concluded at one look

type SequentialVerdict =
  /** The ratio is above the margin: the one-sided test of "at most 1 + margin" rejects. */
  | 'regression'
  /** The ratio is below the margin: non-inferiority. */
  | 'ruled_out'
  /** Neither yet; measure on. */
  | 'continue'
  /** Neither, and this was the last look. */
  | 'undecided'

export interface SequentialDecision {
  verdict: SequentialVerdict
  n: number
  /** One-sided p of either test, raised for the small sample, held against the look's nominal p. */
  pRegression: number | null
  pRuledOut: number | null
  /**
   * The repeated confidence interval (Jennison & Turnbull 1989): both of its ends hold at all looks together
   * with the plan's alpha each.
   */
  ratio: { value: number; low: number; high: number } | null
  warnings: Warning[]
}

/**
 * Part of a look's nominal p that a t-test may use: the t statistics of a growing sample hang together less than the
 * normal ones that the plan is made for, and with few values cross its boundaries up to 1.15 times as often.
 * With this part it is 0.82 to 0.94 of alpha for 6 to 40 values (docs/evidence/gate-statistics.md).
 */
const SMALL_SAMPLE = 0.85

/** What Student's t must reach at a look for either conclusion. @param n values so far, at least 2 */
export function criticalT(look: Look, n: number): number {
  return studentQuantile(1 - SMALL_SAMPLE * look.nominalP, n - 1)
}

/**
 * Tests "b is worse by more than the margin" and "b is not" at once on log ratios, one a duet or round, oriented
 * so that above 0 is worse. Only one of the two can be true, so each may spend the whole one-sided alpha.
 * Small samples: the t-test's p is held against the nominal p of the plan (Jennison & Turnbull 2000, section 3.8),
 * less a part that keeps the error at or below alpha from 4 values on.
 * Assumes noise that falls evenly on both sides, as in duets whose places are drawn at random and balanced, whatever
 * its shape. Noise of only one version is another matter: docs/evidence/gate-statistics.md has the error under it.
 * @param look index into the plan's looks; the caller looks at the planned shares and nowhere between
 * @param margin as a share, 0.02 for 2%
 */
export function decide(
  plan: SequentialPlan,
  look: number,
  logRatios: readonly (number | null)[],
  margin: number,
): SequentialDecision {
  const { interval, ...decision } = decideAbove(plan, look, logRatios, Math.log1p(margin))
  if (interval === null) return { ...decision, ratio: null }
  const { value, low, high } = interval
  return { ...decision, ratio: { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) } }
}

/** The same on the values' own scale, where more is worse: tests whether their mean lies above `bound`. */
export function decideAbove(
  plan: SequentialPlan,
  look: number,
  all: readonly (number | null)[],
  bound: number,
): Omit<SequentialDecision, 'ratio'> & { interval: SequentialDecision['ratio'] } {
  const planned = plan.looks[look]
  if (planned === undefined) {
    throw new RangeError(
      `look ${look} is not in the plan, which has ${plan.looks.length} looks, counted from 0`,
    )
  }
  const open: SequentialVerdict = look === plan.looks.length - 1 ? 'undecided' : 'continue'
  const { values } = usableValues(all)
  const n = values.length
  const unknown = (warning: Warning) => ({
    verdict: open,
    n,
    pRegression: null,
    pRuledOut: null,
    interval: null,
    warnings: [warning],
  })
  if (n < 2) return unknown({ kind: 'too_few_values', side: 'b', n, needed: 2 })
  const centre = mean(values)
  const error = standardDeviation(values) / Math.sqrt(n)
  // Logs of ratios are about 1 apart at the most; values of any other scale have rounding errors of their own size.
  if (error <= 10 * Number.EPSILON * Math.max(1, Math.abs(centre))) return unknown({ kind: 'no_spread' })
  const t = (centre - bound) / error
  const raised = (p: number) => Math.min(1, p / SMALL_SAMPLE)
  const pRegression = raised(studentUpperTail(t, n - 1))
  const pRuledOut = raised(studentUpperTail(-t, n - 1))
  const half = criticalT(planned, n) * error
  const interval = { value: centre, low: centre - half, high: centre + half }
  const verdict =
    pRegression <= planned.nominalP ? 'regression' : pRuledOut <= planned.nominalP ? 'ruled_out' : open
  return { verdict, n, pRegression, pRuledOut, interval, warnings: [] }
}
