/** What is scored: predictions of models that have learned something, of the learner and the baselines alike. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDataset } from '../../workers/pipeline/check-dataset.ts'
import { LEARNERS } from '../../workers/pipeline/learn/registry.ts'
import type { Scalar } from '../../workers/workload.ts'
import { csvFile, prepared, runPipeline } from '../unit/pipeline/support.ts'

const FULL = process.env['STINT_FULL'] === '1'

const REGRESSORS = ['ridge', 'sgd', 'pa', 'ftrl'].filter((name) => LEARNERS[name]?.task === 'regression')

/** Eighths up to 100: a whole number up to 1e9 added to one is exact, so that all that differs is the learning. */
const eighths = fc.integer({ min: -800, max: 800 }).map((k) => k / 8)
const row = fc.tuple(eighths, fc.constantFrom('red', 'blue', 'green'), eighths)

const moved = (rows: readonly (readonly [number, string, number])[], offset: number) =>
  prepared(csvFile(`x,c,y\n${rows.map(([x, c, y]) => `${x},${c},${y + offset}`).join('\n')}\n`), {
    target: 'y',
    columns: { x: 'number', c: 'category', y: 'number' },
  })

describe('R2', () => {
  /**
   * With the target scaled, as is the default, and for ridge, whose intercept is free. `scale_target: false` puts sgd,
   * pa and ftrl at 0 before their first step, so that a shift of the target is another task for them.
   * Tolerance: at 1e9 a running mean is known to 1.2e-7, and targets differ by eighths.
   */
  it('is the same whatever constant is added to the target, for every learner, batch size and mode', async () => {
    const asked = fc.record({
      // Mostly longer than a batch, or there is nothing to compare.
      rows: fc.array(row, { minLength: 3, maxLength: 80, size: 'max' }),
      offset: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
      batch_size: fc.integer({ min: 1, max: 40 }),
      label_delay: fc.constantFrom(0, 0, 5),
    })
    for (const learner of REGRESSORS) {
      for (const mode of ['streaming', 'batch'] as const) {
        let compared = 0
        await fc.assert(
          fc.asyncProperty(asked, async ({ rows, offset, batch_size, label_delay }) => {
            const run = async (by: number) =>
              (await runPipeline(await moved(rows, by), { learner, label_delay }, { batch_size, mode }))
                .metrics
            const [plain, far] = [await run(0), await run(offset)]
            expect(far['scored']).toBe(plain['scored'])
            for (const name of ['r2', 'r2_mean_baseline', 'r2_last_baseline']) {
              const [one, other] = [plain[name]!, far[name]!]
              if (one === null || other === null) expect(other).toBe(one)
              else expect(Math.abs(one - other)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(one)))
            }
            if (plain['r2'] !== null) compared += 1
          }),
          { numRuns: FULL ? 16 : 8 },
        )
        expect(compared, `${learner} ${mode}`).toBeGreaterThan(0)
      }
    }
  })

  it.each([0, 100, 10_000, 1e9])(
    'finds y = 3x + %d without noise, whatever the batch size',
    async (offset) => {
      const lines = Array.from(
        { length: 1000 },
        (_, i) => `${(i * 37) % 1009},${3 * ((i * 37) % 1009) + offset}`,
      )
      const dataset = await prepared(csvFile(`x,y\n${lines.join('\n')}\n`), { target: 'y' })
      // Without a learner, several are learned side by side, which takes its time.
      const runs: [Record<string, Scalar>, number[]][] = [
        [{ learner: 'ridge' }, [1, 16, 64, 500]],
        ...(FULL || offset === 1e9 ? [[{}, [500]] satisfies [Record<string, Scalar>, number[]]] : []),
      ]
      for (const [params, batch_size] of runs.flatMap(([one, sizes]) =>
        sizes.map((size) => [one, size] as const),
      )) {
        const { metrics } = await runPipeline(dataset, params, { batch_size })
        expect(metrics['r2']).toBeGreaterThan(0.98)
        expect(metrics['scored']).toBe(1000 - batch_size)
      }
    },
  )
})

describe('rows that came before anything was learned', () => {
  const numbers = (rows: number) =>
    prepared(
      csvFile(
        `x,y\n${Array.from({ length: rows }, (_, i) => `${(i * 7) % 11},${(i * 5) % 13}`).join('\n')}\n`,
      ),
      { target: 'y', columns: { x: 'number', y: 'number' } },
    )

  it.each<[string, number, Record<string, Scalar>, object, RegExp]>([
    [
      'fewer rows than a batch',
      32,
      {},
      { batch_size: 64 },
      /^nothing was learned before the last row was predicted: 32 rows have a target, a batch takes 64; choose a smaller batch_size$/,
    ],
    ['as many rows as a batch', 32, {}, { batch_size: 32 }, /^nothing was learned before/],
    [
      'labels that come too late',
      32,
      { label_delay: 31 },
      { batch_size: 4 },
      /a batch takes 4 and labels come 31 rows late; choose a smaller batch_size or params\.label_delay$/,
    ],
    [
      'one row in batch mode',
      1,
      {},
      { mode: 'batch' },
      /^none of the 1 rows was held out|^all 1 rows were held out/,
    ],
  ])('%s: no score at all, and why', async (_, rows, params, settings, why) => {
    const { metrics, info } = await runPipeline(await numbers(rows), params, settings)
    const { scored, ...scores } = metrics
    expect(scored).toBe(0)
    expect(Object.values(scores).every((score) => score === null)).toBe(true)
    const reasons = info!['not_scored'] as Record<string, string>
    expect(Object.keys(reasons).sort()).toEqual(Object.keys(scores).sort())
    for (const reason of Object.values(reasons)) expect(reason).toMatch(why)
    expect(info!['scored']).toBe(0)
  })

  it('are told of in the way of scoring, and counted', async () => {
    const { metrics, info } = await runPipeline(await numbers(50), {}, { batch_size: 20 })
    expect(info).toMatchObject({ learned: 50, scored: 30 })
    expect(metrics['scored']).toBe(30)
    expect(info!['scoring']).toContain('the first 20 rows, before anything was learned, not scored')
    expect(info!['not_scored']).toBeUndefined()
  })

  it('give no accuracy from labels that nobody could know', async () => {
    const text = `x,k\n${'1,a\n'.repeat(50)}${'2,b\n'.repeat(50)}`
    const dataset = await prepared(csvFile(text), { target: 'k', columns: { x: 'number' } })
    const { metrics, info } = await runPipeline(dataset, { learner: 'logistic' }, { batch_size: 50 })
    expect(metrics).toMatchObject({
      accuracy: 0,
      accuracy_majority_baseline: 0,
      accuracy_last_baseline: 0,
      roc_auc: null,
      scored: 50,
    })
    expect(info!['not_scored']).toEqual({
      roc_auc: 'it needs rows of both labels, and all 50 rows scored have the same',
    })
  })

  it('are no error that drift detectors see', async () => {
    // Far from 0, so that a prediction of 0 would look like an error of 1e6 that went away.
    const lines = Array.from({ length: 2000 }, (_, i) => `${(i * 7) % 11},${1e6 + ((i * 5) % 13)}`)
    const dataset = await prepared(csvFile(`x,y\n${lines.join('\n')}\n`), {
      target: 'y',
      columns: { x: 'number', y: 'number' },
    })
    const run = async (batch_size: number, label_delay: number) =>
      (await runPipeline(dataset, { learner: 'ridge', drift: 'alarm', label_delay }, { batch_size })).info![
        'drift'
      ]
    expect(await run(256, 0)).toEqual({})
    expect(await run(1, 600)).toEqual({})
  })

  it('are none after a reset: the learner starts afresh with the batch that the alarm came with', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => {
      const x = (i * 37) % 101
      return `${x},${i < 1500 ? x : 5000 - x}`
    })
    const dataset = await prepared(csvFile(`x,y\n${lines.join('\n')}\n`), { target: 'y' })
    const params = { learner: 'ridge', drift: 'reset' }
    const { metrics, info, steps } = await runPipeline(dataset, params, { batch_size: 8 })
    const alarms = steps.flatMap(({ detail }) => (detail?.['drift'] ?? []) as { action?: string }[])
    expect(alarms.some(({ action }) => action === 'reset')).toBe(true)
    expect(info).toMatchObject({ learned: 3000, scored: 2992 })
    expect(metrics['r2']).toBeGreaterThan(0.9)
  })
})

describe('score_from', () => {
  const rows = Array.from({ length: 300 }, (_, i) => [(i * 7) % 11, i < 100 ? 0 : (i * 5) % 13] as const)
  const numbers = () =>
    prepared(csvFile(`x,y\n${rows.map((one) => one.join()).join('\n')}\n`), {
      target: 'y',
      columns: { x: 'number', y: 'number' },
    })

  it.each([0, 40])(
    'leaves out the first rows, and no more, of learner and baselines: labels %d late',
    async (label_delay) => {
      for (const batch_size of [1, 16, 70]) {
        const params = { learner: 'ridge', score_from: 100, label_delay }
        const run = await runPipeline(await numbers(), params, { batch_size })
        const scored = Math.min(200, 300 - batch_size * Math.ceil((label_delay + batch_size) / batch_size))
        expect(run.metrics['scored']).toBe(scored)
        expect(run.info).toMatchObject({ learned: 300, scored })
        if (scored === 200) expect(run.info!['scoring']).toContain('the first 100 rows not scored')
      }
      // Row by row the last value of each row from 100 on is that of the row before, whatever came earlier.
      const { metrics } = await runPipeline(await numbers(), { learner: 'ridge', score_from: 100 })
      const errors = rows.slice(100).map(([, y], i) => Math.abs(y - rows[99 + i]![1]))
      expect(metrics['mae_last_baseline']).toBeCloseTo(errors.reduce((a, b) => a + b) / 200, 12)
      const squares = errors.reduce((sum, error) => sum + error ** 2, 0)
      expect(metrics['rmse_last_baseline']).toBeCloseTo(Math.sqrt(squares / 200), 12)
    },
  )

  it('beyond the last row leaves nothing, and says so', async () => {
    const { metrics, info } = await runPipeline(await numbers(), { score_from: 300 })
    expect(metrics).toMatchObject({ r2: null, mae_mean_baseline: null, scored: 0 })
    expect((info!['not_scored'] as Record<string, string>)['r2']).toBe(
      'params.score_from leaves out the first 300 rows, and 300 have a target: choose a smaller one',
    )
  })
})

describe('a baseline as the learner', () => {
  const text = `x,y,k\n${Array.from({ length: 200 }, (_, i) => `${i % 7},${(i * 5) % 13},${'aabac'[i % 5]}`).join('\n')}\n`

  it.each([
    ['mean', 'mean_baseline', ['r2', 'rmse', 'mae']],
    ['last_value', 'last_baseline', ['r2', 'rmse', 'mae']],
    ['majority', 'majority_baseline', ['accuracy', 'log_loss']],
    ['no_change', 'last_baseline', ['accuracy']],
  ])('%s scores as the one beside it', async (learner, beside, scores) => {
    const regression = scores.includes('r2')
    const dataset = await prepared(csvFile(text), {
      target: regression ? 'y' : 'k',
      columns: { x: 'number', y: 'number', k: 'category' },
    })
    for (const mode of ['streaming', 'batch'] as const) {
      const { metrics } = await runPipeline(dataset, { learner }, { mode, batch_size: 8 })
      for (const score of scores) {
        expect(metrics[score]).not.toBeNull()
        expect(metrics[score]).toBe(metrics[`${score}_${beside}`])
      }
    }
    const { notes } = await checkDataset(dataset, [{ learner }])
    expect(notes.join()).not.toContain('since none is named')
  })
})

describe('what too few rows cannot tell', () => {
  const run = async (rows: number) => {
    const lines = Array.from({ length: rows }, (_, i) => {
      const [a, b] = [(i * 7) % 11, (i * 5) % 13]
      return `${a},${b},${2 * a - b + ((i * 3) % 5)},${a + b}`
    })
    const dataset = await prepared(csvFile(`a,b,c,y\n${lines.join('\n')}\n`), {
      target: 'y',
      columns: { a: 'number', b: 'number', c: 'number', y: 'number' },
    })
    return (await runPipeline(dataset, { learner: 'ridge', drift: 'alarm', validate: true })).info as {
      quality: { columns: Record<string, { outlier_ratio: number | null }> }
      collinear_features: { feature: string }[] | null
      drift: object
      drift_untested: string[]
    }
  }

  it('is not called clean: outliers, collinear features and drift', async () => {
    const few = await run(3)
    expect(few.quality.columns['a']!.outlier_ratio).toBeNull()
    expect(few.collinear_features).toBeNull()
    expect(few.drift).toEqual({})
    expect(few.drift_untested).toEqual(['target', 'error', 'a', 'b', 'c'])

    const some = await run(400)
    expect(some.quality.columns['a']!.outlier_ratio).toBe(0)
    expect(some.collinear_features!.map(({ feature }) => feature)).toEqual(['c', 'a'])
    // The first 100 rows set the scale; then Page-Hinkley is ready after 30 more, ADWIN after 128.
    expect(some.drift_untested).toEqual([])
    expect((await run(125)).drift_untested).toEqual(['target', 'error', 'a', 'b', 'c'])
  })
})

describe('a score that means nothing', () => {
  it('is null with its reason: R2 of a target that stays the same', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `${i % 7},${i === 0 ? 5 : 0.1}`)
    const dataset = await prepared(csvFile(`x,y\n${lines.join('\n')}\n`), {
      target: 'y',
      columns: { x: 'number', y: 'number' },
    })
    const { metrics, info } = await runPipeline(dataset)
    expect(metrics).toMatchObject({ r2: null, r2_mean_baseline: null, r2_last_baseline: null })
    expect(metrics['mae']).not.toBeNull()
    expect(info!['not_scored']).toMatchObject({
      r2: 'R2 needs a target that varies, and it is the same in all 39 rows scored',
    })
  })

  it('is null with its reason: sums that overflow', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `${i % 7},${i % 3 === 0 ? 1e200 : -1e200}`)
    const dataset = await prepared(csvFile(`x,y\n${lines.join('\n')}\n`), {
      target: 'y',
      columns: { x: 'number', y: 'number' },
    })
    const { metrics, info } = await runPipeline(dataset)
    expect(metrics).toMatchObject({ r2: null, rmse: null })
    expect((info!['not_scored'] as Record<string, string>)['r2']).toMatch(/not finite/)
  })

  it.each(['logistic', 'softmax', 'ftrl_classifier'])(
    'is null with its reason: %s whose sums overflow',
    async (learner) => {
      const lines = Array.from({ length: 60 }, (_, i) => `${i % 7}e307,${i % 3}e307,${'ab'[i % 2]}`)
      const dataset = await prepared(csvFile(`x,z,k\n${lines.join('\n')}\n`), {
        target: 'k',
        columns: { x: 'number', z: 'number' },
      })
      const { metrics, info } = await runPipeline(dataset, { learner, scale_features: false })
      expect(metrics).toMatchObject({
        accuracy: null,
        f1: null,
        f1_macro: null,
        log_loss: null,
        roc_auc: null,
      })
      const said = info!['not_scored'] as Record<string, string>
      expect(said['accuracy']).toMatch(/came to no label for \d+ of 59 rows: its sums are not finite/)
    },
  )

  it.each([
    ['pa_classifier', { log_loss: /no probabilities/, roc_auc: /no probabilities/ }],
    ['softmax', { f1: /two labels, and there are more/, roc_auc: /two labels, and there are more/ }],
  ])('is null with its reason: %s', async (learner, reasons) => {
    const kinds = learner === 'softmax' ? ['a', 'b', 'c'] : ['a', 'b']
    const lines = Array.from({ length: 60 }, (_, i) => `${i % 7},${kinds[i % kinds.length]}`)
    const dataset = await prepared(csvFile(`x,k\n${lines.join('\n')}\n`), {
      target: 'k',
      columns: { x: 'number' },
    })
    const { metrics, info } = await runPipeline(dataset, { learner })
    const said = info!['not_scored'] as Record<string, string>
    const missing = Object.keys(metrics).filter((name) => metrics[name] === null)
    expect(Object.keys(said).sort()).toEqual(missing.sort())
    for (const [name, why] of Object.entries(reasons)) expect(said[name]).toMatch(why)
  })
})
