/** Text from anywhere, on its way to a terminal or a spreadsheet. */
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plain, printable } from '../../harness/format.ts'
import { csvText } from '../../harness/report/render/csv.ts'
import { csvLine } from '../../workers/data/csv-text.ts'

const PIECES = [
  ...['\u001b[2J', '\u001b[31m', '\u001b]0;x\u0007', '\u009b2J', '\u0000', '\b', '\r', '\n', '\t', '\u007f'],
  ...[
    '\u202e',
    '\u200b',
    '\u2028',
    '=',
    '+',
    '-',
    '@',
    '\uff1d',
    '"',
    ',',
    ';',
    "'",
    ' ',
    '1',
    'e',
    'a',
    'é',
    '😀',
  ],
]
const hostile = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary' })), {
  maxLength: 8,
})
const text = hostile.map((parts) => parts.join(''))
/** All that a terminal might obey. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r]/

describe('what goes to a terminal', () => {
  it('steers nothing, in one line or in several', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(plain(given)).not.toMatch(STEERING)
        // Only the end of a line and the colours that Stint paints with stay, and those change nothing but colours.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
        const left = printable(given).replace(/\u001b\[(?:0|1|2|31|32)m|\n/g, '')
        expect(left).not.toMatch(STEERING)
        expect(printable(printable(given))).toBe(printable(given))
      }),
    )
  })

  it('leaves what is harmless as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (given) => {
        fc.pre(!STEERING.test(given))
        expect(printable(given)).toBe(given)
      }),
    )
  })
})

describe('a line of CSV', () => {
  it('reads back as what was written, and starts no formula', () => {
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 2, maxLength: 2 }), { minLength: 1 }), (rows) => {
        const written = rows.map((row) => csvLine(row)).join('')
        const read: string[][] = parse(written, { record_delimiter: '\n' })
        expect(read).toHaveLength(rows.length)
        for (const [i, row] of rows.entries()) {
          for (const [j, value] of row.entries()) {
            const cell = read[i]![j]!
            expect(cell).not.toMatch(FORMULA)
            expect(cell).toBe(FORMULA.test(value) ? `'${value}` : value)
          }
        }
        // Where a semicolon or a tab parts fields, a cell begins no formula either: it is in quotes.
        for (const field of written.split(/"(?:[^"]|"")*"/)) expect(field).not.toMatch(/[;\t]/)
      }),
    )
  })

  it('gives numbers back to the last bit, and empty for none', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const read = csvLine([value, null, undefined]).trimEnd().split(',')
        expect(read.slice(1)).toEqual(['', ''])
        if (Number.isFinite(value)) expect(Number(read[0])).toBe(value)
        else expect(read[0]).toBe('')
      }),
    )
  })

  it('of a report is one line per row, and neither steers nor runs', () => {
    fc.assert(
      fc.property(text, fc.array(text), (name, values) => {
        const lines = csvText({ columns: [[name, values]] }).split('\n')
        expect(lines).toHaveLength(values.length + 2)
        for (const line of lines) expect(line).not.toMatch(STEERING)
      }),
    )
  })
})
