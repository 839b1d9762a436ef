import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareWithBaseline } from '../../../harness/gate/baseline.ts'
import { openRun } from '../../../harness/record/open-run.ts'
import type { Manifest } from '../../../harness/record/types.ts'
import { runSweep } from '../../../harness/session/run.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { FakeExecutor } from '../../fixtures/fake-executor.ts'
import { workloadFile } from '../../fixtures/trial.ts'
import { writeRun } from '../../fixtures/write-run.ts'

const root = mkdtempSync(join(tmpdir(), 'baseline-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const sweepFile = join(root, 'sweep.yaml')
const sweep = { name: 'x', workload: workloadFile('tiny'), benchmark_runs: 2 }
writeFileSync(sweepFile, JSON.stringify(sweep))
const steady = () => ({ metrics: { latency_mean_ms: 10, peak_memory_mb: 5 } })
const signal = new AbortController().signal

const recorded = await runSweep(loadSweep(sweepFile), new FakeExecutor({ result: steady }), {
  root,
  command: [],
  signal,
  listener: () => {},
})
const { manifest, trials } = openRun((recorded as { folder: string }).folder)

let folders = 0
function gate(
  change: { manifest?: Partial<Manifest>; trials?: (trial: TrialResult) => TrialResult },
  allowDifferentMachine = false,
) {
  const folder = join(root, `recorded-${folders++}`)
  writeRun(folder, { ...manifest, ...change.manifest }, trials.map(change.trials ?? ((trial) => trial)))
  const executor = new FakeExecutor({ result: steady })
  const options = { margin: null, allowDifferentMachine, signal, onStep() {}, onTrial() {} }
  return { folder, executor, result: compareWithBaseline(loadSweep(sweepFile), [folder], executor, options) }
}

describe('a recorded run as the measure of a sweep', () => {
  it('serves where nothing changed', async () => {
    const { notes, verdict } = await gate({}).result
    expect([notes, verdict]).toEqual([[], 'undecided'])
  })

  it.each<[string, Parameters<typeof gate>[0], string]>([
    [
      'was resumed with --force',
      { trials: (trial) => ({ ...trial, resumed_under: [{ kind: 'data', what: 'the content was other' }] }) },
      'it was resumed with --force, under other conditions than it began with',
    ],
    [
      'had more trials at once',
      { manifest: { sweep: { ...manifest.sweep, n_jobs: 4 } } },
      'n_jobs was 4 and is 1',
    ],
    [
      'had another seed',
      { manifest: { sweep: { ...manifest.sweep, random_seed: 7 } } },
      'random_seed was 7 and is 42',
    ],
    [
      'is of another machine',
      { manifest: { machine: { ...manifest.machine, cpu_model: 'Another' } } },
      'was recorded on another machine: the processor was Another and is ',
    ],
  ])('is refused, before any trial, where it %s', async (_, change, reason) => {
    const { folder, executor, result } = gate(change)
    await expect(result).rejects.toThrow(folder)
    await expect(result).rejects.toThrow(reason)
    expect(executor.calls.filter((call) => call.startsWith('run'))).toEqual([])
  })

  it('serves on another machine and after another stint for who says so, with a note', async () => {
    const other = { machine: { ...manifest.machine, cpu_model: 'Another' }, stint: '0.0.9' }
    const { folder, result } = gate({ manifest: other }, true)
    const { notes } = await result
    expect(notes).toEqual([
      expect.stringMatching(
        /another machine \(the processor was Another and is .*\): a change may be the machine's/,
      ),
      expect.stringMatching(
        /the version of stint was 0\.0\.9 and is .*\. Versions of the harness may measure/,
      ),
    ])
    for (const note of notes) expect(note.startsWith(`${folder}: `)).toBe(true)
  })
})
