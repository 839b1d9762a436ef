/** The pipeline under arrivals: answers before it learns, rows given up, rows not learned, labels late in time. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generateDataset } from '../../../workers/data/presets/generate.ts'
import { OpenLoop } from '../../../workers/drive/open.ts'
import { RowBuffer } from '../../../workers/pipeline/features/row-buffer.ts'
import type { Learner } from '../../../workers/pipeline/learn/learner.ts'
import { RegressionScores } from '../../../workers/pipeline/metrics/scores.ts'
import { Prequential } from '../../../workers/pipeline/prequential.ts'
import pipeline from '../../../workers/pipeline/workload.ts'
import type { OpenLoopSpec } from '../../../workers/protocol/trial-spec.ts'
import type { Offer, TrialOutput } from '../../../workers/workload.ts'
import { VirtualClock } from '../../fixtures/virtual-time.ts'
import { contextFor, prepared, runPipeline, temporaryFolder } from './support.ts'

const ROWS = 600

async function players() {
  const path = join(temporaryFolder(), 'players.csv')
  await generateDataset({ preset: 'nba2k', rows: ROWS, seed: 3 }, path)
  return await prepared(path, { preset: 'nba2k' })
}

/** Plays arrivals on a clock that a step of a row moves by so many ms. */
async function playing(
  changes: Partial<OpenLoopSpec>,
  { batch_size = 32, rowMs = 0.5 } = {},
): Promise<{ output: TrialOutput; told: ReturnType<OpenLoop['result']>; offers: Offer[] }> {
  const dataset = await players()
  const context = contextFor(dataset, { learner: 'ridge' }, { batch_size })
  const run = await pipeline.open(context)
  const clock = new VirtualClock()
  const loop = new OpenLoop({
    spec: {
      kind: 'open',
      through: null,
      arrival: { pattern: 'poisson', rate: 1000 },
      seed: 5,
      duration_s: null,
      max_wait_ms: 0,
      deadline_ms: null,
      queue: { limit_rows: null, when_full: 'block' },
      label_delay_ms: 0,
      ...changes,
    },
    chunkSize: 64,
    rows: dataset.rows,
    clock,
  })
  const offers: Offer[] = []
  try {
    for (let next = await loop.next(); next !== null; next = await loop.next()) {
      if (next.skip !== undefined) {
        loop.skipped(await run.skip!(next.skip))
        continue
      }
      offers.push({ ...next })
      const start = clock.now()
      const report = (await run.step(next))!
      clock.pass(report.rows * rowMs)
      const end = clock.now()
      loop.ended({ rows: report.rows, answered: report.answered ?? report.rows, start, served: end, end })
    }
    return { output: await run.finish(), told: loop.result(), offers }
  } finally {
    await run.close?.()
  }
}

describe('the pipeline under arrivals', () => {
  it('comes to the same bits as in the closed loop', async () => {
    const closed = await runPipeline(
      await players(),
      { learner: 'ridge' },
      { batch_size: 32, chunk_size: 64 },
    )
    const { output, told } = await playing({})
    expect(output.metrics).toEqual(closed.metrics)
    expect(told).toMatchObject({ arrived: ROWS, answered: ROWS, shed: 0, waiting: 0 })
  })

  it.each(['drop_oldest', 'drop_newest'] as const)('gives up rows under %s', async (when_full) => {
    const { output, told } = await playing({ queue: { limit_rows: 20, when_full } }, { rowMs: 2 })
    expect(told.shed).toBeGreaterThan(100)
    expect(told.answered + told.shed).toBe(ROWS)
    expect(output.info!['rows']).toBe(ROWS)
    // Rows of the first batch are answered by a model that knows nothing, and not scored.
    expect(output.metrics['scored']).toBe(told.answered - 32)
  })

  it('answers and scores rows that it is not to learn', async () => {
    const { output, told } = await playing(
      { queue: { limit_rows: 20, when_full: 'predict_only' } },
      { rowMs: 2 },
    )
    expect(told).toMatchObject({ arrived: ROWS, answered: ROWS, shed: 0 })
    expect(told.untrained).toBeGreaterThan(300)
    expect(output.metrics['scored']).toBeGreaterThan(ROWS - 100)
    const all = await playing({}, { rowMs: 2 })
    expect(output.metrics['r2']).toBeLessThan(all.output.metrics['r2']!)
  })

  it('learns when labels arrive, in time', async () => {
    const bits = async (label_delay_ms: number) => (await playing({ label_delay_ms })).output.metrics
    const [none, late, never] = [await bits(0), await bits(200), await bits(1e6)]
    // 200 ms are 200 of the 600 rows.
    expect(late['scored']).toBeLessThan(none['scored']! - 150)
    expect(late['scored']).toBeGreaterThan(200)
    expect(never).toMatchObject({ scored: 0, r2: null })
  })

  it('scores the rows of a batch that is not full when the time is up', async () => {
    const { output, told } = await playing({ duration_s: 0.3 }, { batch_size: 50 })
    expect(told.answered).toBeLessThan(400)
    expect(told.answered % 50).not.toBe(0)
    expect(output.metrics['scored']).toBe(told.answered - 50)
  })
})

describe('predictions', () => {
  /** Predicts how many rows it has learned, and writes down what it is asked. */
  class Counter implements Learner {
    rows = 0
    readonly asked: [number, number][] = []
    predictMany(_: unknown, from: number, to: number, out: Float64Array): void {
      this.asked.push([from, to])
      out.fill(this.rows, 0, to - from)
    }
    learnMany(_: unknown, from: number, to: number): void {
      this.rows += to - from
    }
    toJSON() {
      return { learner: 'counter' }
    }
  }

  it('are made as rows arrive, by the model as it was when their batch began', () => {
    const learner = new Counter()
    const seen: number[] = []
    const scores = new RegressionScores()
    const model = { name: 'counter', learner, learned: 0, fresh: () => new Counter(), scores }
    const prequential = new Prequential(
      [model],
      4,
      { labelDelay: 0, scoreFrom: 0 },
      { width: 0, slots: 0 },
      null,
    )
    prequential.observer = (_, from, to, predictions, first) => {
      if (predictions !== null) seen.push(...predictions.subarray(first, first + to - from))
    }
    const buffer = new RowBuffer(0, 0)
    const add = (rows: number) => {
      buffer.reserve(rows)
      buffer.batch.rows += rows
      prequential.take(buffer, false)
    }
    add(4)
    expect(learner.asked).toEqual([])
    add(1)
    add(2)
    // Three answers are out, and nothing more was learned.
    expect(learner.asked.map(([from, to]) => to - from)).toEqual([1, 2])
    expect(learner.rows).toBe(4)
    add(6)
    expect(learner.asked.map(([from, to]) => to - from)).toEqual([1, 2, 1, 4, 1])
    expect(learner.rows).toBe(12)
    expect(seen).toEqual([4, 4, 4, 4, 8, 8, 8, 8])
  })
})
