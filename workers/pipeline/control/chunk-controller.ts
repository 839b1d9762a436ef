/**
 * How many rows the next chunk gets. Decided before the chunk is read, so that no row is handled twice.
 *
 * Additive increase, multiplicative decrease (D.-M. Chiu and R. Jain, Computer Networks and ISDN Systems 17, 1989):
 * a chunk grows by a fixed step while there is room, and is halved where it would not fit.
 */

export interface ControllerOptions {
  /** The most rows a chunk. */
  chunkSize: number
  /** Rows of the first chunk, 1 to `chunkSize`. */
  start: number
  /** How often one chunk may be halved to fit. */
  maxRetries: number
  /** Memory that the run may hold; null where it is not bounded. */
  budgetBytes: number | null
  /** Latency to hold; null for none. */
  targetLatencyMs: number | null
}

/** What a run holds, and what a chunk would add to it. */
export interface Footprint {
  heldBytes: number
  /** Further bytes for a chunk of so many rows; 0 where the buffers already have room. */
  chunkBytes(rows: number): number
}

export type Reason =
  | 'start'
  /** Nothing asks for another size. */
  | 'hold'
  | 'grow'
  /** Halved until it fits the memory. */
  | 'split'
  /** Made smaller because chunks took longer than the target. */
  | 'over_target'
  /** Does not fit, and halving is used up or would save nothing: the cap itself decides. */
  | 'over_budget'

export interface Decision {
  rows: number
  reason: Reason
  /** Halvings of this chunk. */
  retries: number
  /** What the run holds and the chunk as decided, bytes. */
  footprintBytes: number
}

/** Growth steps from one row to `chunkSize`. */
const GROWTH_STEPS = 8
/** Growth stops below the budget, so that it does not come to a split with every step. */
const ROOM_SHARE = 0.8
/** The controller aims below the target, so that a chunk somewhat slower than most still meets it. */
const TARGET_SHARE = 0.9
/** Weight of the last chunk in the running time a row. */
const LATENCY_WEIGHT = 0.3

export class ChunkController {
  /** Chunks that were split, that grew, that were made smaller for the target, and that did not fit at all. */
  readonly counts = { split: 0, grow: 0, over_target: 0, over_budget: 0 }
  retries = 0
  smallest = Number.POSITIVE_INFINITY
  largest = 0
  private readonly options: ControllerOptions
  private size: number
  private started = false
  /** Running mean time a row, ms; null before the first chunk has ended. */
  private rowMs: number | null = null

  constructor(options: ControllerOptions) {
    this.options = options
    this.size = options.start
  }

  decide(footprint: Footprint): Decision {
    const wish = this.wish(footprint)
    const decision = this.fit(wish.rows, wish.reason, footprint)
    this.started = true
    this.size = decision.rows
    this.retries += decision.retries
    this.smallest = Math.min(this.smallest, decision.rows)
    this.largest = Math.max(this.largest, decision.rows)
    if (decision.reason in this.counts) this.counts[decision.reason as keyof typeof this.counts] += 1
    return decision
  }

  /** @param latencyMs from the start of this chunk until the next may start */
  finished(rows: number, latencyMs: number): void {
    if (rows === 0) return
    const rowMs = latencyMs / rows
    this.rowMs = this.rowMs === null ? rowMs : this.rowMs + LATENCY_WEIGHT * (rowMs - this.rowMs)
  }

  /** The size by feedback alone, before memory is looked at. */
  private wish(footprint: Footprint): { rows: number; reason: Reason } {
    if (!this.started) return { rows: this.size, reason: 'start' }
    const aim = this.rowsForTarget()
    if (aim < this.size) return { rows: Math.max(aim, Math.ceil(this.size / 2)), reason: 'over_target' }
    const step = Math.max(1, Math.round(this.options.chunkSize / GROWTH_STEPS))
    const grown = Math.min(this.options.chunkSize, this.size + step, aim)
    if (grown > this.size && this.hasRoom(grown, footprint)) return { rows: grown, reason: 'grow' }
    return { rows: this.size, reason: 'hold' }
  }

  private fit(wish: number, reason: Reason, footprint: Footprint): Decision {
    const { budgetBytes, maxRetries } = this.options
    const total = (rows: number) => footprint.heldBytes + footprint.chunkBytes(rows)
    if (budgetBytes === null) return { rows: wish, reason, retries: 0, footprintBytes: total(wish) }
    let rows = wish
    let retries = 0
    while (total(rows) > budgetBytes && retries < maxRetries) {
      const half = Math.ceil(rows / 2)
      if (footprint.chunkBytes(half) >= footprint.chunkBytes(rows)) break
      rows = half
      retries += 1
    }
    const footprintBytes = total(rows)
    const over = footprintBytes > budgetBytes
    return {
      rows,
      reason: over ? 'over_budget' : retries > 0 ? 'split' : reason,
      retries,
      footprintBytes,
    }
  }

  private hasRoom(rows: number, { heldBytes, chunkBytes }: Footprint): boolean {
    const { budgetBytes } = this.options
    return budgetBytes === null || heldBytes + chunkBytes(rows) <= budgetBytes * ROOM_SHARE
  }

  /** At the running pace; `chunkSize` without a target. */
  private rowsForTarget(): number {
    const { targetLatencyMs, chunkSize } = this.options
    if (targetLatencyMs === null || this.rowMs === null || this.rowMs === 0) return chunkSize
    return Math.min(chunkSize, Math.max(1, Math.floor((targetLatencyMs * TARGET_SHARE) / this.rowMs)))
  }
}
