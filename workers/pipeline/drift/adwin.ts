/** ADWIN: a window that grows while its mean is stable and drops its old end when it is not. */
import type { DetectorState, DriftDetector } from './detector.ts'

export interface AdwinOptions {
  /** Bound on the chance of a false alarm at a test. */
  delta: number
  /** Values between tests. */
  clock: number
  /** Buckets of one size before two are merged. */
  max_buckets: number
  /** Smallest part of the window on either side of a cut. */
  min_window: number
  /** Values before the first test. */
  grace: number
}

export const ADWIN_DEFAULTS: AdwinOptions = {
  delta: 0.002,
  clock: 32,
  max_buckets: 5,
  min_window: 5,
  grace: 10,
}

interface Bucket {
  sum: number
  /** Sum of squared deviations from the bucket's mean. */
  m2: number
}

/**
 * Bifet and Gavalda, "Learning from time-changing data with adaptive windowing" (2007), ADWIN2: exponential histogram
 * of buckets, cut where |mean0 - mean1| > sqrt(2/m var ln(2 ln n / delta)) + 2/(3m) ln(2 ln n / delta).
 * Defaults as in River. Memory and time of a test are O(log n).
 */
export class Adwin implements DriftDetector {
  readonly options: AdwinOptions
  /** levels[i]: buckets of 2^i values, oldest first. */
  private levels: Bucket[][] = [[]]
  private seen = 0
  private width = 0
  private sum = 0
  private m2 = 0

  constructor(options: Partial<AdwinOptions> = {}) {
    this.options = { ...ADWIN_DEFAULTS, ...options }
    const { delta, clock } = this.options
    if (!(delta > 0 && delta < 1)) throw new RangeError(`delta must be between 0 and 1, not ${delta}`)
    if (!(Number.isInteger(clock) && clock > 0))
      throw new RangeError(`clock must be a whole number from 1, not ${clock}`)
  }

  /** Values in the window. */
  get length(): number {
    return this.width
  }

  /** Mean of the window; null while it is empty. */
  get mean(): number | null {
    return this.width === 0 ? null : this.sum / this.width
  }

  add(value: number): boolean {
    this.seen += 1
    if (this.width > 0) {
      const delta = value - this.sum / this.width
      this.m2 += (delta * delta * this.width) / (this.width + 1)
    }
    this.width += 1
    this.sum += value
    this.levels[0]!.push({ sum: value, m2: 0 })
    this.compress()
    if (this.seen % this.options.clock !== 0 || this.width <= this.options.grace) return false
    let changed = false
    while (this.hasCut()) {
      changed = true
      this.dropOldest()
    }
    return changed
  }

  toJSON(): DetectorState {
    return {
      detector: 'adwin',
      options: this.options,
      seen: this.seen,
      width: this.width,
      sum: this.sum,
      m2: this.m2,
      levels: this.levels.map((level) => level.map((bucket) => [bucket.sum, bucket.m2])),
    }
  }

  static fromJSON(state: DetectorState): Adwin {
    const detector = new Adwin(state['options'] as AdwinOptions)
    detector.seen = state['seen'] as number
    detector.width = state['width'] as number
    detector.sum = state['sum'] as number
    detector.m2 = state['m2'] as number
    detector.levels = (state['levels'] as [number, number][][]).map((level) =>
      level.map(([sum, m2]) => ({ sum, m2 })),
    )
    return detector
  }

  private compress(): void {
    for (let i = 0; i < this.levels.length; i += 1) {
      const level = this.levels[i]!
      if (level.length <= this.options.max_buckets) return
      const [first, second] = level.splice(0, 2) as [Bucket, Bucket]
      const size = 2 ** i
      const gap = (first.sum - second.sum) / size
      this.levels[i + 1] ??= []
      this.levels[i + 1]!.push({
        sum: first.sum + second.sum,
        m2: first.m2 + second.m2 + (gap * gap * size) / 2,
      })
    }
  }

  /** True where some cut between two buckets parts the window into means that differ too much. */
  private hasCut(): boolean {
    const { delta, min_window } = this.options
    const variance = this.m2 / this.width
    const logTerm = Math.log((2 * Math.log(this.width)) / delta)
    let n0 = 0
    let sum0 = 0
    for (let i = this.levels.length - 1; i >= 0; i -= 1) {
      const size = 2 ** i
      for (const bucket of this.levels[i]!) {
        n0 += size
        sum0 += bucket.sum
        const n1 = this.width - n0
        if (n1 < min_window) return false
        if (n0 < min_window) continue
        const recip = 1 / (n0 - min_window + 1) + 1 / (n1 - min_window + 1)
        const bound = Math.sqrt(2 * recip * variance * logTerm) + (2 / 3) * logTerm * recip
        if (Math.abs(sum0 / n0 - (this.sum - sum0) / n1) > bound) return true
      }
    }
    return false
  }

  private dropOldest(): void {
    const top = this.levels.length - 1
    const bucket = this.levels[top]!.shift()!
    const size = 2 ** top
    const rest = this.width - size
    const gap = bucket.sum / size - (this.sum - bucket.sum) / rest
    this.m2 = Math.max(0, this.m2 - bucket.m2 - (gap * gap * size * rest) / this.width)
    this.width = rest
    this.sum -= bucket.sum
    while (this.levels.length > 1 && this.levels.at(-1)!.length === 0) this.levels.pop()
  }
}
