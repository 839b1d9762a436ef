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
  /** Whether the kernel killed a process for want of memory, here or in a group above. */
  killed(): boolean
  /** Ends all its processes at once. */
  kill(): void
  remove(): Promise<void>
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
  /** Written first: pages that go to swap would pass the limit unseen. */
  noSwap: [file: string, text: string]
  /** Holds a line `oom_kill <count>`. */
  events: string
}

const V1: Controls = {
  usage: 'memory.usage_in_bytes',
  peak: 'memory.max_usage_in_bytes',
  limit: 'memory.limit_in_bytes',
  noSwap: ['memory.swappiness', '0'],
  events: 'memory.oom_control',
}
const V2: Controls = {
  usage: 'memory.current',
  peak: 'memory.peak',
  limit: 'memory.max',
  noSwap: ['memory.swap.max', '0'],
  events: 'memory.events',
}

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
  const { parent } = placement
  if (!placement.passes('memory'))
    throw new Error('the group that Stint was started in has no memory controller')
  return { mechanism: 'cgroup_v2', enter: (pid) => enter(files, parent, V2, pid) }
}

function enter(files: CgroupFiles, parent: string, controls: Controls, pid: number): MemoryGroup {
  const { path, remove } = enterGroup(files, parent, pid)
  let usageAtLimit: number | null = null
  return {
    path,
    limitGrowth(bytes) {
      try {
        files.write(join(path, controls.noSwap[0]), controls.noSwap[1])
      } catch {
        // A kernel without swap has no such file.
      }
      const usage = Number(files.read(join(path, controls.usage)))
      files.write(join(path, controls.limit), String(Math.ceil(usage + bytes)))
      usageAtLimit = usage
    },
    growthBytes() {
      try {
        const peak = Number(files.read(join(path, controls.peak)))
        return usageAtLimit === null ? null : Math.max(0, peak - usageAtLimit)
      } catch {
        return null
      }
    },
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
