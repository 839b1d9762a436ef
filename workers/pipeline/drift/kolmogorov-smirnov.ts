/** Kolmogorov-Smirnov on two windows: has the whole distribution of a number changed, not its mean alone? */
import type { DetectorState, DriftDetector } from './detector.ts'

export interface KolmogorovSmirnovOptions {
  /** Values in the reference and in each window compared with it. */
  window: number
  /** Chance of a false alarm at one test; there is one test a window. */
  alpha: number
}

export const KOLMOGOROV_SMIRNOV_DEFAULTS: KolmogorovSmirnovOptions = { window: 256, alpha: 0.001 }

/**
 * The first window is the reference; each later window, none overlapping, is compared with it by the two-sample
 * statistic D = max |F0 - F1|. Alarm where D > sqrt(-ln(alpha / 2) / n), Smirnov's bound for two samples of n, which is
 * on the safe side for small n and ties. After an alarm that window is the new reference.
 */
export class KolmogorovSmirnov implements DriftDetector {
  readonly options: KolmogorovSmirnovOptions
  private reference: Float64Array | null = null
  private current: Float64Array
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
    const sorted = this.current.slice().sort()
    if (this.reference === null) {
      this.reference = sorted
      return false
    }
    this.last = largestGap(this.reference, sorted)
    const changed = this.last > Math.sqrt(-Math.log(alpha / 2) / window)
    if (changed) this.reference = sorted
    return changed
  }

  toJSON(): DetectorState {
    return {
      detector: 'kolmogorov_smirnov',
      options: this.options,
      reference: this.reference === null ? null : Array.from(this.reference),
      current: Array.from(this.current.subarray(0, this.filled)),
      last: this.last,
    }
  }

  static fromJSON(state: DetectorState): KolmogorovSmirnov {
    const detector = new KolmogorovSmirnov(state['options'] as KolmogorovSmirnovOptions)
    const reference = state['reference'] as number[] | null
    const current = state['current'] as number[]
    detector.reference = reference === null ? null : Float64Array.from(reference)
    detector.current.set(current)
    detector.filled = current.length
    detector.last = state['last'] as number | null
    return detector
  }
}

/** max |F_a - F_b| of two sorted samples of one size; ties are passed on both sides before the gap is taken. */
function largestGap(a: Float64Array, b: Float64Array): number {
  const n = a.length
  let i = 0
  let j = 0
  let farthest = 0
  let gap = 0
  while (i < n && j < n) {
    const value = Math.min(a[i]!, b[j]!)
    while (i < n && a[i]! <= value) i += 1
    while (j < n && b[j]! <= value) j += 1
    const apart = Math.abs(i - j)
    // Divisions are dear, and nearer ranks cannot have the larger gap.
    if (apart < farthest) continue
    farthest = apart
    gap = Math.max(gap, Math.abs(i / n - j / n))
  }
  return gap
}
