/** Decides when a step may start and what it may take. Workloads do not know which driver they run under. */
import type { Offer } from '../workload.ts'

export interface Driver {
  /** Waits until the next step may start; null when no step is to follow. */
  next(): Offer | null | Promise<Offer | null>
}
