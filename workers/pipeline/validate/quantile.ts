/** Running quantiles of a stream in constant memory. */

export interface QuantileSketchState {
  compression: number
  min: number | null
  max: number | null
  /** Centroids in ascending order of mean, then values not yet merged in. */
  means: number[]
  weights: number[]
  pending: number[]
}

/**
 * Merging t-digest with scale function k1: Dunning and Ertl, "Computing extremely accurate quantiles using t-digests"
 * (2019). Centroids are small at both ends, so extreme quantiles are the most accurate; with compression 100 the error
 * in rank is below about 1% in the middle and far less at the ends. Mergeable; a few kB whatever the length.
 */
export class QuantileSketch {
  private readonly compression: number
  private means = new Float64Array(0)
  private weights = new Float64Array(0)
  private centroids = 0
  private readonly pending: Float64Array
  private waiting = 0
  private total = 0
  private min = Infinity
  private max = -Infinity

  constructor(compression = 100) {
    if (!(compression >= 20)) throw new RangeError(`compression must be 20 or more, not ${compression}`)
    this.compression = compression
    this.pending = new Float64Array(Math.ceil(compression) * 5)
  }

  /** Values seen. */
  get n(): number {
    return this.total + this.waiting
  }

  /** NaN, a missing value, is passed over. */
  add(value: number): void {
    if (Number.isNaN(value)) return
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    this.pending[this.waiting] = value
    this.waiting += 1
    if (this.waiting === this.pending.length) this.absorb()
  }

  /** The value below which a share `q` (0 to 1) of the stream lies, by interpolation; null before any value. */
  quantile(q: number): number | null {
    if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile is asked for by a share from 0 to 1, not ${q}`)
    this.absorb()
    if (this.total === 0) return null
    const { means, weights, centroids, total, min, max } = this
    const rank = q * total
    let before = 0
    let leftRank = 0
    let left = min
    for (let i = 0; i < centroids; i += 1) {
      const middle = before + weights[i]! / 2
      if (rank < middle) return between(left, means[i]!, (rank - leftRank) / (middle - leftRank))
      before += weights[i]!
      leftRank = middle
      left = means[i]!
    }
    return leftRank === total ? max : between(left, max, (rank - leftRank) / (total - leftRank))
  }

  merge(other: QuantileSketch): void {
    other.absorb()
    if (other.total === 0) return
    this.absorb()
    this.combine(other.means.subarray(0, other.centroids), other.weights.subarray(0, other.centroids))
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }

  toJSON(): QuantileSketchState {
    return {
      compression: this.compression,
      min: this.n === 0 ? null : this.min,
      max: this.n === 0 ? null : this.max,
      means: Array.from(this.means.subarray(0, this.centroids)),
      weights: Array.from(this.weights.subarray(0, this.centroids)),
      pending: Array.from(this.pending.subarray(0, this.waiting)),
    }
  }

  static fromJSON(state: QuantileSketchState): QuantileSketch {
    const sketch = new QuantileSketch(state.compression)
    sketch.min = state.min ?? Infinity
    sketch.max = state.max ?? -Infinity
    sketch.means = Float64Array.from(state.means)
    sketch.weights = Float64Array.from(state.weights)
    sketch.centroids = state.means.length
    for (const weight of state.weights) sketch.total += weight
    sketch.pending.set(state.pending)
    sketch.waiting = state.pending.length
    return sketch
  }

  private absorb(): void {
    if (this.waiting === 0) return
    const values = this.pending.slice(0, this.waiting).sort()
    this.waiting = 0
    this.combine(values, new Float64Array(values.length).fill(1))
  }

  /** Merges sorted centroids with the present ones in one pass, joining neighbours while the scale allows. */
  private combine(means: Float64Array, weights: Float64Array): void {
    const room = this.centroids + means.length
    const nextMeans = new Float64Array(room)
    const nextWeights = new Float64Array(room)
    let added = 0
    for (const weight of weights) added += weight
    const total = this.total + added
    let count = 0
    let before = 0
    let limit = 0
    let i = 0
    let j = 0
    while (i < this.centroids || j < means.length) {
      const own = j === means.length || (i < this.centroids && this.means[i]! <= means[j]!)
      const mean = own ? this.means[i]! : means[j]!
      const weight = own ? this.weights[i]! : weights[j]!
      if (own) i += 1
      else j += 1
      if (count > 0 && before + nextWeights[count - 1]! + weight <= limit) {
        const joined = nextWeights[count - 1]! + weight
        nextMeans[count - 1]! += (mean - nextMeans[count - 1]!) * (weight / joined)
        nextWeights[count - 1] = joined
        continue
      }
      if (count > 0) before += nextWeights[count - 1]!
      nextMeans[count] = mean
      nextWeights[count] = weight
      count += 1
      limit = total * this.nextLimit(before / total)
    }
    this.means = nextMeans.slice(0, count)
    this.weights = nextWeights.slice(0, count)
    this.centroids = count
    this.total = total
  }

  /** Share at which a centroid that starts at share q must end: one step of k1(q) = compression asin(2q - 1) / 2 pi. */
  private nextLimit(q: number): number {
    const angle = Math.asin(2 * q - 1) + (2 * Math.PI) / this.compression
    return angle >= Math.PI / 2 ? 1 : (Math.sin(angle) + 1) / 2
  }
}

/** Linear interpolation; exact at both ends. */
function between(left: number, right: number, share: number): number {
  return left + (right - left) * share
}
