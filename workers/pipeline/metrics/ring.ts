/** The last so many rows of a few numbers each: what windowed scores keep. */

export interface RingState {
  window: number
  width: number
  /** Rows oldest first, flattened; null stands for NaN and infinities. */
  rows: (number | null)[]
}

export class Ring {
  readonly window: number
  /** Numbers per row. */
  readonly width: number
  length = 0
  private next = 0
  /** Rows of `width` numbers; see `oldest`. */
  readonly values: Float64Array

  constructor(window: number, width: number) {
    if (!Number.isInteger(window) || window < 1) {
      throw new RangeError(`window must be a whole number of rows from 1, not ${window}`)
    }
    this.window = window
    this.width = width
    this.values = new Float64Array(window * width)
  }

  /** Takes the row's numbers in order; replaces the oldest row when full. */
  push(a: number, b: number, c = Number.NaN, d = Number.NaN): void {
    const at = this.next * this.width
    this.values[at] = a
    this.values[at + 1] = b
    if (this.width > 2) this.values[at + 2] = c
    if (this.width > 3) this.values[at + 3] = d
    this.next = this.next + 1 === this.window ? 0 : this.next + 1
    if (this.length < this.window) this.length += 1
  }

  /** Pushes rows of one number of `a`, from `from` to `to`, and one of `b`, from `at` on. For two numbers per row. */
  pushPairs(a: Float64Array, from: number, to: number, b: Float64Array, at: number): void {
    const { values, window } = this
    let { next } = this
    for (let i = from, j = at; i < to; i += 1, j += 1) {
      values[2 * next] = a[i]!
      values[2 * next + 1] = b[j]!
      next = next + 1 === window ? 0 : next + 1
    }
    this.next = next
    this.length = Math.min(window, this.length + to - from)
  }

  /** Place of the oldest row; later ones follow, around the end. */
  get oldest(): number {
    return (this.next - this.length + this.window) % this.window
  }

  /** Number `k` of the row of that age, 0 the oldest. */
  at(age: number, k: number): number {
    const row = (this.oldest + age) % this.window
    return this.values[row * this.width + k]!
  }

  toJSON(): RingState {
    const rows = Array.from({ length: this.length * this.width }, (_, i) =>
      this.at(Math.floor(i / this.width), i % this.width),
    )
    return { window: this.window, width: this.width, rows }
  }

  static fromJSON(state: RingState): Ring {
    const ring = new Ring(state.window, state.width)
    ring.length = state.rows.length / state.width
    ring.next = ring.length % ring.window
    for (const [i, value] of state.rows.entries()) ring.values[i] = value ?? Number.NaN
    return ring
  }
}
