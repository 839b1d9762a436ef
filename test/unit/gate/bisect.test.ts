import { spawnSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findFirst } from '../../../harness/gate/bisect.ts'
import type { BisectStep } from '../../../harness/gate/types.ts'

const COMMITS = 16
let top: string
let hashes: string[]
beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'bisect-test-')))
  git('init', '-q', '-b', 'main')
  for (let i = 0; i < COMMITS; i++) git('commit', '-q', '--allow-empty', '-m', `change ${i}`)
  hashes = git('rev-list', '--reverse', 'HEAD').trim().split('\n')
})
afterAll(() => rmSync(top, { recursive: true, force: true }))

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const done = spawnSync('git', ['-C', top, ...identity, ...words], { encoding: 'utf8' })
  expect(done.status, done.stderr).toBe(0)
  return done.stdout
}

/** A history that is worse from commit `from` on. */
async function search(from: number, verdicts: Record<number, BisectStep['verdict']> = {}, good = 0) {
  const found = await findFirst({
    top,
    good: hashes[good]!,
    bad: 'main',
    judge: async (commit) => {
      const index = hashes.indexOf(commit)
      return { commit, verdict: verdicts[index] ?? (index < from ? 'ruled_out' : 'regression'), why: '' }
    },
    signal: new AbortController().signal,
    onStep: () => {},
  })
  return {
    found: found.found === null ? null : hashes.indexOf(found.found),
    candidates: found.candidates.map((commit) => hashes.indexOf(commit)).sort((a, b) => a - b),
    gates: found.steps.length,
  }
}

it('halves what may be the first, whichever it is', async () => {
  for (const from of [1, 7, 15]) {
    const { found, gates } = await search(from)
    expect(found).toBe(from)
    expect(gates).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(COMMITS)))
  }
})

it('passes over commits without a verdict, and says which may be it where that leaves several', async () => {
  expect(await search(5, { 7: 'skipped', 8: 'undecided' })).toMatchObject({ found: 5, candidates: [] })
  expect(await search(5, { 4: 'skipped', 5: 'skipped' })).toMatchObject({
    found: null,
    candidates: [4, 5, 6],
  })
})

it('finds nothing where the last is not worse, and refuses a range that is none', async () => {
  expect(await search(99)).toEqual({ found: null, candidates: [], gates: 1 })
  await expect(search(3, {}, COMMITS - 1)).rejects.toThrow('the same commit as --bad main')
  git('checkout', '-q', '--orphan', 'other')
  git('commit', '-q', '--allow-empty', '-m', 'else')
  hashes.push(git('rev-parse', 'HEAD').trim())
  await expect(search(3, {}, COMMITS)).rejects.toThrow('no ancestor of --bad main')
})
