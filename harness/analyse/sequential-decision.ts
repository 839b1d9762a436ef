/** What may be concluded at one look of a sequential plan? */
import { studentQuantile, studentUpperTail } from './distributions.ts'
import { mean, standardDeviation } from './moments.ts'
import type { Look, SequentialPlan } from './sequential.ts'
import { usableValues } from './values.ts'
import type { Warning } from './warnings.ts'

export type SequentialVerdict =
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
 * its shape. Noise of one version alone is another matter: docs/evidence/gate-statistics.md has the error under it.
 * @param look index into the plan's looks; the caller looks at the planned shares and nowhere between
 * @param margin as a share, 0.02 for 2%
 */
export function decide(
  plan: SequentialPlan,
  look: number,
  logRatios: readonly (number | null)[],
  margin: number,
): SequentialDecision {
  const planned = plan.looks[look]
  if (planned === undefined) {
    throw new RangeError(
      `look ${look} is not in the plan, which has ${plan.looks.length} looks, counted from 0`,
    )
  }
  const open: SequentialVerdict = look === plan.looks.length - 1 ? 'undecided' : 'continue'
  const { values } = usableValues(logRatios)
  const n = values.length
  const unknown = (warning: Warning): SequentialDecision => ({
    verdict: open,
    n,
    pRegression: null,
    pRuledOut: null,
    ratio: null,
    warnings: [warning],
  })
  if (n < 2) return unknown({ kind: 'too_few_values', side: 'b', n, needed: 2 })
  const centre = mean(values)
  const error = standardDeviation(values) / Math.sqrt(n)
  if (error <= 10 * Number.EPSILON) return unknown({ kind: 'no_spread' })
  const t = (centre - Math.log1p(margin)) / error
  const raised = (p: number) => Math.min(1, p / SMALL_SAMPLE)
  const pRegression = raised(studentUpperTail(t, n - 1))
  const pRuledOut = raised(studentUpperTail(-t, n - 1))
  const half = criticalT(planned, n) * error
  const ratio = { value: Math.exp(centre), low: Math.exp(centre - half), high: Math.exp(centre + half) }
  const verdict =
    pRegression <= planned.nominalP ? 'regression' : pRuledOut <= planned.nominalP ? 'ruled_out' : open
  return { verdict, n, pRegression, pRuledOut, ratio, warnings: [] }
}
