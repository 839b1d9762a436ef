import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { givenParams } from '../../workers/pipeline/describe.ts'
import { checkForgetting } from '../../workers/pipeline/drift/forgetting.ts'
import { CHOICES } from '../../workers/pipeline/learn/options.ts'
import { LEARNERS } from '../../workers/pipeline/learn/registry.ts'
import pipeline from '../../workers/pipeline/workload.ts'
import type { Scalar } from '../../workers/workload.ts'
import {
  contextFor,
  csvFile,
  type Held,
  prepared,
  runPipeline,
  temporaryFolder,
} from '../unit/pipeline/support.ts'

const FULL = process.env['STINT_FULL'] === '1'

const cell = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }).map((x) => `${x}`) },
  { weight: 1, arbitrary: fc.constantFrom('', 'NA') },
)
const colour = fc.constantFrom('a', 'b', 'c', '', '"d, e"', '"f\ng"')
const row = fc.tuple(cell, cell, colour, fc.constantFrom('yes', 'no', ''), cell)
const table = fc.array(row, { minLength: 5, maxLength: 60 })
const plan = fc.record({
  labels: fc.boolean(),
  drift: fc.constantFrom('off', 'alarm', 'forget', 'reset'),
  validate: fc.boolean(),
  label_delay: fc.constantFrom(0, 0, 1, 3, 17),
  batch_size: fc.integer({ min: 1, max: 20 }),
  steps: fc.integer({ min: 1, max: FULL ? 12 : 6 }),
  chunks: fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })),
  readers: fc.tuple(fc.constantFrom('bytes', 'csv-parse'), fc.constantFrom('bytes', 'csv-parse')),
})

const facts = ({ metrics, info }: Awaited<ReturnType<typeof runPipeline>>) => {
  const { resumed_at_row, checkpoints_written, spilled_blocks, spilled_bytes, ...rest } = info!
  return { metrics, info: rest }
}

function canForget(learner: string): boolean {
  try {
    checkForgetting({ ...givenParams({ drift: 'forget' }), learner })
    return true
  } catch {
    return false
  }
}

describe('a run that goes on from a checkpoint', () => {
  it('has the same bits as one that was never stopped, on random tables', async () => {
    const drifts = new Set<string>()
    const same = (learner: string) =>
      fc.asyncProperty(
        table,
        plan,
        async (rows, { labels, drift: asked, validate, label_delay, batch_size, steps, ...sizes }) => {
          const { chunks, readers } = sizes
          const drift = asked === 'forget' && !canForget(learner) ? 'reset' : asked
          const { task } = LEARNERS[learner]!
          const classes = task === null ? labels : task === 'classification'
          const text = `x1,x2,c,k,y\n1,2,a,no,3\n2,3,b,yes,4\n${rows.map((fields) => fields.join(',')).join('\n')}\n`
          const dataset = await prepared(csvFile(text), {
            target: classes ? 'k' : 'y',
            columns: { x1: 'number', x2: 'number', c: 'category', [classes ? 'y' : 'k']: 'drop' },
          })
          const file = join(temporaryFolder(), 'state.json')
          const params = { learner, drift, validate, label_delay, window: 7, curve_points: 9 }
          const whole = await runPipeline(dataset, params, { batch_size, chunk_size: 8 })
          await runPipeline(
            dataset,
            { ...params, reader: readers[0], checkpoint_to: file, checkpoint_rows: 1 },
            { batch_size, chunk_size: chunks[0] },
            steps,
          )
          const second = await runPipeline(
            dataset,
            { ...params, reader: readers[1], resume_from: file },
            { batch_size, chunk_size: chunks[1] },
          )
          expect(facts(second)).toEqual(facts(whole))
          drifts.add(drift)
        },
      )
    for (const learner of CHOICES) await fc.assert(same(learner), { numRuns: FULL ? 30 : 2 })
    // One of four is left out less than once in a million times.
    expect(drifts.size).toBe(4)
  })

  it('has the same bits with late labels on disk and drift that is acted upon, at random rows', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 4000, seed: 9 }, path)
    // Sorted by salary, the error drifts all along.
    const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
    const at = header!.split(',').indexOf('salary')
    const salary = (line: string) => Number(line.split(',')[at]!.replace('$', ''))
    const sorted = [header, ...lines.sort((a, b) => salary(a) - salary(b))].join('\n')
    const dataset = await prepared(csvFile(`${sorted}\n`), { preset: 'nba2k' })
    const file = join(folder, 'state.json')
    const params = { learner: 'ridge', drift: 'forget', validate: true, label_delay: 2500 }
    const spills = { max_memory_mb: 0.001, spill_to_disk: true }
    const whole = await runPipeline(dataset, params, { batch_size: 16 })
    const actions = whole.steps.flatMap(({ detail }) => (detail?.['drift'] ?? []) as { action?: string }[])
    expect(actions.map(({ action }) => action)).toContain('forget')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4000 }), fc.boolean(), async (rows, spillsFirst) => {
        await runPipeline(
          { ...dataset, rows },
          { ...params, curve_points: 0, checkpoint_to: file },
          { batch_size: 16, chunk_size: 300, ...(spillsFirst && spills) },
        )
        const second = await runPipeline(
          dataset,
          { ...params, curve_points: 0, resume_from: file },
          { batch_size: 16, chunk_size: 97, ...spills },
        )
        expect(second.info!['resumed_at_row']).toBe(rows)
        expect(second.info!['spilled_blocks']).toBeGreaterThan(0)
        expect(second.metrics).toEqual(whole.metrics)
        expect(second.info!['drift']).toEqual(whole.info!['drift'])
      }),
      {
        numRuns: FULL ? 6 : 2,
        examples: [
          [1, false],
          [4000, true],
        ],
      },
    )
  })

  it('has the same bits on players, and continues a file that has grown', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'players.csv')
    await generateDataset({ preset: 'nba2k', rows: 300, seed: 3 }, path)
    const text = readFileSync(path, 'utf8')
    const start = await prepared(csvFile(text.split('\n').slice(0, 201).join('\n')), { preset: 'nba2k' })
    const dataset = await prepared(path, { preset: 'nba2k' })
    for (const params of [{}, { forgetting: 0.99 }, { learner: 'sgd', average: true, label_delay: 50 }]) {
      const whole = await runPipeline(dataset, { ...params, curve_points: 0 }, { batch_size: 7 })
      const file = join(folder, 'state.json')
      const first = await runPipeline(
        start,
        { ...params, curve_points: 0, checkpoint_to: file },
        { batch_size: 7, chunk_size: 100 },
      )
      expect(first.info!['checkpoints_written']).toBe(1)
      const rest = { ...params, curve_points: 0, resume_from: file }
      const second = await runPipeline(dataset, rest, { batch_size: 7 })
      expect(second.metrics).toEqual(whole.metrics)
      expect(second.info!['resumed_at_row']).toBe(200)
      expect(second.steps.reduce((sum, step) => sum + step.rows, 0)).toBe(100)
    }
  })
})

describe('a checkpoint', () => {
  const dataset = () =>
    prepared(
      csvFile(`x,y\n${Array.from({ length: 50 }, (_, i) => `${(i * 7) % 11},${i % 5}`).join('\n')}\n`),
      {
        target: 'y',
      },
    )

  it('is replaced whole: a file in its place is there at any time, and no other is left', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'state.json')
    const params = { checkpoint_to: file, checkpoint_rows: 10 }
    const { info } = await runPipeline(await dataset(), params, { chunk_size: 4 })
    expect(info!['checkpoints_written']).toBe(5)
    expect(readdirSync(folder)).toEqual(['state.json'])
    const gone = join(folder, 'none', 'state.json')
    await expect(runPipeline(await dataset(), { checkpoint_to: gone })).rejects.toThrow(
      /params.checkpoint_to cannot be written: .*none/,
    )
  })

  it('replaces a checkpoint, and no other file', async () => {
    const file = join(temporaryFolder(), 'state.json')
    await runPipeline(await dataset(), { checkpoint_to: file })
    const first = readFileSync(file, 'utf8')
    await runPipeline(await dataset(), { checkpoint_to: file })
    expect(readFileSync(file, 'utf8')).toBe(first)
    writeFileSync(file, '{ "a": 1 }')
    await expect(runPipeline(await dataset(), { checkpoint_to: file })).rejects.toThrow(
      `params.checkpoint_to names ${file}, which exists and is not what this parameter writes there: remove it`,
    )
    expect(readFileSync(file, 'utf8')).toBe('{ "a": 1 }')
  })

  it('is refused where it is none, or of another run', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'state.json')
    await runPipeline(await dataset(), { checkpoint_to: file }, { batch_size: 4 })
    const resume = async (params: Record<string, Scalar>, settings: Held = {}) =>
      runPipeline(await dataset(), { resume_from: file, ...params }, { batch_size: 4, ...settings })
    await expect(resume({ lambda: 2 }, { batch_size: 8 })).rejects.toThrow(
      /lambda was absent and is 2; batch_size was 4 and is 8|batch_size was 4 and is 8; lambda was absent and is 2/,
    )
    await expect(resume({ learner: 'sgd' })).rejects.toThrow(/learner was "experts" and is "sgd"/)
    await expect(resume({}, { mode: 'batch' })).rejects.toThrow(/checkpoints are for mode: streaming/)
    await expect(resume({ resume_from: join(folder, 'absent') })).rejects.toThrow(/cannot read checkpoint/)
    await expect(resume({ resume_from: csvFile('x,y\n') })).rejects.toThrow(/is no checkpoint/)
    const short = { ...(await dataset()), rows: 20 }
    await expect(runPipeline(short, { resume_from: file }, { batch_size: 4 })).rejects.toThrow(
      /taken after 50 rows, and .* has 20/,
    )
  })

  it('is refused where an older version wrote it', async () => {
    const file = join(temporaryFolder(), 'state.json')
    await runPipeline(await dataset(), { checkpoint_to: file })
    const written = JSON.parse(readFileSync(file, 'utf8')) as { stint_checkpoint: number }
    writeFileSync(file, JSON.stringify({ ...written, stint_checkpoint: written.stint_checkpoint - 1 }))
    await expect(runPipeline(await dataset(), { resume_from: file })).rejects.toThrow(
      /is a checkpoint of format 2, and this version reads 3: start afresh/,
    )
  })

  it('is written by no throwaway instance', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'state.json')
    const context = contextFor(
      await dataset(),
      { checkpoint_to: path, checkpoint_rows: 1 },
      { chunk_size: 10 },
    )
    const run = await pipeline.open({ ...context, warmup: true })
    while ((await run.step({ rows: 10, train: true })) !== null);
    await run.close?.()
    expect(readdirSync(folder)).toEqual([])
  })
})
