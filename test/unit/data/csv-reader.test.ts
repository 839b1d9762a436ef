import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import type { CategoryColumn, ChunkReader, ColumnChunk, ColumnSpec } from '../../../workers/data/columns.ts'
import { DataError } from '../../../workers/data/columns.ts'
import { ByteTable } from '../../../workers/data/csv/byte-table.ts'
import { openCsvParse } from '../../../workers/data/csv/csv-parse.ts'
import { type BytesOptions, openByteSource, openBytes } from '../../../workers/data/csv/reader.ts'
import type { ByteSource } from '../../../workers/data/sources/source.ts'
import { streamSource } from '../../../workers/data/sources/stream.ts'
import { shared } from '../shared.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-bytes-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string | Uint8Array, name = 'data.csv'): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const AB: ColumnSpec[] = [
  { name: 'a', kind: 'number' },
  { name: 'b', kind: 'category' },
]

/** A plain file is read without waiting; anything else is a fault here. */
function openNow(text: string | Uint8Array, specs = AB, options: BytesOptions = {}): ChunkReader {
  const reader = openBytes(file(text), specs, options)
  if (reader instanceof Promise) throw new Error('a plain file made the caller wait')
  return reader
}

function readNow(reader: ChunkReader, rows: number): ColumnChunk | null {
  const chunk = reader.read(rows)
  if (chunk instanceof Promise) throw new Error('a plain file made the caller wait')
  return chunk
}

function readAll(text: string | Uint8Array, specs = AB, options: BytesOptions = {}): ColumnChunk | null {
  const reader = openNow(text, specs, options)
  const chunk = readNow(reader, 1000)
  reader.close()
  return chunk
}

function errorOf(work: () => unknown): DataError {
  try {
    work()
  } catch (error) {
    if (error instanceof DataError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const values = (chunk: ColumnChunk | null, i = 0) => {
  const column = chunk!.columns[i]!
  return [...(column.kind === 'category' ? column.codes : column.values).subarray(0, chunk!.rows)]
}

describe('chunks', () => {
  const text = 'a,b\n1,x\n2,y\n3,x\n4,\n5,z\n'

  test('come in the sizes asked for, with a shared dictionary and reused arrays', () => {
    const reader = openNow(text)
    expect(reader.header).toEqual(['a', 'b'])
    const first = readNow(reader, 2)!
    expect([first.firstRow, first.rows, first.bytes]).toEqual([0, 2, 8])
    expect(values(first, 1)).toEqual([0, 1])
    const { values: numbers } = first.columns[0] as { values: Float64Array }
    const dictionary = (first.columns[1] as CategoryColumn).dictionary
    const second = readNow(reader, 2)!
    expect([second.firstRow, second.rows, second.bytes]).toEqual([2, 2, 7])
    expect(values(second, 1)).toEqual([0, -1])
    expect((second.columns[0] as { values: Float64Array }).values).toBe(numbers)
    const third = readNow(reader, 2)!
    expect([third.firstRow, third.rows, third.bytes]).toEqual([4, 1, 4])
    expect((third.columns[1] as CategoryColumn).dictionary).toBe(dictionary)
    expect(dictionary).toEqual(['x', 'y', 'z'])
    expect(readNow(reader, 2)).toBe(null)
    expect(readNow(reader, 2)).toBe(null)
    reader.close()
    reader.close()
  })

  test('stop at the rows option, whatever comes behind', () => {
    const reader = openNow(`${text}6\n`, AB, { rows: 3 })
    expect(values(readNow(reader, 2))).toEqual([1, 2])
    expect(values(readNow(reader, 2))).toEqual([3])
    expect(readNow(reader, 2)).toBe(null)
    expect(readNow(openNow(text, AB, { rows: 0 }), 2)).toBe(null)
  })

  test('come from one column used twice, in the order of the specs', () => {
    const chunk = readAll(text, [
      { name: 'b', kind: 'category' },
      { name: 'a', kind: 'number' },
      { name: 'a', kind: 'category' },
    ])
    expect(values(chunk, 1)).toEqual([1, 2, 3, 4, 5])
    expect(values(chunk, 2)).toEqual([0, 1, 2, 3, 4])
    expect(values(chunk, 0)).toEqual([0, 1, 0, -1, 2])
  })

  test('of a header alone are none', () => {
    expect(readAll('a,b')).toBe(null)
    expect(readAll('\ufeffa,b\r\n\r\n')).toBe(null)
  })

  test('count rows where no column is wanted', () => {
    expect(readAll(text, [])!.rows).toBe(5)
  })

  test('count the bytes of a file once: all but the header and blank lines at the end', () => {
    expect(readAll('\ufeffa,b\r\n1,x\r\n\r\n2,"y\r\n"\r\n\r\n')!.bytes).toBe(
      '1,x\r\n\r\n2,"y\r\n"\r\n'.length,
    )
  })
})

describe('errors name the physical line', () => {
  const cases: [string, string, number, RegExp][] = [
    ['a short row', 'a,b\n\n1,x\n2\n', 4, /expected 2 fields as in the header, found 1/],
    ['a long row', 'a,b\r\n1,x\r\n2,y,z\r\n', 3, /expected 2 fields as in the header, found 3/],
    ['a short last row without a line end', 'a,b\n1,x\n2', 3, /found 1/],
    ['lines inside quotes before', 'a,b\n1,"x\ny\r\nz"\n2\n', 5, /found 1/],
    ['a quote in the middle', 'a,b\n1,"p\nq"\n2,x"y"\n', 4, /quote inside a field/],
    ['text behind a closing quote', 'a,b\n1,"x\n"y\n', 3, /after a closing quote, found "y"/],
    ['an unclosed quote', 'a,b\n1,x\n2,"y\n3,z\n4,u\n', 3, /never closed/],
    ['a quote closed far too late', 'a,b\n1,"x\n2,y\n3,"z\n', 4, /after a closing quote, found "z"/],
    ['a lone carriage return', 'a,b\n1,x\n2,y\rz\n', 3, /carriage return/],
    ['a lone carriage return at the end', 'a,b\n1,x\r', 2, /carriage return/],
    ['a value', 'a,b\n1,"x\n"\nseven,y\n8\n', 4, /column "a": expected a number, found "seven"/],
    ['an infinite value', 'a,b\nInfinity,y\n', 2, /expected a number/],
    ['a hexadecimal value', 'a,b\n0x1F,y\n', 2, /expected a number, found "0x1F"/],
    ['an overflowing value', 'a,b\n1e400,y\n', 2, /expected a number/],
  ]
  test.each(cases)('%s', (_, text, line, message) => {
    for (const bufferBytes of [1, 3, 7, 4096]) {
      const reader = openNow(text, AB, { bufferBytes })
      const error = errorOf(() => readNow(reader, 1000))
      expect(error.message).toMatch(message)
      expect(error.line).toBe(line)
      expect(error.file).toBe(join(folder, 'data.csv'))
      // A broken reader stays broken.
      expect(errorOf(() => readNow(reader, 1)).message).toBe(error.message)
      reader.close()
    }
  })

  test('the first of several misfits counts, whatever the column order', () => {
    const specs: ColumnSpec[] = [
      { name: 'b', kind: 'number' },
      { name: 'a', kind: 'number' },
    ]
    expect(errorOf(() => readAll('a,b\n1,1\nx,2\n3,y\n', specs)).column).toBe('a')
    expect(errorOf(() => readAll('a,b\n1,1\nx,y\n', specs)).column).toBe('b')
    expect(errorOf(() => readAll('a,b\n1,1\nx,2\n3\n', specs)).line).toBe(3)
  })

  test('rows before the broken one can be read', () => {
    const reader = openNow('a,b\n1,x\n2,y\n3\n')
    expect(values(readNow(reader, 2))).toEqual([1, 2])
    expect(errorOf(() => readNow(reader, 2)).line).toBe(4)
  })
})

describe('the header', () => {
  test('lacks a column', () => {
    expect(errorOf(() => openNow('\n\nx,b\n1,2\n')).message).toMatch(
      /data\.csv:3: no column "a".*Columns: x, b/,
    )
  })
  test('that names a column twice, or none, names each by its place or number', () => {
    const header = (text: string, options = {}) => (openNow(text, [], options) as ChunkReader).header
    expect(header('a,b, a \n1,2,3\n')).toEqual(['a', 'b', 'a_2'])
    expect(header('a,,a,a_2,\n1,2,3,4,5\n')).toEqual(['a', 'column_2', 'a_3', 'a_2', 'column_5'])
    expect(header('1,2,3\n', { header: false })).toEqual(['column_1', 'column_2', 'column_3'])
    expect(header('a,b\n1,2,3\n', { header: 'row_names' })).toEqual(['row_names', 'a', 'b'])
    expect(header('title, of it\n\na,b\n1,2\n', { skip_lines: 2 })).toEqual(['a', 'b'])
  })
  test('is absent', () => {
    for (const text of ['', '\n\r\n', '\ufeff'])
      expect(errorOf(() => openNow(text)).message).toMatch(/the file is empty/)
  })
  test('is broken', () => {
    expect(errorOf(() => openNow('a,"b\n1,2\n')).message).toMatch(/:1: .*never closed/)
  })
  test('may be quoted, padded, and wider than its buffer', () => {
    const reader = openNow('"x ""y""",b , a\n1,2,3\n', AB, { bufferBytes: 1 })
    expect(reader.header).toEqual(['x "y"', 'b', 'a'])
    expect(values(readNow(reader, 1))).toEqual([3])
  })
})

describe('a row beyond the limit', () => {
  test('is rejected with its line, before it fills the memory', () => {
    let handed = 0
    const endless: ByteSource = {
      read(into, offset) {
        const start = handed === 0 ? 'a,b\n1,x\n2,"' : ''
        into.fill('z'.charCodeAt(0), offset)
        into.set(Buffer.from(start), offset)
        handed += into.length - offset
        return into.length - offset
      },
      close() {},
    }
    const maxRowBytes = 1 << 20
    const reader = openByteSource(endless, 'endless', AB, { maxRowBytes }) as ChunkReader
    expect(errorOf(() => readNow(reader, 10)).message).toMatch(/^endless:3: a row of more than 1048576 bytes/)
    expect(handed).toBeLessThan(3 * maxRowBytes)
  })

  test.each(['\n', '\r\n', ''])('starts right behind it (line end %j)', (end) => {
    const row = `1,${'x'.repeat(98)}`
    for (const bufferBytes of [1, 64, 4096]) {
      expect(readAll(`a,b\n${row}${end}`, AB, { maxRowBytes: 100, bufferBytes })!.rows).toBe(1)
      expect(errorOf(() => readAll(`a,b\n${row}x${end}`, AB, { maxRowBytes: 100, bufferBytes })).line).toBe(2)
      expect(errorOf(() => readAll(`a,b\n${row}xyz${end}`, AB, { maxRowBytes: 100, bufferBytes })).line).toBe(
        2,
      )
    }
  })
})

describe('sources', () => {
  const text = `a,b\n${Array.from({ length: 5000 }, (_, i) => `${i},name ${i % 7}`).join('\n')}\n`

  async function sum(reader: ChunkReader): Promise<number> {
    let total = 0
    for (let chunk = await reader.read(300); chunk !== null; chunk = await reader.read(300)) {
      for (const value of values(chunk)) total += value
    }
    await reader.close()
    return total
  }

  test('gzip', async () => {
    const path = file(gzipSync(text), 'data.csv.gz')
    expect(await sum(await openBytes(path, AB))).toBe((5000 * 4999) / 2)
  })
  test('a broken or absent gzip file is an error, not the end of the data', async () => {
    const whole = gzipSync(text)
    const cut = file(whole.subarray(0, whole.length >> 1), 'cut.csv.gz')
    await expect((async () => sum(await openBytes(cut, AB)))()).rejects.toThrow(/cannot read .*cut\.csv\.gz/)
    await expect((async () => openBytes(join(folder, 'absent.csv.gz'), AB))()).rejects.toThrow(
      /cannot read .*ENOENT/,
    )
  })
  test('a stream in pieces', async () => {
    const bytes = Buffer.from(text)
    const parts = Array.from({ length: Math.ceil(bytes.length / 13) }, (_, i) =>
      bytes.subarray(13 * i, 13 * i + 13),
    )
    const source = streamSource(Readable.from(parts))
    expect(await sum(await openByteSource(source, 'stream', AB, { bufferBytes: 5 }))).toBe((5000 * 4999) / 2)
  })
  test('an absent file', () => {
    expect(() => openBytes(join(folder, 'absent.csv'), AB)).toThrow(/cannot read .*absent\.csv: ENOENT/)
  })
  test('are closed where opening fails', async () => {
    let closed = 0
    const source = (text: string, waits: boolean): ByteSource => {
      const parts = [Buffer.from(text), Buffer.alloc(0)]
      return {
        read(into, offset) {
          const part = parts.shift()!
          into.set(part, offset)
          return waits ? Promise.resolve(part.length) : part.length
        },
        close: () => closed++,
      }
    }
    expect(() => openByteSource(source('x\n', false), 'x', AB)).toThrow(DataError)
    await expect(openByteSource(source('x\n', true), 'x', AB)).rejects.toBeInstanceOf(DataError)
    expect(() => openByteSource(source('a,b\n', false), 'x', AB, { separator: '""' })).toThrow(TypeError)
    expect(closed).toBe(3)
  })
})

test.each<BytesOptions>([
  { separator: '' },
  { separator: '\n' },
  { separator: '"' },
  { quote: 'é' },
  { comment: ',' },
  { bufferBytes: 0 },
  { maxRowBytes: 0.5 },
])('options that make no sense: %j', (options) => {
  expect(() => openNow('a,b\n', AB, options)).toThrow(TypeError)
})

test('without quoting a quote is text', () => {
  const chunk = readAll('a;b\n1;"x\n', AB, { separator: ';', quote: null })
  expect((chunk!.columns[1] as CategoryColumn).dictionary).toEqual(['"x'])
})

test('more spellings than are remembered still have their meaning', () => {
  const count = 5000
  const text = `a,b\n${Array.from({ length: count }, (_, i) => `0.1234567890123456789${i},x`).join('\n')}\nNA,x\nNA,x\n`
  const chunk = readAll(text, [{ name: 'a', kind: 'number', missing: ['NA'] }])
  const all = openNow(text, [{ name: 'a', kind: 'number', missing: ['NA'] }])
  expect(chunk!.rows).toBe(1000)
  const numbers = values(readNow(all, count + 2))
  expect(numbers.slice(0, count)).toEqual(
    Array.from({ length: count }, (_, i) => Number(`0.1234567890123456789${i}`)),
  )
  expect(numbers.slice(count)).toEqual([Number.NaN, Number.NaN])
})

test('a byte table tells any keys apart and numbers them in order', () => {
  const table = new ByteTable()
  const keys = Array.from({ length: 3000 }, (_, i) => Buffer.from(i === 7 ? '' : `${'k'.repeat(i % 50)}${i}`))
  for (const [i, key] of keys.entries()) {
    expect(table.find(key, 0, key.length)).toBe(-1)
    expect(table.add(key.length)).toBe(i)
  }
  expect(table.size).toBe(keys.length)
  expect(keys.map((key) => table.find(key, 0, key.length))).toEqual(keys.map((_, i) => i))
})

const players = shared('data/nba2k-full.csv')

test.skipIf(!existsSync(players))(
  'real players are read as csv-parse reads them (skipped without STINT_EXTRA_DATA)',
  async () => {
    const specs: ColumnSpec[] = [
      { name: 'rating', kind: 'number' },
      { name: 'team', kind: 'category' },
      { name: 'b_day', kind: 'date', format: 'mdy2' },
      { name: 'height', kind: 'number', after: ' / ' },
      { name: 'weight', kind: 'number', after: ' / ', loose: true },
      { name: 'salary', kind: 'number', loose: true },
      { name: 'draft_round', kind: 'number', words: { Undrafted: 0 } },
      { name: 'version', kind: 'category' },
    ]
    const readers = [await openBytes(players, specs), await openCsvParse(players, specs)]
    for (;;) {
      const [ours, theirs] = [await readers[0]!.read(100), await readers[1]!.read(100)]
      if (ours === null || theirs === null) {
        expect(ours).toBe(theirs)
        break
      }
      expect([ours.rows, ours.firstRow, ours.bytes]).toEqual([theirs.rows, theirs.firstRow, theirs.bytes])
      for (const i of specs.keys()) expect(values(ours, i)).toEqual(values(theirs, i))
    }
    for (const reader of readers) await reader.close()
  },
)
