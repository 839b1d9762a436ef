import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareWithBaseline } from '../../../harness/gate/baseline.ts'
import { planTrials } from '../../../harness/plan/planner.ts'
import { readManifest } from '../../../harness/record/manifest.ts'
import { openRun } from '../../../harness/record/open-run.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { resumeRun } from '../../../harness/session/resume.ts'
import { runSweep } from '../../../harness/session/run.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import type { TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { FakeExecutor, type TrialChanges } from '../../fixtures/fake-executor.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { workloadFile } from '../../fixtures/trial.ts'

const FULL = process.env['STINT_FULL'] === '1'
const root = memoryFolder('stopping-')
afterAll(() => rmSync(root, { recursive: true, force: true }))

const [MIN, MAX] = [3, 10]
const sweepFile = join(root, 'sweep.yaml')
writeFileSync(
  sweepFile,
  JSON.stringify({
    name: 'x',
    workload: workloadFile('tiny'),
    grid: { chunk_size: [1, 2, 3, 4, 5, 6] },
    benchmark_runs: { min: MIN, max: MAX, until: { metric: 'latency_mean_ms', ci: '5%' } },
  }),
)

/** Spread of each scenario's latency by chunk size: some settle at once, some late, some never. */
const SPREAD: Record<number, number> = { 1: 0.005, 2: 0.05, 3: 0.09, 4: 0.5, 5: 0, 6: 0.5 }

/** The same values for the same trial, however often and in whatever order it runs. */
function resultOf({ round, settings }: TrialSpec): TrialChanges {
  const size = settings.chunk_size
  if (size === 6 && round === 2) return { outcome: 'crashed' }
  const wave = Math.sin(round * 12.9898 + size * 78.233)
  return { metrics: { latency_mean_ms: 10 * (1 + SPREAD[size]! * wave) } }
}

const listener = () => {}

async function run(jobs: number, signal = new AbortController().signal, script = resultOf) {
  const executor = new FakeExecutor({
    result: async (spec) => {
      // Trials of several slots end in another order than they began.
      for (let turn = 0; turn < (spec.round * 7 + spec.settings.chunk_size * 3) % 5; turn++)
        await new Promise((resolve) => setImmediate(resolve))
      return script(spec)
    },
  })
  const end = await runSweep(loadSweep(sweepFile, { jobs }), executor, {
    root,
    command: [],
    signal,
    listener,
  })
  const { folder } = end as { folder: string }
  return { folder, executor, end }
}

const trialsIn = (folder: string) => openRun(folder).trials
const idsIn = (folder: string) => trialsIn(folder).map(({ trial }) => trial)
const started = (executor: FakeExecutor) =>
  executor.calls.filter((call) => call.startsWith('run ')).map((call) => call.slice(4))

describe('a sweep that stops by precision', () => {
  it('runs each scenario until its mean is known, in the planned order, and says so', async () => {
    const { folder, executor } = await run(1)
    const manifest = readManifest(folder)
    const trials = trialsIn(folder)
    const count = new Map<number, number>()
    const sizes = new Map(manifest.sweep.scenarios.map(({ id, settings }) => [id, settings.chunk_size]))
    for (const { scenario } of trials) {
      const size = sizes.get(scenario)!
      count.set(size, (count.get(size) ?? 0) + 1)
    }
    expect([count.get(1), count.get(4), count.get(5), count.get(6)]).toEqual([MIN, MAX, MIN, MIN])
    for (const size of [2, 3]) {
      expect(count.get(size)).toBeGreaterThan(MIN)
      expect(count.get(size)).toBeLessThan(MAX)
    }

    const plan = planTrials(manifest.sweep).map(({ trial }) => trial)
    const ran = new Set(started(executor))
    expect(started(executor)).toEqual(plan.filter((trial) => ran.has(trial)))
    expect(manifest).toMatchObject({
      planned_trials: 6 * MAX,
      skipped_trials: 6 * MAX - trials.length,
      finished_at: expect.any(String),
    })

    const model = buildReportModel(manifest, trials)
    expect(model.trials).toMatchObject({ planned: trials.length, finished: trials.length })
    expect(model.scenarios.map(({ precision }) => precision?.state)).toEqual([
      'reached',
      'reached',
      'reached',
      'wider',
      'constant',
      'not_ok',
    ])
    const notices = model.notices.map(({ level, text }) => `${level}: ${text}`).join('\n')
    expect(notices).toMatch(
      /note: 3 of 6 scenarios stopped by precision after 3 to \d of 10 trials, with the mean of mean chunk latency known to ±5%/,
    )
    expect(notices).toMatch(
      /problem: 1 of 6 scenarios did not reach the precision .* in all 10 trials .*: .*4.* \(±\d+/,
    )
    expect(notices).toMatch(/constant or unknown: .*5.* \(3 trials\)/)
    expect(notices).toMatch(/A trial was not ok.*6.* \(3 trials\)/)
    expect(notices).not.toContain('planned trials finished')
  })

  it('decides the same with several slots, whose trials end in another order', async () => {
    const alone = new Set(idsIn((await run(1)).folder))
    for (const jobs of FULL ? [2, 4, 8] : [4]) {
      const { folder, executor } = await run(jobs)
      expect(executor.mostRunning).toBeGreaterThan(1)
      expect(new Set(idsIn(folder))).toEqual(alone)
    }
  })

  it.each(FULL ? [1, 3] : [3])('resumed from any point it runs the same trials (%i slots)', async (jobs) => {
    const whole = await run(jobs)
    const lines = readFileSync(join(whole.folder, 'trials.jsonl'), 'utf8').trimEnd().split('\n')
    const all = new Set(idsIn(whole.folder))
    const points = Array.from({ length: lines.length + 1 }, (_, kept) => kept)
    // Every ninth, and that where nothing is left to run.
    const some = points.filter((kept) => FULL || kept % 9 === 0 || kept === lines.length)
    for (const kept of some) {
      const folder = join(root, `resumed-${jobs}-${kept}`)
      cpSync(whole.folder, folder, { recursive: true })
      writeFileSync(
        join(folder, 'trials.jsonl'),
        lines
          .slice(0, kept)
          .map((line) => `${line}\n`)
          .join(''),
      )
      const open = { ...readManifest(folder), skipped_trials: null, finished_at: null }
      writeFileSync(join(folder, 'run.json'), JSON.stringify(open))
      const executor = new FakeExecutor({ result: resultOf })
      const { end, ran } = await resumeRun(folder, () => executor, {
        force: false,
        signal: new AbortController().signal,
        listener,
      })
      expect(end.done).toBe('finished')
      const ids = idsIn(folder)
      expect(ids).toHaveLength(all.size)
      expect(new Set(ids)).toEqual(all)
      expect(ran).toBe(kept < lines.length)
      expect(readManifest(folder)).toMatchObject({
        finished_at: expect.any(String),
        skipped_trials: 6 * MAX - all.size,
      })
    }
  })

  it('interrupted it is not complete, and no slot is left waiting', async () => {
    const abort = new AbortController()
    let left = 25
    const { folder, end } = await run(3, abort.signal, (spec) => {
      if (--left === 0) abort.abort()
      return resultOf(spec)
    })
    expect(end.done).toBe('interrupted')
    const model = buildReportModel(readManifest(folder), trialsIn(folder))
    expect(model.trials.finished).toBeLessThan(model.trials.planned)
    expect(model.notices.map(({ text }) => text).join('\n')).toContain('Run stint resume')
  })

  it('runs a number of trials where --runs gives one', async () => {
    const executor = new FakeExecutor({ result: resultOf })
    const loaded = loadSweep(sweepFile, { runs: 4 })
    await runSweep(loaded, executor, { root, command: [], signal: new AbortController().signal, listener })
    expect(started(executor)).toHaveLength(6 * 4)
  })

  it('is a baseline of as many rounds as were recorded', async () => {
    const steady = (spec: TrialSpec) => ({ metrics: { latency_mean_ms: 10 + spec.round / 1000 } })
    const { folder } = await run(1, new AbortController().signal, steady)
    expect(idsIn(folder)).toHaveLength(6 * MIN)
    const executor = new FakeExecutor({ result: steady })
    await compareWithBaseline(loadSweep(sweepFile), [folder], executor, {
      margin: null,
      allowDifferentMachine: false,
      signal: new AbortController().signal,
      onStep() {},
      onTrial() {},
    })
    expect(started(executor)).toHaveLength(6 * MIN)
  })
})
