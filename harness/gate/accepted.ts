/** Which changes for the worse are still accepted: until a day, or until the baseline has a commit. */
import type { AcceptedChange } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { askGit } from './git.ts'

/** Where the baseline lies in git; null where it is no commit. */
export type BaselineCommits = { folder: string; hashes: readonly string[] } | null

const DAY = /^\d{4}-\d{2}-\d{2}$/

/**
 * @param today as `2026-12-31`, in UTC
 * @throws {UserError} where a change is accepted until a commit that the repository does not have
 */
export async function stillAccepted(
  accept: readonly AcceptedChange[],
  baseline: BaselineCommits,
  signal: AbortSignal,
  today = new Date().toISOString().slice(0, 10),
): Promise<AcceptedChange[]> {
  const still: AcceptedChange[] = []
  for (const change of accept) {
    const { until } = change
    const isOver = DAY.test(until) ? until < today : await hasCommit(baseline, until, signal)
    if (!isOver) still.push(change)
  }
  return still
}

/** Whether all of the baseline has the commit in its history. */
async function hasCommit(baseline: BaselineCommits, ref: string, signal: AbortSignal): Promise<boolean> {
  const what = `gate.accept: until: ${ref}`
  if (baseline === null)
    throw new UserError(
      `${what}: the baseline is no commit, so that it cannot be said whether it has this one`,
      'name a day, such as 2026-12-31, or compare by --against or with runs recorded in a repository',
    )
  const { folder, hashes } = baseline
  const commit = await askGit(
    folder,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`],
    signal,
  )
  if (commit === null)
    throw new UserError(
      `${what}: the repository has no such commit`,
      'a day is written 2026-12-31; a shallow clone gets all commits by "git fetch --unshallow"',
    )
  const found = await Promise.all(
    hashes.map((hash) => askGit(folder, ['merge-base', '--is-ancestor', commit, hash], signal)),
  )
  return !found.includes(null)
}
