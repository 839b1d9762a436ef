/**
 * A sum whose error stays at rounding level however long the stream: Neumaier (ZAMM 54, 1974), with the exact error of
 * each addition by Knuth's TwoSum (TAOCP 2, 4.2.2), which needs no branch.
 */

/** [value, compensation]; null stands for what overflowed, which JSON cannot say. */
export type SumState = [number | null, number | null]

export class Sum {
  private high = 0
  private low = 0

  add(value: number): void {
    const next = this.high + value
    const added = next - this.high
    this.low += this.high - (next - added) + (value - added)
    this.high = next
  }

  /** Adds the first `count` values in order. */
  addMany(values: Float64Array, count: number): void {
    let { high, low } = this
    for (let i = 0; i < count; i += 1) {
      const value = values[i]!
      const next = high + value
      const added = next - high
      low += high - (next - added) + (value - added)
      high = next
    }
    this.high = high
    this.low = low
  }

  get value(): number {
    return this.high + this.low
  }

  toJSON(): SumState {
    return [this.high, this.low]
  }

  static fromJSON(state: SumState): Sum {
    const sum = new Sum()
    sum.high = state[0] ?? Number.NaN
    sum.low = state[1] ?? Number.NaN
    return sum
  }
}
