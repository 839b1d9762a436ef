/** Area under the ROC curve of a stream: exact while the scores fit, then within a bound that is reported. */

/** Scores kept before the exact form gives way to bins. */
const EXACT_ROWS = 65_536

/**
 * Bins are cut by the bits of the probability of the rarer outcome, `min(p, 1 - p)`, so that they never need to know
 * where scores will lie: each octave has as many, from 1/2 down to the smallest, below which all are one.
 */
const MANTISSA_BITS = 11
const SMALLEST = 2 ** -32

/** A mean of probabilities may pass 1 by a few last bits. */
const ROUNDING = 1e-9

/** Bins a page: only pages that some score fell into are kept. */
const PAGE_BITS = 7
const PAGE = 1 << PAGE_BITS

/** One number seen as a float and as its bits, which rise with it. */
const asFloat = new Float32Array(1)
const asBits = new Int32Array(asFloat.buffer)
const DROPPED_BITS = 23 - MANTISSA_BITS
const FIRST = upperBits(SMALLEST)
const HALF = upperBits(0.5) - FIRST

export type RocAucState = { limit: number } & (
  | { scores: number[]; positive: number[] }
  /** Positives and negatives by bin, in rising order of bins. */
  | { bins: [bin: number, positives: number, negatives: number][] }
)

export interface AucEstimate {
  auc: number
  /** The true area lies within auc +- error; 0 while exact. */
  error: number
}

/**
 * The probability that a random positive scores above a random negative, ties counting half (Mann-Whitney).
 *
 * Past `limit` rows only counts by bin remain. Scores of two bins are in order, two in one bin count as a tie, so the
 * error is at most half the share of pairs that meet in one bin. Two scores share a bin where their odds differ by
 * less than 0.1% (from 1 : 2^32 to 2^32 : 1), whatever came before: bins do not depend on the order of rows. They
 * take 2 MB at most.
 */
export class RocAuc {
  private readonly limit: number
  private scores = new Float64Array(0)
  private positive = new Uint8Array(0)
  private n = 0
  /** By page, positives and then negatives of its bins. Null while exact. */
  private pages: (Float64Array | undefined)[] | null = null

  constructor(limit = EXACT_ROWS) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`limit must be a whole number of rows from 1, not ${limit}`)
    }
    this.limit = limit
  }

  /**
   * @param given the probability, as predicted, that the row is positive
   * @throws {RangeError} where it is none
   */
  add(positive: boolean, given: number): void {
    const score = Math.max(0, Math.min(1, given))
    if (!(Math.abs(score - given) <= ROUNDING)) {
      throw new RangeError(`a score must be from 0 to 1, not ${given}`)
    }
    if (this.pages === null && this.n === this.limit) this.bin()
    if (this.pages !== null) {
      this.count(binOf(score), positive ? 1 : 0, positive ? 0 : 1)
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
    return this.pages === null ? this.exact() : this.binned()
  }

  toJSON(): RocAucState {
    const { limit } = this
    if (this.pages !== null) return { limit, bins: [...this.bins()] }
    return {
      limit,
      scores: Array.from(this.scores.subarray(0, this.n)),
      positive: Array.from(this.positive.subarray(0, this.n)),
    }
  }

  static fromJSON(state: RocAucState): RocAuc {
    const auc = new RocAuc(state.limit)
    if ('scores' in state) {
      for (const [i, score] of state.scores.entries()) auc.add(state.positive[i] === 1, score)
      return auc
    }
    auc.pages = []
    for (const [bin, positives, negatives] of state.bins) auc.count(bin, positives, negatives)
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
    for (const [, p, n] of this.bins()) {
      wins += p * (below + n / 2)
      ties += p * n
      below += n
      positives += p
    }
    if (positives === 0 || below === 0) return null
    const pairs = positives * below
    return { auc: wins / pairs, error: ties / 2 / pairs }
  }

  /** Those that some score fell into, in rising order. */
  private *bins(): Generator<[bin: number, positives: number, negatives: number]> {
    for (const [index, page] of this.pages!.entries()) {
      if (page === undefined) continue
      for (let i = 0; i < PAGE; i += 1) {
        const [p, n] = [page[i]!, page[PAGE + i]!]
        if (p + n > 0) yield [index * PAGE + i, p, n]
      }
    }
  }

  private bin(): void {
    this.pages = []
    for (let i = 0; i < this.n; i += 1) {
      const positive = this.positive[i]!
      this.count(binOf(this.scores[i]!), positive, 1 - positive)
    }
    this.scores = new Float64Array(0)
    this.positive = new Uint8Array(0)
  }

  private count(bin: number, positives: number, negatives: number): void {
    const pages = this.pages!
    const index = bin >> PAGE_BITS
    let page = pages[index]
    if (page === undefined) {
      page = new Float64Array(2 * PAGE)
      pages[index] = page
    }
    page[bin & (PAGE - 1)]! += positives
    page[PAGE + (bin & (PAGE - 1))]! += negatives
  }
}

/** Rises with the score; the same distance from 0 and from 1 is told apart as finely. */
function binOf(score: number): number {
  return score <= 0.5 ? belowHalf(score) : 2 * HALF - belowHalf(1 - score)
}

function belowHalf(score: number): number {
  return score < SMALLEST ? 0 : upperBits(score) - FIRST
}

function upperBits(value: number): number {
  asFloat[0] = value
  return asBits[0]! >> DROPPED_BITS
}
