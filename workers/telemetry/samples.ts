/** One number a chunk, for exact percentiles. */

const FIRST_CAPACITY = 1024

export class Samples {
  private values = new Float64Array(FIRST_CAPACITY)
  private sum = 0
  count = 0

  add(value: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count++] = value
    this.sum += value
  }

  /** Adds to the latest sample. */
  extendLast(more: number): void {
    this.values[this.count - 1]! += more
    this.sum += more
  }

  /** Memory that these samples take, to be left out of the workload's account. */
  get bytes(): number {
    return this.values.byteLength
  }

  get total(): number {
    return this.sum
  }

  mean(): number | null {
    return this.count === 0 ? null : this.sum / this.count
  }

  /**
   * Quantiles by linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996).
   * @param shares ascending or not, each within 0 to 1
   */
  quantiles(shares: readonly number[]): (number | null)[] {
    const sorted = this.values.slice(0, this.count).sort()
    return shares.map((share) => {
      if (sorted.length === 0) return null
      const position = share * (sorted.length - 1)
      const below = Math.floor(position)
      const low = sorted[below]!
      const high = sorted[Math.min(below + 1, sorted.length - 1)]!
      return low + (high - low) * (position - below)
    })
  }
}
