/** The limits that hold for Stint itself: the smallest of all groups from its own upwards, as a container or a unit sets them. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NO_OWN_LIMITS, type OwnLimits } from '../protocol/supervisor.ts'

const MB = 1024 * 1024
/** cgroup v1 writes "no limit" as a number near 2^63; no machine has this much memory. */
const NO_LIMIT_BYTES = 2 ** 60

type Read = (path: string) => string | null

/** Limits on this process. `root` and `self` are for tests. */
export function readOwnLimits(root = '/sys/fs/cgroup', self = '/proc/self/cgroup'): OwnLimits {
  const paths = (textAt(self) ?? '').split('\n').map((line) => line.split(':'))
  const v2 = paths
    .find(([id]) => id === '0')
    ?.slice(2)
    .join(':')
  if (v2 !== undefined && textAt(join(root, 'cgroup.controllers')) !== null)
    return { version: 'v2', ...smallest({ cpu: [root, v2], memory: [root, v2] }) }
  const v1 = (controller: string): [string, string] | null => {
    const own = paths
      .find(([, names]) => names?.split(',').includes(controller))
      ?.slice(2)
      .join(':')
    return own === undefined ? null : [join(root, controller), own]
  }
  const found = { cpu: v1('cpu'), memory: v1('memory') }
  return found.cpu === null && found.memory === null ? NO_OWN_LIMITS : { version: 'v1', ...smallest(found) }
}

type Place = [mount: string, own: string] | null

function smallest({ cpu, memory }: { cpu: Place; memory: Place }): Omit<OwnLimits, 'version'> {
  const quotas = limitsOn(cpu, (group) => readQuota(group))
  const memories = limitsOn(memory, (group) => readMemoryLimit(group))
  const quota = least(quotas)
  const limit = least(memories)
  return {
    cpu_quota_cores: quota?.value ?? null,
    cpu_quota_group: quota?.group ?? null,
    memory_limit_mb: limit === null ? null : Math.round(limit.value / MB),
    memory_limit_group: limit?.group ?? null,
    throttle_counts: quotas.map(({ path }) => join(path, 'cpu.stat')),
  }
}

interface Limit {
  group: string
  path: string
  value: number
}

/** A container may hide the groups above its own, and shows its own at the mount: what is not there limits nothing. */
function limitsOn(place: Place, limitOf: (path: string) => number | null): Limit[] {
  if (place === null) return []
  const [mount, own] = place
  return groupsUp(own).flatMap((group) => {
    const path = join(mount, group)
    const value = limitOf(path)
    return value === null ? [] : [{ group, path, value }]
  })
}

function least(limits: readonly Limit[]): Limit | null {
  return limits.reduce<Limit | null>((a, b) => (a === null || b.value < a.value ? b : a), null)
}

/** The group and those above it, nearest first, up to `/`. */
export function groupsUp(own: string): string[] {
  const groups: string[] = []
  for (let group = join('/', own); ; group = dirname(group)) {
    groups.push(group)
    if (group === '/') return groups
  }
}

/** Cores that a group of either version may use; null for no quota of its own. */
export function readQuota(group: string, read: Read = textAt): number | null {
  const [quota, period] = read(join(group, 'cpu.max'))?.split(' ') ?? [
    read(join(group, 'cpu.cfs_quota_us')),
    read(join(group, 'cpu.cfs_period_us')),
  ]
  const cores = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN)
  // Version 1 writes -1 for no quota, version 2 `max`.
  return cores > 0 ? cores : null
}

/** Bytes that a group of either version may hold; null for no limit of its own. */
export function readMemoryLimit(group: string, read: Read = textAt): number | null {
  const text = read(join(group, 'memory.max')) ?? read(join(group, 'memory.limit_in_bytes'))
  const bytes = text === null || text === '' ? Number.NaN : Number(text)
  return bytes < NO_LIMIT_BYTES ? bytes : null
}

/** Null where it cannot be read. */
function textAt(path: string): string | null {
  try {
    return readFileSync(path, 'latin1').trim()
  } catch {
    return null
  }
}
