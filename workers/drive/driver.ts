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
  /** Of a driver that waits: whether the step that `next` let start had not to, so that the last one's latency ends there. */
  readonly follows?: boolean
  /**
   * Waits until the next step may start; null when no step is to follow. A promise only where the event loop must turn
   * meanwhile.
   */
  next(): Next | Promise<Next>
  /** Takes note of the step that `next` let start, as soon as it ended; null where it found the data used up. */
  ended?(step: TimedStep | null): void
  /** Takes note of the rows that were given up where `next` asked for it; fewer than that where the data ended. */
  skipped?(rows: number): void
  /** What waited when `next` returned, where events arrive on their own clock. */
  readonly waiting?: Waiting
  /** Memory that the driver takes, to be left out of the workload's account. */
  readonly bytes?: number
}

/** A step, rows to give up, or the end. */
export type Next = (Offer & { skip?: never }) | { skip: number } | null

/** One step as it was timed. */
export interface TimedStep {
  rows: number
  /** Rows answered by its end, those of earlier steps included. */
  answered: number
  /** Ms by `threadMs()`. */
  start: number
  /** When its workload returned, ms by `threadMs()`. */
  served: number
  /** When the next step may start, throttling included, ms by `threadMs()`. */
  end: number
}

/** Events that waited when a step began. */
export interface Waiting {
  rows: number
  /** Arrival of the oldest, ms from the start of the clock. */
  since: number
}
