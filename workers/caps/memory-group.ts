/**
 * The kernel's backstop of a memory cap: a cgroup that a trial process enters as it starts, limited once its worker stands empty.
 * What the kernel charges differs from the resident size (mapped files), so that the limit counts from the charge then.
 */
import { join } from 'node:path'
import {
  type CgroupFiles,
  enterGroup,
  kernelFiles,
  killMembers,
  ownV1Group,
  removeStaleGroups,
} from './cgroup-files.ts'
import type { Placement } from './placement.ts'

export interface MemoryGroup {
  readonly path: string
  /** Bounds what the trial process may take beyond what it holds now, bytes. @throws where the kernel refuses */
  limitGrowth(bytes: number): void
  /** Most that the trial process took beyond what it held at the limit, bytes; null where the kernel keeps no count. */
  growthBytes(): number | null
  /** Whether it has come to a limit at which the kernel only holds it up, and must be ended from here. */
  isHeldUp(): boolean
  /** Most that was ever charged to it, bytes; null where the kernel keeps no count. */
  peakBytes(): number | null
  /** How long its processes waited so far, ms; null where the kernel does not tell, as in version 1. */
  waits(): Waits
  /** Whether the kernel killed a process for want of memory, here or in a group above. */
  killed(): boolean
  /** Ends all its processes at once. */
  kill(): void
  remove(): Promise<void>
}

/** Time in which at least one process of a group waited, ms. */
export interface Waits {
  cpu: number | null
  memory: number | null
  io: number | null
}

export interface MemoryGrouper {
  readonly mechanism: 'cgroup_v1' | 'cgroup_v2'
  /** @throws where the process cannot be moved into a group of its own */
  enter(pid: number): MemoryGroup
}

/** Names of one version's control files. */
interface Controls {
  usage: string
  /** Largest usage. */
  peak: string
  limit: string
  /** Whether the kernel holds growth up at the limit and kills nothing: who watches the group ends it. */
  holdsUp: boolean
  /** Written first: pages that go to swap would pass the limit unseen. */
  noSwap: [file: string, text: string]
  /** Holds a line `oom_kill <count>`. */
  events: string
}

const V1: Controls = {
  usage: 'memory.usage_in_bytes',
  peak: 'memory.max_usage_in_bytes',
  limit: 'memory.limit_in_bytes',
  holdsUp: false,
  noSwap: ['memory.swappiness', '0'],
  events: 'memory.oom_control',
}
const V2: Controls = {
  usage: 'memory.current',
  peak: 'memory.peak',
  limit: 'memory.max',
  holdsUp: false,
  noSwap: ['memory.swap.max', '0'],
  events: 'memory.events',
}
/** Where the kernel may not kill. */
const V2_HOLDING_UP: Controls = { ...V2, limit: 'memory.high', holdsUp: true }

/** @throws where no memory controller of version 1 is mounted */
export async function openMemoryV1(
  parent = ownV1Group('memory'),
  files: CgroupFiles = kernelFiles,
): Promise<MemoryGrouper> {
  await removeStaleGroups(files, parent)
  return { mechanism: 'cgroup_v1', enter: (pid) => enter(files, parent, V1, pid) }
}

/** @throws where the groups below Stint's own have no memory controller */
export function openMemoryV2(placement: Placement, files: CgroupFiles = kernelFiles): MemoryGrouper {
  const { parent, stoppedByKills } = placement
  if (!placement.passes('memory'))
    throw new Error('the group that Stint was started in has no memory controller')
  return {
    mechanism: 'cgroup_v2',
    enter: (pid) => enter(files, parent, stoppedByKills ? V2_HOLDING_UP : V2, pid),
  }
}

function enter(files: CgroupFiles, parent: string, controls: Controls, pid: number): MemoryGroup {
  const { path, remove } = enterGroup(files, parent, pid)
  let usageAtLimit: number | null = null
  let heldUpAt: number | null = null
  return {
    path,
    limitGrowth(bytes) {
      try {
        files.write(join(path, controls.noSwap[0]), controls.noSwap[1])
      } catch {
        // A kernel without swap has no such file.
      }
      const usage = Number(files.read(join(path, controls.usage)))
      const limit = Math.ceil(usage + bytes)
      files.write(join(path, controls.limit), String(limit))
      usageAtLimit = usage
      if (controls.holdsUp) heldUpAt = limit
    },
    growthBytes() {
      const peak = this.peakBytes()
      return usageAtLimit === null || peak === null ? null : Math.max(0, peak - usageAtLimit)
    },
    isHeldUp() {
      try {
        return heldUpAt !== null && Number(files.read(join(path, controls.usage))) > heldUpAt
      } catch {
        return false
      }
    },
    peakBytes() {
      try {
        return Number(files.read(join(path, controls.peak)))
      } catch {
        return null
      }
    },
    waits: () => ({
      cpu: readWaitMs(files, path, 'cpu'),
      memory: readWaitMs(files, path, 'memory'),
      io: readWaitMs(files, path, 'io'),
    }),
    killed() {
      try {
        const count = /^oom_kill (\d+)$/m.exec(files.read(join(path, controls.events)))?.[1]
        return Number(count ?? 0) > 0
      } catch {
        return false
      }
    },
    kill: () => killMembers(files, path),
    remove,
  }
}

/** The group's pressure (PSI), which a kernel may be built or started without. */
function readWaitMs(files: CgroupFiles, group: string, resource: keyof Waits): number | null {
  try {
    const total = /^some .*total=(\d+)$/m.exec(files.read(join(group, `${resource}.pressure`)))?.[1]
    return total === undefined ? null : Number(total) / 1000
  } catch {
    return null
  }
}
