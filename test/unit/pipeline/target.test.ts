/** How a target is read, and which learner predicts it. */
import { describe, expect, it } from 'vitest'
import pipeline from '../../../workers/pipeline/workload.ts'
import { csvFile, prepared, runPipeline } from './support.ts'

/** 60 rows `x,y`, the targets taken in turn. */
const table = (targets: readonly string[]) =>
  ['x,y', ...Array.from({ length: 60 }, (_, i) => `${(i * 37) % 61},"${targets[i % targets.length]}"`)].join(
    '\n',
  )

async function checked(text: string, overrides = {}) {
  const dataset = await prepared(csvFile(text), { target: 'y', ...overrides })
  return pipeline.checkDataset(dataset)
}

describe('a target that nobody described', () => {
  it.each([
    ['plain numbers', ['1', '-2.5', '1e3'], { kind: 'number' }, null],
    ['prices', ['$1,250', '$3.50', '999'], { kind: 'number', currency: '$' }, /as numbers: "\$" left out/],
    ['euros', ['5 €', '7 €'], { kind: 'number', currency: '€' }, /as numbers: "€" left out/],
    ['percentages', ['12%', '3.5 %'], { kind: 'number', unit: '%' }, /as numbers: "%" left out/],
    ['bounds', ['<=50K', '>50K'], { kind: 'category' }, /as labels \(classification\): "<=50K" is no plain/],
    ['names with a number', ['class_0', 'class_1'], { kind: 'category' }, /"class_0" is no plain number$/],
    ['grades', ['d7', 'd8'], { kind: 'category' }, /"d7" is no plain number$/],
    [
      'brackets',
      ['(1.234)', '2.5'],
      { kind: 'category' },
      /"\(1.234\)" is no plain number; if it is one, say/,
    ],
    ['minus signs behind', ['1.234-', '2.5'], { kind: 'category' }, /"1.234-" is no plain number; if it is/],
    ['multipliers', ['12.3K', '1.2M'], { kind: 'category' }, /"12.3K" is no plain number; if it is one, say/],
    [
      'units',
      ['80 kg', '75 kg'],
      { kind: 'category' },
      /say dataset.columns: \{ "y": \{ kind: number, unit: kg \} \}/,
    ],
    ['error values', ['#DIV/0!', '1', '2'], { kind: 'category' }, /"#DIV\/0!" is no plain number$/],
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

  it('whose numbers change their unit after the sample is an error there', async () => {
    const text = [
      'x,y',
      ...Array.from({ length: 1200 }, (_, i) => `${i % 7} ${i < 1100 ? 'kg' : 'lb'},${i % 7}`),
    ]
    await expect(checked(text.join('\n'))).rejects.toThrow(
      /data\.csv:1102: column "x": expected a number in kg, found "1 lb"/,
    )
  })
})
