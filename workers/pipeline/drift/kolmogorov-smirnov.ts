/** Kolmogorov-Smirnov on two windows: has the whole distribution of a number changed, not only its mean? */
import type { DetectorState, DriftDetector } from './detector.ts'
import { Ranks } from './ranks.ts'

export interface KolmogorovSmirnovOptions {
  /** Values in the reference and in each window compared with it. */
  window: number
  /** Chance of a false alarm at one test; there is one test per window. */
  alpha: number
}

const KOLMOGOROV_SMIRNOV_DEFAULTS: KolmogorovSmirnovOptions = { window: 256, alpha: 0.001 }

/**
 * The first window is the reference; each later window, none overlapping, is compared with it by the two-sample
 * statistic D = max |F0 - F1|. Alarm where D > sqrt(-ln(alpha / 2) / n), Smirnov's bound for two samples of n, which is
 * on the safe side for small n and ties. After an alarm the next window is the new reference: the one that differed may
 * lie across the change, and would differ from both sides of it.
 */
export class KolmogorovSmirnov implements DriftDetector {
  readonly options: KolmogorovSmirnovOptions
  private reference: Ranks | null = null
  private readonly current: Float64Array
  /** Room for `largestGap`. */
  private readonly counts: Uint32Array
  private filled = 0
  private last: number | null = null

  constructor(options: Partial<KolmogorovSmirnovOptions> = {}) {
    this.options = { ...KOLMOGOROV_SMIRNOV_DEFAULTS, ...options }
    const { window, alpha } = this.options
    if (!(Number.isInteger(window) && window > 1)) {
      throw new RangeError(`window must be a whole number from 2, not ${window}`)
    }
    if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha must be between 0 and 1, not ${alpha}`)
    this.current = new Float64Array(window)
    this.counts = new Uint32Array(2 * window + 1)
  }

  /** D at the last test; null before the first. */
  get statistic(): number | null {
    return this.last
  }

  add(value: number): boolean {
    this.current[this.filled] = value
    this.filled += 1
    const { window, alpha } = this.options
    if (this.filled < window) return false
    this.filled = 0
    if (this.reference === null) {
      this.reference = new Ranks(this.current.slice().sort())
      return false
    }
    this.last = largestGap(this.reference, this.current, this.counts)
    if (this.last <= Math.sqrt(-Math.log(alpha / 2) / window)) return false
    this.reference = null
    return true
  }

  toJSON(): DetectorState {
    return {
      detector: 'kolmogorov_smirnov',
      options: this.options,
      reference: this.reference === null ? null : Array.from(this.reference.sorted),
      current: Array.from(this.current.subarray(0, this.filled)),
      last: this.last,
    }
  }

  static fromJSON(state: DetectorState): KolmogorovSmirnov {
    const detector = new KolmogorovSmirnov(state['options'] as KolmogorovSmirnovOptions)
    const reference = state['reference'] as number[] | null
    const current = state['current'] as number[]
    detector.reference = reference === null ? null : new Ranks(Float64Array.from(reference))
    detector.current.set(current)
    detector.filled = current.length
    detector.last = state['last'] as number | null
    return detector
  }
}

/**
 * max |F_reference - F_values| of two samples of one size. Between two values of the reference the gap is largest right
 * at one of them, so that the others need only be counted.
 */
function largestGap(reference: Ranks, values: Float64Array, counts: Uint32Array): number {
  const { sorted } = reference
  const n = sorted.length
  // Values equal to entry i of the reference are counted at 2 i + 1, those between it and the next at 2 i + 2.
  counts.fill(0)
  for (let i = 0; i < n; i += 1) {
    const value = values[i]!
    const rank = reference.of(value)
    const tied = rank > 0 && sorted[rank - 1] === value
    counts[tied ? 2 * rank - 1 : 2 * rank]! += 1
  }
  let below = counts[0]!
  let gap = below / n
  for (let rank = 1; rank <= n; rank += 1) {
    below += counts[2 * rank - 1]!
    // Ties are passed before the gap is taken.
    if (rank < n && sorted[rank] === sorted[rank - 1]) continue
    const share = rank / n
    gap = Math.max(gap, Math.abs(share - below / n))
    below += counts[2 * rank]!
    gap = Math.max(gap, Math.abs(share - below / n))
  }
  return gap
}
