/** A compute cap, a share of one core for a whole process: its interface, and the two kinds held by a cgroup's quota. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ComputeMechanism, TimeWindow } from '../protocol.ts'
import {
  type CgroupFiles,
  type CgroupV2Place,
  type EnteredGroup,
  enterGroup,
  findMount,
  kernelFiles,
  newGroupName,
  ownGroup,
  ownV2Place,
  passesOn,
  quotaFor,
  removeGroup,
  removeStaleGroups,
  upwards,
} from './cgroup-files.ts'

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

// CPU quota by cgroup version 2: `cpu.max` in a group below this process's own or one of its ancestors.

/**
 * One capper a group that may hold limited children, nearest first. A group with processes of its own cannot pass
 * its controllers on (except the root), so that in a user's session the first to serve is often the slice above.
 * The cpu controller stays switched on for the children: switching it off would lift another run's caps.
 * @throws where version 2 is not mounted
 */
export async function* openCgroupV2(
  place: CgroupV2Place = ownV2Place(),
  files: CgroupFiles = kernelFiles,
): AsyncGenerator<ComputeCapper> {
  for (const parent of upwards(place)) {
    if (!passesOn(files, parent, 'cpu')) continue
    await removeStaleGroups(files, parent)
    yield {
      mechanism: 'cgroup_v2',
      apply(pid, units, within) {
        const { periodUs, quotaUs } = quotaFor(units)
        const limit: [string, string][] = [['cpu.max', `${quotaUs} ${periodUs}`]]
        const unlimited: [string, string] = ['cpu.max', `max ${periodUs}`]
        return capInGroup({ files, parent, within, periodUs, limit, unlimited }, pid)
      },
    }
  }
}

// ---------------------------------------------------------------- cgroup version 1

// CPU quota by cgroup version 1: `cpu.cfs_quota_us` in a group below this process's own.

/**
 * @param parent the group to make groups in; by default this process's own, or the mount's root where a container hides it
 * @throws where no cpu controller of version 1 is mounted
 */
export async function openCgroupV1(
  parent = ownParent(),
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

function ownParent(): string {
  const mount = findMount('cgroup', 'cpu')
  if (mount === null) throw new Error('no cpu controller of cgroup version 1 is mounted')
  const own = join(mount, ownGroup('cpu') ?? '/')
  return existsSync(own) ? own : mount
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
