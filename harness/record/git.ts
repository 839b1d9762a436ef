import { spawnSync } from 'node:child_process'

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
