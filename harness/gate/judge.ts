/** What may be said of one test at one look, and of a gate from the rows of all its tests. */

import { mean, standardDeviation } from '../analyse/descriptive.ts'
import { studentQuantile } from '../analyse/distributions.ts'
import { decideAbove } from '../analyse/sequential.ts'
import type { Looks } from './plan.ts'
import type { GateResult, GateRow, Outlook } from './types.ts'

/** So many equal readings are taken for a value without noise. */
const EQUAL_READINGS = 3
export const POWER = 0.8
/** Tenfold: what is larger needs no gate to be seen. */
export const LARGEST_FINDABLE = 9
/** Fewer do not show how much they vary, and so many are wanted then. */
const FEWEST_TO_FORESEE = 4
/** Degrees of freedom that a forecast counts on at the least: more values bring more. */
const FORECAST_DF = 5
/** Nobody waits longer for a gate, s. */
const LONGEST_OUTLOOK_S = 7200

/** What values of how much worse mean: logs of ratios, or differences where a ratio would say nothing. */
export type Scale = 'ratio' | 'difference'

/** The margin on the values' scale. */
export function boundOf(scale: Scale, margin: number): number {
  return scale === 'ratio' ? Math.log1p(margin) : margin
}

/** A value as it is told: how many times, or by how much. */
export function told(scale: Scale, value: number): number {
  return scale === 'ratio' ? Math.exp(value) : value
}

export interface Judgement {
  verdict: Extract<GateRow['verdict'], 'regression' | 'ruled_out' | 'undecided'>
  /** How many times worse, or by how much; its low end holds at the alpha of the claim, its high end at that of the pass. */
  worse: { value: number; low: number | null; high: number | null } | null
}

/**
 * @param values logs of how many times worse, or how much worse; one a duet or pair of trials
 * @param look index into the looks; the last may come before its count where the time is up, which spends less
 */
export function judge(
  values: readonly number[],
  look: number,
  looks: Looks,
  margin: number,
  scale: Scale = 'ratio',
): Judgement {
  const bound = boundOf(scale, margin)
  const exact = withoutNoise(values)
  if (exact !== null) {
    const value = told(scale, exact)
    return { verdict: exact > bound ? 'regression' : 'ruled_out', worse: { value, low: value, high: value } }
  }
  const claim = decideAbove(looks.claim, look, values, bound)
  const pass = decideAbove(looks.pass, look, values, bound)
  if (claim.interval === null || pass.interval === null) {
    const value = values.length === 0 ? null : told(scale, mean(values))
    return { verdict: 'undecided', worse: value === null ? null : { value, low: null, high: null } }
  }
  const verdict =
    claim.verdict === 'regression' ? 'regression' : pass.verdict === 'ruled_out' ? 'ruled_out' : 'undecided'
  const { value, low } = claim.interval
  return {
    verdict,
    worse: { value: told(scale, value), low: told(scale, low), high: told(scale, pass.interval.high) },
  }
}

/** Rounding differs in the last digits. */
const SAME = 1e-12

function withoutNoise(values: readonly number[]): number | null {
  const [first] = values
  const same =
    first !== undefined &&
    values.every((value) => Math.abs(value - first) <= SAME * Math.max(1, Math.abs(first)))
  return same && values.length >= EQUAL_READINGS ? first : null
}

/**
 * What as many values can find, and how much longer a decision would take if the change is as it looks.
 * @param claimAlpha of one test of the family
 * @param secondsEach time that one further value takes
 */
export function outlookOf(
  values: readonly number[],
  margin: number,
  alphas: { claim: number; pass: number },
  secondsEach: number,
  scale: Scale = 'ratio',
): Outlook {
  const n = values.length
  const atLeast = n < FEWEST_TO_FORESEE
  const least = (FEWEST_TO_FORESEE - n) * secondsEach
  if (n < 2) return { findable: null, moreSeconds: least, atLeast }
  const sd = standardDeviation(values)
  const needed = (alpha: number, df: number) => studentQuantile(1 - alpha, df) + studentQuantile(POWER, df)
  const bound = boundOf(scale, margin)
  const found = bound + (needed(alphas.claim, n - 1) * sd) / Math.sqrt(n)
  const findable = scale === 'ratio' ? Math.expm1(found) : found
  const distance = mean(values) - bound
  const quantiles = needed(distance > 0 ? alphas.claim : alphas.pass, Math.max(n - 1, FORECAST_DF))
  const more = (((quantiles * sd) / distance) ** 2 - n) * secondsEach
  return {
    findable: scale === 'difference' || findable <= LARGEST_FINDABLE ? findable : null,
    moreSeconds:
      more <= LONGEST_OUTLOOK_S ? Math.max(more, atLeast ? least : 2 * secondsEach) : atLeast ? least : null,
    atLeast,
  }
}

// ---------------------------------------------------------------- from rows to one verdict

/** A row that must be decided before a gate may pass; a metric that this machine cannot measure is not. */
function mustPass({ verdict, metric }: GateRow): boolean {
  return verdict !== 'not_measured' || metric === 'latency_mean_ms'
}

/** One proven regression is enough to fail. To pass, something was measured and everything that was is ruled out. */
export function verdictOf(rows: readonly GateRow[]): GateResult['verdict'] {
  if (rows.some(({ verdict }) => verdict === 'regression')) return 'regression'
  const measured = rows.some(({ verdict, metric }) => metric !== 'outcome' && verdict === 'ruled_out')
  const passed = rows.filter(mustPass).every(({ verdict }) => verdict === 'ruled_out')
  return measured && passed ? 'ruled_out' : 'undecided'
}
