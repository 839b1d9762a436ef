import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { type CliEnd, command } from '../fixtures/cli.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'

const ROWS = 300
/** Half the grid where it is the smallest of the grid itself. */
const MEMORY_MB = process.env['STINT_FULL'] === '1' ? 512 : 256
const MEMORIES = [...new Set([256, MEMORY_MB])]
let folder: string
let output: string
let players: string
let ended: CliEnd

function run(words: string[]): Promise<CliEnd> {
  return command(['pipeline', ...words], folder, process.env)
}

beforeAll(async () => {
  folder = memoryFolder('stint-command-')
  players = join(folder, 'players.csv')
  await generateDataset({ preset: 'nba2k', rows: ROWS, seed: 1 }, players)
  output = join(folder, 'out')
  writeFileSync(join(folder, 'mine.json'), '{ "chunk_size": 96, "benchmark_runs": 3, "batch_size": 32 }')
  const sizes = ['--max-memory-mb', String(MEMORY_MB), '--max-compute-units', '0.5', '--benchmark-runs', '2']
  const flags = ['--n-jobs', '2', '--spill-to-disk', '--config-template', 'mine.json', '--quiet']
  ended = await run(['--input', players, '--output-dir', output, ...sizes, ...flags])
})
afterAll(() => rmSync(folder, { recursive: true }))

const text = (file: string) => readFileSync(join(output, file), 'utf8')
const table = (file: string): Record<string, string>[] => parse(text(file), { columns: true })

describe('stint pipeline', () => {
  it('answers with its output folder alone', () => {
    expect(ended.stderr).toBe('')
    expect(ended.stdout).toBe(`${output}\n`)
    expect(ended.code).toBe(0)
  })

  it('leaves a file alone that it did not write, before it measures anything', async () => {
    const mine = join(folder, 'mine', 'benchmarks', 'latency_vs_data_size.csv')
    mkdirSync(dirname(mine), { recursive: true })
    writeFileSync(mine, 'rows,latency_s\n64,0.1\n')
    const { code, stderr } = await run(['--input', players, '--output-dir', join(folder, 'mine')])
    expect([code, stderr]).toEqual([
      2,
      `stint: ${mine}: is there, and is not as Stint wrote it\n  name another file, remove it, or say --overwrite\n`,
    ])
    expect(existsSync(join(folder, 'mine', 'runs'))).toBe(false)
  })

  it('writes the grid of constraints', () => {
    const rows = table('benchmarks/constraint_experiment.csv')
    expect(Object.keys(rows[0]!).slice(0, 8)).toEqual([
      'chunk_size',
      'memory_limit_mb',
      'compute_limit',
      'preprocessing_latency_s',
      'peak_memory_mb',
      'training_time_s',
      'model_accuracy_r2',
      'model_rmse',
    ])
    const points = rows.map((row) => `${row['chunk_size']} ${row['memory_limit_mb']} ${row['compute_limit']}`)
    expect(points.sort()).toEqual([64, 96].flatMap((rows) => MEMORIES.map((mb) => `${rows} ${mb} 0.5`)))
    for (const row of rows) {
      for (const name of ['preprocessing_latency_s', 'peak_memory_mb', 'training_time_s']) {
        expect(Number(row[name]), name).toBeGreaterThan(0)
      }
      expect(row['caps_enforced']).toBe('true')
    }
    // Constraints do not touch what is learned.
    expect(new Set(rows.map((row) => row['model_accuracy_r2'])).size).toBe(1)
  })

  it('compares batch with streaming, one value a trial', () => {
    const rows = table('benchmarks/significance_tests.csv')
    const metrics = rows.map((row) => row['metric'])
    for (const name of ['latency_per_row_us', 'throughput_rows_s', 'r2']) expect(metrics).toContain(name)
    for (const row of rows) {
      expect(row['a']).toContain('mode=batch')
      expect(row['b']).toContain('mode=streaming')
      expect([row['n_a'], row['n_b']]).toEqual(['2', '2'])
    }
    expect(Number(rows.find((row) => row['metric'] === 'latency_per_row_us')!['p'])).toBeGreaterThan(0)
  })

  it('writes a page that says the same', () => {
    const page = text('reports/pipeline_report.md')
    for (const title of ['Which setting to use', 'What differs', 'More rows', 'Where the time goes', 'Data'])
      expect(page).toContain(`## ${title}\n`)
    expect(page).toContain('](../benchmarks/latency_memory_accuracy.png)')
    expect(page).toContain('mode streaming against batch')
    // A column of the data, with the share that is missing.
    expect(page).toMatch(/\| team \| \d/)
    expect(JSON.parse(text('metadata/run_manifest.json')).files).toContain('reports/pipeline_report.md')
  })

  it('writes the curves', () => {
    const sizes = table('benchmarks/latency_vs_data_size.csv')
    expect(Object.keys(sizes[0]!).slice(0, 2)).toEqual(['rows', 'latency_s'])
    expect(sizes.map((row) => row['rows'])).toEqual(['64', '128', '256', '300'])
    expect(sizes.every((row) => Number(row['latency_s']) > 0)).toBe(true)
    const memory = table('benchmarks/throughput_vs_memory.csv')
    expect(Object.keys(memory[0]!).slice(0, 2)).toEqual(['peak_memory_mb', 'throughput_rows_s'])
    expect(memory).toHaveLength(2 * MEMORIES.length + 1)
    const accuracy = table('benchmarks/resource_vs_accuracy.csv')
    expect(Object.keys(accuracy[0]!).slice(0, 3)).toEqual(['mode', 'peak_memory_mb', 'r2'])
    expect(accuracy.map((row) => row['mode'])).toEqual(['batch', 'streaming'])
  })

  it('logs every chunk of the first streaming trial', () => {
    const lines = text('reports/streaming_chunks.jsonl')
      .trim()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line))
    expect(lines.reduce((sum, line) => sum + (line['rows'] as number), 0)).toBe(ROWS)
    for (const line of lines) {
      expect(line).toMatchObject({ energy_j: null, energy_source: null, retries: 0, spilled_bytes: 0 })
      expect(line['latency_ms']).toBeGreaterThan(0)
      expect(line['throughput_rows_s']).toBeGreaterThan(0)
      expect(line['memory_mb']).toBeGreaterThan(1)
      expect(Object.keys(line)).toEqual(expect.arrayContaining(['operators_ms', 'drift', 'quality']))
    }
    // 96 x the share of 1024 MB x 0.5 rows, though 16 at least, then an eighth of 96 more each time.
    const first = Math.max(16, (96 * MEMORY_MB) / 1024 / 2)
    expect(lines.slice(0, 3).map((line) => line['rows'])).toEqual([first, first + 12, first + 24])
    const profile = table('profiles/operator_profile.csv')
    expect(profile).toHaveLength(lines.length)
    expect(Object.keys(profile[0]!).slice(0, 7)).toEqual([
      'chunk_id',
      'preprocess_s',
      'feature_engineering_s',
      'feature_selection_s',
      'encode_scale_s',
      'estimated_input_bandwidth_mb_s',
      'input_bytes',
    ])
  })

  it('reports and tells how to do it again', () => {
    const report = JSON.parse(text('reports/pipeline_report.json'))
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining([
        ...['dataset_fingerprint', 'reproducibility', 'batch', 'streaming', 'benchmark'],
        ...['constraint_experiment', 'quality', 'scaling'],
      ]),
    )
    expect(report.dataset_fingerprint).toMatchObject({ preset: 'nba2k', rows: ROWS })
    // Every column that is empty from top to bottom says why.
    for (const file of (readdirSync(output, { recursive: true }) as string[]).filter((name) =>
      name.endsWith('.csv'),
    )) {
      const rows = table(file)
      for (const column of Object.keys(rows[0]!)) {
        if (rows.some((row) => row[column] !== '')) continue
        expect(report.not_measured, file).toHaveProperty([`${file}: ${column}`])
      }
    }
    expect(report.not_measured['reports/streaming_chunks.jsonl: energy_j']).toMatch(/no --profile gives/)
    expect(JSON.stringify(report.notices)).not.toContain('partner')
    expect(report.streaming.outcomes.ok).toBe(2)
    expect(report.streaming.caps.compute.asked).toBe(0.5)
    expect(report.reproducibility.quality_identical_in_all_runs).toEqual({ batch: true, streaming: true })
    const manifest = JSON.parse(text('metadata/run_manifest.json'))
    expect(manifest.reproducibility.settings).toMatchObject({
      chunk_size: { value: 96, from: 'template' },
      benchmark_runs: { value: 2, from: 'flag' },
      adaptive_chunk_resize: { value: true, from: 'default' },
    })
    expect(manifest.files).toHaveLength(12)
    for (const file of manifest.files) expect(existsSync(join(output, file)), file).toBe(true)
    expect(existsSync(join(output, 'runs/pipeline/latest/trials.jsonl'))).toBe(true)
  })

  it.each(['latency_vs_accuracy', 'memory_vs_accuracy', 'latency_memory_accuracy'])('draws %s', (name) => {
    const png = readFileSync(join(output, `benchmarks/${name}.png`))
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect(png.readUInt32BE(16)).toBeGreaterThan(1000)
  })

  it.each([
    [['--input', 'nowhere.csv'], /nowhere\.csv: no such file/],
    [['--input', 'players.csv', '--chunk-size', '0'], /--chunk-size: got 0, expected a whole number/],
    [
      ['--input', 'labels.csv', '--target', 'c', '--learner', 'ridge'],
      /--learner "ridge" predicts numbers, but the target "c" has 2 labels: .* or leave --learner out/,
    ],
    [['--input', 'other.csv'], /name the column to predict as --target/],
    [
      ['--input', 'players.csv', '--output-dir', 'players.csv'],
      /players\.csv: is a file; --output-dir needs/,
    ],
    [['--chunk-size', '4'], /input/],
    [['--input', 'players.csv', '--chunksize', '4'], /chunksize/],
  ])('refuses %j', async (words, message) => {
    writeFileSync(join(folder, 'other.csv'), 'a,b\n1,2\n3,4\n')
    writeFileSync(join(folder, 'labels.csv'), 'a,c\n1,yes\n3,no\n')
    const named = words.includes('--output-dir') ? [] : ['--output-dir', join(folder, 'none')]
    const refused = await run([...words, ...named])
    expect(refused.stderr).toMatch(message)
    expect(refused.stdout).toBe('')
    expect(refused.code).toBe(2)
    expect(existsSync(join(folder, 'none', 'reports'))).toBe(false)
  })
})
