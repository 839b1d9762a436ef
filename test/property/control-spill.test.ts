import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { csvFile, prepared, runPipeline, temporaryFolder } from '../unit/pipeline/support.ts'

const cell = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => `${x}`) },
  { weight: 1, arbitrary: fc.constantFrom('', 'NA') },
)
const row = fc.tuple(cell, fc.constantFrom('a', 'b', 'c', ''), cell)
const table = fc.array(row, { minLength: 5, maxLength: 80 })
const resizing = fc.record({
  chunk_size: fc.integer({ min: 1, max: 100 }),
  max_chunk_retries: fc.integer({ min: 0, max: 8 }),
  // From caps that nothing fits into to caps that everything does.
  max_memory_mb: fc.constantFrom(null, 0.001, 1, 64, 4096),
  max_compute_units: fc.constantFrom(null, 0.1, 0.5, 1),
  target_latency_ms: fc.constantFrom(null, 0.01, 0.2, 5),
  adaptive_chunk_resize: fc.boolean(),
  spill_to_disk: fc.boolean(),
})
const fixed = fc.record({
  batch_size: fc.integer({ min: 1, max: 20 }),
  learner: fc.constantFrom('ridge', 'sgd'),
  mode: fc.constantFrom('streaming' as const, 'batch' as const),
})

describe('quality metrics', () => {
  it('have the same bits with and without adaptive chunks, retries and spill, on random tables', async () => {
    let halved = false
    await fc.assert(
      fc.asyncProperty(table, fixed, resizing, async (rows, { learner, ...settings }, sizes) => {
        const text = `x,c,y\n1,a,3\n${rows.map((fields) => fields.join(',')).join('\n')}\n`
        const dataset = await prepared(csvFile(text), {
          target: 'y',
          columns: { x: 'number', c: 'category' },
        })
        const plain = await runPipeline(dataset, { learner }, settings)
        const resized = await runPipeline(dataset, { learner }, { ...settings, ...sizes })
        expect(resized.metrics).toEqual(plain.metrics)
        expect(resized.info).toMatchObject({
          rows: plain.info!['rows'],
          learned: plain.info!['learned'],
          scored: plain.info!['scored'],
        })
        const handled = resized.steps.reduce((sum, step) => sum + step.rows, 0)
        expect(handled).toBe(rows.length + 1)
        halved ||= ((resized.info!['chunk_retries'] ?? 0) as number) > 0
      }),
      { numRuns: process.env['STINT_FULL'] === '1' ? 120 : 40 },
    )
    // The property says something only if some of its chunks were halved.
    expect(halved).toBe(true)
  })

  it('have the same bits where nearly all rows are spilled, which leave no file behind', async () => {
    const path = join(temporaryFolder(), 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 20_000, seed: 11 }, path)
    const dataset = await prepared(path, { preset: 'nba2k' })
    const batch = { mode: 'batch' as const, batch_size: 64, chunk_size: 1000 }
    const params = { learner: 'sgd', epochs: 3 }
    const kept = await runPipeline(dataset, params, batch)
    const spilled = await runPipeline(dataset, params, { ...batch, max_memory_mb: 1, spill_to_disk: true })
    expect(spilled.metrics).toEqual(kept.metrics)
    expect(spilled.info!['spilled_blocks']).toBeGreaterThanOrEqual(2)
    const logged = spilled.steps.reduce(
      (sum, { detail }) => sum + ((detail?.['spilled_bytes'] as number | undefined) ?? 0),
      0,
    )
    expect(logged).toBe(spilled.info!['spilled_bytes'])
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`stint-spill-${process.pid}-`))).toEqual([])
  })

  it('say in the chunk log why each chunk has its size, and sum it up', async () => {
    const path = join(temporaryFolder(), 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 3000, seed: 3 }, path)
    const dataset = await prepared(path, { preset: 'nba2k' })
    const { steps, info } = await runPipeline(
      dataset,
      { learner: 'sgd' },
      { chunk_size: 512, batch_size: 16, max_compute_units: 0.25, adaptive_chunk_resize: true },
    )
    const decisions = steps.map(({ detail }) => detail!['control'] as { chunk_size: number; reason: string })
    expect(decisions.slice(0, 3)).toMatchObject([
      { chunk_size: 128, reason: 'start', retries: 0 },
      { chunk_size: 192, reason: 'grow', retries: 0 },
      { chunk_size: 256, reason: 'grow', retries: 0 },
    ])
    for (const [i, { chunk_size }] of decisions.entries()) {
      if (i < decisions.length - 1) expect(steps[i]!.rows).toBe(chunk_size)
    }
    expect(info).toMatchObject({
      chunk_size_start: 128,
      chunk_size_smallest: 128,
      chunk_size_largest: 512,
      chunks_split: 0,
    })
  })
})

describe('labels that arrive late', () => {
  it('have the same bits where the rows that wait for them are spilled', async () => {
    const path = join(temporaryFolder(), 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 12_000, seed: 4 }, path)
    const dataset = await prepared(path, { preset: 'nba2k' })
    const params = { learner: 'sgd', label_delay: 8000 }
    const settings = { batch_size: 32, chunk_size: 700 }
    const kept = await runPipeline(dataset, params, settings)
    const spilled = await runPipeline(dataset, params, { ...settings, max_memory_mb: 1, spill_to_disk: true })
    expect(spilled.metrics).toEqual(kept.metrics)
    expect(spilled.info!['spilled_blocks']).toBeGreaterThanOrEqual(3)
  })
})

describe('the batch', () => {
  it('is made smaller under adaptive_batch_resize alone, and counted', async () => {
    const path = join(temporaryFolder(), 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 2000, seed: 5 }, path)
    const dataset = await prepared(path, { preset: 'nba2k' })
    const run = (settings: object) =>
      runPipeline(dataset, { learner: 'sgd' }, { chunk_size: 256, batch_size: 256, ...settings })
    const plain = await run({})
    const caps = { max_memory_mb: 512, max_compute_units: 0.5, adaptive_chunk_resize: true }
    const chunksAlone = await run(caps)
    expect(chunksAlone.metrics).toEqual(plain.metrics)
    expect(chunksAlone.info).not.toHaveProperty('batch_size_last')
    const both = await run({ ...caps, adaptive_batch_resize: true })
    expect(both.info).toMatchObject({ batch_size_last: 64, batch_resizes: 0 })
    expect(both.metrics).toEqual((await run({ batch_size: 64 })).metrics)
    // Nothing fits into a kilobyte: every chunk halves the batch, down to one row.
    const tight = await run({ ...caps, max_memory_mb: 0.001, adaptive_batch_resize: true })
    expect(tight.info).toMatchObject({ batch_size_last: 1 })
    expect(tight.info!['batch_resizes']).toBeGreaterThan(3)
  })
})
