/** One running quantile in constant memory: five numbers. */

export interface P2State {
  q: number
  n: number
  heights: number[]
  positions: number[]
}

/**
 * P2 of Jain and Chlamtac, "The P2 algorithm for dynamic calculation of quantiles and histograms without storing
 * observations" (1985): markers at the extremes, the quantile and halfway between, moved by parabolas.
 * Exact up to five values.
 */
export class P2Quantile {
  readonly q: number
  private n = 0
  private readonly heights = new Float64Array(5)
  private readonly positions = Float64Array.of(1, 2, 3, 4, 5)

  constructor(q: number) {
    if (!(q > 0 && q < 1)) throw new RangeError(`a quantile lies between 0 and 1, not ${q}`)
    this.q = q
  }

  /** A value that is not NaN. */
  add(value: number): void {
    const { heights, positions, q } = this
    const n = this.n
    this.n = n + 1
    if (n < 5) {
      let at = n
      for (; at > 0 && heights[at - 1]! > value; at -= 1) heights[at] = heights[at - 1]!
      heights[at] = value
      return
    }
    if (value < heights[0]!) heights[0] = value
    if (value > heights[4]!) heights[4] = value
    if (value < heights[1]!) positions[1]! += 1
    if (value < heights[2]!) positions[2]! += 1
    if (value < heights[3]!) positions[3]! += 1
    positions[4]! += 1
    this.move(1, 1 + (n * q) / 2)
    this.move(2, 1 + n * q)
    this.move(3, 1 + (n * (1 + q)) / 2)
  }

  /** Null before any value. */
  get value(): number | null {
    if (this.n === 0) return null
    if (this.n >= 5) return this.heights[2]!
    const rank = this.q * (this.n - 1)
    const below = Math.floor(rank)
    const low = this.heights[below]!
    return low + (this.heights[Math.min(below + 1, this.n - 1)]! - low) * (rank - below)
  }

  toJSON(): P2State {
    return { q: this.q, n: this.n, heights: Array.from(this.heights), positions: Array.from(this.positions) }
  }

  static fromJSON(state: P2State): P2Quantile {
    const quantile = new P2Quantile(state.q)
    quantile.n = state.n
    quantile.heights.set(state.heights)
    quantile.positions.set(state.positions)
    return quantile
  }

  /** Moves marker i by one towards where it should be, where there is room. */
  private move(i: number, desired: number): void {
    const { heights, positions } = this
    const position = positions[i]!
    const gap = desired - position
    const right = positions[i + 1]! - position
    const left = positions[i - 1]! - position
    const up = gap >= 1 && right > 1
    if (!up && !(gap <= -1 && left < -1)) return
    const step = up ? 1 : -1
    const height = heights[i]!
    const rise = (heights[i + 1]! - height) / right
    const fall = (heights[i - 1]! - height) / left
    const curved = height + (step / (right - left)) * ((step - left) * rise + (right - step) * fall)
    const within = heights[i - 1]! < curved && curved < heights[i + 1]!
    heights[i] = within ? curved : height + step * (up ? rise : fall)
    positions[i] = position + step
  }
}
