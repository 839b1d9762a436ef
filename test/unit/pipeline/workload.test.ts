import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkDataset, describeFor } from '../../../workers/pipeline/check-dataset.ts'
import { Ridge } from '../../../workers/pipeline/learn/ridge.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { randomNumbers } from '../learn/batches.ts'
import { csvFile, generateWithCeiling, prepared, runPipeline, temporaryFolder } from './support.ts'

/** y = 3 x + 10 for red, x in a scrambled order. */
const LINE = [
  'id,x,colour,y',
  ...Array.from({ length: 60 }, (_, i) => {
    const x = (i * 37) % 61
    const colour = i % 3 === 0 ? 'red' : 'blue'
    return `${i},${x},${colour},${3 * x + (colour === 'red' ? 10 : 0)}`
  }),
].join('\n')

const lineDataset = (text = LINE, overrides = {}) => prepared(csvFile(text), { target: 'y', ...overrides })

async function players(rows: number) {
  const path = join(temporaryFolder(), 'players.csv')
  const ceiling_r2 = await generateWithCeiling(rows, 7, path)
  return prepared(path, { preset: 'nba2k', ceiling_r2 })
}

describe('the pipeline', () => {
  it('describes every metric that it reports, and every parameter it takes', async () => {
    const dataset = await lineDataset()
    const info = await describeFor([dataset])
    const { metrics } = await runPipeline(dataset)
    expect(Object.keys(metrics).sort()).toEqual(Object.keys(info.metrics).sort())
    expect(Object.values(info.metrics).every(({ kind }) => kind === 'deterministic')).toBe(true)
    expect(info.metrics[info.accuracy!]).toBeDefined()
    for (const param of Object.values(info.params!)) {
      if (param.values !== undefined && param.default !== null) expect(param.values).toContain(param.default)
    }
  })

  it('scores predictions made before their batch was learned', async () => {
    const batchSize = 7
    const { metrics, info, steps } = await runPipeline(
      await lineDataset(),
      { lambda: 2 },
      { batch_size: batchSize, chunk_size: 13 },
    )
    // The same by hand: one dense feature, one slot; colours are met in the order red, blue.
    const rows = LINE.split('\n')
      .slice(1)
      .map((line) => line.split(','))
    const batch = {
      rows: rows.length,
      width: 1,
      dense: Float64Array.from(rows, (row) => Number(row[1])),
      slots: 1,
      hot: Int32Array.from(rows, (row) => (row[2] === 'red' ? 0 : 1)),
      hotSize: 2,
      target: Float64Array.from(rows, (row) => Number(row[3])),
    }
    const learner = new Ridge({ lambda: 2 })
    const predictions: number[] = []
    for (let from = 0; from < rows.length; from += batchSize) {
      const to = Math.min(rows.length, from + batchSize)
      const out = new Float64Array(batchSize)
      learner.predictMany(batch, from, to, out)
      predictions.push(...out.subarray(0, to - from))
      learner.learnMany(batch, from, to)
    }
    // The first batch was predicted by a learner that knew nothing: 0 is no prediction.
    const targets = batch.target.slice(batchSize)
    const errors = predictions.slice(batchSize).map((prediction, i) => targets[i]! - prediction)
    const mean = targets.reduce((sum, y) => sum + y, 0) / targets.length
    const total = targets.reduce((sum, y) => sum + (y - mean) ** 2, 0)
    const squares = errors.reduce((sum, error) => sum + error * error, 0)
    expect(metrics['r2']).toBeCloseTo(1 - squares / total, 12)
    expect(metrics['rmse']).toBeCloseTo(Math.sqrt(squares / targets.length), 9)
    expect(metrics['mae']).toBeCloseTo(
      errors.reduce((sum, error) => sum + Math.abs(error), 0) / targets.length,
      9,
    )
    expect(info).toMatchObject({ rows: 60, learned: 60, scored: 53, dense_features: 1, one_hot_features: 2 })
    expect(steps.map((step) => step.rows)).toEqual([13, 13, 13, 13, 8])
    expect(Object.keys(steps[0]!.operators_ms!)).toEqual(['read', 'clean', 'features', 'learn'])
  })

  it('accounts for every byte behind the header', async () => {
    const { steps } = await runPipeline(await lineDataset(`${LINE}\n`), {}, { chunk_size: 7 })
    const bytes = steps.reduce((sum, step) => sum + step.bytes!, 0)
    expect(bytes).toBe(Buffer.byteLength(LINE) + 1 - 'id,x,colour,y\n'.length)
  })

  it('handles the first rows alone where asked', async () => {
    const whole = await lineDataset()
    const cut = await lineDataset(LINE.split('\n').slice(0, 26).join('\n'))
    const first = await runPipeline({ ...whole, rows: 25 }, {}, { batch_size: 4 })
    expect(first.info).toMatchObject({ rows: 25, learned: 25 })
    expect(first.metrics).toEqual((await runPipeline(cut, {}, { batch_size: 4 })).metrics)
  })

  it('skips rows without a target and counts them', async () => {
    const gaps = LINE.split('\n').flatMap((line, i) =>
      i % 10 === 5 ? [line, '777,50,green,', '778,9,red,NA'] : [line],
    )
    const columns = { id: 'drop' as const }
    const dataset = await lineDataset(gaps.join('\n'), { columns })
    const { metrics, info } = await runPipeline(dataset, {}, { chunk_size: 5, batch_size: 4 })
    expect(info).toMatchObject({ rows: 72, learned: 60, rows_without_target: 12, one_hot_features: 2 })
    expect(metrics).toEqual((await runPipeline(await lineDataset(), {}, { batch_size: 4 })).metrics)
    expect((await checkDataset(dataset)).notes).toContain(
      '12 of 72 rows have no y: they are skipped and counted',
    )
  })

  it('needs more than the baselines know to beat them, and never passes the ceiling', async () => {
    const dataset = await players(1000)
    const { metrics } = await runPipeline(dataset, {}, { batch_size: 16, chunk_size: 500 })
    expect(metrics['r2']).toBeGreaterThan(0.7)
    expect(metrics['r2']).toBeLessThan(dataset.ceiling_r2!)
    expect(metrics['r2_mean_baseline']).toBeLessThan(0.05)
  })

  it.each<[Record<string, Scalar>]>([
    [{ learner: 'ridge', forgetting: 0.98 }],
    [{ learner: 'sgd', learning_rate: 'constant' }],
  ])('predicts a moving target worse the longer it waits to learn: %j', async (params) => {
    const random = randomNumbers(3)
    const lines = Array.from({ length: 3000 }, (_, i) => {
      const [a, b] = [random() - 0.5, random() - 0.5]
      return `${a},${b},${a * Math.cos(i / 200) + b * Math.sin(i / 200)}`
    })
    const dataset = await prepared(csvFile(`a,b,y\n${lines.join('\n')}\n`), { target: 'y' })
    const scores: number[] = []
    for (const batch_size of [1, 64, 256]) {
      scores.push((await runPipeline(dataset, params, { batch_size, chunk_size: 1024 })).metrics['r2']!)
    }
    expect(scores[0]! - scores[1]!).toBeGreaterThan(0.01)
    expect(scores[1]! - scores[2]!).toBeGreaterThan(0.1)
  })

  it('loses next to nothing by waiting where rows are of one kind', async () => {
    const dataset = await players(6000)
    const r2 = async (batch_size: number) =>
      (await runPipeline(dataset, { learner: 'ridge' }, { batch_size, chunk_size: 1024 })).metrics['r2']!
    expect(Math.abs((await r2(16)) - (await r2(512)))).toBeLessThan(0.02)
  })
})

describe('batch mode', () => {
  it('learns in a last step of its own and scores only rows that it did not learn', async () => {
    const dataset = await players(2000)
    const { metrics, info, steps } = await runPipeline(
      dataset,
      { learner: 'ridge' },
      { mode: 'batch', chunk_size: 500 },
    )
    expect(steps.map((step) => step.rows)).toEqual([500, 500, 500, 500, 0])
    expect(Object.keys(steps[4]!.operators_ms!)).toEqual(['learn'])
    expect(info!['scoring']).toMatch(/^holdout/)
    const learned = info!['learned'] as number
    expect(learned + (info!['scored'] as number)).toBe(2000)
    expect(Math.abs(learned / 2000 - 0.8)).toBeLessThan(0.04)
    expect(metrics['r2']).toBeGreaterThan(0.7)
  })

  it('chooses the held-out rows by seed, whatever the chunk size', async () => {
    const dataset = await players(1000)
    const score = async (chunk_size: number, random_seed: number) =>
      (
        await runPipeline(
          dataset,
          { learner: 'sgd' },
          { mode: 'batch', batch_size: 32, chunk_size, random_seed },
        )
      ).metrics
    const one = await score(1000, 1)
    expect(await score(17, 1)).toEqual(one)
    expect(await score(1000, 2)).not.toEqual(one)
  })

  it('gains from more epochs of SGD', async () => {
    const dataset = await players(1000)
    const score = async (epochs: number) =>
      (await runPipeline(dataset, { learner: 'sgd', epochs, eta0: 0.005 }, { mode: 'batch' })).metrics['r2']!
    expect(await score(10)).toBeGreaterThan(await score(1))
  })
})

describe('checking a data set', () => {
  const check = async (overrides: object, text = LINE) =>
    (await checkDataset(await prepared(csvFile(text), overrides))).notes

  it('tells what was dropped', async () => {
    expect(await check({ target: 'y' })).toEqual([
      'dropped id: it counts the rows; dataset.columns: { id: number } would use it',
      expect.stringMatching(/columns: \{ id: drop, x: number, colour: category, "y": number \}$/),
    ])
  })

  it.each([
    [
      {},
      /name the column to predict as dataset\.target\. Columns that could be it: x \(numbers\), colour \(\d labels\), y \(numbers\); the others: id$/,
    ],
    [{ target: 'Y1' }, /data\.csv:1: no column "Y1"; did you mean "y"\?/],
    [
      { target: 'colour', columns: { colour: 'number' } },
      /target "colour" is not numeric: expected a number, found "red"/,
    ],
    [{ target: 'y', columns: { color: 'drop' } }, /dataset\.columns names "color"; did you mean "colour"\?/],
    [{ target: 'y', columns: { x: 'drop', colour: 'drop' } }, /no column is left to learn from/],
    [{ target: 'y', columns: { colour: 'date' } }, /data\.csv:2: column "colour": expected a date/],
    [{ preset: 'nhl' }, /unknown preset "nhl". Presets: nba2k/],
    [{ preset: 'nba2k' }, /data\.csv:1: no column "rating"\. Columns: id, x, colour, y/],
    [{ preset: 'nba2k', target: 'y' }, /preset nba2k predicts "salary"/],
    [{ preset: 'nba2k', columns: { x: 'drop' } }, /cannot be combined with preset/],
  ])('refuses %j', async (overrides, message) => {
    await expect(check(overrides)).rejects.toThrow(message)
  })

  it('refuses a file that has nothing but the target', async () => {
    await expect(check({ target: 'y' }, 'y\n1\n2\n')).rejects.toThrow(
      /y is its only column, and there is nothing/,
    )
  })

  it('finds a bad value far from the start', async () => {
    const text = `x,y\n${'1,2\n3,4\n'.repeat(2000)}oops,5\n`
    await expect(check({ target: 'y' }, text)).rejects.toThrow(
      /data\.csv:4002: column "x": expected a number, found "oops"; mend the value, .* dataset\.columns: \{ x: category \} or drop/,
    )
  })
})
