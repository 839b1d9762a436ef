/** Area under the ROC curve of a stream: exact while the scores fit, then within a bound that is reported. */

/** Scores kept before the exact form gives way to bins. */
export const EXACT_ROWS = 65_536
/** Bins are cut at quantiles of the exact scores, so that each holds few pairs. */
const BINS = 2_048

export type RocAucState =
  | { limit: number; scores: number[]; positive: number[] }
  | { limit: number; edges: number[]; positives: number[]; negatives: number[] }

export interface AucEstimate {
  auc: number
  /** The true area lies within auc +- error; 0 while exact. */
  error: number
}

/**
 * The probability that a random positive scores above a random negative, ties counting half (Mann-Whitney).
 * Past `limit` rows only counts by bin remain; two scores in one bin count as a tie, and the error is half their share.
 */
export class RocAuc {
  private readonly limit: number
  private scores = new Float64Array(0)
  private positive = new Uint8Array(0)
  private n = 0
  /** Ascending; bin b holds scores from edge b - 1 (inclusive) to edge b. Null while exact. */
  private edges: Float64Array | null = null
  private positives = new Float64Array(0)
  private negatives = new Float64Array(0)

  constructor(limit = EXACT_ROWS) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`limit must be a whole number of rows from 1, not ${limit}`)
    }
    this.limit = limit
  }

  /** `score` rises with the belief that the row is positive; NaN scores are refused. */
  add(positive: boolean, score: number): void {
    if (Number.isNaN(score)) throw new RangeError('a score must be a number, not NaN')
    if (this.edges === null && this.n === this.limit) this.bin()
    if (this.edges !== null) {
      this.count(positive, score)
      return
    }
    if (this.n === this.scores.length) {
      const room = Math.min(this.limit, Math.max(1024, this.n * 2))
      const scores = new Float64Array(room)
      scores.set(this.scores)
      this.scores = scores
      const flags = new Uint8Array(room)
      flags.set(this.positive)
      this.positive = flags
    }
    this.scores[this.n] = score
    this.positive[this.n] = positive ? 1 : 0
    this.n += 1
  }

  /** Null while only one of the two classes was seen. */
  estimate(): AucEstimate | null {
    return this.edges === null ? this.exact() : this.binned()
  }

  toJSON(): RocAucState {
    if (this.edges === null) {
      return {
        limit: this.limit,
        scores: Array.from(this.scores.subarray(0, this.n)),
        positive: Array.from(this.positive.subarray(0, this.n)),
      }
    }
    return {
      limit: this.limit,
      edges: Array.from(this.edges),
      positives: Array.from(this.positives),
      negatives: Array.from(this.negatives),
    }
  }

  static fromJSON(state: RocAucState): RocAuc {
    const auc = new RocAuc(state.limit)
    if ('scores' in state) {
      for (const [i, score] of state.scores.entries()) auc.add(state.positive[i] === 1, score)
      return auc
    }
    auc.edges = Float64Array.from(state.edges)
    auc.positives = Float64Array.from(state.positives)
    auc.negatives = Float64Array.from(state.negatives)
    return auc
  }

  private exact(): AucEstimate | null {
    const order = Uint32Array.from({ length: this.n }, (_, i) => i)
    order.sort((a, b) => this.scores[a]! - this.scores[b]!)
    let below = 0
    let wins = 0
    let positives = 0
    for (let i = 0; i < this.n; ) {
      const score = this.scores[order[i]!]!
      let tiedPositives = 0
      let tiedNegatives = 0
      for (; i < this.n && this.scores[order[i]!]! === score; i += 1) {
        if (this.positive[order[i]!] === 1) tiedPositives += 1
        else tiedNegatives += 1
      }
      wins += tiedPositives * (below + tiedNegatives / 2)
      below += tiedNegatives
      positives += tiedPositives
    }
    return positives === 0 || below === 0 ? null : { auc: wins / (positives * below), error: 0 }
  }

  private binned(): AucEstimate | null {
    let below = 0
    let wins = 0
    let ties = 0
    let positives = 0
    for (let b = 0; b < this.positives.length; b += 1) {
      const p = this.positives[b]!
      const n = this.negatives[b]!
      wins += p * (below + n / 2)
      ties += p * n
      below += n
      positives += p
    }
    if (positives === 0 || below === 0) return null
    const pairs = positives * below
    return { auc: wins / pairs, error: ties / 2 / pairs }
  }

  private bin(): void {
    const sorted = this.scores.slice(0, this.n).sort()
    const edges = new Set<number>()
    for (let b = 1; b < BINS; b += 1) edges.add(sorted[Math.floor((b * this.n) / BINS)]!)
    this.edges = Float64Array.from(edges)
    this.positives = new Float64Array(this.edges.length + 1)
    this.negatives = new Float64Array(this.edges.length + 1)
    for (let i = 0; i < this.n; i += 1) this.count(this.positive[i] === 1, this.scores[i]!)
    this.scores = new Float64Array(0)
    this.positive = new Uint8Array(0)
  }

  private count(positive: boolean, score: number): void {
    const edges = this.edges!
    let low = 0
    let high = edges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (edges[middle]! <= score) low = middle + 1
      else high = middle
    }
    if (positive) this.positives[low]! += 1
    else this.negatives[low]! += 1
  }
}
