/** The one form of all compute caps: a share of one core for a whole process. */
import type { ComputeMechanism, TimeWindow } from '../../protocol.ts'
import type { EnteredGroup } from '../cgroup-files.ts'

/** A cap in force on one process. */
export interface ComputeCap {
  /** Quota period or control interval, ms. */
  readonly periodMs: number
  /** The kernel's count of throttled time, for a cgroup. */
  readonly cpuStat: string | null
  /** Time held back within a window of the monotonic clock, ms; null where `cpuStat` tells it instead. */
  throttledMs(window: TimeWindow): number | null
  /** Lets the process run freely. */
  release(): void
  /** Clears everything the cap took; the process has ended. Tries again while the kernel says busy. */
  remove(): Promise<void>
}

export interface ComputeCapper {
  readonly mechanism: ComputeMechanism
  /** Where its groups are, where that needs saying. */
  readonly place?: string
  /**
   * Moves a process that is to be capped later into a group of its own, which takes the kernel some 10 ms.
   * @throws where it cannot be moved
   */
  enter?(pid: number): EnteredGroup
  /**
   * @param within the group that `enter` made, or that of version 2 which holds the process for its memory; null for none
   * @throws where the cap cannot be put in force
   */
  apply(pid: number, units: number, within: string | null): ComputeCap
}
