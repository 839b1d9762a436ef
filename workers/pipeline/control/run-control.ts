/** The controller of one run: takes the readings that it decides on, and says in the chunk log what it decided. */
import type { Limits } from '../../workload.ts'
import type { PipelineParams } from '../describe.ts'
import type { RowBuffer } from '../features/row-buffer.ts'
import type { Plan } from '../plan.ts'
import { ChunkController, type Decision } from './chunk-controller.ts'
import { RunFootprint, usedBytes } from './footprint.ts'
import { startingSize } from './starting-sizes.ts'

const MIB = 1024 * 1024

/** The least that the thread used as its runs were opened: what they hold comes on top. */
let zeroBytes = usedBytes()

export interface ControlInfo {
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
