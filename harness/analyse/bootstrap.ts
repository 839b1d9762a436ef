/** Interval of the ratio of medians, without assuming a shape of the noise. */

import { randomStream } from '../random.ts'
import { type Interval, mean, median, sortedQuantile } from './descriptive.ts'
import { normalCdf, normalQuantile } from './distributions.ts'
import { type RawValues, usableValues } from './values.ts'
import type { Side, Warning } from './warnings.ts'

export interface BootstrapRatio {
  /** median b / median a, and its BCa interval. */
  ratio: (Interval & { value: number }) | null
  resamples: number
  warnings: Warning[]
}

/** Below this a bootstrap has too few distinct resamples to give an interval. */
const NEEDED = 5

/**
 * Bias-corrected and accelerated bootstrap interval (Efron 1987); the acceleration from the jackknife over both
 * samples (Davison & Hinkley 1997, section 5.3.2). Values must be positive.
 */
export function bootstrapMedianRatio(
  rawA: RawValues,
  rawB: RawValues,
  options: { seed: number; level?: number; resamples?: number },
): BootstrapRatio {
  const resamples = options.resamples ?? 4000
  const level = options.level ?? 0.95
  const a = usableValues(rawA).values
  const b = usableValues(rawB).values
  const warnings = [...problems('a', a), ...problems('b', b)]
  if (warnings.length > 0) return { ratio: null, resamples, warnings }

  const value = median(b) / median(a)
  const random = randomStream(options.seed)
  const [medianOfA, medianOfB] = [medianResampler(a), medianResampler(b)]
  const drawn = Float64Array.from({ length: resamples }, () => medianOfB(random) / medianOfA(random)).sort()
  if (drawn[0] === drawn[resamples - 1]) return { ratio: null, resamples, warnings: [{ kind: 'no_spread' }] }

  // Medians of resamples often equal the sample's own: those count half, or the bias would be overstated.
  const below = drawn.filter((ratio) => ratio < value).length
  const equal = drawn.filter((ratio) => ratio === value).length
  const bias = normalQuantile(clampShare((below + equal / 2) / resamples, resamples))
  const acceleration = accelerationOf(a, b)
  const end = (p: number) => {
    const z = bias + normalQuantile(p)
    return sortedQuantile(drawn, normalCdf(bias + z / (1 - acceleration * z)))
  }
  return { ratio: { value, low: end((1 - level) / 2), high: end((1 + level) / 2) }, resamples, warnings: [] }
}

function problems(side: Side, values: readonly number[]): Warning[] {
  const n = values.length
  if (n < NEEDED) return [{ kind: 'too_few_values', side, n, needed: NEEDED }]
  const count = values.filter((value) => value <= 0).length
  return count > 0 ? [{ kind: 'not_positive', side, count }] : []
}

/** Draws ranks of the sorted values and counts them, so that no resample has to be sorted. */
function medianResampler(values: readonly number[]): (random: () => number) => number {
  const sorted = Float64Array.from(values).sort()
  const n = sorted.length
  const drawn = new Uint32Array(n)
  const middle = Math.floor((n - 1) / 2)
  return (random) => {
    drawn.fill(0)
    for (let i = 0; i < n; i++) drawn[Math.floor(random() * n)]!++
    let rank = 0
    let seen = drawn[0]!
    while (seen <= middle) seen += drawn[++rank]!
    const low = sorted[rank]!
    if (n % 2 === 1) return low
    while (seen <= middle + 1) seen += drawn[++rank]!
    return low + 0.5 * (sorted[rank]! - low)
  }
}

/** Keeps the bias finite where every resample lies on one side. */
function clampShare(share: number, resamples: number): number {
  return Math.min(1 - 0.5 / resamples, Math.max(0.5 / resamples, share))
}

function accelerationOf(a: readonly number[], b: readonly number[]): number {
  const [medianA, medianB] = [median(a), median(b)]
  const influence = [
    ...jackknife(a, (rest) => medianB / median(rest)),
    ...jackknife(b, (rest) => median(rest) / medianA),
  ]
  const squares = influence.reduce((total, x) => total + x * x, 0)
  const cubes = influence.reduce((total, x) => total + x ** 3, 0)
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5)
}

/** Influence of each value on the statistic, over n. */
function jackknife(values: readonly number[], statistic: (rest: number[]) => number): number[] {
  const without = values.map((_, left) => statistic(values.filter((_value, index) => index !== left)))
  const centre = mean(without)
  return without.map((value) => ((values.length - 1) * (centre - value)) / values.length)
}
