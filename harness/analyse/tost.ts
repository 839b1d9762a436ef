/** Are the two sides the same but for a margin? */
import { studentUpperTail } from './distributions.ts'
import { pairedComparison } from './paired.ts'
import type { RawValues } from './values.ts'
import type { Warning } from './warnings.ts'
import { type Scale, type WelchTest, welchTest } from './welch.ts'

export interface EquivalenceTest {
  /** p of "b / a is at most 1 - margin", small where b is clearly not that much lower. */
  pLow: number | null
  /** p of "b / a is at least 1 + margin", small where b is clearly not that much higher: non-inferiority. */
  pHigh: number | null
  /** The larger of both: equivalent where it is below alpha. */
  p: number | null
  warnings: Warning[]
}

/**
 * Two one-sided Welch tests (Schuirmann 1987) of b against a times 1 - margin and a times 1 + margin; on the
 * natural scale this is the test of a ratio of means of Hauschke et al. (1999), so no margin in units is needed.
 * @param options.margin as a share, between 0 and 1
 */
export function equivalenceTest(
  a: RawValues,
  b: RawValues,
  options: { margin: number; scale?: Scale },
): EquivalenceTest {
  const scale = options.scale ?? 'natural'
  const scaled = (factor: number) => a.map((value) => (typeof value === 'number' ? value * factor : value))
  return bothSides((factor) => welchTest(scaled(factor), b, { scale }), options.margin)
}

/** The same by two one-sided paired tests; `a` and `b` have one finite value per pair, in the same order. */
export function pairedEquivalenceTest(
  a: readonly number[],
  b: readonly number[],
  options: { margin: number; scale: Scale },
): EquivalenceTest {
  const scaled = (factor: number) => a.map((value) => value * factor)
  return bothSides((factor) => pairedComparison(scaled(factor), b, options), options.margin)
}

type OneSided = Pick<WelchTest, 't' | 'df' | 'ratio' | 'warnings'>

function bothSides(test: (factor: number) => OneSided, margin: number): EquivalenceTest {
  const [low, high] = [test(1 - margin), test(1 + margin)]
  if (low.t === null || high.t === null || low.ratio === null) {
    return { pLow: null, pHigh: null, p: null, warnings: low.warnings }
  }
  const pLow = studentUpperTail(low.t, low.df!)
  const pHigh = studentUpperTail(-high.t, high.df!)
  return { pLow, pHigh, p: Math.max(pLow, pHigh), warnings: low.warnings }
}
