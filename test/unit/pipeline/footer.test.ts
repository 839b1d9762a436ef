/** Notes below a table in its file are no rows; a row that is damaged or cut short is no note. */
import { describe, expect, it } from 'vitest'
import type { UnreadDataset } from '../../../workers/data/types.ts'
import { checkDataset } from '../../../workers/pipeline/check-dataset.ts'
import { csvFile, runPipeline } from './support.ts'

const ROWS = 60
const TABLE = `town,x,y\n${Array.from({ length: ROWS }, (_, i) => `${i % 2 ? 'Bern' : 'Basel'},${i % 7},${(i * 3) % 11}`).join('\n')}\n`
const SUM = (value: (i: number) => number) =>
  Array.from({ length: ROWS }, (_, i) => value(i)).reduce((a, b) => a + b)

async function checked(text: string, asked: Partial<UnreadDataset> = {}) {
  const whole = { preset: null, target: 'y', columns: {}, rows: null, fingerprint: null, ceiling_r2: null }
  return checkDataset({ ...whole, ...asked, path: csvFile(text) })
}

describe('what follows a table', () => {
  it.each([
    ['one note', 'Source: census\n', 'from line 62 on, such as "Source: census"'],
    ['a note without a line end', 'Source: census', 'such as "Source: census"'],
    [
      'notes after a blank line',
      '\n"Source: census, 2020"\nDays,weeks\n',
      'from line 63 on, such as "Source',
    ],
    ['notes with blank lines between', 'Data from: here\n\nLast Updated: 12/30/2023\n\n', 'from line 62 on'],
  ])('is left out, and said: %s', async (_, notes, said) => {
    const { dataset, notes: all } = await checked(TABLE + notes)
    expect(all.filter((note) => note.includes('left out'))).toEqual([expect.stringContaining(said)])
    expect(dataset.rows).toBe(ROWS)
    const { steps } = await runPipeline(dataset)
    expect(steps.reduce((rows, step) => rows + step.rows, 0)).toBe(ROWS)
  })

  it('is left out with the sum above it, each said', async () => {
    const text = `${TABLE}Total,${SUM((i) => i % 7)},${SUM((i) => (i * 3) % 11)}\n\nSource: census\n`
    const { dataset, notes } = await checked(text)
    expect(notes.filter((note) => note.includes('left out'))).toEqual([
      'left out what follows the table from line 64 on, such as "Source: census"',
      expect.stringMatching(
        /^left out the last row \(line 62\), "Total" in town.*dataset\.rows: 61 reads it/,
      ),
    ])
    expect(dataset.rows).toBe(ROWS)
  })

  it('is none where labels are the target', async () => {
    const { dataset } = await checked(`${TABLE}Source: census\n`, { target: 'town' })
    expect(dataset).toMatchObject({ rows: ROWS, classes: 2 })
  })
})

describe('a line at the end that may be a row', () => {
  it.each([
    ['cut short', 'Bern', 62],
    ['cut short within words', 'Bern West', 62],
    ['without its last field', 'Bern,3\n', 62],
    ['followed by rows', 'Source: census\nBern,3,4\n', 62],
    ['one of many', Array.from({ length: 30 }, (_, i) => `note ${i}: x\n`).join(''), 62],
  ])('is an error with its line: %s', async (_, end, line) => {
    await expect(checked(TABLE + end)).rejects.toMatchObject({
      line,
      message: expect.stringMatching(/expected 3 fields as in the header, found \d/),
    })
  })

  it('is not read where the sweep says how many rows are, as the error suggests', async () => {
    await expect(checked(`${TABLE}Bern`)).rejects.toThrow('set dataset.rows to 60')
    expect((await checked(`${TABLE}Bern`, { rows: ROWS })).dataset.rows).toBe(ROWS)
  })
})
