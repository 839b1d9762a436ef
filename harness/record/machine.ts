/** What a run really ran on: the machine, and the commit that was checked out. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Machine } from './types.ts'

const MB = 1024 * 1024
/** cgroup v1 writes "no limit" as a number near 2^63; no machine has this much memory. */
const NO_LIMIT_BYTES = 2 ** 60

export function readMachine(): Machine {
  const load = loadavg()
  return {
    cpu_model: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / MB),
    platform: platform(),
    kernel: release(),
    node: process.versions.node,
    v8: process.versions.v8,
    cgroup: readCgroupLimits(),
    load_at_start: [load[0] ?? 0, load[1] ?? 0, load[2] ?? 0],
  }
}

/** Limits on this process. `root` and `self` are for tests. */
export function readCgroupLimits(root = '/sys/fs/cgroup', self = '/proc/self/cgroup'): Machine['cgroup'] {
  const paths = readLines(self).map((line) => line.split(':'))
  const v2 = paths.find(([id]) => id === '0')?.[2]
  if (v2 !== undefined && read(join(root, 'cgroup.controllers')) !== null) {
    const [quota, period] = (lookUp(root, v2, 'cpu.max') ?? '').split(' ')
    return {
      version: 'v2',
      cpu_quota_cores: quota === 'max' ? null : ratio(quota, period),
      memory_limit_mb: bytesToMb(lookUp(root, v2, 'memory.max')),
    }
  }
  const v1 = (controller: string) => paths.find(([, names]) => names?.split(',').includes(controller))?.[2]
  const cpu = v1('cpu')
  const memory = v1('memory')
  if (cpu === undefined && memory === undefined) {
    return { version: 'none', cpu_quota_cores: null, memory_limit_mb: null }
  }
  const quota = cpu === undefined ? null : lookUp(join(root, 'cpu'), cpu, 'cpu.cfs_quota_us')
  const period = cpu === undefined ? null : lookUp(join(root, 'cpu'), cpu, 'cpu.cfs_period_us')
  return {
    version: 'v1',
    cpu_quota_cores: quota === null || quota.startsWith('-') ? null : ratio(quota, period ?? undefined),
    memory_limit_mb:
      memory === undefined ? null : bytesToMb(lookUp(join(root, 'memory'), memory, 'memory.limit_in_bytes')),
  }
}

/** A container sees its own group at the root of the mount, not below the path that /proc tells. */
function lookUp(root: string, path: string, file: string): string | null {
  return read(join(root, path, file)) ?? read(join(root, file))
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}

function readLines(path: string): string[] {
  return (read(path) ?? '').split('\n').filter((line) => line !== '')
}

function ratio(quota: string | undefined, period: string | undefined): number | null {
  const value = Number(quota) / Number(period)
  return Number.isFinite(value) ? value : null
}

function bytesToMb(text: string | null): number | null {
  const bytes = text === null || text === '' ? Number.NaN : Number(text)
  return bytes < NO_LIMIT_BYTES ? Math.round(bytes / MB) : null
}

// ---------------------------------------------------------------- git

/** The commit that `folder` is checked out at; null outside a checkout or without git. */
export function readGit(folder: string): { commit: string; dirty: boolean } | null {
  const commit = git(folder, ['rev-parse', 'HEAD'])
  if (commit === null) return null
  const changes = git(folder, ['status', '--porcelain', '--untracked-files=no'])
  return { commit, dirty: changes !== '' }
}

function git(folder: string, words: string[]): string | null {
  const done = spawnSync('git', ['-C', folder, ...words], {
    encoding: 'utf8',
    timeout: 10_000,
    env: outsideHooks(),
  })
  return done.status === 0 ? done.stdout.trim() : null
}

/** Set by git for the hooks that it runs: they would lead every git below to the hook's repository and index. */
const OF_A_HOOK = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_COMMON_DIR'] as const

/** The environment without what a hook of git inherits. */
export function outsideHooks(): NodeJS.ProcessEnv {
  const environment = { ...process.env }
  for (const name of OF_A_HOOK) delete environment[name]
  return environment
}
