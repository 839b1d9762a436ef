/** Rows at the end of a file that sum up the others are no data, and are never left out, or read, without a word. */
import { describe, expect, it } from 'vitest'
import type { UnreadDataset } from '../../../workers/data/types.ts'
import { checkDataset } from '../../../workers/pipeline/check-dataset.ts'
import { csvFile } from './support.ts'

async function checked(text: string, asked: Partial<UnreadDataset> = {}) {
  const whole = { preset: null, target: 'y', columns: {}, rows: null, fingerprint: null, ceiling_r2: null }
  const { dataset, notes } = await checkDataset({ ...whole, ...asked, path: csvFile(text) })
  return { dataset, said: notes.filter((note) => / the others|as no other row/.test(note)) }
}

const ROWS = 24
const REGIONS = ['north', 'south', 'east']
const y = (i: number) => 10 + ((i * 7) % 11)
const x = (i: number) => 1 + ((i * 5) % 13)
const sumOf = (value: (i: number) => number) =>
  Array.from({ length: ROWS }, (_, i) => value(i)).reduce((a, b) => a + b)
const [SUM_X, SUM_Y] = [sumOf(x), sumOf(y)]
const table = (last: readonly string[], region = (i: number) => REGIONS[i % 3]!) =>
  `${['month,region,x,y', ...Array.from({ length: ROWS }, (_, i) => `${2020 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, '0')},${region(i)},${x(i)},${y(i)}`), ...last].join('\n')}\n`

describe('a last row that sums up the others', () => {
  it.each([
    ['by name', `Total,,${SUM_X},${SUM_Y}`, '"Total" in month, with the sum of the others in x, y'],
    ['in another column', `,Grand total:,${SUM_X},${SUM_Y}`, '"Grand total:" in region'],
    ['in part', `SUM,all,,${SUM_Y}`, 'with the sum of the others in y'],
    ['rounded', `Total (all),,${SUM_X},${SUM_Y + 0.01}`, '"Total (all)"'],
    ['in German', `Gesamtsumme,,${SUM_X},${SUM_Y}`, '"Gesamtsumme"'],
    ['in Russian', `Итого,,${SUM_X},${SUM_Y}`, '"Итого"'],
    ['in Chinese', `合计,,${SUM_X},${SUM_Y}`, '"合计"'],
    [
      'by their mean',
      `Average,,${(SUM_X / ROWS).toFixed(1)},${(SUM_Y / ROWS).toFixed(1)}`,
      'with the mean of the others in x, y',
    ],
    ['without a name', `,,${SUM_X},${SUM_Y}`, 'the last row (line 26), with the sum of the others in x, y'],
  ])('%s is left out, and said', async (_, last, what) => {
    const { dataset, said } = await checked(table([last]))
    expect(said).toEqual([expect.stringContaining(what)])
    expect(said[0]).toMatch(
      /^left out the last row \(line 26\), .*; dataset\.rows: 25 reads it all the same$/,
    )
    expect(dataset).toMatchObject({ rows: ROWS, fingerprint: { rows: ROWS + 1 } })
    // Its name is no reason to take months for texts.
    expect(dataset.schema!['month']).toMatchObject({ kind: 'date', format: 'ym' })
  })

  it('is left out with others such', async () => {
    const last = [`Total,,${SUM_X},${SUM_Y}`, `Mean,,${SUM_X / ROWS},${SUM_Y / ROWS}`]
    const { dataset, said } = await checked(table(last))
    expect(said).toEqual([
      'left out the last 2 rows (from line 26 on), "Total" in month, with the sum of the others in x, y, and "Mean" in month, with the mean of the others in x, y; dataset.rows: 26 reads them all the same',
    ])
    expect(dataset.rows).toBe(ROWS)
  })

  it('is no label of a target, and no value of a category', async () => {
    const { dataset } = await checked(table([`,Total,${SUM_X},${SUM_Y}`]), { target: 'region' })
    expect(dataset).toMatchObject({ rows: ROWS, classes: 3 })
  })

  it('is understood in currencies and with decimal commas', async () => {
    const rows = Array.from({ length: ROWS }, (_, i) => `${REGIONS[i % 3]};${x(i)},50;€ ${y(i)},00`)
    const last = `Summe;${String(SUM_X + ROWS / 2).replace('.', ',')};€ ${SUM_Y},00`
    const { dataset, said } = await checked(`${['region;x;y', ...rows, last].join('\n')}\n`)
    expect(said).toEqual([expect.stringContaining('with the sum of the others in x, y')])
    expect(dataset.rows).toBe(ROWS)
  })

  it('is read where the user says how many rows', async () => {
    const text = table([`Total,,${SUM_X},${SUM_Y}`])
    const all = await checked(text, { rows: 25, columns: { month: 'category' } })
    expect(all.dataset.rows).toBe(25)
    expect(all.said).toEqual([
      expect.stringMatching(/^the last row .*: read all the same, since dataset\.rows is 25$/),
    ])
    const some = await checked(text, { rows: 20 })
    expect(some).toMatchObject({ dataset: { rows: 20, schema: { month: { kind: 'date' } } }, said: [] })
  })
})

describe('a last row that may sum up the others', () => {
  it.each([
    ['has the largest numbers', ',Total,900,1000', 'region as no other row is, has the largest numbers'],
    [
      'lacks what all others have',
      ',Total,5,11',
      'region as no other row is, lacks month, as no other row does',
    ],
  ])('is read and said: it %s', async (_, last, what) => {
    const { dataset, said } = await checked(table([last]))
    expect(said).toEqual([
      `the last row (line 26), "Total" in ${what}: if it sums up the others, leave it out by dataset.rows: 24`,
    ])
    expect(dataset.rows).toBe(ROWS + 1)
  })

  it.each([
    ['a value like others', '2022-01,Total,5,11', undefined],
    ['a value that comes often', `2022-01,Total,900,1000`, (i: number) => ['Shell', 'Total', 'BP'][i % 3]!],
    ['a word of many', ',Total war,900,1000', undefined],
    ['no name, and no sum', ',,900,1000', undefined],
    ['no name, and what is not all sums', `,,${SUM_X},12`, undefined],
  ])('is nothing to speak of with %s', async (_, last, region) => {
    const { dataset, said } = await checked(table([last], region))
    expect(said).toEqual([])
    expect(dataset.rows).toBe(ROWS + 1)
  })
})
