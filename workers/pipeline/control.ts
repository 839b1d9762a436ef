/**
 * How large the next chunk is. One run's controller takes the readings that it decides on, and says in the chunk log
 * what it decided.
 */

import { getHeapStatistics } from 'node:v8'
import { kernelBytes } from '../kernels.ts'
import type { Limits } from '../workload.ts'
import type { PipelineParams } from './describe.ts'
import type { RowBuffer } from './features/row-buffer.ts'
import type { Plan } from './plan.ts'

const MIB = 1024 * 1024

/** The least that the thread used as its runs were opened: what they hold comes on top. */
let zeroBytes = usedBytes()

interface ControlInfo {
  chunk_size_start: number
  chunk_size_smallest: number | null
  chunk_size_largest: number | null
  chunk_size_last: number | null
  chunk_retries: number
  chunks_split: number
  chunks_grown: number
  chunks_over_target: number
  chunks_over_budget: number
}

/** Chunks are planned within this share of the cap: modules and compiled code take some that no footprint foresees. */
const CAP_SHARE = 0.8

export class RunControl {
  private readonly controller: ChunkController
  private readonly footprint: RunFootprint
  private readonly start: number
  private readonly limits: Limits
  private readonly targetMs: number | null
  private decision: Decision | null = null
  private begun: number | null = null
  private handled = 0

  /** @param rows of the data set */
  constructor(
    chunkSize: number,
    params: Pick<PipelineParams, 'max_chunk_retries' | 'target_latency_ms'>,
    limits: Limits,
    plan: Plan,
    buffer: RowBuffer,
    rows: number,
  ) {
    this.limits = limits
    this.targetMs = params.target_latency_ms
    this.start = startingSize(chunkSize, limits, rows)
    zeroBytes = Math.min(zeroBytes, usedBytes())
    this.footprint = new RunFootprint(plan, buffer, zeroBytes)
    this.controller = new ChunkController({
      chunkSize,
      start: this.start,
      maxRetries: params.max_chunk_retries,
      budgetBytes: limits.memory_mb === null ? null : limits.memory_mb * CAP_SHARE * MIB,
      targetLatencyMs: this.targetMs,
    })
  }

  /** Rows of the next chunk. The last one's latency runs until now, so that what held the process back counts. */
  next(now: number): number {
    if (this.begun !== null) this.controller.finished(this.handled, now - this.begun)
    this.begun = now
    this.decision = this.controller.decide(this.footprint.read())
    this.footprint.reached(this.decision.rows)
    return this.decision.rows
  }

  /** A chunk was read, and it had so many rows. */
  read(rows: number): void {
    this.handled = rows
  }

  /** Whether the last chunk did not fit however small. */
  get overBudget(): boolean {
    return this.decision?.reason === 'over_budget'
  }

  /** The decision that made the present chunk, for the chunk log. */
  detail(): Record<string, unknown> {
    const { rows, reason, retries, footprintBytes } = this.decision!
    const { memory_mb } = this.limits
    return {
      chunk_size: rows,
      reason,
      retries,
      ...(memory_mb === null ? {} : { footprint_mb: footprintBytes / MIB, budget_mb: memory_mb * CAP_SHARE }),
      ...(this.targetMs === null ? {} : { target_latency_ms: this.targetMs }),
    }
  }

  info(): ControlInfo {
    const { counts, retries, smallest, largest } = this.controller
    const decided = this.decision !== null
    return {
      chunk_size_start: this.start,
      chunk_size_smallest: decided ? smallest : null,
      chunk_size_largest: decided ? largest : null,
      chunk_size_last: this.decision?.rows ?? null,
      chunk_retries: retries,
      chunks_split: counts.split,
      chunks_grown: counts.grow,
      chunks_over_target: counts.over_target,
      chunks_over_budget: counts.over_budget,
    }
  }
}

// ---------------------------------------------------------------- sizes

// Sizes to begin with under caps, before anything was measured.

/** Smaller sizes spend their time on what each chunk costs whatever its rows. */
const SMALLEST_START = 16
const LEAST_FACTOR = 0.1
/** A cap of so many MB or more asks for no smaller sizes. */
const AMPLE_MEMORY_MB = 1024
const AMPLE_COMPUTE_UNITS = 1

/**
 * `max(16, floor(size x memory factor x compute factor))` with the factors `memory_mb / 1024` and
 * `compute_units`, each clamped to 0.1 ... 1 and 1 where there is no cap; at most `size` and `rows`.
 */
export function startingSize(size: number, limits: Limits, rows: number): number {
  const memory = factor(limits.memory_mb, AMPLE_MEMORY_MB)
  const compute = factor(limits.compute_units, AMPLE_COMPUTE_UNITS)
  const fitting = Math.max(SMALLEST_START, Math.floor(size * memory * compute))
  return Math.max(1, Math.min(fitting, size, rows))
}

function factor(cap: number | null, ample: number): number {
  return cap === null ? 1 : Math.min(1, Math.max(LEAST_FACTOR, cap / ample))
}

// What a run holds in memory, measured, and what its next chunk will take, known from the plan.

const FLOAT64 = Float64Array.BYTES_PER_ELEMENT
const INT32 = Int32Array.BYTES_PER_ELEMENT

/** Heap and external memory of this thread. External memory is what typed arrays take. */
function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory + kernelBytes()
}

/** Bytes a row in the columns as read and in the results of formulas. */
function columnRowBytes({ specs, features }: Plan): number {
  const columns = specs.reduce((sum, { kind }) => sum + (kind === 'category' ? INT32 : FLOAT64), 0)
  return columns + features.formulas.length * FLOAT64
}

/** Bytes a row where rows of features wait: dense features and target, one-hot indexes and their count. */
function featureRowBytes(width: number, slots: number): number {
  return (width + 1) * FLOAT64 + (slots + 1) * INT32
}

/** Grown buffers stand beside the ones that they replace until these are collected, so that growth counts in full. */
class RunFootprint implements Footprint {
  heldBytes = 0
  readonly chunkBytes: (rows: number) => number
  private readonly zeroBytes: number
  private readonly used: () => number
  private columnRows = 0

  /**
   * @param zeroBytes what the thread used before it opened the run
   * @param used reads what the thread uses now
   */
  constructor(plan: Plan, buffer: RowBuffer, zeroBytes: number, used: () => number = usedBytes) {
    const columns = columnRowBytes(plan)
    const { width, slots } = buffer.batch
    const features = featureRowBytes(width, slots)
    this.zeroBytes = zeroBytes
    this.used = used
    this.chunkBytes = (rows) => {
      const waiting = buffer.waiting + rows
      return (
        (rows > this.columnRows ? rows * columns : 0) +
        (waiting > buffer.batch.target.length ? waiting * features : 0)
      )
    }
  }

  /** Takes a reading; call before each decision. */
  read(): this {
    this.heldBytes = Math.max(0, this.used() - this.zeroBytes)
    return this
  }

  /** A chunk of so many rows was read: the columns keep their room. */
  reached(rows: number): void {
    if (rows > this.columnRows) this.columnRows = rows
  }
}

// ---------------------------------------------------------------- the controller

// How many rows the next chunk gets. Decided before the chunk is read, so that no row is handled twice.
//
// Additive increase, multiplicative decrease (D.-M. Chiu and R. Jain, Computer Networks and ISDN Systems 17, 1989):
// a chunk grows by a fixed step while there is room, and is halved where it would not fit.

export interface ControllerOptions {
  /** The most rows per chunk. */
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

type Reason =
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

interface Decision {
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
/** Weight of the last chunk in the running time per row. */
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
  /** Running mean time per row, ms; null before the first chunk has ended. */
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
    if (Object.hasOwn(this.counts, decision.reason))
      this.counts[decision.reason as keyof typeof this.counts] += 1
    return decision
  }

  /** @param latencyMs from the start of this chunk until the next may start */
  finished(rows: number, latencyMs: number): void {
    if (rows === 0) return
    const rowMs = latencyMs / rows
    this.rowMs = this.rowMs === null ? rowMs : this.rowMs + LATENCY_WEIGHT * (rowMs - this.rowMs)
  }

  /** The size by feedback, before memory is looked at. */
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
