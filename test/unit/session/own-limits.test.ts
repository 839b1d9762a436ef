import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runSweep, type SweepRun } from '../../../harness/session/run.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import { NO_OWN_LIMITS } from '../../../workers/protocol/supervisor.ts'
import { ALL_CAPS, FakeExecutor } from '../../fixtures/fake-executor.ts'
import { workloadFile } from '../../fixtures/trial.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-own-limits-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** In a unit with half a core and 512 MB. */
const limits = {
  ...NO_OWN_LIMITS,
  version: 'v2' as const,
  cpu_quota_cores: 0.5,
  cpu_quota_group: '/lim.slice',
  memory_limit_mb: 512,
  memory_limit_group: '/lim.slice/job.service',
}
const KERNEL_OPS_S = 2e9

async function run(sweep: object): Promise<SweepRun> {
  const path = join(folder, 'sweep.yaml')
  writeFileSync(
    join(folder, 'board.yaml'),
    JSON.stringify({ description: 'a board', kernel_ops_s: 2 * KERNEL_OPS_S }),
  )
  writeFileSync(
    path,
    JSON.stringify({ name: 'x', workload: workloadFile('empty'), benchmark_runs: 1, ...sweep }),
  )
  const executor = new FakeExecutor({
    capabilities: { ...ALL_CAPS, limits },
    result: () => ({ metrics: { kernel_ops_s: KERNEL_OPS_S } }),
  })
  const signal = new AbortController().signal
  return await runSweep(loadSweep(path), executor, { root: folder, command: [], signal, listener: () => {} })
}

const refused = (...parts: string[]) => ({
  done: 'refused',
  problem: { message: expect.stringMatching(parts.join('.*')), hint: expect.stringContaining('best_effort') },
})

describe('a run that is itself limited', () => {
  it('refuses a share beyond its quota, with the figure and whose it is', async () => {
    const one = await run({ max_compute_units: 1 })
    expect(one).toMatchObject(refused('max_compute_units', '1 is more than the 0.500 cores', '/lim.slice'))
    const jobs = await run({ max_compute_units: 0.3, n_jobs: 2 })
    expect(jobs).toMatchObject(refused('2 trials at a time with 0.3 each are 0.600 cores'))
    const scaled = await run({ max_compute_units: 0.4, relative_to: './board.yaml' })
    expect(scaled).toMatchObject(refused('0.4, 0.800 cores here, is more than the 0.500 cores'))
  })

  it('refuses memory beyond its limit, with the figure and whose it is', async () => {
    const one = await run({ max_memory_mb: 1024 })
    expect(one).toMatchObject(refused('max_memory_mb', '1024 MB is more than the 512 MB', 'job.service'))
    const jobs = await run({ max_memory_mb: 300, n_jobs: 2 })
    expect(jobs).toMatchObject(refused('2 trials at a time may take 600 MB'))
  })

  it('takes what fits, what need not hold, and says that jobs share the cores', async () => {
    for (const sweep of [
      { max_compute_units: 0.5, max_memory_mb: 512 },
      { max_compute_units: 1, max_memory_mb: 1024, caps: 'best_effort' },
    ])
      expect(await run(sweep)).toMatchObject({ done: 'finished' })
    const end = await run({ n_jobs: 2 })
    const { notes } = JSON.parse(readFileSync(join((end as { folder: string }).folder, 'run.json'), 'utf8'))
    expect(notes).toEqual([expect.stringContaining('2 trials share the 0.500 cores')])
  })
})
