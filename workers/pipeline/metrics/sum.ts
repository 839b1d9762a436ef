/** A sum whose error stays at rounding level however long the stream: Neumaier (ZAMM 54, 1974). */

/** [value, compensation]; null stands for what overflowed, which JSON cannot say. */
export type SumState = [number | null, number | null]

export class Sum {
  private high = 0
  private low = 0

  add(value: number): void {
    const next = this.high + value
    this.low += Math.abs(this.high) >= Math.abs(value) ? this.high - next + value : value - next + this.high
    this.high = next
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
