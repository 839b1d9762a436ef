import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { commandLine } from '../../../harness/cli/command-line.ts'
import { compareCommand } from '../../../harness/cli/compare.ts'
import { historyCommand } from '../../../harness/cli/history.ts'
import { repeatOptions } from '../../../harness/cli/options.ts'
import type { Manifest } from '../../../harness/record/types.ts'
import { reportSchema } from '../../../harness/report/schema.ts'
import type { PassedOver } from '../../../workers/protocol/trial-result.ts'
import { type Heard, heard } from '../../fixtures/heard.ts'
import { writeRun } from '../../fixtures/write-run.ts'
import { makeScenario, makeTrial } from '../analyse/make-trials.ts'
import { syntheticRun } from '../report/synthetic.ts'

let folder: string
let said: Heard
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'history-test-'))
  said = heard()
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const LONE = { chunk_size: [64], batch_size: [8], max_memory_mb: [64], max_compute_units: [1], runs: 1 }

function record(number: number, ms: number, resumed_under: PassedOver[] = []): string {
  const path = join(folder, 'w', `run-${String(number).padStart(2, '0')}`)
  const { manifest } = syntheticRun({ ...LONE, metrics: ['latency_mean_ms'] })
  const scenarios = [makeScenario('s')]
  const run: Manifest = {
    ...manifest,
    id: `id-${number}`,
    git: null,
    sweep: { ...manifest.sweep, scenarios },
    started_at: new Date(Date.UTC(2026, 0, number)).toISOString(),
  }
  writeRun(path, run, [makeTrial('s', 1, { metrics: { latency_mean_ms: ms }, resumed_under })])
  return path
}

const forms = { export: [], plots: [], json: false, overwrite: false, 'include-forced': false }

async function history(metric: string[] = [], given = {}): Promise<void> {
  await historyCommand.handler({
    dir: folder,
    metric,
    alpha: 0.05,
    margin: '2%',
    seed: 1,
    failOnNew: false,
    ...forms,
    ...given,
  })
}

it('counts each run once: not again behind a link, nor as a copy', async () => {
  const paths = Array.from({ length: 12 }, (_, k) => record(k + 1, (k >= 6 ? 2 : 1) * (1 + 0.001 * (k % 3))))
  symlinkSync(paths.at(-1)!, join(folder, 'w', 'latest'))
  cpSync(paths[0]!, join(folder, 'w', 'unpacked'), { recursive: true })
  await history()
  expect(said.out.replace(/\s+/g, ' ')).toMatch(
    /^12 runs, 1 series: 1 change found, 1 for the worse: mean chunk latency of s \(2\.00×\) from \S+run-07 on /,
  )
  expect(said.out.replaceAll('\n  ', ' ')).toMatch(/Worse from \S+run-07 on, .*1\.00 ms → 2\.00 ms/)
})

it('says that runs are too few, and which folder it could not read', async () => {
  record(1, 1)
  mkdirSync(join(folder, 'broken'))
  writeFileSync(join(folder, 'broken', 'run.json'), '{')
  await history()
  expect(said.out).toMatch(
    /^1 run, 0 series: no change found; see what to know\n(.|\n)*1 run, too few for any finding/,
  )
  expect(said.out.replaceAll('\n  ', ' ')).toMatch(/left out: .*broken.*not valid JSON/)
})

it('leaves out a run that was resumed with --force, and says so', async () => {
  record(1, 1)
  const forced = record(2, 1, [{ kind: 'data', what: 'the content of a.csv was x and is y' }])
  await history()
  expect(said.out).toMatch(
    /^1 run, 0 series: no change found; see what to know\n(.|\n)*1 run, too few for any finding/,
  )
  const told = () => said.out.replaceAll('\n  ', ' ')
  expect(told()).toContain(`left out: ${forced}: it was resumed with --force`)
  expect(told()).toContain('--include-forced counts it')
  said.out = ''
  await history([], { 'include-forced': true })
  expect(said.out).toMatch(/^2 runs, /)
  expect(told()).toContain(
    `${forced}: 1 trial (round 1) ran after the run was resumed with --force, and counted with the others: the content of a.csv`,
  )
})

it('refuses a metric that no run has, as a comparison does', async () => {
  const runs = [record(1, 1), record(2, 1)]
  const message = /--metric latency_men_ms: no such metric; did you mean "latency_mean_ms"\?/
  await expect(history(['latency_men_ms'])).rejects.toThrow(message)
  const words = { runs, metric: ['latency_men_ms'], out: undefined, ...forms }
  await expect(compareCommand.handler(words)).rejects.toThrow(message)
  expect(said.out).toBe('')
})

it('takes several metrics after one --metric, and no metric for a run', async () => {
  const [first, second] = [record(1, 1), record(2, 2)]
  const metrics = ['--metric', 'latency_mean_ms', 'nothing_ms']
  for (const words of [
    ['compare', first, second, ...metrics],
    ['compare', ...metrics, first, second],
    ['history', folder, ...metrics],
    ['history', ...metrics, folder],
    ['history', folder, '--metric=latency_mean_ms,nothing_ms', '--json'],
  ]) {
    said.err = ''
    await commandLine(words)
    expect([words, said.err]).toEqual([words, expect.stringContaining('--metric nothing_ms: no such metric')])
    expect(process.exitCode).toBe(2)
  }
  process.exitCode = undefined
})

it.each([
  ['run s.yaml --set a=1 b.c=2 --quiet', 'run s.yaml --set a=1 --set b.c=2 --quiet'],
  ['run --set a=1 s.yaml', 'run --set a=1 s.yaml'],
  ['gate s --set-baseline a=1 b=2 --build', 'gate s --set-baseline a=1 --set-baseline b=2 --build'],
  ['run s.yaml --export html csv=a.csv', 'run s.yaml --export html --export csv=a.csv'],
  ['compare --metric a b ./run', 'compare --metric a --metric b ./run'],
  ['compare --metric -- a', 'compare --metric -- a'],
])('reads %s as %s', (words, repeated) => {
  expect(repeatOptions(words.split(' ')).join(' ')).toBe(repeated)
})

it('is written in every form that a report has', async () => {
  for (let k = 1; k <= 12; k++) record(k, (k > 6 ? 2 : 1) * (1 + 0.001 * (k % 3)))
  await history([], { json: true })
  expect(reportSchema.parse(JSON.parse(said.out))).toMatchObject({
    kind: 'history',
    runs: 12,
    events: [{ verdict: 'worse', members: [{ metric: 'latency_mean_ms', after: expect.closeTo(2, 2) }] }],
  })
  const path = (name: string) => join(folder, name)
  await history([], { export: [`csv=${path('a.csv')},html=${path('a.html')},markdown=${path('a.md')}`] })
  expect(readFileSync(path('a.csv'), 'utf8')).toMatch(/^sweep,machine,.*\n[\w-]+,"[^"]+",s,.*run-07/)
  for (const page of ['a.html', 'a.md'])
    expect(readFileSync(path(page), 'utf8')).toContain(
      '12 runs, 1 series: 1 change found, 1 for the worse: mean chunk latency of s (2.00×) from ',
    )
})

it('fails on request for a change for the worse that the newest run has shown', async () => {
  const failed: number[] = []
  for (let k = 0; k < 16; k++) {
    record(k + 1, (k >= 9 ? 2 : 1) * (1 + 0.001 * (k % 3)))
    await history([], { failOnNew: true })
    if (process.exitCode === 1) failed.push(k + 1)
    process.exitCode = undefined
  }
  // Once, as soon as enough runs have followed the change.
  expect(failed).toHaveLength(1)
  expect(failed[0]).toBeGreaterThan(10)
})
