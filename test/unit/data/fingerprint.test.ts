import { createHash } from 'node:crypto'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintFile } from '../../../workers/data/fingerprint.ts'
import { csvFile } from '../pipeline/support.ts'

describe('the fingerprint', () => {
  it('hashes, measures and counts', async () => {
    const text = 'a,b\n1,2\n3,4\n'
    expect(await fingerprintFile({ path: csvFile(text) })).toEqual({
      sha256: createHash('sha256').update(text).digest('hex'),
      bytes: text.length,
      rows: 2,
      columns: ['a', 'b'],
    })
  })

  it.each([
    ['no last line end', 'a,b\n1,2\n3,4', 2],
    ['CRLF and blank lines', '\ufeff\r\na,b\r\n\r\n1,2\r\n\n3,4\r\n\r\n', 2],
    ['quoted line breaks', '"a","b"\n"1\n\n2",3\r\n4,"5\r\n"\n', 2],
    ['doubled quotes', 'a,b\n"x""\n""",2\n3,4\n', 2],
    ['a BOM before a quoted header', '\ufeff"a","b"\n1,2\n', 1],
  ])('counts rows with %s', async (_name, text, rows) => {
    expect(await fingerprintFile({ path: csvFile(text) })).toMatchObject({ rows, columns: ['a', 'b'] })
  })

  it('counts rows that cross the borders of its reads', async () => {
    const body = Array.from({ length: 60_000 }, (_, i) => `${i},"a\n""${i}"""\r\n`).join('')
    expect(body.length).toBeGreaterThan(2 * 262_144)
    expect((await fingerprintFile({ path: csvFile(`a,b\n${body}`) })).rows).toBe(60_000)
  })

  it('agrees with csv-parse on any table', async () => {
    const field = fc
      .string({ unit: fc.constantFrom('a', '1', ' ', ',', '"', '\n', '\r\n', 'é') })
      .map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    const table = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (rows, end, last) => {
        const text = `h1,h2${end}${rows.map((row) => row.join(',')).join(end)}${last ? end : ''}`
        const records = parse(text, { bom: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n'] })
        expect((await fingerprintFile({ path: csvFile(text) })).rows).toBe(records.length - 1)
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    ['', /empty/],
    ['\n\n', /empty/],
    ['a,b\n', /no rows/],
    ['a,b\n1,"2\n', /data\.csv:2: .*never closed/],
    ['a,b"c\n1,2\n', /unquoted/],
  ])('refuses %j', async (text, message) => {
    await expect(fingerprintFile({ path: csvFile(text) })).rejects.toThrow(message)
  })

  it('refuses a file that is absent or a folder', async () => {
    await expect(fingerprintFile({ path: '/no/such.csv' })).rejects.toThrow(/cannot read \/no\/such\.csv/)
    await expect(fingerprintFile({ path: '/' })).rejects.toThrow(/cannot read \//)
  })
})
