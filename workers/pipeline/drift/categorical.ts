/** Drift of a category: has the mix of its values changed? */
import type { DetectorState, DriftDetector } from './detector.ts'

export interface CategoricalDriftOptions {
  /** Values in the reference and in each window compared with it. */
  window: number
  /** Chance of a false alarm at one test; there is one test per window. */
  alpha: number
}

const CATEGORICAL_DRIFT_DEFAULTS: CategoricalDriftOptions = { window: 256, alpha: 0.001 }

/** How often each category came in a window; places are codes + 1, since -1 (missing) is a category as well. */
class Mix {
  private counts = new Uint32Array(16)
  /** Places that are not 0, in order of first appearance. */
  readonly seen: number[] = []

  add(place: number, times = 1): void {
    if (place >= this.counts.length) {
      const grown = new Uint32Array(2 * (place + 1))
      grown.set(this.counts)
      this.counts = grown
    }
    if (this.counts[place] === 0) this.seen.push(place)
    this.counts[place]! += times
  }

  of(place: number): number {
    return place < this.counts.length ? this.counts[place]! : 0
  }

  clear(): void {
    for (const place of this.seen) this.counts[place] = 0
    this.seen.length = 0
  }

  toJSON(): [place: number, count: number][] {
    return this.seen.map((place) => [place, this.of(place)])
  }

  static fromJSON(state: readonly (readonly [number, number])[]): Mix {
    const mix = new Mix()
    for (const [place, count] of state) mix.add(place, count)
    return mix
  }
}

/**
 * L1 distance sum |p_i - q_i| (from 0 to 2) between the shares of each category in a reference window, the first, and
 * in each later window, none overlapping. Two windows of the same mix differ too, the more the more categories there
 * are: on average by sum sqrt(2/pi) sqrt(2 p_i (1 - p_i) / n), and one value moves the distance by at most 2 / n, so
 * that McDiarmid's inequality (1989) bounds what chance adds to that by sqrt(4 ln(1 / alpha) / n). Alarm beyond both.
 * After an alarm the next window is the new reference: the one that differed may lie across the change.
 */
export class CategoricalDrift implements DriftDetector {
  readonly options: CategoricalDriftOptions
  private reference: Mix | null = null
  private current = new Mix()
  private filled = 0
  private last: number | null = null

  constructor(options: Partial<CategoricalDriftOptions> = {}) {
    this.options = { ...CATEGORICAL_DRIFT_DEFAULTS, ...options }
    const { window, alpha } = this.options
    if (!(Number.isInteger(window) && window > 1)) {
      throw new RangeError(`window must be a whole number from 2, not ${window}`)
    }
    if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha must be between 0 and 1, not ${alpha}`)
  }

  /** L1 distance at the last test; null before the first. */
  get statistic(): number | null {
    return this.last
  }

  /** `value` is a category's code; -1 (missing) counts as a category. */
  add(value: number): boolean {
    return this.addMany([value], 0, 1, 0, 1) === 0
  }

  /**
   * Takes codes `from` to `to`, the same as one at a time, up to the first at which it holds that the mix has changed.
   * @param codes of which number k is at `first` + k x `step`
   * @returns the place of that code, the last that was taken; -1 where there is none
   */
  addMany(codes: ArrayLike<number>, first: number, step: number, from: number, to: number): number {
    const { window } = this.options
    for (let k = from; k < to; ) {
      const end = Math.min(to, k + window - this.filled)
      this.filled += end - k
      const { current } = this
      for (let at = first + k * step; k < end; k += 1, at += step) current.add(codes[at]! + 1)
      if (this.filled < window) break
      this.filled = 0
      if (this.test()) return k - 1
    }
    return -1
  }

  private test(): boolean {
    const { reference, current } = this
    const { window, alpha } = this.options
    if (reference === null) {
      this.reference = current
      this.current = new Mix()
      return false
    }
    const { distance, noise } = compare(reference, current, window)
    current.clear()
    this.last = distance
    const changed = distance > noise + Math.sqrt((4 * Math.log(1 / alpha)) / window)
    if (changed) this.reference = null
    return changed
  }

  toJSON(): DetectorState {
    const { options, reference, current, filled, last } = this
    return {
      detector: 'categorical',
      options,
      reference: reference?.toJSON() ?? null,
      current: current.toJSON(),
      filled,
      last,
    }
  }

  static fromJSON(state: DetectorState): CategoricalDrift {
    const detector = new CategoricalDrift(state['options'] as CategoricalDriftOptions)
    const reference = state['reference'] as [number, number][] | null
    detector.reference = reference === null ? null : Mix.fromJSON(reference)
    detector.current = Mix.fromJSON(state['current'] as [number, number][])
    detector.filled = state['filled'] as number
    detector.last = state['last'] as number | null
    return detector
  }
}

/** L1 distance of two windows of n values, and what it would be by chance if both had their pooled mix. */
function compare(a: Mix, b: Mix, n: number): { distance: number; noise: number } {
  let distance = 0
  let noise = 0
  for (const place of new Set([...a.seen, ...b.seen])) {
    const p = a.of(place) / n
    const q = b.of(place) / n
    const pooled = (p + q) / 2
    distance += Math.abs(p - q)
    noise += Math.sqrt((2 / Math.PI) * ((2 * pooled * (1 - pooled)) / n))
  }
  return { distance, noise }
}
