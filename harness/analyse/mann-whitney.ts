/** Does one side tend to larger values, whatever the shape of the distributions? */
import { normalUpperTail } from './distributions.ts'
import { type RawValues, usableValues } from './values.ts'
import type { Side, Warning } from './warnings.ts'

export interface MannWhitneyTest {
  /** Pairs in which b is larger, ties counting half; null without values on both sides. */
  u: number | null
  /** Chance that a value of b is larger than one of a: u / (na nb). */
  superiority: number | null
  /** Two-sided; null where every value is the same. */
  p: number | null
  method: 'exact' | 'normal'
  warnings: Warning[]
}

/** From this size per side on the normal approximation is used, as R does. */
const EXACT_BELOW = 50

/**
 * Mann & Whitney's test (1947): exact for fewer than 50 values per side without ties, else the normal
 * approximation with the corrections for ties and continuity, as R's `wilcox.test`.
 */
export function mannWhitney(rawA: RawValues, rawB: RawValues): MannWhitneyTest {
  const a = usableValues(rawA).values
  const b = usableValues(rawB).values
  const [na, nb] = [a.length, b.length]
  const empty = ([na === 0 ? 'a' : null, nb === 0 ? 'b' : null] as const).filter((side) => side !== null)
  if (empty.length > 0) {
    const warnings = empty.map((side: Side): Warning => ({ kind: 'no_values', side }))
    return { u: null, superiority: null, p: null, method: 'exact', warnings }
  }
  const { rankSum, tieTerm, tied } = ranks(a, b)
  const u = rankSum - (nb * (nb + 1)) / 2
  const superiority = u / (na * nb)
  if (na < EXACT_BELOW && nb < EXACT_BELOW && tieTerm === 0) {
    return { u, superiority, p: exactP(u, na, nb), method: 'exact', warnings: [] }
  }
  const total = na + nb
  const spread = Math.sqrt(((na * nb) / 12) * (total + 1 - tieTerm / (total * (total - 1))))
  if (!(spread > 0)) return { u, superiority, p: null, method: 'normal', warnings: [{ kind: 'constant' }] }
  const distance = u - (na * nb) / 2
  const z = (distance - 0.5 * Math.sign(distance)) / spread
  return {
    u,
    superiority,
    p: Math.min(1, 2 * Math.min(normalUpperTail(z), normalUpperTail(-z))),
    method: 'normal',
    warnings: tied > 0 ? [{ kind: 'ties', tied, n: total }] : [],
  }
}

/** The least two-sided p that the exact test can give, where all of one side lie above the other. */
export function smallestExactP(na: number, nb: number): number {
  let orders = 1
  for (let k = 1; k <= nb; k++) orders = (orders * (na + k)) / k
  return Math.min(1, 2 / orders)
}

/** b's mid-ranks summed, the sum of t^3 - t over groups of t tied values, and how many values are tied. */
function ranks(a: readonly number[], b: readonly number[]) {
  const all = [...a.map((value) => ({ value, b: 0 })), ...b.map((value) => ({ value, b: 1 }))]
  all.sort((x, y) => x.value - y.value)
  let rankSum = 0
  let tieTerm = 0
  let tied = 0
  for (let start = 0; start < all.length; ) {
    let end = start + 1
    while (end < all.length && all[end]!.value === all[start]!.value) end++
    const size = end - start
    const fromB = all.slice(start, end).reduce((n, entry) => n + entry.b, 0)
    rankSum += fromB * ((start + 1 + end) / 2)
    tieTerm += size ** 3 - size
    if (size > 1) tied += size
    start = end
  }
  return { rankSum, tieTerm, tied }
}

function exactP(u: number, na: number, nb: number): number {
  const counts = distribution(na, nb)
  const total = counts.reduce((sum, count) => sum + count, 0)
  // The distribution is symmetric, so both tails are the lower one.
  const tail = Math.min(u, na * nb - u)
  const below = counts.slice(0, tail + 1).reduce((sum, count) => sum + count, 0)
  return Math.min(1, (2 * below) / total)
}

/** In how many of the orders of na and nb values U takes each value, by Mann & Whitney's recurrence. */
function distribution(na: number, nb: number): Float64Array {
  // The largest value is either b's, above all na of a, or a's, above none that count.
  let rows: Float64Array[] = Array.from({ length: na + 1 }, () => Float64Array.of(1))
  for (let j = 1; j <= nb; j++) {
    const next: Float64Array[] = [Float64Array.of(1)]
    for (let i = 1; i <= na; i++) {
      const counts = new Float64Array(i * j + 1)
      const largestIsB = rows[i]!
      const largestIsA = next[i - 1]!
      for (let k = 0; k < largestIsB.length; k++) counts[k + i]! += largestIsB[k]!
      for (let k = 0; k < largestIsA.length; k++) counts[k]! += largestIsA[k]!
      next.push(counts)
    }
    rows = next
  }
  return rows[na]!
}
