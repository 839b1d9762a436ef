/**
 * A sum whose error stays at rounding level however long the stream: Neumaier (ZAMM 54, 1974), with the exact error of
 * each addition by Knuth's TwoSum (TAOCP 2, 4.2.2), which needs no branch.
 */

/** [value, compensation]; null stands for what overflowed, which JSON cannot say. */
export type SumState = [number | null, number | null]

export class Sum {
  high = 0
  low = 0

  add(value: number): void {
    const next = this.high + value
    const added = next - this.high
    this.low += this.high - (next - added) + (value - added)
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

/**
 * Adds the squares and the sizes of what `predictions`, from place `at` on, lack of targets `from` to `to`, in order: the
 * same bits as `add`. In one pass, since neither sum waits for the other.
 */
export function addErrors(
  targets: Float64Array,
  from: number,
  to: number,
  predictions: Float64Array,
  at: number,
  squares: Sum,
  sizes: Sum,
): void {
  let { high, low } = squares
  let { high: highSizes, low: lowSizes } = sizes
  for (let i = from, j = at; i < to; i += 1, j += 1) {
    const size = Math.abs(targets[i]! - predictions[j]!)
    const nextSizes = highSizes + size
    const addedSizes = nextSizes - highSizes
    lowSizes += highSizes - (nextSizes - addedSizes) + (size - addedSizes)
    highSizes = nextSizes
    const square = size * size
    const next = high + square
    const added = next - high
    low += high - (next - added) + (square - added)
    high = next
  }
  squares.high = high
  squares.low = low
  sizes.high = highSizes
  sizes.low = lowSizes
}
