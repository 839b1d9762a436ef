/** Mean and variance of a stream, stable and mergeable. */

export interface MomentsState {
  n: number
  mean: number
  m2: number
}

/** Welford's update (Welford 1962; Knuth, TAOCP 2, 4.2.2) and the merge of Chan, Golub and LeVeque (1979). */
export class Moments {
  n = 0
  mean = 0
  /** Sum of squared deviations from the mean. */
  m2 = 0

  add(value: number): void {
    this.n += 1
    const delta = value - this.mean
    this.mean += delta / this.n
    this.m2 += delta * (value - this.mean)
  }

  /** Adds values `from` to `to` in order. Sums are kept in local variables, which saves a trip to memory a value. */
  addMany(values: Float64Array, from: number, to: number): void {
    let { n, mean, m2 } = this
    for (let i = from; i < to; i += 1) {
      const value = values[i]!
      n += 1
      const delta = value - mean
      mean += delta / n
      m2 += delta * (value - mean)
    }
    this.n = n
    this.mean = mean
    this.m2 = m2
  }

  merge(other: Moments): void {
    if (other.n === 0) return
    const n = this.n + other.n
    const delta = other.mean - this.mean
    this.m2 += other.m2 + delta * delta * ((this.n * other.n) / n)
    this.mean = this.n === 0 ? other.mean : this.mean + delta * (other.n / n)
    this.n = n
  }

  /** Counts the values so far as `keep` times as many. */
  forget(keep: number): void {
    this.n *= keep
    this.m2 *= keep
  }

  /** Population variance; 0 for a constant or an empty stream. */
  get variance(): number {
    return this.n === 0 ? 0 : this.m2 / this.n
  }

  toJSON(): MomentsState {
    return { n: this.n, mean: this.mean, m2: this.m2 }
  }

  static fromJSON(state: MomentsState): Moments {
    const moments = new Moments()
    moments.n = state.n
    moments.mean = state.mean
    moments.m2 = state.m2
    return moments
  }
}
