/** What a run really ran on: the machine, and the commit that was checked out. */

import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'
import { readOwnLimits } from '../../workers/caps/limits.ts'
import type { Machine } from './types.ts'

const MB = 1024 * 1024

export function readMachine(): Machine {
  const load = loadavg()
  const { version, cpu_quota_cores, memory_limit_mb } = readOwnLimits()
  return {
    cpu_model: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / MB),
    platform: platform(),
    kernel: release(),
    node: process.versions.node,
    v8: process.versions.v8,
    cgroup: { version, cpu_quota_cores, memory_limit_mb },
    load_at_start: [load[0] ?? 0, load[1] ?? 0, load[2] ?? 0],
  }
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
