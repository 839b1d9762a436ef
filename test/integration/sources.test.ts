/** The same rows by every way in, and a run in two parts, through the public command: the same bits. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OkTrial } from '../../workers/protocol/trial-result.ts'
import { command, MAIN } from '../fixtures/cli.ts'
import { okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
const ROWS = 400
const QUALITY = ['r2', 'rmse', 'mae', 'r2_mean_baseline', 'r2_last_baseline']
let folder: string
let csv: Buffer

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-sources-'))
  const words = ['data', 'nba2k', '--rows', `${ROWS}`, '--seed', '8', '--out', 'players.csv']
  expect((await command(words, folder, process.env)).code).toBe(0)
  csv = readFileSync(join(folder, 'players.csv'))
  writeFileSync(join(folder, 'players.csv.gz'), gzipSync(csv))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a sweep of one trial a scenario; the trials, in the order of their scenarios. */
async function trials(
  keys: Record<string, unknown>,
  stdin?: Uint8Array,
  set: string[] = [],
): Promise<OkTrial[]> {
  const settings = { chunk_size: 50, batch_size: 16, benchmark_runs: 1, warmup_chunks: 2 }
  const sweep = { name: 'several', workload: 'pipeline', ...settings, ...keys }
  writeFileSync(join(folder, 'sweep.yaml'), JSON.stringify(sweep))
  const words = ['run', 'sweep.yaml', '--out', 'results', '--quiet', '--export', 'csv', ...set]
  const ended =
    stdin === undefined ? await command(words, folder, process.env) : withInput([MAIN, ...words], stdin)
  expect(ended.code, ended.stderr).toBe(0)
  const run = ended.stdout.trim()
  const journal = readFileSync(join(run, 'trials.jsonl'), 'utf8').trimEnd().split('\n')
  const results = journal.map((line) => okOf(JSON.parse(line)))
  const { scenarios } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')).sweep
  expect(results).toHaveLength(scenarios.length)
  return scenarios.map(({ id }: { id: string }) => results.find(({ scenario }) => scenario === id)!)
}

function withInput(words: readonly string[], input: Uint8Array) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: 'utf8',
    input,
  })
  return { code: status, stdout, stderr }
}

const linesOf = (file: string) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n')
const quality = ({ metrics }: OkTrial) => QUALITY.map((name) => metrics[name])

describe('stint run', () => {
  it('scores a file, its .gz, standard input, events and the generator alike', {
    timeout: 240_000,
  }, async () => {
    const sources = ['players.csv', 'players.csv.gz'].map((source) => ({ 'dataset.source': source }))
    const piped = { 'dataset.source': '-', 'dataset.preset': 'nba2k' }
    const generated = { 'dataset.generate': 'nba2k', 'dataset.rows': ROWS, 'dataset.seed': 8 }
    const params = { learner: 'ridge' }
    const records: Record<string, string>[] = parse(csv, { columns: true })
    const events = Buffer.from(records.map((record) => JSON.stringify(record)).join('\n'))
    const [file, ...others] = await trials({ params, include: [...sources, piped, generated] }, events)
    const expected = quality(file!)
    for (const score of expected) expect(Number.isFinite(score)).toBe(true)
    expect(others.map(quality)).toEqual([expected, expected, expected])
    if (!FULL) return
    const [typed] = await trials({ params, dataset: { source: '-' } }, csv)
    expect(quality(typed!)).toEqual(expected)
  })

  it('goes on from a checkpoint as if it had not stopped, and writes the features behind it', {
    timeout: 240_000,
  }, async () => {
    const dataset = { source: 'players.csv' }
    const params = { learner: 'ridge', label_delay: 20, drift: 'alarm', curve_points: 0 }
    const [whole] = await trials({
      dataset,
      params,
      include: [
        { 'params.features_to': 'whole.csv' },
        { 'dataset.rows': 173, 'params.checkpoint_to': 'state.json' },
      ],
    })
    const files = 'results/several/latest/files'
    const wholeLines = linesOf(`${files}/whole.csv`)
    cpSync(join(folder, files, 'state.json'), join(folder, 'state.json'))
    // What the user types may lie anywhere, and with --overwrite be anything that was there.
    writeFileSync(join(folder, 'rest.csv'), 'mine\n')
    const typed = ['--set', 'params.features_to=rest.csv', '--overwrite']
    const [rest] = await trials(
      { dataset, params: { ...params, resume_from: 'state.json' } },
      undefined,
      typed,
    )
    expect(rest!.info).toMatchObject({ resumed_at_row: 173, features_written: ROWS - 173 })
    expect(rest!.metrics['rows']).toBe(ROWS - 173)
    expect(quality(rest!)).toEqual(quality(whole!))
    expect(wholeLines).toHaveLength(ROWS + 1)
    expect(linesOf('rest.csv').slice(1)).toEqual(wholeLines.slice(174))
    expect(readdirSync(folder).filter((name) => /whole|part/.test(name))).toEqual([])
  })

  it('refuses before any trial what drift: forget cannot do', async () => {
    const sweep = 'name: no\nworkload: pipeline\ndataset: { source: players.csv }\n'
    writeFileSync(join(folder, 'no.yaml'), `${sweep}params: { learner: pa, drift: forget }\n`)
    const words = ['run', 'no.yaml', '--out', 'none', '--quiet']
    const ended = await command(words, folder, process.env)
    expect(ended.stderr).toMatch(/params\.drift "forget" does nothing to learner "pa"/)
    expect(ended.code).toBe(2)
    expect(existsSync(join(folder, 'none', 'no'))).toBe(false)
  })
})
