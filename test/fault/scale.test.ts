/** Many scenarios: the coordinator keeps no results, so its memory does not grow with them. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checksumsOf, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'

const FULL = process.env['STINT_FULL'] === '1'

let box: Sandbox
beforeEach(() => {
  box = new Sandbox()
})
afterEach(() => box.remove())

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

it('plans 10,000 scenarios in little memory, and does not keep their results', () => {
  const sweepOf = (n: number) => ({
    grid: { 'params.salt': upTo(n), chunk_size: upTo(n) },
    benchmark_runs: 1,
  })
  const few = box.sweep(sweepOf(3), 'few.yaml')
  const many = box.sweep(sweepOf(100), 'many.yaml')
  const script = fileURLToPath(new URL('../fixtures/many-scenarios.mjs', import.meta.url))
  const root = memoryFolder('stint-scale-')
  try {
    const { stdout, stderr } = spawnSync(process.execPath, [script, few, many, root], { encoding: 'utf8' })
    expect(stderr).toBe('')
    const { trials, few_mb, many_mb } = JSON.parse(stdout)
    expect(trials).toBe(10_000)
    // 10 to 17 MB: a scenario, with its place in the plan, takes 1 to 2 KB.
    expect(many_mb[0] - few_mb).toBeLessThan(40)
    // 2 to 3 MB: which trials have ended is kept. The small results of this executor would add 5 MB.
    expect(many_mb.at(-1) - many_mb[0]).toBeLessThan(5)
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
