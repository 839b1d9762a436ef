/** Page-Hinkley: a running sum of deviations from the mean that leaves its own extreme too far behind. */
import type { BulkDetector, DetectorState } from './detector.ts'

export interface PageHinkleyOptions {
  /** Values before the first alarm. */
  min_values: number
  /** Change that does not matter. */
  delta: number
  /** Distance from the extreme that raises the alarm. */
  threshold: number
  /** Weight of the sum so far, up to 1. */
  alpha: number
}

const PAGE_HINKLEY_DEFAULTS: PageHinkleyOptions = {
  min_values: 30,
  delta: 0.005,
  threshold: 50,
  alpha: 0.9999,
}

/** Page (1954), with the forgetting and the defaults of River; looks both ways and starts afresh after an alarm. */
export class PageHinkley implements BulkDetector {
  readonly options: PageHinkleyOptions
  private n = 0
  private mean = 0
  private up = 0
  private lowest = 0
  private down = 0
  private highest = 0

  constructor(options: Partial<PageHinkleyOptions> = {}) {
    this.options = { ...PAGE_HINKLEY_DEFAULTS, ...options }
    const { threshold, alpha } = this.options
    if (!(threshold > 0)) throw new RangeError(`threshold must be above 0, not ${threshold}`)
    if (!(alpha > 0 && alpha <= 1)) throw new RangeError(`alpha must be above 0 and at most 1, not ${alpha}`)
  }

  /** Whether an alarm could have been raised. */
  get tested(): boolean {
    return this.n >= this.options.min_values
  }

  add(value: number): boolean {
    return this.addMany(Float64Array.of(value), 0, 1) === 0
  }

  addMany(values: Float64Array, from: number, to: number): number {
    const { min_values, delta, threshold, alpha } = this.options
    let { n, mean, up, lowest, down, highest } = this
    for (let i = from; i < to; i += 1) {
      const value = values[i]!
      n += 1
      mean += (value - mean) / n
      const deviation = value - mean
      up = alpha * up + deviation - delta
      down = alpha * down + deviation + delta
      if (n < min_values) continue
      const first = n === min_values
      if (first || up < lowest) lowest = up
      if (first || down > highest) highest = down
      if (up - lowest <= threshold && highest - down <= threshold) continue
      this.n = this.mean = this.up = this.lowest = this.down = this.highest = 0
      return i
    }
    this.n = n
    this.mean = mean
    this.up = up
    this.lowest = lowest
    this.down = down
    this.highest = highest
    return -1
  }

  toJSON(): DetectorState {
    const { options, n, mean, up, lowest, down, highest } = this
    return { detector: 'page_hinkley', options, n, mean, up, lowest, down, highest }
  }

  static fromJSON(state: DetectorState): PageHinkley {
    const detector = new PageHinkley(state['options'] as PageHinkleyOptions)
    detector.n = state['n'] as number
    detector.mean = state['mean'] as number
    detector.up = state['up'] as number
    detector.lowest = state['lowest'] as number
    detector.down = state['down'] as number
    detector.highest = state['highest'] as number
    return detector
  }
}
