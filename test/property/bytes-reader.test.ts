/** The byte-level reader against csv-parse, the oracle: the same values from good input, rejection of the same bad input. */
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnSpec } from '../../workers/data/columns.ts'
import { DataError } from '../../workers/data/columns.ts'
import { parseDecimal, parseLoose } from '../../workers/data/csv/decimal.ts'
import { fastPath, parseDateBytes } from '../../workers/data/csv/fast-path.ts'
import { openByteSource } from '../../workers/data/csv/reader.ts'
import { decodeCategory, decodeDate, decodeNumber } from '../../workers/data/decode.ts'
import type { ByteSource } from '../../workers/data/sources/bytes.ts'
import type { CsvDialect as Dialect } from '../../workers/data/types.ts'
import { DATE_FORMATS } from '../../workers/data/types.ts'

const TABLES = process.env['STINT_FULL'] === '1' ? 10_000 : 200
const NUMBERS = process.env['STINT_FULL'] === '1' ? 20_000 : 2_500

type Value = number | string | null

/** Hands out at most `most` bytes at a time, every other time as a promise where `waits`. */
function pieces(bytes: Uint8Array, most: number, waits: boolean): ByteSource {
  let at = 0
  let reads = 0
  return {
    read(into, offset) {
      const count = Math.min(most, bytes.length - at, into.length - offset)
      into.set(bytes.subarray(at, at + count), offset)
      at += count
      return waits && reads++ % 2 === 0 ? Promise.resolve(count) : count
    },
    close() {},
  }
}

interface Reading {
  bufferBytes: number
  piece: number
  waits: boolean
  chunkRows: number
  kernels: boolean
}

async function readBytes(
  text: Uint8Array,
  specs: readonly ColumnSpec[],
  dialect: Dialect,
  how: Reading,
): Promise<Value[][]> {
  const source = pieces(text, how.piece, how.waits)
  const reader = await openByteSource(source, 'test.csv', specs, {
    ...dialect,
    bufferBytes: how.bufferBytes,
    ...(!how.kernels && { kernels: null }),
  })
  const rows: Value[][] = []
  let bytes = 0
  let dictionaries: (readonly string[] | null)[] = []
  for (;;) {
    const chunk = await reader.read(how.chunkRows)
    if (chunk === null) break
    expect(chunk.firstRow).toBe(rows.length)
    bytes += chunk.bytes
    dictionaries = chunk.columns.map((column) => (column.kind === 'category' ? column.dictionary : null))
    for (let row = 0; row < chunk.rows; row++) {
      rows.push(
        chunk.columns.map((column) => {
          if (column.kind !== 'category') return column.values[row]!
          const code = column.codes[row]!
          return code < 0 ? null : column.dictionary[code]!
        }),
      )
    }
    if (chunk.rows < how.chunkRows) expect(await reader.read(how.chunkRows)).toBe(null)
  }
  await reader.close()
  expect(bytes).toBeLessThan(text.length)
  for (const [i, dictionary] of dictionaries.entries()) {
    const inOrder = new Set(rows.map((row) => row[i]).filter((value) => value !== null))
    if (dictionary !== null) expect(dictionary).toEqual([...inOrder])
  }
  return rows
}

function oracle(text: Uint8Array, specs: readonly ColumnSpec[], dialect: Dialect): Value[][] {
  const records: string[][] = parse(text, {
    bom: true,
    skip_empty_lines: true,
    record_delimiter: ['\r\n', '\n'],
    delimiter: dialect.separator ?? ',',
    quote: dialect.quote === undefined ? '"' : dialect.quote,
    escape: dialect.quote === undefined ? '"' : dialect.quote,
    comment: dialect.comment ?? null,
    comment_no_infix: true,
  })
  const header = records[0]!.map((name) => name.trim())
  return records.slice(1).map((record) =>
    specs.map((spec) => {
      const field = record[header.indexOf(spec.name)]!
      if (spec.kind === 'category') return decodeCategory(field, spec)
      const value = spec.kind === 'number' ? decodeNumber(field, spec) : decodeDate(field, spec)
      if (value === null) throw new Error(`no ${spec.kind}: ${field}`)
      return value
    }),
  )
}

const dialects: fc.Arbitrary<Dialect> = fc.record({
  separator: fc.constantFrom(',', ';', '\t', '|', ':'),
  quote: fc.constantFrom('"', "'", '~'),
  comment: fc.constantFrom(null, '#', '%'),
})

const readings: fc.Arbitrary<Reading> = fc.record({
  bufferBytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(256, 65_536)),
  piece: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(1_000_000)),
  waits: fc.boolean(),
  chunkRows: fc.integer({ min: 1, max: 400 }),
  kernels: fc.boolean(),
})

const SPECS: ColumnSpec[] = [
  { name: 'words', kind: 'category', missing: ['NA', '?'] },
  { name: 'any', kind: 'category' },
  { name: 'strict', kind: 'number', missing: ['-999', 'n/a'], words: { none: 0, '7': 70 } },
  { name: 'loose', kind: 'number', loose: true, missing: ['-'] },
  { name: 'after', kind: 'number', after: ' / ', loose: true },
  { name: 'money', kind: 'number', currency: '€' },
  { name: 'unit', kind: 'number', unit: 'kg' },
  { name: 'grouped', kind: 'number', unit: '', missing: ['0'] },
  { name: 'when', kind: 'date', format: 'mdy2', missing: ['01/01/00'] },
  { name: 'day', kind: 'date' },
]

const two = (value: number) => String(value).padStart(2, '0')
const month = fc.integer({ min: 1, max: 12 })
const dayOfMonth = fc.integer({ min: 1, max: 28 })
const padding = fc.constantFrom('', '', '', ' ', '\t ', '\u00a0')
const pad = (text: fc.Arbitrary<string>) => fc.tuple(padding, text, padding).map((parts) => parts.join(''))
const plainNumber = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.integer({ min: -99999, max: 99999 }), fc.nat(99999)).map(([a, b]) => `${a}.${b}`),
)
const grouped = fc
  .tuple(fc.integer({ min: 1, max: 999 }), fc.nat(999))
  .map(([a, b]) => `${a},${String(b).padStart(3, '0')}`)
const fieldOf: Record<string, fc.Arbitrary<string>> = {
  words: pad(fc.constantFrom('red', 'green', 'NA', '?', '', 'Ærø', '漢字', '🏀🏀')),
  any: fc.string({ unit: fc.constantFrom(...'ab01 ,;|:\t"\'~#%\n\r€\u00a0\ufeff\u{1f600}') }),
  strict: pad(
    fc.oneof(plainNumber, fc.constantFrom('', '-999', 'n/a', 'none', '7', '0', '-0', '5.', '.5', '+1')),
  ),
  loose: pad(
    fc.oneof(
      plainNumber.map((n) => `$${n.replace(/e.*/, '')}`),
      grouped.map((n) => `US$ ${n}.50 p.a.`),
      fc.constantFrom('-', '', '#23', '5%', '1e3', '12 kg'),
    ),
  ),
  money: pad(
    fc.oneof(
      grouped.map((n) => `€${n}`),
      plainNumber,
      fc.nat(999).map((n) => `(€ ${n})`),
      fc.constantFrom('', '12 €', '-€5', '€1.5M'),
    ),
  ),
  unit: pad(fc.oneof(plainNumber, grouped).map((n) => `${n} kg`)),
  grouped: pad(fc.oneof(plainNumber, grouped, fc.constantFrom('(5)', '5-', '1.2K', '0'))),
  after: fc.oneof(
    fc.tuple(fc.nat(20), fc.nat(300)).map(([a, b]) => `${a} lb / ${b}.5 kg`),
    fc.constant(''),
  ),
  when: pad(fc.tuple(month, dayOfMonth, fc.nat(99)).map(([m, d, y]) => `${two(m)}/${d}/${two(y)}`)),
  day: fc.oneof(
    fc
      .tuple(fc.integer({ min: 0, max: 9999 }), month, dayOfMonth)
      .map(([y, m, d]) => `${String(y).padStart(4, '0')}-${two(m)}-${two(d)}`),
    fc.constantFrom('2024-02-29', '2024-1-5', '2024-01-05T10:00:00Z'),
  ),
  unused: fc.string({ unit: fc.constantFrom(...'ab,"\n ') }),
}

/** A table as text: columns in a random order, quotes where needed and at random, blank lines, comments, mixed ends. */
const tables = fc
  .record({
    dialect: dialects,
    columns: fc.shuffledSubarray(Object.keys(fieldOf), { minLength: 1 }),
    rows: fc.nat(12),
    mark: fc.boolean(),
    lastEnd: fc.boolean(),
  })
  .chain((shape) =>
    fc
      .record({
        cells: fc.array(fc.tuple(...shape.columns.map((name) => fieldOf[name]!)), {
          minLength: shape.rows,
          maxLength: shape.rows,
        }),
        quoted: fc.infiniteStream(fc.boolean()),
        between: fc.infiniteStream(fc.constantFrom('', '', '', 'blank', 'comment')),
        ends: fc.infiniteStream(fc.constantFrom('\n', '\r\n')),
      })
      .map(({ cells, quoted, between, ends }) => {
        const { separator, quote, comment } = shape.dialect as {
          separator: string
          quote: string
          comment: string | null
        }
        const field = (text: string, first: boolean) => {
          const must =
            [separator, quote, '\n', '\r'].some((mark) => text.includes(mark)) ||
            (first && ((comment !== null && text.startsWith(comment)) || text.startsWith('\ufeff'))) ||
            (text === '' && shape.columns.length === 1)
          return must || quoted.next().value ? quote + text.replaceAll(quote, quote + quote) + quote : text
        }
        const lines: string[] = []
        for (const row of [shape.columns, ...cells]) {
          const what = between.next().value
          if (what === 'blank') lines.push(ends.next().value!)
          if (what === 'comment' && comment !== null)
            lines.push(`${comment} it's "odd"${separator}${ends.next().value}`)
          lines.push(row.map((text, i) => field(text, i === 0)).join(separator) + ends.next().value)
        }
        let text = lines.join('')
        if (!shape.lastEnd) text = text.replace(/\r?\n$/, '')
        return {
          text: Buffer.from((shape.mark ? '\ufeff' : '') + text),
          dialect: shape.dialect,
          specs: SPECS.filter((spec) => shape.columns.includes(spec.name)),
        }
      }),
  )

test('well-formed tables give the values that csv-parse gives, however the bytes are split', async () => {
  await fc.assert(
    fc.asyncProperty(tables, readings, async ({ text, dialect, specs }, how) => {
      expect(await readBytes(text, specs, dialect, how)).toEqual(oracle(text, specs, dialect))
    }),
    { numRuns: TABLES },
  )
})

test('any text is either read as csv-parse reads it or rejected by both', async () => {
  const soup = fc.string({
    unit: fc.constantFrom('a', 'b', ',', ',', '"', '\n', '\n', '\r\n', ' '),
    maxLength: 30,
  })
  let accepted = 0
  let rejected = 0
  await fc.assert(
    fc.asyncProperty(soup, readings, async (body, how) => {
      const text = Buffer.from(`x,y\n${body}`)
      const specs: ColumnSpec[] = [
        { name: 'y', kind: 'category' },
        { name: 'x', kind: 'category' },
      ]
      let expected: Value[][] | null = null
      try {
        expected = oracle(text, specs, {})
      } catch {}
      const read = readBytes(text, specs, {}, how)
      if (expected === null) {
        rejected++
        await expect(read).rejects.toBeInstanceOf(DataError)
      } else {
        accepted++
        expect(await read).toEqual(expected)
      }
    }),
    { numRuns: 2 * TABLES },
  )
  expect(Math.min(accepted, rejected)).toBeGreaterThan(TABLES / 20)
})

test('where an error is found does not depend on how the bytes are split', async () => {
  const soup = fc.string({ unit: fc.constantFrom('1', '2', ',', ',', '"', '\n', '\n', 'x'), maxLength: 40 })
  const specs: ColumnSpec[] = [
    { name: 'b', kind: 'number' },
    { name: 'a', kind: 'number' },
  ]
  const outcome = async (text: Uint8Array, how: Reading) => {
    try {
      return await readBytes(text, specs, {}, how)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      return error.message
    }
  }
  const whole: Reading = { bufferBytes: 4096, piece: 4096, waits: false, chunkRows: 1000, kernels: false }
  await fc.assert(
    fc.asyncProperty(soup, readings, async (body, how) => {
      const text = Buffer.from(`a,b\n1,2\n${body}`)
      expect(await outcome(text, how)).toEqual(await outcome(text, whole))
    }),
    { numRuns: TABLES },
  )
})

const digits = (max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: max })
const sign = fc.constantFrom('', '-', '+')
const decimals = fc.oneof(
  fc
    .tuple(
      sign,
      digits(25),
      fc.constantFrom('', '.'),
      digits(25),
      fc.constantFrom('', 'e', 'E'),
      sign,
      digits(4),
    )
    .map((parts) => parts.join('')),
  fc.double({ noNaN: true }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e-300, max: 1e-300 }).map(String),
  fc
    .tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(20))
    .map(([x, places]) => x.toExponential(places)),
  // Halfway between two doubles: 2^53 + odd, and the same with more digits behind or scaled down.
  fc
    .tuple(fc.nat(2 ** 31), fc.constantFrom('', '.0', '.5', '.00000000000000000001', 'e-5', 'e3'))
    .map(([n, tail]) => (2n ** 53n + 2n * BigInt(n) + 1n).toString() + tail),
  fc.tuple(digits(17), fc.integer({ min: -30, max: 30 })).map(([d, e]) => `${d}e${e}`),
)

test('decimals read from bytes equal Number() to the last bit', () => {
  let fast = 0
  fc.assert(
    fc.property(decimals, fc.nat(3), (text, lead) => {
      const bytes = Buffer.from(`${'9'.repeat(lead)}${text}9`)
      const value = parseDecimal(bytes, lead, lead + text.length)
      if (Number.isNaN(value)) return
      fast++
      expect(Object.is(value, Number(text)), `${text} -> ${value}`).toBe(true)
    }),
    { numRuns: NUMBERS },
  )
  expect(fast).toBeGreaterThan(NUMBERS / 10)
})

test('doubles printed in full are read from bytes, and halfway cases are not guessed', () => {
  let fast = 0
  let halfway = 0
  const near = fc.tuple(
    fc.double({ min: 1e-5, max: 1e6, noNaN: true }),
    fc.integer({ min: 16, max: 22 }),
    fc.integer({ min: -1, max: 1 }),
  )
  fc.assert(
    fc.property(near, ([x, precision, off]) => {
      const full = String(x)
      const bits = Buffer.from(full)
      const value = parseDecimal(bits, 0, bits.length)
      if (!Number.isNaN(value)) {
        fast++
        expect(Object.is(value, x), full).toBe(true)
      }
      // Around the middle between two doubles, as near as so many digits come to it.
      const next = x * (1 + 2 ** -52)
      const exact = (BigInt(Math.round(x * 2 ** 74)) + BigInt(Math.round(next * 2 ** 74))) * 10n ** 22n
      const digits = ((exact >> 75n) + BigInt(off)).toString().padStart(23, '0')
      const text = `${digits.slice(0, -22)}.${digits.slice(-22)}`.slice(0, precision + 2)
      const bytes = Buffer.from(text)
      const read = parseDecimal(bytes, 0, bytes.length)
      if (Number.isNaN(read)) return
      halfway++
      expect(Object.is(read, Number(text)), text).toBe(true)
    }),
    { numRuns: NUMBERS },
  )
  expect(fast).toBeGreaterThan(0.9 * NUMBERS)
  expect(halfway).toBeGreaterThan(NUMBERS / 10)
})

test('numbers with 15 digits or fewer never need a string', () => {
  fc.assert(
    fc.property(sign, fc.nat(10 ** 9 - 1), fc.nat(999_999), (s, a, b) => {
      const text = `${s}${a}.${b}`
      expect(Object.is(parseDecimal(Buffer.from(text), 0, text.length), Number(text))).toBe(true)
    }),
    { numRuns: NUMBERS },
  )
})

test('numbers with a currency sign or a unit read from bytes equal those read from strings', () => {
  const scrap = fc.string({ unit: fc.constantFrom(...'$kg.e,-+ ()\u00a0€0123456789KM'), maxLength: 8 })
  const number = fc.tuple(
    fc.constantFrom('', '$', ' $'),
    fc.oneof(scrap, grouped),
    fc.constantFrom('', 'kg', ' kg'),
  )
  const specs: ColumnSpec[] = [
    { currency: '$' },
    { unit: 'kg' },
    { unit: '' },
    { currency: '$', unit: 'kg' },
  ].map((around) => ({ name: 'n', kind: 'number', ...around }))
  const out = new Float64Array(1)
  let fast = 0
  fc.assert(
    fc.property(number, fc.constantFrom(...specs), (parts, spec) => {
      const text = parts.join('')
      const bytes = Buffer.from(text)
      fastPath(spec)(bytes, Int32Array.of(0, bytes.length), 0, 2, 1, out, 0, new Int32Array(1))
      if (Number.isNaN(out[0]!)) return
      fast++
      expect(out[0], text).toBe(decodeNumber(text, spec))
    }),
    { numRuns: NUMBERS },
  )
  expect(fast).toBeGreaterThan(NUMBERS / 20)
})

test('loose numbers and dates read from bytes equal those read from strings', () => {
  const scrap = fc.string({ unit: fc.constantFrom(...'$#a.e,,-+ \t\u00a0€/0123456789(<K:)'), maxLength: 12 })
  const number = fc.oneof(
    scrap,
    fc.tuple(scrap, grouped, scrap).map((parts) => parts.join('')),
  )
  let fast = 0
  fc.assert(
    fc.property(number, (text) => {
      const bytes = Buffer.from(text)
      const value = parseLoose(bytes, 0, bytes.length)
      if (Number.isNaN(value)) return
      fast++
      expect(value, text).toBe(decodeNumber(text, { name: 'n', kind: 'number', loose: true }))
    }),
    { numRuns: NUMBERS },
  )
  // The forms that bytes tell are few among all, and what is compared here.
  const formats = fc.oneof(fc.constantFrom('iso', 'mdy4', 'dmy4', 'mdy2'), fc.constantFrom(...DATE_FORMATS))
  const date = fc
    .tuple(
      digits(4),
      fc.nat(32).map(two),
      fc.oneof(digits(4), fc.nat(9999).map(String)),
      fc.constantFrom('/', '-'),
    )
    .map(([a, b, c, mark]) => [a, b, c].join(mark))
  let dates = 0
  fc.assert(
    fc.property(date, formats, (text, format) => {
      const bytes = Buffer.from(text)
      const value = parseDateBytes(bytes, 0, bytes.length, format)
      if (Number.isNaN(value)) return
      dates++
      expect(value, text).toBe(decodeDate(text, { name: 'd', kind: 'date', format }))
    }),
    { numRuns: NUMBERS },
  )
  expect(fast).toBeGreaterThan(NUMBERS / 20)
  expect(dates).toBeGreaterThan(NUMBERS / 100)
})
