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

  /** In standard deviations of the first 100 values from their mean, five at most; NaN for those. */
  scale(value: number): number {
    if (this.n >= FIRST_VALUES) {
      // A stream that began constant has no scale: its own unit then counts.
      if (this.deviation === 0) this.deviation = this.m2 === 0 ? 1 : Math.sqrt(this.m2 / (this.n - 1))
      return Math.max(-FARTHEST, Math.min(FARTHEST, (value - this.mean) / this.deviation))
    }
    this.n += 1
    const delta = value - this.mean
    this.mean += delta / this.n
    this.m2 += delta * (value - this.mean)
    return Number.NaN
  }

  toJSON(): StandardiserState {
    return { n: this.n, mean: this.mean, m2: this.m2 }
  }
}
