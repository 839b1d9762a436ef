/** Many scenarios: the coordinator holds no results, so its memory does not grow with them. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checksumsOf, Sandbox, trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
/** 10,000 synced lines take long on a disk and no time in memory. */
const MEMORY_DISK = '/dev/shm'

let box: Sandbox
beforeEach(() => {
  box = new Sandbox()
})
afterEach(() => box.remove())

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

function resultsRoot(): string {
  try {
    accessSync(MEMORY_DISK, constants.W_OK)
    return mkdtempSync(`${MEMORY_DISK}/stint-scale-`)
  } catch {
    return box.results
  }
}

it('keeps 10,000 scenarios under 200 MB, the same at the end as at the beginning', () => {
  const sweep = box.sweep({ grid: { 'params.salt': upTo(100), chunk_size: upTo(100) }, benchmark_runs: 1 })
  const script = fileURLToPath(new URL('../fixtures/many-scenarios.mjs', import.meta.url))
  const root = resultsRoot()
  try {
    const { stdout, stderr } = spawnSync(process.execPath, [script, sweep, root], { encoding: 'utf8' })
    expect(stderr).toBe('')
    const { trials, done, rss_mb, samples } = JSON.parse(stdout)
    expect([done, trials]).toEqual(['finished', 10_000])
    expect(rss_mb).toBeLessThan(200)
    // A result takes some 700 bytes as text and more as objects: keeping all would add 30 MB or more.
    expect(samples.at(-1)! - samples[2]!).toBeLessThan(35)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

it.runIf(FULL)('runs 500 real scenarios, each once', { timeout: 1_800_000 }, async () => {
  const sweep = box.sweep({
    grid: { 'params.salt': upTo(500) },
    params: { ms: 0 },
    benchmark_runs: 1,
    n_jobs: 2,
  })
  const { code, stdout } = await box.stint('run', sweep, '--out', box.results, '--quiet')
  expect(code).toBe(0)
  const run = stdout.trim()
  expect(new Set(trialsOf(run).map(({ scenario }) => scenario)).size).toBe(500)
  expect(new Set(Object.values(checksumsOf(run))).size).toBe(500)
  expect(box.processes()).toEqual([])
  expect(box.temporaryFiles()).toEqual([])
})
