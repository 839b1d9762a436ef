/** A `stint pipeline` that was interrupted, and killed in the full form: `stint resume` writes the files of one that was not. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { type CliEnd, journalOf, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'

/** The grid is the point that is given: five trials. */
const GIVEN = ['--chunk-size', '64', '--max-memory-mb', '256', '--max-compute-units', '0.5']
const OTHERS = [
  '--learner',
  'ridge',
  '--benchmark-runs',
  '1',
  '--disable-adaptive-chunk-resize',
  '--profile',
  'mine.yaml',
]
const TRIALS = 5
const WATTS = { idle: 2, per_core: 3 }

let box: Sandbox
let whole: CliEnd
let interrupted: CliEnd
/** Null where nothing was. */
let killed: CliEnd | null = null
let resumed: CliEnd
let filesBefore: string[]
let run: string

/** All below `output` but the trials themselves. */
const filesOf = (output: string): string[] =>
  readdirSync(output, { recursive: true })
    .map(String)
    .filter((file) => !file.startsWith('runs') && statSync(join(output, file)).isFile())
    .sort()

const text = (output: string, file: string) => readFileSync(join(box.folder, output, file), 'utf8')
const table = (output: string, file: string): Record<string, string>[] =>
  parse(text(output, file), { columns: true })
const lines = (output: string): Record<string, unknown>[] =>
  text(output, 'reports/streaming_chunks.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

beforeAll(async () => {
  box = new Sandbox()
  await generateDataset({ preset: 'nba2k', rows: 200, seed: 1 }, join(box.folder, 'players.csv'))
  box.write('mine.yaml', `description: mine\nwatts: ${JSON.stringify(WATTS)}\n`)
  const words = ['pipeline', '--input', 'players.csv', ...GIVEN, ...OTHERS, '--quiet', '--output-dir']
  // At the same time, since nothing is timed here.
  const uninterrupted = box.stint(...words, 'whole')

  const output = join(box.folder, 'cut')
  const runs = () => {
    const folder = join(output, 'runs', 'pipeline')
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d{8}T/.test(name)) : []
    return names.map((name) => join(folder, name))
  }
  const ended = () => runs().flatMap((path) => trialsOf(path)).length
  const first = box.start([...words, 'cut'])
  await box.until(() => ended() >= 1, 'a trial that ended')
  first.child.kill('SIGINT')
  interrupted = await first.end
  run = runs()[0]!
  const before = ended()
  if (FULL) {
    const second = box.withPages(['resume', run, '--quiet'])
    await box.until(() => ended() > before, 'one more trial that ended')
    second.child.kill('SIGKILL')
    killed = await second.end
  }
  filesBefore = filesOf(output)
  resumed = await box.withPages(['resume', run, '--quiet']).end
  whole = await uninterrupted
})
afterAll(() => box.remove())

describe('an interrupted stint pipeline', () => {
  it('says how to go on', () => {
    expect([interrupted.code, interrupted.stdout]).toEqual([130, ''])
    expect(interrupted.stderr).toContain(`"stint resume ${run}" runs the trials that are missing and writes`)
    if (killed !== null) expect(killed.code).toBeNull()
    expect(filesBefore).toEqual([])
  })

  it('is completed by stint resume, which answers with the output folder', () => {
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(resumed).toEqual({ code: 0, stdout: `${join(box.folder, 'cut')}\n`, stderr: '' })
    expect(new Set(trialsOf(run).map(({ trial }) => trial)).size).toBe(TRIALS)
    expect(journalOf(run).split('\n')).toHaveLength(TRIALS + 1)
  })

  it('leaves the same files', () => {
    const files = filesOf(join(box.folder, 'whole'))
    expect(filesOf(join(box.folder, 'cut'))).toEqual(files)
    expect(files).toHaveLength(13)
    const { files: named, resumed: times } = JSON.parse(text('cut', 'metadata/run_manifest.json'))
    expect(named).toEqual(JSON.parse(text('whole', 'metadata/run_manifest.json')).files)
    expect(times).toHaveLength(FULL ? 2 : 1)
  })

  it.each([
    [
      'benchmarks/constraint_experiment.csv',
      [
        'chunk_size',
        'memory_limit_mb',
        'compute_limit',
        'model_accuracy_r2',
        'model_rmse',
        'outcomes',
        'scenario',
      ],
    ],
    ['benchmarks/resource_vs_accuracy.csv', ['mode', 'r2', 'rmse', 'accuracy', 'energy_source', 'trials_ok']],
    ['benchmarks/latency_vs_data_size.csv', ['rows', 'trials_ok']],
    ['benchmarks/throughput_vs_memory.csv', ['mode', 'chunk_size', 'outcomes', 'scenario']],
    ['benchmarks/significance_tests.csv', ['metric', 'a', 'b', 'n_a', 'n_b']],
    ['profiles/operator_profile.csv', ['chunk_id', 'input_bytes', 'rows']],
  ])('has the same values in %s', (file, columns) => {
    const values = (output: string) => table(output, file).map((row) => columns.map((column) => row[column]))
    expect(values('cut').length).toBeGreaterThan(0)
    expect(values('cut').flat()).not.toContain(undefined)
    expect(values('cut')).toEqual(values('whole'))
  })

  it('has the same chunks, settings and quality in its reports', () => {
    const chunks = (output: string) =>
      lines(output).map(({ chunk_id, first_row, rows, bytes, retries, drift, quality, energy_source }) => [
        ...[chunk_id, first_row, rows, bytes, retries, drift, quality, energy_source],
      ])
    expect(chunks('cut')).toEqual(chunks('whole'))
    expect(chunks('cut')).toHaveLength(4)
    const report = (output: string) => {
      const made = JSON.parse(text(output, 'reports/pipeline_report.json'))
      const { output_dir: _, ...settings } = made.reproducibility.settings
      // Whether trials were long enough for their clock depends on the machine, in whichever file it is noted.
      const unknown = Object.entries(made.not_measured).filter(
        ([what]) => !what.endsWith(': compute_achieved'),
      )
      return [
        made.dataset_fingerprint,
        settings,
        made.reproducibility.profile,
        made.quality,
        Object.fromEntries(unknown),
      ]
    }
    expect(report('cut')).toEqual(report('whole'))
  })

  it('estimates the energy of each chunk by the watts of the profile', () => {
    for (const { latency_ms, cpu_ms, energy_j, energy_source } of lines('cut')) {
      expect(energy_source).toBe('estimate')
      const [wall, cpu] = [Number(latency_ms) / 1000, Number(cpu_ms) / 1000]
      expect(energy_j).toBeCloseTo(WATTS.idle * wall + WATTS.per_core * cpu, 9)
    }
    const sources = ['estimate', 'rapl', 'perf']
    const energy = (trial: TrialResult) => okOf(trial).energy
    for (const { joules, source, shared } of trialsOf(run).map(energy)) {
      expect(joules).toBeGreaterThan(0)
      expect(sources).toContain(source)
      expect(shared).toBe(false)
    }
  })
})
