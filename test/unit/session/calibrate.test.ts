import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runSweep } from '../../../harness/session/run.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import type { TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { FakeExecutor } from '../../fixtures/fake-executor.ts'
import { workloadFile } from '../../fixtures/trial.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-calibrate-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const HERE_OPS_S = 2e9

function write(profile: object, sweep: object): string {
  writeFileSync(join(folder, 'board.yaml'), JSON.stringify({ description: 'a board', ...profile }))
  const path = join(folder, 'sweep.yaml')
  const base = { name: 'x', workload: workloadFile('empty'), benchmark_runs: 1, relative_to: './board.yaml' }
  writeFileSync(path, JSON.stringify({ ...base, ...sweep }))
  return path
}

async function run(path: string) {
  const specs: TrialSpec[] = []
  const executor = new FakeExecutor({
    result: (spec) => {
      if (spec.scenario === 'calibrate') return { metrics: { kernel_ops_s: HERE_OPS_S } }
      specs.push(spec)
      return {}
    },
  })
  const signal = new AbortController().signal
  const end = await runSweep(loadSweep(path), executor, {
    root: folder,
    command: [],
    signal,
    listener: () => {},
  })
  return { end, specs, scale: executor.resources?.compute_scale }
}

describe('relative_to', () => {
  it('scales units by what the kernel says, and records it', async () => {
    const path = write({ kernel_ops_s: 5e8 }, { grid: { max_compute_units: [0.4, 1, null] } })
    const { end, specs, scale } = await run(path)
    expect(specs.map(({ caps }) => caps.max_compute_units).sort()).toEqual([0.4, 1, null])
    expect(scale).toBe(0.25)
    const manifest = JSON.parse(readFileSync(join((end as { folder: string }).folder, 'run.json'), 'utf8'))
    expect(manifest.calibration).toEqual({
      profile: './board.yaml',
      kernel_ops_s: 5e8,
      here_ops_s: HERE_OPS_S,
      factor: 0.25,
    })
    expect(manifest.notes.at(-1)).toContain('1 unit is 0.250 of a core here')
  })

  it('refuses what one thread cannot reach here', async () => {
    const faster = write({ kernel_ops_s: 6e9 }, { max_compute_units: 0.5 })
    const { end, specs } = await run(faster)
    expect(end).toMatchObject({
      done: 'refused',
      problem: { message: expect.stringContaining('would be 1.50 cores here') },
    })
    expect(specs).toEqual([])
  })

  it('needs a profile with a score', () => {
    expect(() => loadSweep(write({}, {}))).toThrow(/relative_to.*has no kernel_ops_s/)
    expect(() => loadSweep(write({}, { relative_to: 'egde' }))).toThrow(/relative_to.*did you mean "edge"/)
  })
})
