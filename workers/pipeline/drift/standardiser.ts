/** Deviations from how a stream began, so that detectors need not know its unit. */

/** A single value counts as so many deviations at most: one outlier is no drift. */
const FARTHEST = 5
/** Values that set the scale; they are not passed on. */
const FIRST_VALUES = 100

export interface StandardiserState {
  n: number
  mean: number
  m2: number
}

export class Standardiser {
  private n: number
  private mean: number
  private m2: number
  /** 0 until it is asked for. */
  private deviation = 0

  constructor({ n, mean, m2 }: StandardiserState = { n: 0, mean: 0, m2: 0 }) {
    this.n = n
    this.mean = mean
    this.m2 = m2
  }

  /**
   * Turns the first `count` values into standard deviations of the stream's first 100 values from their mean, five at
   * most; those 100 into NaN.
   */
  scale(values: Float64Array, count: number): void {
    let at = 0
    for (; at < count && this.n < FIRST_VALUES; at += 1) {
      this.learn(values[at]!)
      values[at] = Number.NaN
    }
    if (at === count) return
    // A stream that began constant has no scale: its own unit then counts.
    if (this.deviation === 0) this.deviation = this.m2 === 0 ? 1 : Math.sqrt(this.m2 / (this.n - 1))
    const { mean, deviation } = this
    for (; at < count; at += 1) {
      values[at] = Math.max(-FARTHEST, Math.min(FARTHEST, (values[at]! - mean) / deviation))
    }
  }

  private learn(value: number): void {
    this.n += 1
    const delta = value - this.mean
    this.mean += delta / this.n
    this.m2 += delta * (value - this.mean)
  }

  toJSON(): StandardiserState {
    return { n: this.n, mean: this.mean, m2: this.m2 }
  }
}
