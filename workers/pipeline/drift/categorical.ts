/** Drift of a category: has the mix of its values changed? */
import type { DetectorState, DriftDetector } from './detector.ts'

export interface CategoricalDriftOptions {
  /** Values in the reference and in each window compared with it. */
  window: number
  /** Alarm where the distance exceeds what chance alone would give by this much. */
  threshold: number
}

export const CATEGORICAL_DRIFT_DEFAULTS: CategoricalDriftOptions = { window: 256, threshold: 0.2 }

/**
 * L1 distance sum |p_i - q_i| (from 0 to 2) between the shares of each category in a reference window, the first, and
 * in each later window, none overlapping. Two windows of the same mix differ too, the more the more categories there
 * are: by about sum sqrt(2/pi) sqrt(2 p_i (1 - p_i) / n), which the alarm allows for. After an alarm that window is
 * the new reference.
 */
export class CategoricalDrift implements DriftDetector {
  readonly options: CategoricalDriftOptions
  private reference: Map<number, number> | null = null
  private current = new Map<number, number>()
  private filled = 0
  private last: number | null = null

  constructor(options: Partial<CategoricalDriftOptions> = {}) {
    this.options = { ...CATEGORICAL_DRIFT_DEFAULTS, ...options }
    const { window, threshold } = this.options
    if (!(Number.isInteger(window) && window > 1)) {
      throw new RangeError(`window must be a whole number from 2, not ${window}`)
    }
    if (!(threshold > 0)) throw new RangeError(`threshold must be above 0, not ${threshold}`)
  }

  /** L1 distance at the last test; null before the first. */
  get statistic(): number | null {
    return this.last
  }

  /** `value` is a category's code; -1 (missing) counts as a category. */
  add(value: number): boolean {
    this.current.set(value, (this.current.get(value) ?? 0) + 1)
    this.filled += 1
    if (this.filled < this.options.window) return false
    const current = this.current
    this.current = new Map()
    this.filled = 0
    if (this.reference === null) {
      this.reference = current
      return false
    }
    const { distance, noise } = compare(this.reference, current, this.options.window)
    this.last = distance
    const changed = distance > noise + this.options.threshold
    if (changed) this.reference = current
    return changed
  }

  toJSON(): DetectorState {
    return {
      detector: 'categorical',
      options: this.options,
      reference: this.reference === null ? null : [...this.reference],
      current: [...this.current],
      last: this.last,
    }
  }

  static fromJSON(state: DetectorState): CategoricalDrift {
    const detector = new CategoricalDrift(state['options'] as CategoricalDriftOptions)
    const reference = state['reference'] as [number, number][] | null
    detector.reference = reference === null ? null : new Map(reference)
    detector.current = new Map(state['current'] as [number, number][])
    for (const count of detector.current.values()) detector.filled += count
    detector.last = state['last'] as number | null
    return detector
  }
}

/** L1 distance of two windows of n values, and what it would be by chance if both had their pooled mix. */
function compare(
  a: Map<number, number>,
  b: Map<number, number>,
  n: number,
): { distance: number; noise: number } {
  let distance = 0
  let noise = 0
  for (const category of new Set([...a.keys(), ...b.keys()])) {
    const p = (a.get(category) ?? 0) / n
    const q = (b.get(category) ?? 0) / n
    const pooled = (p + q) / 2
    distance += Math.abs(p - q)
    noise += Math.sqrt((2 / Math.PI) * ((2 * pooled * (1 - pooled)) / n))
  }
  return { distance, noise }
}
