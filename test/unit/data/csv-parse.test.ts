import { describe, expect, it } from 'vitest'
import type { ColumnSpec, DataError } from '../../../workers/data/columns.ts'
import { openCsvParse } from '../../../workers/data/csv/csv-parse.ts'
import { csvFile } from '../pipeline/support.ts'

const SPECS: ColumnSpec[] = [
  { name: 'n', kind: 'number', missing: ['NA'] },
  { name: 'c', kind: 'category' },
]

interface Row {
  n: number | null
  c: string | null
}

async function readAll(text: string, chunk = 2, rows?: number, specs = SPECS): Promise<Row[]> {
  const reader = await openCsvParse(csvFile(text), specs, rows === undefined ? {} : { rows })
  const all: Row[] = []
  try {
    for (;;) {
      const part = await reader.read(chunk)
      if (part === null) return all
      expect(part.firstRow).toBe(all.length)
      const [n, c] = part.columns
      for (let row = 0; row < part.rows; row += 1) {
        const value = n?.kind === 'number' ? n.values[row]! : Number.NaN
        const code = c?.kind === 'category' ? c.codes[row]! : -1
        all.push({
          n: Number.isNaN(value) ? null : value,
          c: code < 0 || c?.kind !== 'category' ? null : c.dictionary[code]!,
        })
      }
    }
  } finally {
    await reader.close()
  }
}

const failure = (text: string) =>
  readAll(text).then(
    () => expect.fail('read without an error'),
    (error: DataError) => error,
  )

describe('the csv-parse reader', () => {
  it('yields named columns only, in the order of the specs, across chunks', async () => {
    const rows = await readAll('c,x,n\na,1,10\nb,2,\na,3,NA\n,4,1.5\n')
    expect(rows).toEqual([
      { n: 10, c: 'a' },
      { n: null, c: 'b' },
      { n: null, c: 'a' },
      { n: 1.5, c: null },
    ])
  })

  it.each([
    ['a byte order mark', '\ufeffn,c\n1,a\n2,b\n'],
    ['CRLF', 'n,c\r\n1,a\r\n2,b\r\n'],
    ['mixed line ends', 'n,c\r\n1,a\n2,b\r\n'],
    ['no last line end', 'n,c\n1,a\n2,b'],
    ['blank lines', '\n\nn,c\n\n1,a\r\n\r\n\n2,b\n\n'],
    ['quotes', '"n","c"\n"1","a"\n"2","b"\n'],
    ['spaces around fields', ' n , c \n 1 , a\n2 ,b \n'],
  ])('takes %s', async (_name, text) => {
    expect(await readAll(text)).toEqual([
      { n: 1, c: 'a' },
      { n: 2, c: 'b' },
    ])
  })

  it('takes quoted separators, line breaks and doubled quotes', async () => {
    expect(await readAll('n,c\n1,"a,b\r\nc ""d"""\n')).toEqual([{ n: 1, c: 'a,b\r\nc "d"' }])
  })

  it('stops after the rows asked for', async () => {
    const text = `n,c\n${'1,a\n'.repeat(10)}bad row\n`
    expect(await readAll(text, 4, 10)).toHaveLength(10)
  })

  it('counts the bytes of the rows, over read-ahead and chunks', async () => {
    const body = Array.from({ length: 5000 }, (_, i) => `${i},value ${i % 7}\n`).join('')
    const reader = await openCsvParse(csvFile(`n,c\n${body}`), SPECS)
    let bytes = 0
    let rows = 0
    for (;;) {
      const chunk = await reader.read(333)
      if (chunk === null) break
      bytes += chunk.bytes
      rows += chunk.rows
    }
    expect(rows).toBe(5000)
    expect(bytes).toBe(Buffer.byteLength(body))
  })

  it.each([
    ['a short row', 'n,c\n1,a\n\n2\n3,c\n', 4, undefined, /has 1 field,/],
    ['a long row', 'n,c\n1,a\n2,b,c\n', 3, undefined, /3 fields/],
    ['a row behind a quoted line break', 'n,c\n1,"a\nb"\n2\n', 4, undefined, /has 1 field,/],
    ['a quote inside an unquoted field', 'n,c\n1,a"b\n', 2, undefined, /unquoted/],
    ['text behind a closing quote', 'n,c\n1,"a"b\n', 2, undefined, /closing quote/],
    ['a value that does not fit', 'n,c\n1,a\nx,"b\nb"\n', 3, 'n', /expected a number, found "x"/],
  ])('names the line of %s', async (_name, text, line, column, message) => {
    const error = await failure(text)
    expect(error.name).toBe('DataError')
    expect(error.line).toBe(line)
    expect(error.column).toBe(column)
    expect(error.message).toMatch(message)
    expect(error.message).toContain('data.csv:')
  })

  it('refuses a quote that is never closed', async () => {
    expect((await failure('n,c\n1,"a\n2,b\n')).message).toMatch(/not closed/)
  })

  it('refuses an empty file, and a column that is absent, with the nearest name', async () => {
    expect((await failure('')).message).toMatch(/empty/)
    const specs: ColumnSpec[] = [{ name: 'salery', kind: 'number' }]
    await expect(openCsvParse(csvFile('name,salary\na,1\n'), specs)).rejects.toThrow(
      /no column "salery"; did you mean "salary"\? Columns: name, salary/,
    )
  })

  it('says which file cannot be read', async () => {
    await expect(openCsvParse('/no/such/file.csv', SPECS)).rejects.toThrow(
      /cannot read \/no\/such\/file\.csv/,
    )
  })
})
