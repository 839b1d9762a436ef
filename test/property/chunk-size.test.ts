import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { LEARNERS } from '../../workers/pipeline/learn/registry.ts'
import { csvFile, prepared, runPipeline, temporaryFolder } from '../unit/pipeline/support.ts'

const FULL = process.env['STINT_FULL'] === '1'

const cell = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => `${x}`) },
  { weight: 1, arbitrary: fc.constantFrom('', 'NA') },
)
const label = fc.constantFrom('a', 'b', 'c', '', '"d, e"', '"f\ng"')
const row = fc.tuple(cell, cell, label, label, cell)
const table = fc.array(row, { minLength: 5, maxLength: 60 })
const settings = fc.record({
  batch_size: fc.integer({ min: 1, max: 20 }),
  learner: fc.constantFrom('ridge', 'sgd', 'mondrian_forest'),
  mode: fc.constantFrom('streaming' as const, 'batch' as const),
  sizes: fc.tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 })),
})

describe('quality metrics', () => {
  it('have the same bits in chunks of any size, on random tables', async () => {
    await fc.assert(
      fc.asyncProperty(table, settings, async (rows, { batch_size, learner, mode, sizes }) => {
        // One row with a target and a value, so that the data set is valid.
        const text = `x1,x2,c1,c2,y\n1,2,a,b,3\n${rows.map((fields) => fields.join(',')).join('\n')}\n`
        const dataset = await prepared(csvFile(text), {
          target: 'y',
          columns: { x1: 'number', x2: 'number', c1: 'category', c2: 'category' },
        })
        const run = (chunk_size: number) =>
          runPipeline(dataset, { learner }, { batch_size, mode, chunk_size })
        const [first, second] = [await run(sizes[0]), await run(sizes[1])]
        expect(first.metrics).toEqual(second.metrics)
        expect(first.info).toEqual(second.info)
        expect(first.steps.reduce((sum, step) => sum + step.rows, 0)).toBe(rows.length + 1)
      }),
      { numRuns: FULL ? 60 : 8 },
    )
  })

  it.each([
    ['ridge', 1],
    ['ridge', 48],
    ['sgd', 5],
    ['mondrian_forest', 5],
  ])('have the same bits in chunks of any size, on players: %s, batch %i', async (learner, batch_size) => {
    const path = join(temporaryFolder(), 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 400, seed: 11 }, path)
    const dataset = await prepared(path, { preset: 'nba2k' })
    const options = learner === 'ridge' ? { forgetting: 0.999 } : {}
    const run = async (chunk_size: number) =>
      (await runPipeline(dataset, { learner, ...options }, { batch_size, chunk_size })).metrics
    const whole = await run(400)
    expect(whole['r2']).not.toBeNull()
    for (const size of FULL ? [1, 7, 64, 256, 5000] : [1, 64, 5000]) expect(await run(size)).toEqual(whole)
  })

  it.each(Object.keys(LEARNERS))(
    'are the same, answered row by row or batch by batch: %s',
    async (learner) => {
      const isForLabels = LEARNERS[learner]!.task === 'classification'
      const rows = Array.from(
        { length: 160 },
        (_, i) => `${(i * 7) % 13},${i % 5},${'abc'[i % 3]},${(i * i) % 7}`,
      )
      const labelled = isForLabels ? rows.map((row, i) => `${row.slice(0, -1)}${'xy'[(i >> 2) % 2]}`) : rows
      const dataset = await prepared(csvFile(`x1,x2,c,y\n${labelled.join('\n')}\n`), {
        target: 'y',
        columns: { x1: 'number', x2: 'number', c: 'category', y: isForLabels ? 'category' : 'number' },
      })
      const run = async (chunk_size: number) =>
        (await runPipeline(dataset, { learner, label_delay: 20 }, { batch_size: 48, chunk_size })).metrics
      const whole = await run(160)
      expect(whole['scored']).toBeGreaterThan(50)
      for (const size of [1, 13, 48]) expect(await run(size)).toEqual(whole)
    },
  )
})
