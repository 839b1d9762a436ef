import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BaselineCommits, stillAccepted } from '../../../harness/gate/accepted.ts'

let folder: string
let commits: string[]
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'accepted-'))
  git('init', '-q', '-b', 'main')
  commits = ['one', 'two', 'three'].map((name) => {
    git('commit', '-q', '--allow-empty', '-m', name)
    return git('rev-parse', 'HEAD').trim()
  })
  git('tag', 'v2', commits[1]!)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const done = spawnSync('git', ['-C', folder, ...identity, ...words], { encoding: 'utf8' })
  expect(done.status, done.stderr).toBe(0)
  return done.stdout
}

const accepted = async (until: string, baseline: BaselineCommits) => {
  const change = { metric: 'cpu_s', scenario: null, until, to: 0.06, why: 'validates more' }
  const still = await stillAccepted([change], baseline, new AbortController().signal, '2026-11-30')
  return still.length === 1
}
const at = (...indices: number[]) => ({ folder, hashes: indices.map((i) => commits[i]!) })

describe('an accepted change', () => {
  it.each([
    ['2026-11-30', true],
    ['2026-11-29', false],
  ])('until %s counts again after that day', async (until, still) => {
    expect(await accepted(until, null)).toBe(still)
  })

  it('until a commit counts again once the baseline has it', async () => {
    for (const until of [commits[1]!, commits[1]!.slice(0, 7), 'v2']) {
      expect(await accepted(until, at(0))).toBe(true)
      expect(await accepted(until, at(1))).toBe(false)
      expect(await accepted(until, at(2))).toBe(false)
      expect(await accepted(until, at(2, 0))).toBe(true)
    }
  })

  it('is refused where nothing can be said of its commit', async () => {
    await expect(accepted('v9', at(0))).rejects.toThrow(/until: v9: the repository has no such commit/)
    await expect(accepted('v2', null)).rejects.toThrow(/until: v2: the baseline is no commit/)
  })
})
