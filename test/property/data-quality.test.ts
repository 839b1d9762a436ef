/** What is cleaned, declared, checked and watched is the same whatever the chunk size, the format and the reader. */
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FeatureDeclaration, PreparedDataset } from '../../workers/data/types.ts'
import { checkDataset } from '../../workers/pipeline/check-dataset.ts'
import type { Scalar } from '../../workers/workload.ts'
import { csvFile, runPipeline, temporaryFolder } from '../unit/pipeline/support.ts'

const FULL = process.env['STINT_FULL'] === '1'

interface Row {
  x: number | null
  size: string | null
  team: string | null
  when: string
  y: number | null
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 8 })
const row: fc.Arbitrary<Row> = fc.record({
  x: maybe(fc.integer({ min: -500, max: 500 }).map((n) => n / 8)),
  size: maybe(fc.integer({ min: 0, max: 5_000_000 }).map((n) => `$${n.toLocaleString('en-US')}`)),
  team: maybe(fc.integer({ min: 0, max: 12 }).map((n) => `team ${n}`)),
  when: fc.integer({ min: 1, max: 28 }).map((day) => `2020-02-${String(day).padStart(2, '0')}`),
  y: maybe(fc.integer({ min: -1000, max: 1000 })),
})
/** Long enough for standardised streams to be tested; the second half may have drifted. */
const table = fc
  .tuple(fc.array(row, { minLength: 60, maxLength: 400 }), fc.integer({ min: 0, max: 3 }))
  .map(([rows, shift]) =>
    [...rows, ...rows.map((one) => ({ ...one, y: one.y === null ? null : one.y + 4000 * shift }))].map(
      (one, i) => (i === 0 ? { ...one, x: 1, size: '$5', team: 'team 0', y: 1 } : one),
    ),
  )

const COLUMNS = {
  x: { kind: 'number', min: -60, impute: 'median' },
  size: { kind: 'number', loose: true, impute: 'most_frequent' },
  team: { kind: 'category', impute: 'most_frequent' },
  when: { kind: 'date', format: 'iso' },
  y: 'number',
} as const
const FEATURES: FeatureDeclaration[] = [
  { op: 'product', of: ['x', 'size'] },
  { op: 'log', of: 'x', name: 'log x' },
  { op: 'weekday', of: 'when' },
  { op: 'rolling_mean', of: 'x', window: 5, by: 'team' },
  { op: 'rolling_std', of: 'log x', window: 20 },
  { op: 'rolling_max', of: 'x', window: 7 },
  { op: 'ewm_mean', of: 'y', alpha: 0.2, by: 'team', name: 'team so far' },
  { op: 'lag', of: 'y', window: 3 },
]
const PARAMS: Record<string, Scalar> = {
  learner: 'ridge',
  validate: true,
  drift: 'reset',
  impute_categories: 'most_frequent',
  max_categories: 6,
  hash_buckets: 4,
  // Its points hang on how many rows are to come.
  curve_points: 0,
}

function csv(rows: readonly Row[], separator = ','): string {
  const quoted = (text: string | null) => (text === null ? '' : `"${text}"`)
  const lines = rows.map(({ x, size, team, when, y }) =>
    [x ?? '', quoted(size), quoted(team), when, y ?? 'NA'].join(separator),
  )
  return `${['x', 'size', 'team', 'when', 'y'].join(separator)}\n${lines.join('\n')}\n`
}

async function checked(path: string, said: Partial<PreparedDataset> = {}): Promise<PreparedDataset> {
  const { dataset } = await checkDataset({
    path,
    preset: null,
    target: 'y',
    columns: COLUMNS,
    features: FEATURES,
    bad_values: 'drop',
    fingerprint: null,
    rows: null,
    ceiling_r2: null,
    ...said,
  })
  return dataset
}

async function outcome(dataset: PreparedDataset, chunk_size: number, params: Record<string, Scalar> = {}) {
  const { metrics, info, steps } = await runPipeline(
    dataset,
    { ...PARAMS, ...params },
    { chunk_size, batch_size: 7 },
  )
  const of = (key: string) => steps.flatMap(({ detail }) => detail?.[key] ?? [])
  const alarms = of('drift')
  return { metrics, info, alarms }
}

describe('with validation, drift, imputers and declared features', () => {
  it('every chunk size gives the same bits', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 900 }), async (rows, size) => {
        const dataset = await checked(csvFile(csv(rows)))
        expect(await outcome(dataset, size)).toEqual(await outcome(dataset, 100_000))
      }),
      { numRuns: FULL ? 25 : 4 },
    )
  })

  it('the reference reader, .gz, other dialects and JSON events give the same bits', async () => {
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const dataset = await checked(csvFile(csv(rows)))
        const expected = await outcome(dataset, 50)
        expect(await outcome(dataset, 50, { reader: 'csv-parse' })).toEqual(expected)
        const packed = await checked(csvFile(gzipSync(csv(rows)), 'data.csv.gz'))
        expect(await outcome(packed, 50)).toEqual(expected)
        expect(await outcome(packed, 64, { reader: 'csv-parse' })).toEqual(expected)
        const dialect = { separator: ';', quote: "'", comment: '#' }
        const other = `# note\n${csv(rows, ';').replaceAll('"', "'").replace('\n', '\n# more;\n')}`
        const foreign = await checked(csvFile(other, 'other.csv'), { dialect })
        expect(await outcome(foreign, 50)).toEqual(expected)
        expect(await outcome(foreign, 50, { reader: 'csv-parse' })).toEqual(expected)
        const events = rows.map((one) => JSON.stringify(one)).join('\n')
        expect(await outcome(await checked(csvFile(events, 'data.ndjson')), 50)).toEqual(expected)
      }),
      { numRuns: FULL ? 12 : 3 },
    )
  })

  it('a run that goes on from a checkpoint gives the same bits, with late labels too', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.nat(), fc.integer({ min: 0, max: 20 }), async (rows, cut, label_delay) => {
        const dataset = await checked(csvFile(csv(rows)))
        const path = join(temporaryFolder(), 'checkpoint.json')
        // Behind the last row as well, where nothing is left to read.
        const first = { ...dataset, rows: cut % 5 === 0 ? dataset.rows : 1 + (cut % dataset.rows) }
        await runPipeline(
          first,
          { ...PARAMS, label_delay, checkpoint_to: path },
          { chunk_size: 30, batch_size: 7 },
        )
        const whole = await outcome(dataset, 50, { label_delay })
        const rest = await outcome(dataset, 50, { label_delay, resume_from: path })
        const { resumed_at_row, ...info } = rest.info!
        expect(resumed_at_row).toBe(first.rows)
        expect({ ...rest, info, alarms: [] }).toEqual({ ...whole, alarms: [] })
      }),
      { numRuns: FULL ? 20 : 3 },
    )
  })

  it('labels are watched as numbers are', async () => {
    const rows = Array.from(
      { length: 1600 },
      (_, i) => `${(i * 37) % 101},${(i * 37) % 101 > 50 === i < 800 ? 'yes' : 'no'}`,
    )
    const dataset = await checked(csvFile(`x,y\n${rows.join('\n')}\n`), { columns: {}, features: [] })
    const run = (size: number) => outcome(dataset, size, { learner: 'logistic' })
    const { alarms, metrics, info } = await run(64)
    expect(metrics['accuracy']).toBeGreaterThan(0.8)
    expect(alarms).toContainEqual(
      expect.objectContaining({ stream: 'error', direction: 'up', action: 'reset' }),
    )
    expect(await run(1600)).toEqual({ alarms, metrics, info })
  })
})
