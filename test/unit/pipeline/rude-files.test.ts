/** Files that nobody had in mind: each is read as what it means, or refused with what to do. */
import { describe, expect, it } from 'vitest'
import type { UnreadDataset } from '../../../workers/data/types.ts'
import { checkDataset } from '../../../workers/pipeline/check-dataset.ts'
import { csvFile } from './support.ts'

const ROWS = 60
const table = (header: string, row: (i: number) => string, last = '') =>
  `${[header, ...Array.from({ length: ROWS }, (_, i) => row(i))].join('\n')}\n${last}`
const checked = (text: string, asked: Partial<UnreadDataset> = {}) =>
  checkDataset({
    ...{ path: csvFile(text), preset: null, target: 'y', columns: {}, rows: null, fingerprint: null },
    ...{ ceiling_r2: null, ...asked },
  })
const x = (i: number) => ((i * 37) % 59) / 4
const pick = (i: number, ...values: string[]) => values[(i * 7) % values.length]!

describe('a column', () => {
  it.each<[string, (i: number) => string, object, string | null]>([
    [
      'of ISO weeks',
      (i) => `2019-W${String((i % 52) + 1).padStart(2, '0')}`,
      { kind: 'date', format: 'ym' },
      null,
    ],
    ['of days of ISO weeks', (i) => `2020-W53-${(i % 7) + 1}`, { kind: 'date', format: 'ym' }, null],
    [
      'with footnote marks',
      (i) => `${1000 + 7 * i}${pick(i, '', '', '*', ' [2]', '†')}`,
      { kind: 'number', unit: '' },
      'footnote marks left out',
    ],
    [
      'with lakhs and crores',
      (i) => `"${pick(i, '₹ ', '')}${(i % 9) + 1},23,4${10 + i}"`,
      { kind: 'number', currency: '₹' },
      '"₹" left out, commas taken for thousands separators',
    ],
    ['of German booleans', (i) => pick(i, 'ja', 'Nein'), { kind: 'boolean' }, null],
    ['of Spanish booleans', (i) => pick(i, 'Sí', 'NO', ''), { kind: 'boolean' }, null],
    ['of check marks', (i) => pick(i, '✓', '✗'), { kind: 'boolean' }, null],
    ['of words of two languages', (i) => pick(i, 'ja', 'non'), { kind: 'category' }, null],
    [
      'of not-a-numbers as Windows writes them',
      (i) => (i % 5 === 0 ? pick(i, '-nan(ind)', '1.#IND00') : String(x(i))),
      { kind: 'number' },
      null,
    ],
    ['of one text', () => 'v1.2', { kind: 'category' }, 'c has only one value'],
    ['of seconds since 1970', (i) => String(1_600_000_000 + 3600 * i), { kind: 'number' }, null],
    ['of thousandths since 1970', (i) => String(1000 * (1_600_000_000 + 3600 * i)), { kind: 'number' }, null],
    [
      'of accounting',
      (i) => `"${pick(i, '$(1,234.50)', '$7.00', '- $12.00', '($5)')}"`,
      { kind: 'number', currency: '$' },
      'are negative',
    ],
  ])('%s', async (_, cell, declaration, note) => {
    const { dataset, notes } = await checked(table('c,x,y', (i) => `${cell(i)},${x(i)},${i / 7}`))
    expect(dataset.schema!['c']).toEqual(declaration)
    if (note !== null) expect(notes.join('\n')).toContain(note)
  })

  it('with a line of units below its name is one of numbers, and the line can be left out', async () => {
    const text = table('time,temp,y\ns,°C,kW', (i) => `${i * 10},${x(i)},${i / 7}`)
    await expect(checked(text)).rejects.toThrow(
      /:2: column "\w+": expected a number, found ".*"; if this line belongs to the header, as one of units does, dataset\.bad_values: drop leaves such lines out; mend/,
    )
    const { dataset, notes } = await checked(text, { bad_values: 'drop' })
    expect(dataset.schema).toEqual({
      time: { kind: 'number' },
      temp: { kind: 'number' },
      y: { kind: 'number' },
    })
    expect(notes.join('\n')).toContain('their rows are dropped')
  })

  it('whose header comes again is one of numbers or dates, and the lines can be left out', async () => {
    const text = table(
      '\ufeffday,temp,y',
      (i) =>
        `2024-01-${String((i % 28) + 1).padStart(2, '0')},${x(i)},${i / 7}${i % 20 === 19 ? '\n\ufeffday,temp,y' : ''}`,
    )
    await expect(checked(text)).rejects.toThrow(
      /:22: .*; the header stands here once more: dataset\.bad_values: drop leaves such lines out/,
    )
    const { dataset } = await checked(text, { bad_values: 'drop' })
    expect(dataset.schema).toEqual({
      day: { kind: 'date', format: 'iso' },
      temp: { kind: 'number' },
      y: { kind: 'number' },
    })
  })
})

describe('a target', () => {
  const withTarget = (y: (i: number) => string) => table('x,y', (i) => `${x(i)},${y(i)}`)

  it.each([
    ['1', '2', '1'],
    ['-1', '1', '1'],
    ['0', '1', '1'],
    ['7', '8', '8'],
  ])('of %s and %s only is one of labels', async (a, b, positive) => {
    const { dataset, notes } = await checked(withTarget((i) => pick(i, a, b)))
    expect(dataset).toMatchObject({ classes: 2, schema: { y: { kind: 'category' } } })
    expect(notes.join('\n')).toMatch(/as labels \(classification\): it is .*if it is a number, say/)
    expect(notes.join('\n')).toContain(`F1 is of the label ${positive};`)
    const number = await checked(
      withTarget((i) => pick(i, a, b)),
      { columns: { y: 'number' } },
    )
    expect(number.dataset.classes).toBeUndefined()
  })

  it('of two other whole numbers is one of numbers, and labels are not far', async () => {
    const { dataset, notes } = await checked(withTarget((i) => pick(i, '3', '40')))
    expect(dataset.schema!['y']).toEqual({ kind: 'number' })
    expect(notes).toContain(
      'the target y is only 3 or 40; if these are labels, say dataset.columns: { "y": category }',
    )
  })

  it('of yes and no in German has F1 of yes', async () => {
    const { notes } = await checked(withTarget((i) => pick(i, 'ja', 'nein')))
    expect(notes.join('\n')).toContain('F1 is of the label ja;')
  })

  it.each<[string, (i: number) => string, RegExp]>([
    [
      'currencies',
      (i) => `${pick(i, '$', '€', '£')}${i}.50`,
      /60 of 60 values differ, such as "\$0\.50" \(line 2\), .*\{ "y": \{ kind: number, loose: true \} \}.*\{ "y": category \} takes each for a label/,
    ],
    [
      'texts that all differ',
      (i) => `order ${i} of ${2 * i}`,
      /as labels it has nothing to learn: 60 of 60 values differ/,
    ],
    [
      'a unit',
      (i) => `${i + 0.5} kg`,
      /60 of 60 values differ.*; if it is one, say dataset\.columns: \{ "?y"?: \{ kind: number, unit: kg \} \}/,
    ],
    [
      'dates',
      (i) => `2024-02-${String((i % 28) + 1).padStart(2, '0')}`,
      /holds dates, such as "2024-02-01" \(line 2\), and a date cannot be predicted/,
    ],
  ])('of %s is refused, with what to say', async (_, y, message) => {
    await expect(checked(withTarget(y))).rejects.toThrow(message)
    const { dataset } = await checked(withTarget(y), { columns: { y: 'category' } })
    expect(dataset.classes).toBeGreaterThan(20)
  })
})
