/** How a target is read, and which learner predicts it. */
import { describe, expect, it } from 'vitest'
import { checkDataset } from '../../../workers/pipeline/check-dataset.ts'
import { csvFile, prepared, runPipeline } from './support.ts'

/** 60 rows `x,y`, the targets taken in turn. */
const table = (targets: readonly string[]) =>
  ['x,y', ...Array.from({ length: 60 }, (_, i) => `${(i * 37) % 61},"${targets[i % targets.length]}"`)].join(
    '\n',
  )

async function checked(text: string, overrides = {}) {
  const dataset = await prepared(csvFile(text), { target: 'y', ...overrides })
  return checkDataset(dataset)
}

describe('a target that nobody described', () => {
  it.each([
    ['plain numbers', ['1', '-2.5', '1e3'], { kind: 'number' }, null],
    ['prices', ['$1,250', '$3.50', '999'], { kind: 'number', currency: '$' }, /as numbers: "\$" left out/],
    ['euros', ['5 €', '7 €'], { kind: 'number', currency: '€' }, /as numbers: "€" left out/],
    ['percentages', ['12%', '3.5 %'], { kind: 'number', unit: '%' }, /as numbers: "%" left out/],
    [
      'bounds',
      ['<=50K', '>50K'],
      { kind: 'category' },
      /as labels \(classification\): "<=50K" \(line \d\) is no plain/,
    ],
    [
      'names with a number',
      ['class_0', 'class_1'],
      { kind: 'category' },
      /"class_0" \(line \d\) is no plain number$/,
    ],
    ['grades', ['d7', 'd8'], { kind: 'category' }, /"d7" \(line \d\) is no plain number$/],
    [
      'brackets',
      ['(1.234)', '2.5'],
      { kind: 'category' },
      /"\(1.234\)" \(line \d\) is no plain number; if it is one, say/,
    ],
    [
      'minus signs behind',
      ['1.234-', '2.5'],
      { kind: 'category' },
      /"1.234-" \(line \d\) is no plain number; if it is/,
    ],
    [
      'multipliers',
      ['12.3K', '1.2M'],
      { kind: 'category' },
      /"12.3K" \(line \d\) is no plain number; if it is one, say/,
    ],
    [
      'units',
      ['80 kg', '75 kg'],
      { kind: 'category' },
      /say dataset.columns: \{ "y": \{ kind: number, unit: kg \} \}/,
    ],
    [
      'error values',
      ['#DIV/0!', '1', '2'],
      { kind: 'category' },
      /"#DIV\/0!" \(line \d\) is no plain number; 66/,
    ],
  ])('is read as it says: %s', async (_, targets, declaration, note) => {
    const { dataset, notes } = await checked(table(targets))
    expect(dataset.schema!['y']).toEqual(declaration)
    const said = notes.filter((text) => text.startsWith('read the target y'))
    if (note === null) expect(said).toEqual([])
    else expect(said).toEqual([expect.stringMatching(note)])
  })

  it('is a number after all where the advice is followed', async () => {
    const columns = { y: { kind: 'number' as const, unit: '' } }
    const { dataset } = await checked(table(['12.3K', '(1.2M)', '900']), { columns })
    const { metrics, info } = await runPipeline(dataset, { learner: 'sgd' })
    expect(info).toMatchObject({ task: 'regression', scored: 59 })
    const mean = (12_300 - 1_200_000 + 900) / 3
    const deviation = Math.sqrt([12_300, -1_200_000, 900].reduce((sum, y) => sum + (y - mean) ** 2, 0) / 3)
    expect(metrics['rmse']! / deviation).toBeGreaterThan(0.5)
  })
})

describe('a feature that nobody described', () => {
  it('has one note of what was left out, and its numbers are those that were written', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => {
      const y = ((i * 37) % 301) - 150
      return `${y < 0 ? `"(${-y / 1000})"` : y / 1000},${y}`
    })
    const text = ['x,y', ...rows].join('\n')
    const { dataset, notes } = await checked(text)
    expect(notes.filter((note) => note.includes(' x '))).toEqual([
      'read x as numbers: those as (5) or 5- are negative',
    ])
    const { metrics } = await runPipeline(dataset, {}, { batch_size: 4 })
    expect(metrics['r2']).toBeGreaterThan(0.9)
  })

  it('is what all of its rows say, wherever they stand', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `${i % 7} ${i < 1100 ? 'kg' : 'lb'},${i % 7}`)
    for (const order of [rows, rows.toReversed()]) {
      const { dataset } = await checked(['x,y', ...order].join('\n'))
      expect(dataset.schema!['x']).toEqual({ kind: 'category' })
    }
  })
})

describe('a learner that nobody named', () => {
  it.each([
    ['numbers', ['1', '2.5', '7'], 'regression', 'experts', null],
    ['two labels', ['no', 'yes'], 'classification', 'experts', 2],
    ['three labels', ['setosa', 'versicolor', 'virginica'], 'classification', 'experts', 3],
    ['0 and 1', ['0', '1'], 'classification', 'experts', 2],
  ])('fits %s', async (_, targets, task, learner, classes) => {
    const { dataset, notes } = await checked(table(targets), {})
    expect(dataset.classes ?? null).toBe(classes)
    const { info, metrics } = await runPipeline(dataset)
    expect(info).toMatchObject({ task, learner })
    expect(metrics[task === 'regression' ? 'r2' : 'accuracy']).not.toBeNull()
    expect(notes.some((note) => note.startsWith('learner '))).toBe(false)
    const uses = (await checkDataset(dataset, [{}, { window: 10 }])).notes
    expect(uses.filter((note) => note.startsWith('learner '))).toEqual(
      classes === null
        ? []
        : [`learner ${learner}, since none is named and the target y has ${classes} labels`],
    )
  })

  it('is the same for any first rows of a file, which need not have all labels', async () => {
    const text = `x,y\n${['a', 'b', 'c'].flatMap((label) => Array(40).fill(`1,${label}`)).join('\n')}`
    const whole = (await checked(text)).dataset
    const { fingerprint } = whole
    for (const again of [{ rows: 30 }, { rows: 60, fingerprint }]) {
      const { dataset } = await checked(text, again)
      expect(dataset).toMatchObject({ classes: 3, rows: again.rows })
      expect((await runPipeline(dataset)).info).toMatchObject({ learner: 'experts', learned: again.rows })
    }
  })

  it('is told of 0 and 1, which are labels unless they are declared as numbers', async () => {
    const { notes } = await checked(table(['0', '1']))
    expect(notes).toContain(
      'read the target y as labels (classification): it is 0 or 1; if it is a number, say dataset.columns: { "y": number }',
    )
    const { dataset } = await checked(table(['0', '1']), { columns: { y: 'number' } })
    expect((await runPipeline(dataset)).info).toMatchObject({ task: 'regression', learner: 'experts' })
  })

  it('takes 0 and 1 for numbers where others come after the sample', async () => {
    const counts = ['x,y', ...Array.from({ length: 1500 }, (_, i) => `${i % 7},${i < 1200 ? i % 2 : i % 5}`)]
    const { dataset, notes } = await checked(counts.join('\n'))
    expect(dataset.schema!['y']).toEqual({ kind: 'number' })
    expect(dataset.columns).toEqual({})
    expect(notes.join()).not.toContain('as labels')
    counts[1400] = '1,none of them'
    await expect(checked(counts.join('\n'))).rejects.toThrow(
      /data\.csv:1401: column "y": expected a number, found "none of them"/,
    )
  })

  it('refuses a target of one label', async () => {
    await expect(checked(table(['0']))).rejects.toThrow(/every row has the label "0"/)
  })
})

describe('a learner that does not fit the target', () => {
  const LABELS = 'params.learner "ridge" predicts numbers, but the target "y" has'
  it.each([
    [
      ['a', 'b', 'c'],
      'ridge',
      `${LABELS} 3 labels: choose experts, softmax, window_logistic, label_chain, mondrian_forest_classifier, or leave params.learner out`,
    ],
    [
      ['a', 'b'],
      'ridge',
      `${LABELS} 2 labels: choose experts, logistic, softmax, window_logistic, label_chain, pa_classifier, ftrl_classifier, mondrian_forest_classifier, or leave params.learner out`,
    ],
    [
      ['0', '1'],
      'ridge',
      `${LABELS} 2 labels: choose experts, logistic, softmax, window_logistic, label_chain, pa_classifier, ftrl_classifier, mondrian_forest_classifier, or leave params.learner out, or set dataset.columns.y to number`,
    ],
    [
      ['a', 'b', 'c'],
      'logistic',
      'params.learner "logistic" tells two labels apart, but the target "y" has 3 labels: choose experts, softmax, window_logistic, label_chain, mondrian_forest_classifier, or leave params.learner out',
    ],
    [
      ['1', '2', '3'],
      'logistic',
      'params.learner "logistic" predicts labels, but the target "y" is a number: choose experts, ridge, kernel_ridge, sgd, pa, ftrl, mondrian_forest, or leave params.learner out',
    ],
    [
      ['1', '2', '3'],
      'softmax',
      'params.learner "softmax" predicts labels, but the target "y" is a number: choose experts, ridge, kernel_ridge, sgd, pa, ftrl, mondrian_forest, or leave params.learner out, or if its numbers are labels, set dataset.columns.y to category',
    ],
    [
      Array.from({ length: 30 }, (_, i) => String(i)),
      'softmax',
      'params.learner "softmax" predicts labels, but the target "y" is a number: choose experts, ridge, kernel_ridge, sgd, pa, ftrl, mondrian_forest, or leave params.learner out',
    ],
  ])('is refused for %j and %s, and all that it advises works', async (targets, learner, message) => {
    const dataset = await prepared(csvFile(table(targets)), { target: 'y' })
    const error: Error = await checkDataset(dataset, [{ learner }]).catch((thrown) => thrown)
    expect(error.message).toBe(message)
    const advised = /choose ([^:]*?), or leave/.exec(message)![1]!.split(', ')
    const declared = /set dataset\.columns\.y to (\w+)/.exec(message)?.[1] as 'number' | undefined
    const ways = [
      ...advised.map((one) => ({ dataset, params: { learner: one } })),
      { dataset, params: {} },
      ...(declared === undefined
        ? []
        : [{ dataset: { ...dataset, columns: { y: declared } }, params: { learner } }]),
    ]
    for (const way of ways) {
      const checkedAgain = await checkDataset(way.dataset, [way.params])
      const { info } = await runPipeline(checkedAgain.dataset, way.params)
      expect(info).toMatchObject({ learned: 60, ...way.params })
    }
  })
})
