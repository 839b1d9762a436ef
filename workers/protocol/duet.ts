/**
 * Two versions of a workload that take turns in one process, and how they compare.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type { Outcome, TrialError } from './trial-result.ts'
import type { TrialJob, TrialSpec } from './trial-spec.ts'

/** One of two versions of a workload. */
export type DuetSide = 'baseline' | 'candidate'

/** A duet takes so many times as long as a trial of one side may. */
export const DUET_DEADLINES = 2

/** Two versions of a workload in two workers of one process, taking turns chunk by chunk. */
export interface DuetSpec {
  duet: string
  /** Both with an `interleaved` driver; one deadline, the longer, and one core, the candidate's, hold for both. */
  sides: Record<DuetSide, TrialSpec>
  /** Whose worker is made first and begins. */
  first: DuetSide
}

/** A duet as a process of this machine gets it. */
export interface DuetJob {
  spec: DuetSpec
  sides: Record<DuetSide, TrialJob>
}

export interface DuetSums {
  latency_ms: number
  /** Of single chunks, ms, over all that count. */
  p50_ms: number
  p95_ms: number
  p99_ms: number
  max_ms: number
  rows: number
  /** CPU time of the worker's thread, ms; null where the machine does not tell. */
  cpu_ms: number | null
}

export interface DuetFailure {
  /** Null where it was neither side's own. */
  side: DuetSide | null
  outcome: Outcome
  error: TrialError
}

export interface DuetReport {
  /** Pairs of chunks that count: those that both sides handled. */
  pairs: number
  /** Over the pairs that count; null where the duet failed. */
  sums: Record<DuetSide, DuetSums> | null
  /** Chunks of the first pass that either side handled; null where the duet failed. */
  chunks: Record<DuetSide, number> | null
  /**
   * Time of each of at most 32 equal stretches of the chunks of a pass, over all passes, ms; null where the duet failed
   * or played no whole pass.
   */
  profile: Record<DuetSide, number[]> | null
  /** What `finish()` said after the first pass over the data, or after equally many chunks. */
  outputs: Record<DuetSide, Record<string, number | null>> | null
  /** Whether both sides came to the end of the data. */
  complete: boolean
  /** The only core that the process ran on; null where it could not be pinned. */
  core: number | null
  failure: DuetFailure | null
}
