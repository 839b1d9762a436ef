import { describe, expect, it, test } from 'vitest'
import { buildReportModel } from '../../../harness/report/model.ts'
import { capsPlot } from '../../../harness/report/plots/caps.ts'
import type { Table } from '../../../harness/report/section.ts'
import { capsTable, operatingTable, summaryTable } from '../../../harness/report/sections/results.ts'
import { noiseFacts } from '../../../harness/report/sections/run.ts'
import { scenarioTable } from '../../../harness/report/tables.ts'
import type { ReportModel } from '../../../harness/report/types.ts'
import type { PassedOver } from '../../../workers/protocol/trial-result.ts'
import { ended, measuring, NO_NOISE, okOf } from '../../fixtures/trials.ts'
import { syntheticRun } from './synthetic.ts'

test('counts trials and outcomes, and takes means over ok trials alone', () => {
  const { manifest, trials } = syntheticRun({
    batch_size: [8],
    max_memory_mb: [64],
    runs: 4,
    alter: (trial) => (trial.round === 0 ? ended(trial, 'timed_out') : trial),
  })
  const model = buildReportModel(manifest, trials)
  expect(model.trials.finished).toBe(9 * 4)
  expect(model.trials.outcomes.timed_out).toBe(9)
  const [first] = model.scenarios
  expect(first!.outcomes).toMatchObject({ ok: 3, timed_out: 1 })
  expect(first!.metrics['latency_p50_ms']!.n).toBe(3)
  expect(first!.metrics['latency_p50_ms']!.value).toBeLessThan(100)
})

test('what no trial reports is null and never zero', () => {
  const model = buildReportModel(...args(syntheticRun({ batch_size: [8], max_compute_units: [1] })))
  for (const scenario of model.scenarios) {
    expect(scenario.metrics['energy_j']).toBeNull()
    expect(scenario.energy_source).toBeNull()
  }
  expect(model.measured).not.toContain('energy_j')
})

test('caps keep what was asked for beside what was used, failed trials included', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [0.5],
    runs: 3,
    alter: (trial) => ({
      ...(trial.round === 0 ? ended(trial, 'out_of_memory') : trial),
      caps: {
        memory: { ...trial.caps.memory, peak_mb: trial.round === 0 ? 70 : 30, enforced: trial.round !== 1 },
        compute: { ...trial.caps.compute, achieved: [0.5, 0.48, 0.52][trial.round]! },
      },
    }),
  })
  const [scenario] = buildReportModel(manifest, trials).scenarios
  expect(scenario!.compute).toMatchObject({ asked: 0.5, achieved_max: 0.52, mechanisms: ['cgroup_v1'] })
  expect(scenario!.compute.achieved!.value).toBeCloseTo(0.5)
  expect(scenario!.memory).toMatchObject({ asked_mb: 64, peak_max_mb: 70, enforced: false })
})

test('a cap that nothing enforced was not exceeded, and the picture says so', () => {
  const used = (enforced: boolean) => {
    const { manifest, trials } = syntheticRun({
      chunk_size: [64],
      batch_size: [8],
      max_memory_mb: [64],
      max_compute_units: [0.25],
      runs: 2,
      alter: (trial) => ({
        ...trial,
        caps: {
          memory: { ...trial.caps.memory, peak_mb: 90, enforced },
          compute: { ...trial.caps.compute, achieved: 0.99, enforced },
        },
      }),
    })
    const model = buildReportModel(manifest, trials)
    const plot = capsPlot(model, 'caps.png')
    const { title, hconcat } = plot.spec as { title: { text: string[] }; hconcat: object[] }
    const states = [...JSON.stringify(hconcat).matchAll(/"state":"([^"]+)"/g)].map(([, state]) => state)
    const texts = model.notices.map(({ text }) => text).join('\n')
    return { over: model.scenarios[0]!.compute.over_cap, states: new Set(states), title: title.text, texts }
  }
  const loose = used(false)
  expect(loose.over).toBe(false)
  expect(loose.states).toEqual(new Set(['not enforced']))
  expect([loose.title].flat().join(' ')).toBe('0 of 1 compute cap and 0 of 1 memory cap held')
  expect(loose.texts).not.toContain('more CPU than its cap allows')
  expect(loose.texts).toContain('not fully enforced')
  const leaking = used(true)
  expect(leaking.over).toBe(true)
  expect(leaking.states).toEqual(new Set(['over the cap']))
  expect(leaking.texts).toContain('more CPU than its cap allows')
})

test('a share of another machine is shown in one unit, asked and used', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [0.5],
    runs: 2,
    alter: (trial) => ({
      ...trial,
      caps: { ...trial.caps, compute: { ...trial.caps.compute, asked: 0.5, in_force: 0.2, achieved: 0.2 } },
    }),
  })
  const calibration = { profile: 'edge', kernel_ops_s: 4e8, here_ops_s: 1e9, factor: 0.4 }
  const model = buildReportModel({ ...manifest, calibration }, trials)
  const cells = (table: Table, head: string) =>
    table.columns.find((column) => column.head === head)?.cells.map(({ value }) => value)
  expect(cells(summaryTable(model), 'Used cores of edge')).toEqual([0.5])
  expect(cells(capsTable(model), 'Compute cap')).toEqual([0.2])
  expect(cells(capsTable(model), 'Achieved, mean')).toEqual([0.2])
  expect(capsTable(model).note).toContain('in cores of this machine: one of edge is 0.400 of them')
})

test('failures are told once each, with their count and first trial', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 4,
    alter: (trial) =>
      trial.round < 3
        ? ended(trial, 'crashed', { message: trial.round === 2 ? 'other' : 'bang', exit: '134' })
        : trial,
  })
  const { failures } = buildReportModel(manifest, trials).scenarios[0]!
  expect(failures.map(({ reason, count }) => [reason, count])).toEqual([
    ['bang (134)', 2],
    ['other (134)', 1],
  ])
})

test('notices name an unfinished run, lost trials, loose caps and mixed mechanisms', () => {
  const { manifest, trials } = syntheticRun({
    batch_size: [8],
    max_memory_mb: [64],
    runs: 2,
    alter: (trial, { point }) => ({
      ...trial,
      caps: {
        memory: { ...trial.caps.memory, enforced: false },
        compute: {
          ...trial.caps.compute,
          mechanism: point['chunk_size'] === 64 ? 'duty_cycle' : 'cgroup_v1',
        },
      },
    }),
  })
  const texts = buildReportModel(manifest, trials.slice(0, -5))
    .notices.filter(({ level }) => level === 'problem')
    .map(({ text }) => text)
    .join('\n')
  expect(texts).toContain('Only 13 of 18 planned trials finished')
  expect(texts).toContain('not fully enforced')
  expect(texts).toContain('cgroup_v1, duty_cycle')
})

test('a metric declared deterministic that differs between trials of one scenario is told first', () => {
  const alter = (value: (round: number) => number | null) =>
    syntheticRun({
      chunk_size: [64],
      max_memory_mb: [64],
      max_compute_units: [1],
      runs: 3,
      alter: (trial) => measuring(trial, () => ({ r2: value(trial.round) })),
    })
  const said = (value: (round: number) => number | null) => {
    const { manifest, trials } = alter(value)
    return buildReportModel(manifest, trials).notices.filter(({ text }) =>
      text.includes('declared deterministic'),
    )
  }
  expect(said(() => 0.925)).toEqual([])
  const [told, ...more] = said((round) => (round === 1 ? 0.925 : -0.588))
  expect(more).toEqual([])
  expect(told).toEqual({
    level: 'problem',
    text: expect.stringMatching(
      /^R² is declared deterministic and differs between trials with the same settings: -0\.588 to 0\.925 in .*, and in 1 more scenario\. Find what depends on time/,
    ),
  })
  expect(said((round) => (round === 1 ? null : 0.9))[0]!.text).toContain('0.9 in 2 trials and none in 1')
})

test('energy that is estimated is recommended as an estimate, and nothing is said to be alike', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8, 16],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
    alter: (trial, { settings }) => ({
      ...okOf(trial),
      energy: { joules: settings.batch_size, source: 'estimate', shared: false },
    }),
  })
  const model = buildReportModel(manifest, trials)
  const point = model.operating.points.find(({ metric }) => metric === 'energy_j')!
  expect(point.tied).toEqual([])
  expect(point.warnings.map(({ kind }) => kind)).toContain('estimated_energy')
  const table = operatingTable(model)
  const row = model.operating.points.indexOf(point)
  const texts = table.columns.map(({ cells }) => cells[row]!.text)
  expect(texts).toContain('not tested: an estimate')
})

test('the label that F1 is of stands beside it, in the table and in the file', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
    alter: (trial) => ({ ...okOf(measuring(trial, () => ({ f1: 0.9 }))), info: { f1_label: '>50K' } }),
  })
  manifest.workload.metrics['f1'] = {
    ...{ unit: '', direction: 'higher_is_better', kind: 'deterministic' },
    description: 'F1',
  }
  const model = buildReportModel(manifest, trials)
  expect(summaryTable(model).columns.map(({ head }) => head)).toContain('F1 of >50K')
  const label = scenarioTable(model).columns.find(([name]) => name === 'f1_label')!
  expect(new Set(label[1])).toEqual(new Set(['>50K']))
})

test('a score that a workload could not compute is told with its reason, and a difference in rows scored', () => {
  const late = 'nothing was learned before the last row was predicted'
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
    alter: (trial, { settings }) =>
      settings.batch_size === 64
        ? {
            ...okOf(measuring(trial, () => ({ r2: null, mae: null }))),
            info: { not_scored: { r2: late, mae: `${late}\u001b[31m`, rmse: 7, no_such_metric: late } },
          }
        : { ...okOf(trial), info: { not_scored: { mae: 'it is not defined' } } },
  })
  const { notices } = buildReportModel(manifest, trials)
  const told = notices.filter(({ text }) => text.startsWith('No '))
  expect(told).toEqual([
    { level: 'note', text: 'No MAE in 1 of 2 scenarios: it is not defined.' },
    { level: 'problem', text: `No R² in 1 of 2 scenarios: ${late}.` },
    {
      level: 'note',
      text: expect.stringMatching(/^No MAE in 1 of 2 scenarios: nothing was/),
    },
  ])
  expect(told.some(({ text }) => text.includes('\u001b'))).toBe(false)

  manifest.workload.metrics['scored'] = {
    unit: 'rows',
    direction: 'neutral',
    kind: 'deterministic',
    description: 'rows scored',
  }
  const rows = trials.map((trial) =>
    measuring(trial, () => ({ scored: trial.scenario.includes('-b64-') ? 375 : 431 })),
  )
  expect(buildReportModel(manifest, rows).notices.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^Scores are over 375 to 431 rows, by scenario/),
  )
})

test('what was too short to tell, and a value that was not taken as it was, are said', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [1],
    runs: 3,
    alter: (trial) => ({
      ...trial,
      caps: { ...trial.caps, compute: { ...trial.caps.compute, achieved: null } },
      noise: { ...NO_NOISE, involuntary_context_switches: 3, load_1m: 1 },
      ...(trial.round > 0 && { notes: ['metric a is NaN, recorded as unknown'] }),
    }),
  })
  const model = buildReportModel(manifest, trials)
  expect(model.notices).toContainEqual({
    level: 'note',
    text: 'In 2 trials: metric a is NaN, recorded as unknown.',
  })
  const achieved = capsTable(model).columns.find(({ head }) => head === 'Achieved, mean')!
  expect(achieved.cells.map(({ text }) => text)).toEqual(['too short to tell'])
  for (const name of ['Waiting for a core', 'Other processes', 'Disturbed trials'])
    expect(Object.fromEntries(noiseFacts(model))[name]).toContain('too short to tell')
})

it('says of a scenario that was not run nothing of its caps', () => {
  const { manifest, trials } = syntheticRun({
    chunk_size: [64],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [0.5, 1],
    runs: 2,
  })
  const [first] = manifest.sweep.scenarios
  const model = buildReportModel(
    manifest,
    trials.filter(({ scenario }) => scenario === first!.id),
  )
  const inForce = capsTable(model).columns.find(({ head }) => head === 'In force')!
  expect(inForce.cells.map(({ text }) => text)).toEqual(['yes', 'not run'])
})

describe('trials that resume --force ran under other conditions', () => {
  const shape = {
    chunk_size: [64],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [0.5, 1],
    runs: 6,
  }
  const OTHER_DATA: PassedOver = { kind: 'data', what: 'the content of players.csv was x and is y' }
  const OTHER_NODE: PassedOver = { kind: 'node', what: 'the version of Node was 20 and is 22' }
  const modelOf = (change: PassedOver) => {
    const run = syntheticRun({
      ...shape,
      alter: (trial) => ({ ...trial, resumed_under: trial.round >= 2 ? [change] : [] }),
    })
    return buildReportModel(run.manifest, run.trials)
  }
  const before = syntheticRun(shape)
  const verdicts = (model: ReportModel) => model.comparisons.map(({ metric, verdict }) => [metric, verdict])

  it('are marked in the table, named in a notice, and nothing is claimed of means over other data', () => {
    const model = modelOf(OTHER_DATA)
    expect(model.notices[0]).toEqual({
      level: 'problem',
      text: '8 trials (rounds 2 to 5) ran after the run was resumed with --force, and cannot be compared with the others: the content of players.csv was x and is y. Means over trials of different data or code are no results, and nothing is claimed of them. Start a new run for numbers to rely on.',
    })
    expect(model.scenarios.map(({ outcomes, forced }) => [outcomes.ok, forced])).toEqual([
      [6, 4],
      [6, 4],
    ])
    const table = summaryTable(model).columns.find(({ head }) => head === 'Of these after --force')!
    expect(table.cells.map(({ text }) => text)).toEqual(['4', '4'])
    const csv = new Map(scenarioTable(model).columns)
    expect(csv.get('ok_after_force')).toEqual([4, 4])
    expect(new Set(model.comparisons.map(({ verdict }) => verdict))).toEqual(new Set(['undecided']))
    for (const { warnings } of model.comparisons) {
      const forced = warnings.filter(({ kind }) => kind === 'resumed_by_force')
      expect(forced).toMatchObject([
        { side: 'a', trials: 4, n: 6, mixed: true },
        { side: 'b', trials: 4, n: 6, mixed: true },
      ])
    }
    // What the same values say where nothing changed.
    const claimed = verdicts(buildReportModel(before.manifest, before.trials))
    expect(claimed).toContainEqual(['latency_p50_ms', 'slower'])
  })

  it('of another Node are marked all the same, and still compared', () => {
    const model = modelOf(OTHER_NODE)
    expect(verdicts(model)).toContainEqual(['latency_p50_ms', 'slower'])
    expect(model.comparisons[0]!.warnings).toMatchObject([
      { kind: 'resumed_by_force', side: 'a', mixed: false },
      { kind: 'resumed_by_force', side: 'b', mixed: false },
    ])
    expect(model.scenarios.map(({ forced }) => forced)).toEqual([4, 4])
  })

  it('are told of in no column of a run without them', () => {
    const model = buildReportModel(before.manifest, before.trials)
    expect(summaryTable(model).columns.map(({ head }) => head)).not.toContain('Of these after --force')
    expect(model.scenarios.map(({ forced }) => forced)).toEqual([0, 0])
  })
})

test('a quiet, complete run raises no problem', () => {
  const { manifest, trials } = syntheticRun({ chunk_size: [64, 256], batch_size: [8] })
  const { notices } = buildReportModel(manifest, trials)
  expect(notices.filter(({ level }) => level === 'problem')).toEqual([])
})

test('the order of the journal does not matter', () => {
  const { manifest, trials } = syntheticRun({ batch_size: [8], max_memory_mb: [64], runs: 3 })
  const forwards = buildReportModel(manifest, trials)
  const backwards = buildReportModel(manifest, [...trials].reverse())
  expect(backwards.comparisons).toEqual(forwards.comparisons)
  expect(backwards.scenarios.map(({ metrics }) => metrics)).toEqual(
    forwards.scenarios.map(({ metrics }) => metrics),
  )
})

function args({ manifest, trials }: ReturnType<typeof syntheticRun>) {
  return [manifest, trials] as const
}
