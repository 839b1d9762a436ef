import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runSweep } from '../../../harness/session/run.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import { FakeExecutor } from '../../fixtures/fake-executor.ts'
import { workloadFile } from '../../fixtures/trial.ts'

const folder = mkdtempSync(join(tmpdir(), 'clock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('takes the length of a run from the monotonic clock, though the wall clock is set back by a day', async () => {
  const sweep = join(folder, 'sweep.yaml')
  writeFileSync(sweep, JSON.stringify({ name: 'x', workload: workloadFile('tiny'), benchmark_runs: 2 }))
  const wall = [new Date('2026-05-02T00:00:00Z'), new Date('2026-05-01T00:00:00Z')]
  let monotonic = 1000
  const end = await runSweep(
    loadSweep(sweep),
    new FakeExecutor({ result: () => ({ metrics: { wall_s: 1 } }) }),
    {
      root: folder,
      command: [],
      signal: new AbortController().signal,
      listener: ({ event }) => {
        if (event === 'started') monotonic += 2500
      },
      clock: { now: () => wall.shift()!, monotonicMs: () => monotonic },
    },
  )
  expect(end.done).toBe('finished')
  const run = (end as { folder: string }).folder
  expect(JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))).toMatchObject({
    started_at: '2026-05-02T00:00:00.000Z',
    finished_at: '2026-05-01T00:00:00.000Z',
    elapsed_s: 5,
  })
})
