/**
 * The memory cap: what a workload may use above an idle worker.
 *
 * Three mechanisms bound it together. V8's resource limits stop the heap. Between steps the worker adds up heap and
 * external memory and, when they pass the cap, collects garbage first, so that only live memory condemns.
 * From outside the supervisor polls the resident size, which sees what happens within a step.
 */

import type { ResourceLimits } from 'node:worker_threads'
import { kernelBytes } from '../kernels.ts'
import type { CapsAsked } from '../protocol/trial-spec.ts'
import { heapStatistics } from '../telemetry/clock.ts'

export const MIB = 1024 * 1024

/** Old generation that an idle worker needs to start and load its modules, MB; it fails with 4. */
const IDLE_WORKER_OLD_MB = 6
/** V8's own default young generation, MB: more is never useful. */
const LARGEST_YOUNG_MB = 48
/** Young generation as a share of the cap. */
const YOUNG_SHARE = 1 / 8

const HEAP_HEADROOM = 1.25

/** Young generation under a cap, MB. */
function youngGenerationMb(capMb: number): number {
  return Math.min(LARGEST_YOUNG_MB, Math.max(1, Math.round(capMb * YOUNG_SHARE)))
}

/** Stack of the workload's thread, MB: at most Node's own default for a worker, at least what its main thread has. */
function stackMb(capMb: number): number {
  return Math.min(4, Math.max(1, Math.round(capMb / 16)))
}

/** Address space for compiled code, MB: the built-in pipeline compiles to less than 4. */
function codeRangeMb(capMb: number): number {
  return Math.min(128, 16 + Math.round(capMb / 4))
}

/** Resident memory that a worker takes at least until it stands empty, MB: 10 with Node 20, 17 with Node 24. */
export const LEAST_IDLE_WORKER_MB = 10
/** Of Node's own program, what becomes resident after the worker stood empty, MB: 5 with Node 20, 9 with Node 26. */
const PROGRAM_MB = 9

/**
 * What a workload may use above an idle worker, MB; null for no cap.
 * @param processMb resident size of its process with the worker standing empty
 */
export function budgetOf(
  { max_memory_mb, memory_scope }: Pick<CapsAsked, 'max_memory_mb' | 'memory_scope'>,
  processMb: number,
): number | null {
  if (max_memory_mb === null || memory_scope === 'workload') return max_memory_mb
  return max_memory_mb - processMb - PROGRAM_MB
}

/**
 * Limits of a worker's isolate; none without a cap. The heap alone may fill the cap, and V8 gives up on a busy heap
 * from four fifths of its limit on: the check between steps is what holds the cap exactly.
 */
export function resourceLimits(capMb: number | null): ResourceLimits {
  if (capMb === null) return {}
  return {
    maxOldGenerationSizeMb: Math.ceil(IDLE_WORKER_OLD_MB + capMb * HEAP_HEADROOM),
    maxYoungGenerationSizeMb: youngGenerationMb(capMb),
    stackSizeMb: stackMb(capMb),
    codeRangeSizeMb: codeRangeMb(capMb),
  }
}

/** The workload's compiled code and the pages that V8 and malloc keep for reuse: 6 MB were measured under small caps. */
const RESIDENT_ALLOWANCE_MB = 8
/** Of that, what Node's own program takes: 5.5 MB at most with Node 20. */
export const ALLOWED_PROGRAM_MB = 5.5
/** The young generation and fragments grow with the cap: up to 18 MB in all were measured at 128 and 256 MB. */
const RESIDENT_SHARE = 1 / 12
const LARGEST_RESIDENT_SHARE_MB = 32

/** Resident memory above an idle worker that is the runtime's and not the workload's, MB. */
export function residentAllowanceMb(capMb: number | null): number {
  return RESIDENT_ALLOWANCE_MB + Math.min(LARGEST_RESIDENT_SHARE_MB, (capMb ?? 0) * RESIDENT_SHARE)
}

/** The workload holds more than its cap. */
export class MemoryCapError extends Error {
  override name = 'MemoryCapError'
}

export interface WorkerMemory {
  heapBytes: number
  externalBytes: number
}

export function readWorkerMemory(): WorkerMemory {
  const statistics = heapStatistics()
  return {
    heapBytes: statistics.used_heap_size,
    externalBytes: statistics.external_memory + kernelBytes(),
  }
}

/** V8 sweeps dropped array buffers beside the program, and counts them as freed at the next collection only. */
export const COLLECTIONS_TO_FREE = 2

/** Checks heap plus external memory of the calling isolate between steps. One check costs about 1 us. */
export class MemoryCheck {
  peakHeapBytes = 0
  peakExternalBytes = 0
  /** Largest sum above the idle worker. */
  peakBytes = 0
  latest: WorkerMemory = { heapBytes: 0, externalBytes: 0 }
  private readonly empty: WorkerMemory
  private readonly capBytes: number
  private readonly collect: () => void

  /** @param collect a full collection */
  constructor(empty: WorkerMemory, capMb: number | null, collect: () => void) {
    this.empty = empty
    this.capBytes = capMb === null ? Number.POSITIVE_INFINITY : capMb * MIB
    this.collect = collect
  }

  /**
   * @param harnessBytes external memory of the harness's own samples, left out of the account
   * @throws {MemoryCapError} where live memory is above the cap
   */
  check(harnessBytes: number): void {
    let used = this.read(harnessBytes)
    for (let attempt = 0; attempt < COLLECTIONS_TO_FREE && used > this.capBytes; attempt++) {
      this.collect()
      used = this.read(harnessBytes)
    }
    const { heapBytes, externalBytes } = this.latest
    if (heapBytes > this.peakHeapBytes) this.peakHeapBytes = heapBytes
    if (externalBytes > this.peakExternalBytes) this.peakExternalBytes = externalBytes
    if (used > this.peakBytes) this.peakBytes = used
    if (used > this.capBytes) {
      throw new MemoryCapError(
        `the workload held ${mb(used)} MB after a step (heap ${mb(heapBytes - this.empty.heapBytes)} MB, ` +
          `off-heap ${mb(externalBytes - this.empty.externalBytes)} MB), over max_memory_mb ${mb(this.capBytes)}`,
      )
    }
  }

  private read(harnessBytes: number): number {
    const now = readWorkerMemory()
    now.externalBytes -= harnessBytes
    this.latest = now
    return now.heapBytes + now.externalBytes - this.empty.heapBytes - this.empty.externalBytes
  }
}

function mb(bytes: number): string {
  return (bytes / MIB).toFixed(1)
}
