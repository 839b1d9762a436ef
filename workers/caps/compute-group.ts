/** A compute cap, a share of one core for a whole process: its interface, and the two kinds held by a cgroup's quota. */

import { join } from 'node:path'
import type { TimeWindow } from '../protocol/supervisor.ts'
import type { ComputeMechanism } from '../protocol/trial-result.ts'
import {
  type CgroupFiles,
  type EnteredGroup,
  enterGroup,
  kernelFiles,
  newGroupName,
  ownV1Group,
  quotaFor,
  removeGroup,
  removeStaleGroups,
} from './cgroup-files.ts'
import type { Placement } from './placement.ts'

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

// ---------------------------------------------------------------- cgroup version 2

/**
 * CPU quota by `cpu.max`, in groups below Stint's own.
 * @throws where the groups there have no cpu controller
 */
export function openCgroupV2(placement: Placement, files: CgroupFiles = kernelFiles): ComputeCapper {
  const { parent, note } = placement
  if (!placement.passes('cpu')) throw new Error('the group that Stint was started in has no cpu controller')
  return {
    mechanism: 'cgroup_v2',
    ...(note !== null && { place: note }),
    apply(pid, units, within) {
      const { periodUs, quotaUs } = quotaFor(units)
      const limit: [string, string][] = [['cpu.max', `${quotaUs} ${periodUs}`]]
      const unlimited: [string, string] = ['cpu.max', `max ${periodUs}`]
      return capInGroup({ files, parent, within, periodUs, limit, unlimited }, pid)
    },
  }
}

// ---------------------------------------------------------------- cgroup version 1

/**
 * CPU quota by `cpu.cfs_quota_us`, in groups below Stint's own.
 * @throws where no cpu controller of version 1 is mounted
 */
export async function openCgroupV1(
  parent = ownV1Group('cpu'),
  files: CgroupFiles = kernelFiles,
): Promise<ComputeCapper> {
  await removeStaleGroups(files, parent)
  return {
    mechanism: 'cgroup_v1',
    enter: (pid) => enterGroup(files, parent, pid),
    apply(pid, units, within) {
      const { periodUs, quotaUs } = quotaFor(units)
      const limit: [string, string][] = [
        ['cpu.cfs_period_us', String(periodUs)],
        ['cpu.cfs_quota_us', String(quotaUs)],
      ]
      const unlimited: [string, string] = ['cpu.cfs_quota_us', '-1']
      return capInGroup({ files, parent, within, periodUs, limit, unlimited }, pid)
    },
  }
}

// ---------------------------------------------------------------- what both share

interface GroupSettings {
  files: CgroupFiles
  parent: string
  /** A group that holds the process already, to be limited instead of one of its own; its owner removes it. */
  within: string | null
  periodUs: number
  /** Control file and text, in the order in which they are written. */
  limit: [file: string, text: string][]
  unlimited: [file: string, text: string]
}

/** Makes a group, limits it, and moves the process in; nothing stays behind where one of these fails. */
function capInGroup(settings: GroupSettings, pid: number): ComputeCap {
  const { files, parent, within, periodUs, limit, unlimited } = settings
  const group = within ?? join(parent, newGroupName())
  if (within === null) files.makeGroup(group)
  try {
    for (const [file, text] of limit) files.write(join(group, file), text)
    if (within === null) files.write(join(group, 'cgroup.procs'), String(pid))
  } catch (error) {
    if (within === null) files.removeGroup(group)
    throw error
  }
  return {
    periodMs: periodUs / 1000,
    cpuStat: join(group, 'cpu.stat'),
    throttledMs: () => null,
    release() {
      try {
        files.write(join(group, unlimited[0]), unlimited[1])
      } catch {
        // The process is about to be killed, which a quota does not stop.
      }
    },
    remove: async () => {
      if (within === null) await removeGroup(files, group)
    },
  }
}
