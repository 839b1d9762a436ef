/** A trial during which the coordinator died is tried again, then after all others, then not any more. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openRun } from '../../../harness/record/open-run.ts'
import { resumeRun } from '../../../harness/session/resume.ts'
import { runSweep } from '../../../harness/session/run.ts'
import { loadSearch, loadSweep } from '../../../harness/sweep/load.ts'
import { FakeExecutor } from '../../fixtures/fake-executor.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { workloadFile } from '../../fixtures/trial.ts'
import { errorOf } from '../../fixtures/trials.ts'

const root = memoryFolder('set-aside-')
afterAll(() => rmSync(root, { recursive: true, force: true }))
const sweep = join(root, 'sweep.yaml')
const grid = { chunk_size: [1, 2, 3, 4] }
writeFileSync(sweep, JSON.stringify({ name: 'x', workload: workloadFile('tiny'), grid, benchmark_runs: 1 }))

/** Runs until so many trials have started, and is stopped then. */
async function stopped(
  after: number,
  load = () => loadSweep(sweep),
): Promise<{ folder: string; running: string }> {
  const abort = new AbortController()
  let running = ''
  let started = 0
  const executor = new FakeExecutor({
    result: (spec) => {
      running = spec.trial
      if (++started === after) {
        abort.abort()
        throw new Error('closed')
      }
      return {}
    },
  })
  const options = { root, command: [], signal: abort.signal, listener: () => {} }
  const end = await runSweep(load(), executor, options)
  return { folder: (end as { folder: string }).folder, running }
}

async function resumed(folder: string) {
  const played: string[] = []
  const notes: string[] = []
  const executor = new FakeExecutor({
    result: ({ trial }) => {
      played.push(trial)
      return {}
    },
  })
  await resumeRun(folder, () => executor, {
    force: false,
    signal: new AbortController().signal,
    listener: (event) => {
      if (event.event === 'note') notes.push(event.text)
    },
  })
  return { played, notes, trials: openRun(folder).trials }
}

/** As a coordinator leaves it that was killed while the trial ran. */
function died(folder: string, trial: string, times: number): void {
  writeFileSync(join(folder, 'started.jsonl'), `${JSON.stringify({ trial })}\n`.repeat(times))
}

describe('a trial that ran when the coordinator died', () => {
  it('is tried in its turn once more; one that was stopped is no suspect', async () => {
    const { folder, running } = await stopped(2)
    const lines = readFileSync(join(folder, 'started.jsonl'), 'utf8').trim().split('\n')
    expect(JSON.parse(lines.at(-1)!)).toEqual({ trial: running, stopped: true })
    died(folder, running, 1)
    const { played, notes } = await resumed(folder)
    expect(played[0]).toBe(running)
    expect(played).toHaveLength(3)
    expect(notes).toEqual([])
    expect(existsSync(join(folder, 'started.jsonl'))).toBe(false)
  })

  it('runs after all others from the second death on', async () => {
    const { folder, running } = await stopped(2)
    died(folder, running, 2)
    const { played, notes } = await resumed(folder)
    expect(played).toHaveLength(3)
    expect(played.at(-1)).toBe(running)
    expect(notes).toEqual([expect.stringContaining(`${running} was running each of the 2 times`)])
  })

  it('is recorded as crashed after the third', async () => {
    const { folder, running } = await stopped(2)
    died(folder, running, 3)
    const { played, trials } = await resumed(folder)
    expect(played).toHaveLength(2)
    expect(played).not.toContain(running)
    const trial = trials.find((one) => one.trial === running)!
    expect(trial.outcome).toBe('crashed')
    expect(errorOf(trial)?.message).toContain('stint itself was ended each time')
    expect(trials).toHaveLength(4)
  })
})

describe('a search', () => {
  const goal = { subject_to: ['chunks >= 1'] }
  const file = join(root, 'search.yaml')
  writeFileSync(file, JSON.stringify({ name: 'y', workload: workloadFile('tiny'), goal }))
  const search = () =>
    loadSearch(file, {
      ...{ axis: 'chunk_size', best: 'min', over: null, resolution: 0.5, trials: 8, param: null },
      range: { low: 1, high: 8 },
    })

  it('tries such a trial at once, since nothing else is wanted, and says so', async () => {
    const { folder, running } = await stopped(3, search)
    died(folder, running, 2)
    const { played, notes } = await resumed(folder)
    expect(played[0]).toBe(running)
    expect(notes[0]).toBe(
      `${running} was running each of the 2 times that stint itself was ended: the search needs it next, and tries it once more`,
    )
  })

  it('records it as crashed after the third, and goes on with others', async () => {
    const { folder, running } = await stopped(3, search)
    died(folder, running, 3)
    const { played, notes, trials } = await resumed(folder)
    expect(played).not.toContain(running)
    expect(notes[0]).toContain('it is recorded as crashed and not tried again')
    expect(trials.find(({ trial }) => trial === running)!.outcome).toBe('crashed')
    expect(openRun(folder).manifest.finished_at).not.toBeNull()
  })
})

describe('a line of the journal', () => {
  it("names the scenario's value on each axis", async () => {
    const { folder } = await stopped(4)
    const lines = readFileSync(join(folder, 'trials.jsonl'), 'utf8').trim().split('\n')
    const sizes = lines.map((line) => JSON.parse(line).params.chunk_size)
    const { manifest, trials } = openRun(folder)
    const points = new Map(manifest.sweep.scenarios.map(({ id, point }) => [id, point['chunk_size']]))
    expect(sizes).toEqual(trials.map(({ scenario }) => points.get(scenario)))
    expect(sizes).toHaveLength(3)
  })
})
