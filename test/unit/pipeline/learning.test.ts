import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkDataset, describeFor } from '../../../workers/pipeline/check-dataset.ts'
import { positiveLabel } from '../../../workers/pipeline/learn/class-labels.ts'
import { Ridge } from '../../../workers/pipeline/learn/ridge.ts'
import { ClassificationScore } from '../../../workers/pipeline/metrics/classification.ts'
import { RegressionScore } from '../../../workers/pipeline/metrics/regression.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { randomNumbers } from '../learn/batches.ts'
import { csvFile, type Held, prepared, runPipeline, sharedFile, temporaryFolder } from './support.ts'

const ROWS = 400
const KINDS = ['low', 'fair', 'good', 'top']

/** Two noisy numbers, a colour and labels that depend on them; `kinds` labels. */
function labelled(kinds: number, seed = 5): string {
  const random = randomNumbers(seed)
  const lines = ['a,b,colour,kind,y']
  for (let i = 0; i < ROWS; i += 1) {
    const [a, b] = [random() * 4 - 2, random() * 4 - 2]
    const colour = random() < 0.4 ? 'red' : 'blue'
    const score = a - b + (colour === 'red' ? 1 : 0) + (random() - 0.5)
    const kind = Math.max(0, Math.min(kinds - 1, Math.floor(((score + 4) / 8) * kinds)))
    lines.push(`${a},${b},${colour},${KINDS[kind]},${score}`)
  }
  return lines.join('\n')
}

const labelDataset = (kinds: number) =>
  prepared(csvFile(labelled(kinds)), { target: 'kind', columns: { y: 'drop' } })
const numberDataset = () => prepared(csvFile(labelled(2)), { target: 'y', columns: { kind: 'drop' } })

interface Curve {
  window: number
  rows: number[]
  [column: string]: unknown
}

describe('label targets', () => {
  it.each(['logistic', 'softmax', 'pa_classifier', 'ftrl_classifier'])(
    '%s learns two labels',
    async (learner) => {
      const dataset = await labelDataset(2)
      const { metrics, info } = await runPipeline(dataset, { learner })
      const declared = (await describeFor([dataset])).metrics
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(declared).sort())
      const { accuracy, f1, log_loss, roc_auc } = metrics as Record<string, number>
      expect(accuracy).toBeGreaterThan(0.8)
      expect(accuracy).toBeGreaterThan(metrics['accuracy_majority_baseline']! + 0.1)
      expect(f1).toBeGreaterThan(0.8)
      if (learner === 'pa_classifier') expect([log_loss, roc_auc]).toEqual([null, null])
      else {
        expect(log_loss).toBeLessThan(metrics['log_loss_majority_baseline']!)
        expect(roc_auc).toBeGreaterThan(0.9)
      }
      const first = labelled(2).split('\n')[1]!.split(',')[3]!
      expect((info!['classes'] as string[])[0]).toBe(first)
    },
  )

  it('softmax learns four labels, in order of first appearance', async () => {
    const text = labelled(4)
    const { metrics, info } = await runPipeline(await labelDataset(4), { learner: 'softmax' })
    const order = [
      ...new Set(
        text
          .split('\n')
          .slice(1)
          .map((line) => line.split(',')[3]),
      ),
    ]
    expect(info!['classes']).toEqual(order)
    expect(metrics['accuracy']).toBeGreaterThan(metrics['accuracy_majority_baseline']! + 0.1)
    expect(metrics).toMatchObject({ f1: null, roc_auc: null })
    expect(metrics['f1_macro']).toBeGreaterThan(0.4)
  })

  it('scores the majority baseline by its definition', async () => {
    const kinds = labelled(4)
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[3]!)
    const counts = new Map<string, number>()
    const order: string[] = []
    const score = new ClassificationScore()
    for (const [i, kind] of kinds.entries()) {
      if (!order.includes(kind)) order.push(kind)
      const best = order.reduce((a, b) => ((counts.get(b) ?? 0) > (counts.get(a) ?? 0) ? b : a), order[0]!)
      // Nothing is known before the first row, which is not scored; a new label has the share of new ones so far.
      const known = counts.size
      const share = counts.has(kind) ? counts.get(kind)! / i : known / (i + known)
      if (i > 0) score.add(order.indexOf(kind), order.indexOf(best), share)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    const { metrics } = await runPipeline(await labelDataset(4), { learner: 'softmax' })
    expect(metrics['accuracy_majority_baseline']).toBe(score.summary().accuracy)
    expect(metrics['log_loss_majority_baseline']).toBeCloseTo(score.summary().log_loss!, 12)
  })

  it('skips rows without a label', async () => {
    const lines = labelled(2).split('\n')
    const gaps = lines.flatMap((line, i) => (i % 50 === 3 ? [line, '1,1,green,,0'] : [line]))
    const dataset = await prepared(csvFile(gaps.join('\n')), { target: 'kind', columns: { y: 'drop' } })
    const { metrics, info } = await runPipeline(dataset, { learner: 'logistic' }, { chunk_size: 9 })
    expect(info).toMatchObject({ learned: ROWS, rows_without_target: 8 })
    expect(metrics).toEqual((await runPipeline(await labelDataset(2), { learner: 'logistic' })).metrics)
  })

  it.each([
    ['logistic', 2],
    ['softmax', 4],
  ])('%s is at its minimum in batch mode, where few passes leave it half way', async (learner, kinds) => {
    const dataset = await labelDataset(kinds)
    const loss = async (params: Record<string, Scalar>) =>
      (await runPipeline(dataset, { learner, ...params }, { mode: 'batch', batch_size: 16 })).metrics[
        'log_loss'
      ]!
    const fitted = await loss({})
    const steps = { eta0: 0.05, alpha: 0.0001 }
    expect(fitted).toBeCloseTo(await loss(steps), 12)
    expect(fitted).toBeLessThan((await loss({ ...steps, epochs: 5 })) - 0.01)
    expect(fitted).toBeLessThan((await loss({ ...steps, epochs: 300 })) + 0.005)
  })

  it('works in batch mode', async () => {
    const { metrics, info } = await runPipeline(
      await labelDataset(2),
      { learner: 'logistic' },
      { mode: 'batch', batch_size: 16 },
    )
    expect(metrics['accuracy']).toBeGreaterThan(0.8)
    expect(info!['curve']).toBeUndefined()
  })
})

describe('the label that F1 is of', () => {
  it.each<[string, string, string | undefined, string]>([
    ['no', 'yes', undefined, 'yes'],
    ['YES', 'NO', undefined, 'YES'],
    ['0', '1', undefined, '1'],
    ['1', '2', undefined, '1'],
    ['true', 'false', undefined, 'true'],
    ['9', '10', undefined, '10'],
    ['good', 'bad', undefined, 'good'],
    ['<=50K', '>50K', undefined, '>50K'],
    ['no', 'yes', 'no', 'no'],
  ])('of %s and %s, %s chosen, is %s', (a, b, chosen, expected) => {
    expect(positiveLabel(a, b, chosen)).toBe(expected)
    expect(positiveLabel(b, a, chosen)).toBe(expected)
  })

  /** One row in five says yes; the first batch of two has one of each, in either order. */
  const rows = (first: 'yes' | 'no') => {
    const random = randomNumbers(6)
    const later = Array.from({ length: 600 }, () => {
      const a = random()
      return `${a},${a + random() > 1.4 ? 'yes' : 'no'}`
    })
    const begin = first === 'yes' ? ['0.9,yes', '0.1,no'] : ['0.1,no', '0.9,yes']
    return prepared(csvFile(['a,k', ...begin, ...later].join('\n')), {
      target: 'k',
      columns: { a: 'number' },
    })
  }
  const run = async (first: 'yes' | 'no', positive?: string) => {
    const dataset = await rows(first)
    return runPipeline(
      { ...dataset, ...(positive && { positive }) },
      { learner: 'logistic' },
      { batch_size: 2 },
    )
  }

  it('does not hang on the order of the rows, and is told', async () => {
    const [one, other] = [await run('yes'), await run('no')]
    expect(one.info!['classes']).not.toEqual(other.info!['classes'])
    expect([one.info!['f1_label'], other.info!['f1_label']]).toEqual(['yes', 'yes'])
    expect(Math.abs(one.metrics['f1']! - other.metrics['f1']!)).toBeLessThan(0.02)
    expect((await rows('no')).positive).toBeUndefined()
    const { notes } = await checkDataset(await rows('no'), [{ learner: 'logistic' }])
    expect(notes).toContain('F1 is of the label yes; dataset.positive chooses')
  })

  it('is chosen by dataset.positive', async () => {
    const [yes, no] = [await run('yes', 'yes'), await run('yes', 'no')]
    expect(no.info!['f1_label']).toBe('no')
    expect(no.metrics['f1']! - yes.metrics['f1']!).toBeGreaterThan(0.1)
    expect((yes.metrics['f1']! + no.metrics['f1']!) / 2).toBeCloseTo(yes.metrics['f1_macro']!, 12)
    expect(no.metrics['f1_macro']).toBe(yes.metrics['f1_macro'])
  })

  it.each<[string, () => ReturnType<typeof prepared>, RegExp]>([
    [
      'maybe',
      () => rows('yes'),
      /"maybe", and the target "k" has the labels yes and no: .*choose one of them/,
    ],
    ['low', () => labelDataset(4), /"low", and the target "kind" has 4 labels: .*drop dataset\.positive/],
    ['1', numberDataset, /"1", and the target "y" has numbers: .*drop dataset\.positive/],
  ])('%s is refused where it is none of two labels', async (positive, dataset, message) => {
    await expect(checkDataset({ ...(await dataset()), positive })).rejects.toThrow(message)
  })
})

describe('the log loss of a label that was never seen', () => {
  it('is that of anything new, by the rows and labels so far, for learner and baseline alike', async () => {
    const known = Array.from({ length: 100 }, (_, i) => `${i % 7},${i % 2 === 0 ? 'a' : 'b'}`)
    const losses = async (lines: string[]) => {
      const dataset = await prepared(csvFile(`x,k\n${lines.join('\n')}\n`), {
        target: 'k',
        columns: { x: 'number' },
      })
      const { metrics } = await runPipeline(dataset, { learner: 'softmax' })
      const total = (name: string) => metrics[name]! * metrics['scored']!
      return [total('log_loss'), total('log_loss_majority_baseline')]
    }
    const [before, after] = [await losses(known), await losses([...known, '3,c'])]
    // 100 rows had two labels.
    for (const i of [0, 1]) expect(after[i]! - before[i]!).toBeCloseTo(Math.log(102 / 2), 9)
    // The first row is not scored; the second is new after one row with one label.
    const second = await losses(known.slice(0, 2))
    for (const loss of second) expect(loss).toBeCloseTo(Math.log(2), 12)
  })

  it('counts rows from a reset on, as the learner does', async () => {
    const random = randomNumbers(4)
    const lines = Array.from({ length: 3000 }, (_, i) => {
      const x = random()
      return `${x},${(x > 0.5) === i < 1500 ? 'a' : 'b'}`
    })
    const dataset = await prepared(csvFile(`x,k\n${lines.join('\n')}\n`), {
      target: 'k',
      columns: { x: 'number' },
    })
    const { metrics, steps } = await runPipeline(dataset, { learner: 'softmax', drift: 'reset' })
    const alarms = steps.flatMap(({ detail }) => (detail?.['drift'] ?? []) as { action?: string }[])
    expect(alarms.some(({ action }) => action === 'reset')).toBe(true)
    expect(metrics['log_loss']).toBeLessThan(1)
  })
})

describe('what is refused before any trial', () => {
  const check = async (params: Record<string, Scalar>, kinds = 0) =>
    checkDataset(await (kinds === 0 ? numberDataset() : labelDataset(kinds)), [params])

  it.each<[Record<string, Scalar>, number, RegExp]>([
    [
      { learner: 'ridge' },
      2,
      /"ridge" predicts numbers, but the target "kind" has 2 labels: choose experts, logistic, softmax/,
    ],
    [
      { learner: 'softmax' },
      0,
      /"softmax" predicts labels, but the target "y" is a number: choose experts, ridge, kernel_ridge, sgd/,
    ],
    [
      { learner: 'logistic' },
      4,
      /"logistic" tells two labels apart, but the target "kind" has 4 labels: choose experts, softmax/,
    ],
    [
      { learner: 'sgd', lambda: 1 },
      0,
      /learner "sgd" has no option "lambda"; it takes loss, learning_rate, eta0/,
    ],
    [
      { learner: 'ridge', eta0: 1 },
      0,
      /learner "ridge" has no option "eta0"; it takes lambda, forgetting, clip/,
    ],
    [{ learner: 'sgd', loss: 'hinge' }, 0, /"loss" must be one of squared, huber, epsilon_insensitive/],
    [{ learner: 'sgd', learning_rate: 'optimal', alpha: 0 }, 0, /needs alpha above 0/],
  ])('%j on %i labels', async (params, kinds, message) => {
    await expect(check(params, kinds)).rejects.toThrow(message)
    if (kinds < 3) {
      const dataset = await (kinds === 0 ? numberDataset() : labelDataset(kinds))
      await expect(runPipeline(dataset, params)).rejects.toThrow()
    }
  })

  it('a target with one label', async () => {
    const dataset = await prepared(csvFile('x,k\n1,a\n2,a\n3,a\n'), { target: 'k' })
    await expect(checkDataset(dataset, [{ learner: 'logistic' }])).rejects.toThrow(
      /every row has the label "a"/,
    )
  })

  it('takes every option that its learner has', async () => {
    const pa = { learner: 'pa', variant: 'pa1', c: 0.5, epsilon: 0, clip: false }
    await expect(check(pa)).resolves.toBeDefined()
    await expect(check({ learner: 'ridge', lambda: 1, max_one_hot: 3 })).resolves.toBeDefined()
  })
})

describe('label delay', () => {
  it.each([
    [1, 1],
    [1, 30],
    [7, 3],
    [7, 20],
    [7, ROWS * 2],
  ])(
    'batch %i, %i rows late: labels reach the learner when they have come, and no sooner',
    async (size, late) => {
      const { metrics, info } = await runPipeline(
        await numberDataset(),
        { label_delay: late, lambda: 2 },
        { batch_size: size, chunk_size: 11 },
      )
      const rows = labelled(2)
        .split('\n')
        .slice(1)
        .map((line) => line.split(','))
      const colours = [...new Set(rows.map((row) => row[2]))]
      const batch = {
        rows: ROWS,
        width: 2,
        dense: Float64Array.from(rows.flatMap((row) => [Number(row[0]), Number(row[1])])),
        slots: 1,
        hot: Int32Array.from(rows, (row) => colours.indexOf(row[2])),
        hotSize: 2,
        target: Float64Array.from(rows, (row) => Number(row[4])),
      }
      const learner = new Ridge({ lambda: 2 })
      const score = new RegressionScore()
      const out = new Float64Array(size)
      let learned = 0
      for (let from = 0; from < ROWS; from += size) {
        // Before this batch `from` rows were seen: the labels of rows up to from - late have come.
        while (learned + size + late <= from) {
          learner.learnMany(batch, learned, learned + size)
          learned += size
        }
        const to = Math.min(ROWS, from + size)
        learner.predictMany(batch, from, to, out)
        if (learned === 0) continue
        for (let row = from; row < to; row += 1) score.add(batch.target[row]!, out[row - from]!)
      }
      if (score.n === 0) expect(metrics['rmse']).toBeNull()
      else expect(metrics['rmse']).toBeCloseTo(score.rmse!, 10)
      expect(info).toMatchObject({ learned: ROWS, scored: score.n })
      expect(metrics['scored']).toBe(score.n)
      expect(info!['scoring']).toContain(`labels came ${late} rows late`)
    },
  )

  it('is the same as none where it is 0, and costs accuracy where it is long', async () => {
    const dataset = await numberDataset()
    const at = async (params: Record<string, Scalar>) =>
      (await runPipeline(dataset, { learner: 'ridge', ...params })).metrics['r2']!
    const none = await at({})
    expect(await at({ label_delay: 0 })).toBe(none)
    // The last 29 rows are predicted from 1 to 29 labels.
    expect(await at({ label_delay: 370 })).toBeLessThan(none - 0.02)
  })

  it('keeps late rows in files where memory is short, with the same bits', async () => {
    const path = join(temporaryFolder(), 'long.csv')
    const line = labelled(2).split('\n')
    writeFileSync(path, [line[0], ...Array.from({ length: 25 }, () => line.slice(1)).flat()].join('\n'))
    const dataset = await prepared(path, { target: 'y', columns: { kind: 'drop' } })
    const params = { learner: 'sgd', label_delay: 9000 }
    const small = { max_memory_mb: 0.5, batch_size: 16 }
    const spilled = await runPipeline(dataset, params, { ...small, spill_to_disk: true })
    expect(spilled.info!['spilled_blocks']).toBeGreaterThan(0)
    expect(spilled.metrics).toEqual(
      (await runPipeline(dataset, params, { ...small, spill_to_disk: false })).metrics,
    )
  })
})

describe('the curve', () => {
  const run = async (params: Record<string, Scalar>, settings: Held = {}) => {
    const output = await runPipeline(await numberDataset(), { learner: 'ridge', ...params }, settings)
    return { ...output, curve: output.info!['curve'] as Curve | undefined }
  }

  it('ends at the final scores, has few points, and does not depend on chunks or batch ends', async () => {
    const { curve, metrics } = await run({ curve_points: 30, window: 50 }, { batch_size: 9, chunk_size: 13 })
    expect(curve!.rows.length).toBeLessThanOrEqual(30)
    expect(curve!.rows.length).toBeGreaterThan(20)
    expect(curve!.rows.at(-1)).toBe(ROWS - 9)
    for (const name of ['r2', 'rmse', 'mae']) {
      const values = curve![name] as number[]
      expect(values).toHaveLength(curve!.rows.length)
      expect(values.at(-1)).toBe(metrics[name])
      expect(curve![`window_${name}`]).toHaveLength(curve!.rows.length)
    }
    for (const chunk_size of [1, 400]) {
      expect((await run({ curve_points: 30, window: 50 }, { batch_size: 9, chunk_size })).curve).toEqual(
        curve,
      )
    }
  })

  it('changes no metric, and is absent where none is asked for', async () => {
    const none = await run({ curve_points: 0, window: 0 })
    expect(none.curve).toBeUndefined()
    expect(none.metrics).toEqual((await run({})).metrics)
    expect(none.steps.some((step) => step.detail !== undefined)).toBe(false)
  })

  it('puts windowed scores into the chunk log every half window', async () => {
    const { steps } = await run({ window: 100 }, { chunk_size: 40 })
    const readings = steps.flatMap(
      (step) => (step.detail?.['window'] ?? []) as { rows: number; scores: object }[],
    )
    expect(readings.map(({ rows }) => rows)).toEqual([50, 100, 150, 200, 250, 300, 350])
    expect(Object.keys(readings[0]!.scores)).toEqual(['r2', 'rmse', 'mae'])
  })
})

const real = sharedFile('data/nba2k-full.csv')
const orders = sharedFile('fixtures/nba_orders.json')

describe.skipIf(real === null || orders === null)('the real players, absent where this is skipped', () => {
  it.each<[Record<string, Scalar>, number, number]>([
    [{ learner: 'sgd', eta0: 0.01, features: 'base' }, 0.551, 0.522],
    [{ learner: 'sgd', eta0: 0.05, features: 'base' }, 0.643, 0.635],
    [{ learner: 'pa', variant: 'pa2', c: 0.01, features: 'base' }, 0.648, 0.619],
    [{ learner: 'ftrl', features: 'base' }, 0.6, 0.62],
    [{ learner: 'ridge', lambda: 10, features: 'base' }, 0.626, 0.648],
    [{ learner: 'ridge', lambda: 3 }, 0.72, 0.754],
  ])('%j reaches %d in file order and %d over ten shuffled ones', async (params, inOrder, shuffled) => {
    const [header, ...lines] = readFileSync(real!, 'utf8').trimEnd().split('\n')
    const shuffles = JSON.parse(readFileSync(orders!, 'utf8')) as Record<string, number[]>
    const r2 = async (path: string) =>
      (await runPipeline(await prepared(path, { preset: 'nba2k' }), params)).metrics['r2']!
    expect(await r2(real!)).toBeGreaterThan(inOrder - 0.005)
    const folder = temporaryFolder()
    let sum = 0
    for (let k = 0; k < 10; k += 1) {
      const path = join(folder, `${k}.csv`)
      writeFileSync(path, [header, ...shuffles[k]!.map((i) => lines[i])].join('\n'))
      sum += await r2(path)
    }
    expect(sum / 10).toBeGreaterThan(shuffled - 0.005)
  })
})
