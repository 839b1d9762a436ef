/**
 * Decides when a step may start and what it may take. Workloads do not know which driver they run under, and
 * `MeasuredRun` times a step in the same way under each.
 */
import type { Offer } from '../workload.ts'

export interface Driver {
  /**
   * False where a step starts when the last one ended: steps then follow each other without a gap, and what falls
   * between two is part of a latency. True where a step waits for something else, such as a turn or an arrival: its
   * latency then starts when `next` returned.
   */
  readonly waits: boolean
  /**
   * Waits until the next step may start; null when no step is to follow. A promise only where the event loop must turn
   * meanwhile.
   */
  next(): Offer | null | Promise<Offer | null>
  /** Takes note of the step that `next` let start, as soon as it ended; null where it found the data used up. */
  ended?(step: TimedStep | null): void
}

/** One step as it was timed. */
export interface TimedStep {
  rows: number
  /** Ms by `threadMs()`. */
  start: number
  /** When the next step may start, throttling included, ms by `threadMs()`. */
  end: number
}
