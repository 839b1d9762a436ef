import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { readGit } from '../../../harness/record/machine.ts'

const folders: string[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function repository(content: string): { folder: string; commit: string } {
  const folder = mkdtempSync(join(tmpdir(), 'git-test-'))
  folders.push(folder)
  writeFileSync(join(folder, 'sweep.yaml'), content)
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const git = (...words: string[]) =>
    execFileSync('git', ['-C', folder, ...identity, ...words], { encoding: 'utf8' }).trim()
  git('init', '-q')
  git('add', '-A')
  git('commit', '-q', '-m', content)
  return { folder, commit: git('rev-parse', 'HEAD') }
}

it('reads the commit of the folder, and whether anything changed since', () => {
  const { folder, commit } = repository('a')
  expect(readGit(folder)).toEqual({ commit, dirty: false })
  writeFileSync(join(folder, 'sweep.yaml'), 'b')
  expect(readGit(folder)).toEqual({ commit, dirty: true })
})

it('reads it also where a hook of another repository runs the command', () => {
  const [mine, other] = [repository('mine'), repository('other')]
  vi.stubEnv('GIT_DIR', join(other.folder, '.git'))
  vi.stubEnv('GIT_WORK_TREE', other.folder)
  expect(readGit(mine.folder)).toEqual({ commit: mine.commit, dirty: false })
})

it('knows nothing outside a checkout', () => {
  const folder = mkdtempSync(join(tmpdir(), 'git-test-'))
  folders.push(folder)
  expect(readGit(folder)).toBeNull()
})
