/** How many values of a sample another value reaches, told without sorting that other value's own sample. */

/** A sample under a grid over its range, so that few of its values are compared with another. */
export class Ranks {
  readonly sorted: Float64Array
  private readonly low: number
  /** Cells a unit. */
  private readonly scale: number
  /** By cell: values of the sample in the cells before it. */
  private readonly starts: Uint32Array

  /** @param sorted ascending, with a value at least */
  constructor(sorted: Float64Array) {
    const cells = sorted.length
    this.sorted = sorted
    this.low = sorted[0]!
    this.scale = cells / (sorted[cells - 1]! - this.low)
    this.starts = new Uint32Array(cells + 1)
    for (const value of sorted) this.starts[this.cellOf(value) + 1]! += 1
    for (let cell = 0; cell < cells; cell += 1) this.starts[cell + 1]! += this.starts[cell]!
  }

  /** Values of the sample up to `value`, equal ones among them. */
  of(value: number): number {
    const { sorted, starts } = this
    const cell = this.cellOf(value)
    let from = starts[cell]!
    let to = starts[cell + 1]!
    while (from < to) {
      const middle = (from + to) >>> 1
      if (sorted[middle]! <= value) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Never falls as the value rises, however it is rounded: all that `of` needs. */
  private cellOf(value: number): number {
    const cells = this.sorted.length
    const place = (value - this.low) * this.scale
    if (place >= cells) return cells - 1
    return place > 0 ? Math.trunc(place) : 0
  }
}
