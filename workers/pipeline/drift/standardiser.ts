/** Deviations from how a stream began, so that detectors need not know its unit. */

/** A single value counts as so many deviations at most: one outlier is no drift. */
const FARTHEST = 5
/** Values that set the scale; they are not passed on. */
const FIRST_VALUES = 100

/** A column of a table: number k is at `first` + k x `step`. */
export interface Strided {
  values: Float64Array
  first: number
  step: number
}

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
   * Writes values `from` to `to` to the same places of `out` as standard deviations of the stream's first 100 values
   * from their mean, five at most.
   * @returns `start`, the place after those of the 100, which are not written, and whether there is a NaN after them
   */
  scale(
    { values, first, step }: Strided,
    out: Float64Array,
    from: number,
    to: number,
  ): { start: number; gaps: boolean } {
    let start = from
    for (; start < to && this.n < FIRST_VALUES; start += 1) this.learn(values[first + start * step]!)
    if (start === to) return { start, gaps: false }
    // A stream that began constant has no scale: its own unit then counts.
    if (this.deviation === 0) this.deviation = this.m2 === 0 ? 1 : Math.sqrt(this.m2 / (this.n - 1))
    const { mean, deviation } = this
    const perUnit = 1 / deviation
    let gaps = false
    for (let k = start, at = first + start * step; k < to; k += 1, at += step) {
      const scaled = (values[at]! - mean) * perUnit
      // By comparisons, which keep NaN.
      if (scaled > FARTHEST) out[k] = FARTHEST
      else if (scaled < -FARTHEST) out[k] = -FARTHEST
      else {
        out[k] = scaled
        if (Number.isNaN(scaled)) gaps = true
      }
    }
    return { start, gaps }
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
