/** Trials that `stint resume --force` ran under other conditions are in no number, unless they are asked for. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commandLine } from '../../../harness/cli/command-line.ts'
import { trialId } from '../../../harness/plan/planner.ts'
import { openRun } from '../../../harness/record/open-run.ts'
import type { PassedOver, TrialResult } from '../../../workers/protocol/trial-result.ts'
import { type Heard, heard } from '../../fixtures/heard.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { writeRun } from '../../fixtures/write-run.ts'
import { syntheticRun } from '../report/synthetic.ts'

const CHANGE: PassedOver = { kind: 'data', what: 'the content of players.csv was x and is y' }
const SHAPE = {
  chunk_size: [64],
  batch_size: [8],
  max_memory_mb: [64],
  max_compute_units: [0.5, 1],
  runs: 4,
}
/** Without pictures, which take long. */
const FILES = ['--quiet', '--export', 'csv,markdown']
/** What the forced rounds measured would show in every mean. */
const FACTOR = 100

let folder: string
let said: Heard
beforeEach(() => {
  folder = memoryFolder('forced-test-')
  said = heard()
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  rmSync(folder, { recursive: true, force: true })
})

/** @param from the first round that ran after --force; null for none, and then those rounds were never run */
function record(
  name: string,
  from: number | null,
  last = SHAPE.runs,
): { path: string; trials: TrialResult[] } {
  const forced = ({ round }: TrialResult) => from !== null && round >= from
  const { manifest, trials } = syntheticRun({
    ...SHAPE,
    alter: (made) => {
      // A run's rounds begin with 1.
      const round = made.round + 1
      const trial = { ...made, round, trial: trialId(made.scenario, round) }
      return {
        ...trial,
        resumed_under: forced(trial) ? [CHANGE] : [],
        ...(trial.outcome === 'ok' && {
          metrics: Object.fromEntries(
            Object.entries(trial.metrics).map(([metric, value]) => [
              metric,
              value === null || !forced(trial) ? value : value * FACTOR,
            ]),
          ),
        }),
      }
    },
  })
  const path = join(folder, name)
  const kept = trials.filter(({ round }) => round <= last)
  writeRun(path, { ...manifest, id: name }, kept)
  return { path, trials: kept }
}

async function told(...words: string[]) {
  said.out = ''
  await commandLine([...words, '--json'])
  return JSON.parse(said.out)
}

/** All that a report says of a scenario by numbers. */
const numbersOf = ({ scenarios }: { scenarios: Record<string, unknown>[] }) =>
  scenarios.map(({ id, metrics, outcomes, trials, compute, memory, pareto, pareto_share }) => ({
    ...{ id, metrics, outcomes, trials, compute, memory, pareto, pareto_share },
  }))

describe('trials that ran after --force', () => {
  it('are in no number of a report, counted in a notice that names the flag, and have a column', async () => {
    const { path, trials } = record('mixed', 3)
    const before = record('before', null, 2)
    const report = await told('report', path, ...FILES)
    const alike = await told('report', before.path, ...FILES)
    expect(numbersOf(report)).toEqual(numbersOf(alike))
    expect(report.comparisons).toEqual(alike.comparisons)
    expect(report.scenarios.map((one: { forced_left_out: number }) => one.forced_left_out)).toEqual([2, 2])
    expect(report.trials).toMatchObject({ planned: trials.length, finished: trials.length })
    expect(report.notices[0]).toMatchObject({
      level: 'problem',
      text: expect.stringMatching(
        /^4 trials \(rounds \d to \d\) ran after the run was resumed with --force and are left out: the content of players\.csv was x and is y; --include-forced counts them\.$/,
      ),
    })
    const csv = readFileSync(join(path, 'benchmarks/constraint_experiment.csv'), 'utf8').split('\n')
    const column = csv[0]!.split(',').indexOf('left_out_after_force')
    expect(csv.slice(1, 3).map((line) => line.split(',').at(column - csv[0]!.split(',').length))).toEqual([
      '2',
      '2',
    ])
    expect(readFileSync(join(path, 'reports/report.md'), 'utf8')).toContain('Left out after --force')

    const asked = await told('report', path, ...FILES, '--include-forced')
    expect(asked.scenarios.map(({ trials, forced }: Record<string, number>) => [trials, forced])).toEqual([
      [4, 2],
      [4, 2],
    ])
    expect(JSON.stringify(asked.notices)).toContain('cannot be compared with the others')
    expect(readFileSync(join(path, 'reports/report.md'), 'utf8')).toContain('Of these after --force')
  })

  it('are in no comparison of runs', async () => {
    const { path } = record('mixed', 3)
    const [before, other] = [record('before', null, 2), record('other', null)]
    const [mixed, alike] = [
      await told('compare', other.path, path),
      await told('compare', other.path, before.path),
    ]
    const rows = ({ lines }: { lines: { row: object }[] }) =>
      JSON.stringify(lines).replaceAll(/(mixed|before)/g, 'run')
    expect(rows(mixed)).toBe(rows(alike))
    expect(JSON.stringify(mixed.notices)).toContain('--include-forced counts them')
    const asked = await told('compare', other.path, path, '--include-forced')
    expect(rows(asked)).not.toBe(rows(alike))
    expect(JSON.stringify(asked.notices)).toContain('ran after the run was resumed with --force')
  })

  it('are handed to programs apart, so that nothing measured is lost', () => {
    const { path, trials } = record('mixed', 3)
    const run = openRun(path)
    expect([run.trials.length, run.forced.length]).toEqual([4, 4])
    expect(openRun(path, { includeForced: true })).toMatchObject({ trials, forced: [], notes: [] })
  })

  it('may be all that there are', async () => {
    const { path } = record('all', 1)
    const report = await told('report', path, ...FILES)
    expect(report.scenarios.map(({ trials }: { trials: number }) => trials)).toEqual([0, 0])
    expect(report.comparisons.map(({ verdict }: { verdict: string }) => verdict)).not.toContain('slower')
    const page = readFileSync(join(path, 'reports/report.md'), 'utf8')
    expect(page).toContain('left out')
    expect(page).not.toContain('not run')
  })
})
