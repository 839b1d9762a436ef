/**
 * Counts of latencies, log-linear as in HdrHistogram (G. Tene): each power of two is cut into equally wide buckets, so
 * that memory is fixed and a percentile is known to a fixed relative error.
 */

/** Buckets in each power of two. */
const BUCKET_BITS = 7
/** Smallest and largest power of two of a ms that are told apart: 1 us, and 12 days. */
const LOWEST = -10
const HIGHEST = 30

/** Half a bucket's width over the least value in it. */
export const RELATIVE_ERROR = 1 / 2 ** (BUCKET_BITS + 1)

/** Bits of a double's upper half: the exponent's bias, and where the exponent begins. */
const BIAS = 1023
const EXPONENT_AT = 20
const SHIFT = EXPONENT_AT - BUCKET_BITS
const FIRST = (BIAS + LOWEST) << BUCKET_BITS
const BUCKETS = (HIGHEST - LOWEST) << BUCKET_BITS

const UPPER = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0

/** Values that are counted at a time, at most. */
const BATCH = 512
/** Values that whole numbers of 32 bits, which are faster, count before these are added to the rest. */
const MOST_RECENT = 2 ** 31

export class LatencyHistogram {
  /** The first bucket takes all below 2^LOWEST. */
  private readonly counts = new Float64Array(BUCKETS + 1)
  private readonly recent = new Uint32Array(BUCKETS + 1)
  private recentCount = 0
  count = 0
  max = Number.NEGATIVE_INFINITY
  /** Values to count next, ms from 0 on; filled from outside. */
  readonly batch = new Float64Array(BATCH)
  private readonly halves = new Uint32Array(this.batch.buffer)

  /** Counts the first values of the batch. */
  add(length: number): void {
    const { batch, halves, recent } = this
    let { max } = this
    for (let i = 0; i < length; i++) {
      const bucket = (halves[2 * i + UPPER]! >>> SHIFT) - FIRST
      recent[bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS : bucket + 1]!++
      if (batch[i]! > max) max = batch[i]!
    }
    this.max = max
    this.count += length
    this.recentCount += length
    if (this.recentCount >= MOST_RECENT) this.settle()
  }

  private settle(): void {
    const { counts, recent } = this
    for (let bucket = 0; bucket <= BUCKETS; bucket++) counts[bucket]! += recent[bucket]!
    recent.fill(0)
    this.recentCount = 0
  }

  /**
   * The smallest recorded value that at least `share` of all do not exceed, to within `RELATIVE_ERROR` from 1 us on;
   * null where nothing was recorded.
   */
  quantile(share: number): number | null {
    if (this.count === 0) return null
    this.settle()
    const rank = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (let bucket = 0; bucket <= BUCKETS; bucket++) {
      seen += this.counts[bucket]!
      if (seen >= rank) return rank === this.count ? this.max : Math.min(this.max, middleOf(bucket))
    }
    return this.max
  }

  /** Its quantiles, with six digits; null where nothing was recorded. */
  distribution(shares: readonly number[]): number[] | null {
    return this.count === 0 ? null : shares.map((share) => Number(this.quantile(share)!.toPrecision(6)))
  }

  get bytes(): number {
    return this.counts.byteLength + this.recent.byteLength + this.batch.byteLength
  }
}

function middleOf(bucket: number): number {
  if (bucket === 0) return 0
  const place = bucket - 1
  const power = 2 ** ((place >>> BUCKET_BITS) + LOWEST)
  const within = place & (2 ** BUCKET_BITS - 1)
  return power * (1 + (within + 0.5) / 2 ** BUCKET_BITS)
}
