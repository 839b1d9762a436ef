import { spawnSync } from 'node:child_process'

/** The commit that `folder` is checked out at; null outside a checkout or without git. */
export function readGit(folder: string): { commit: string; dirty: boolean } | null {
  const commit = git(folder, ['rev-parse', 'HEAD'])
  if (commit === null) return null
  const changes = git(folder, ['status', '--porcelain', '--untracked-files=no'])
  return { commit, dirty: changes !== '' }
}

function git(folder: string, words: string[]): string | null {
  const done = spawnSync('git', ['-C', folder, ...words], { encoding: 'utf8', timeout: 10_000 })
  return done.status === 0 ? done.stdout.trim() : null
}
