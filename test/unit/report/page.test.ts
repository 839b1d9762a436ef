import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { summariseLogs } from '../../../harness/report/chunk-logs.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { scenarioDetails } from '../../../harness/report/page.ts'
import { picturesOf } from '../../../harness/report/section.ts'
import { runReport } from '../../../harness/report/sections/run.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import type { ChunkLogLine } from '../../../workers/protocol/trial-result.ts'
import { ended } from '../../fixtures/trials.ts'
import { ordinaryModel, ordinaryReport } from './ordinary.ts'
import { syntheticRun } from './synthetic.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const explore = ordinaryReport.page!.explore

describe('what the reader of a page chooses among', () => {
  it('is every scenario, by every axis with its values in order, how its trials ended, and the front', () => {
    expect(explore.items.map(({ id }) => id)).toEqual(ordinaryModel.scenarios.map(({ id }) => id))
    expect(explore.filters.map(({ key, values }) => [key, values])).toEqual([
      ['chunk_size', ['64', '256', '1024']],
      ['batch_size', ['8', '64']],
      ['max_memory_mb', ['64', '256']],
      ['max_compute_units', ['0.25', '0.5', '1']],
      ['outcome', ['all ok', 'not all ok']],
      ['front', ['not on it', 'on it']],
    ])
    for (const [i, { at }] of explore.items.entries()) {
      const { point } = ordinaryModel.scenarios[i]!
      expect(explore.filters.slice(0, 2).map(({ values }, k) => values[at[k]!])).toEqual([
        String(point['chunk_size']),
        String(point['batch_size']),
      ])
    }
  })

  it('has no filter by what is alike for all', () => {
    const { manifest, trials } = syntheticRun({ chunk_size: [64], batch_size: [8], max_memory_mb: [256] })
    const report = runReport(buildReportModel(manifest, trials))
    expect(report.page!.explore.filters.map(({ key }) => key)).toEqual(['max_compute_units', 'front'])
  })

  it('is what every row of a table and every point of a plot is about, by id', () => {
    const ids = new Set(explore.items.map(({ id }) => id))
    const known = (about: unknown) => [about].flat().every((id) => ids.has(id as string))
    // What an axis explains is about all of them.
    const some = ordinaryReport.sections.filter(({ id }) => id !== 'sensitivity')
    const tables = some.flatMap(({ blocks }) =>
      blocks.flatMap((block) => (block.kind === 'table' ? [block.table] : [])),
    )
    for (const { about, columns } of tables) {
      expect(about).toHaveLength(columns[0]!.cells.length)
      expect(about!.every(known)).toBe(true)
    }
    expect(tables.length).toBeGreaterThan(2)
    for (const { file, spec } of picturesOf({ sections: some })) {
      const abouts = [...JSON.stringify(spec).matchAll(/"about":("[^"]+"|\[[^\]]+\])/g)].map(([, json]) =>
        JSON.parse(json!),
      )
      expect(abouts.length, file).toBeGreaterThan(10)
      expect(abouts.every(known), file).toBe(true)
    }
  })
})

describe('a scenario, trial by trial', () => {
  it('has its trials in order, with what went wrong, and numbers of six digits', () => {
    const run = syntheticRun({
      runs: 3,
      alter: (trial) =>
        trial.round === 1 ? ended(trial, 'crashed', { message: 'lost\u001b[31m', exit: 'SIGSEGV' }) : trial,
    })
    const [first] = scenarioDetails(run.manifest, [...run.trials].reverse(), ['latency_p50_ms', 'r2'])
    expect(first!.trials.map(({ round, outcome }) => [round, outcome])).toEqual([
      [0, 'ok'],
      [1, 'crashed'],
      [2, 'ok'],
    ])
    expect(first!.trials[1]).toMatchObject({
      metrics: {},
      error: { message: 'lost\ufffd[31m', exit: 'SIGSEGV' },
    })
    const { metrics } = first!.trials[0]!
    expect(Object.keys(metrics)).toEqual(['latency_p50_ms', 'r2'])
    expect(String(metrics['latency_p50_ms']).replace(/^0\.0*|\./g, '').length).toBeLessThanOrEqual(6)
    expect(first!.timeline).toBeNull()
  })

  it('has a timeline that keeps the mean and the peaks of a long log', () => {
    const { manifest, trials } = syntheticRun({ runs: 1 })
    const chunk = (i: number): ChunkLogLine => ({
      ...{ chunk: i, rows: 64, first_row: i * 64, service_ms: 1, cpu_ms: 1, external_mb: 1 },
      latency_ms: i === 500 ? 100 : 2,
      heap_mb: 10 + i / 1000,
    })
    const logs = summariseLogs(manifest, trials, () => Array.from({ length: 1001 }, (_, i) => chunk(i)))
    const [first] = scenarioDetails(manifest, trials, [], logs)
    const { latency_ms, latency_max_ms, memory_mb, ...rest } = first!.timeline!
    expect(rest).toEqual({ trial: trials[0]!.trial, chunks: 1001, chunks_per_value: 9 })
    expect([latency_ms.length, latency_max_ms.length, memory_mb.length]).toEqual([112, 112, 112])
    expect(Math.max(...latency_max_ms)).toBe(100)
    expect(latency_ms[Math.floor(500 / 9)]).toBeCloseTo((8 * 2 + 100) / 9, 4)
    expect(memory_mb.at(-1)).toBe(12)
  })

  it('reads no more of the logs than a reader waits for', () => {
    const { manifest, trials } = syntheticRun({ runs: 1 })
    const lines = new Array<ChunkLogLine>(150_000).fill({
      ...{
        chunk: 0,
        rows: 1,
        first_row: 0,
        latency_ms: 1,
        service_ms: 1,
        cpu_ms: 1,
        heap_mb: 1,
        external_mb: 1,
      },
    })
    let read = 0
    const logs = summariseLogs(manifest, trials, () => {
      read++
      return lines
    })
    const details = scenarioDetails(manifest, trials, [], logs)
    expect(read).toBe(3)
    expect(details.map(({ timeline }) => timeline !== null).filter(Boolean)).toHaveLength(3)
  })

  it('names a command that runs this scenario and no other, whatever the values are called', async () => {
    const file = join(folder, "it's a sweep.yaml")
    writeFileSync(
      file,
      [
        'name: one',
        'workload: pipeline',
        'dataset: { generate: nba2k, rows: 500, seed: 1 }',
        'grid:',
        '  chunk_size: [16, 64]',
        '  max_memory_mb: [null, 128]',
        '  params.learner: [ridge, sgd]',
        'compare: { reference: { chunk_size: 16 } }',
      ].join('\n'),
    )
    const { sweep } = loadSweep(file)
    const run = syntheticRun()
    const manifest = { ...run.manifest, sweep, command: ['stint', 'run', file, '--runs', '2'] }
    const details = scenarioDetails(manifest, [], [])
    expect(details).toHaveLength(8)
    for (const { command, scenario } of details) {
      const words = shellWords(command!)
      expect(words.slice(0, 5)).toEqual(manifest.command)
      const set = words.slice(5).filter((word) => word !== '--set')
      expect(loadSweep(file, { set }).sweep.scenarios.map(({ id }) => id)).toEqual([scenario])
    }
  })

  it('knows no command where a program made the run', () => {
    const run = syntheticRun()
    run.manifest.command = ['stint']
    expect(scenarioDetails(run.manifest, [], [])[0]!.command).toBeNull()
  })
})

/** As a shell takes them apart that knows words, single quotes and backslashes. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'\\]|'[^']*'|\\.)+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|\\(.)/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ''),
  )
}
