/** The reader of JSON events against `JSON.parse` and texts, the oracle: the same values, misfits and errors. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnSpec } from '../../workers/data/columns.ts'
import { decodeCategory, decodeDate, decodeNumber, misfit } from '../../workers/data/decode.ts'
import { hashText } from '../../workers/data/hash.ts'
import { openNdjsonSource } from '../../workers/data/ndjson.ts'

const STREAMS = process.env['STINT_FULL'] === '1' ? 20_000 : 50

const SPECS: ColumnSpec[] = [
  { name: 'word', kind: 'category', missing: ['NA', '7'] },
  { name: 'folded "quoted"', kind: 'category', ignoreCase: true },
  { name: 'hashed', kind: 'category', buckets: 5 },
  { name: 'strict', kind: 'number', missing: ['n/a'] },
  { name: 'reserved', kind: 'number', missing: ['-999', '0.5'], words: { none: 0 } },
  { name: 'loose', kind: 'number', loose: true },
  { name: 'after', kind: 'number', after: '/', loose: true },
  { name: 'comma', kind: 'number', decimal: ',', unit: 'kg' },
  { name: 'points', kind: 'number', decimal: ',' },
  { name: 'money', kind: 'number', currency: '$', missing: ['0'] },
  { name: 'naïve.day', kind: 'date' },
  { name: '__proto__', kind: 'number' },
]

/** As JSON writes them, and as it may be written. */
const numberText = fc.oneof(
  fc.integer({ min: -1200, max: 1200 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 0n, max: 10n ** 24n }), fc.integer({ min: 0, max: 9 }))
    .map(
      ([sign, digits, decimals]) =>
        `${sign}${digits}${decimals === 0 ? '' : `.${'25'.padEnd(decimals, '0')}`}`,
    ),
  fc.constantFrom(
    '0',
    '-0',
    '0.0',
    '-0.5',
    '0.5',
    '0.50',
    '1.500',
    '-999',
    '-999.0',
    '7.0',
    '7',
    '1e3',
    '1E+2',
  ),
  fc.constantFrom('0.0000001', '1e-7', '1e999', '12345678901234567890', '0.1234567', '123456789012345.5'),
)
const text = fc.oneof(
  fc.constantFrom(
    '',
    'NA',
    'na',
    'n/a',
    'none',
    'Ab',
    ' pad ',
    '7',
    '1.5',
    '1,5',
    '1.234,5 kg',
    '$1,250',
    '3/4.5',
  ),
  fc.constantFrom('2024-01-02', '2024-1-2', 'Ä', '\u2028', 'a"b', 'tab\t', 'back\\slash', 'x'.repeat(80)),
  fc.string({ maxLength: 6 }),
)
const value = fc.oneof(
  { weight: 6, arbitrary: text.map((one) => JSON.stringify(one)) },
  { weight: 6, arbitrary: numberText },
  { weight: 1, arbitrary: fc.constantFrom('null', 'true', 'false', '[1, 2]', '{"in": 1}', '"\\u0041"') },
)
const names = [...SPECS.map(({ name }) => name), 'other', 'naïve']
const fields = fc
  .subarray(names, { minLength: 1 })
  .chain((some) =>
    fc.tuple(fc.constant(some), fc.array(value, { minLength: some.length, maxLength: some.length })),
  )

interface Writing {
  gap: string
  end: string
  odd: (line: string) => string
}
const writing: fc.Arbitrary<Writing> = fc.record({
  gap: fc.constantFrom('', '', '', ' ', '  '),
  end: fc.constantFrom('\n', '\n', '\r\n', ' \n', '\n\n'),
  odd: fc.constantFrom<(line: string) => string>(
    (line) => line,
    (line) => line,
    (line) => line,
    (line) => ` ${line}`,
    (line) => `${line.slice(0, -1)},"strict":5}`,
  ),
})

/** Events of one writer in one order, of which some have fewer fields, or more, or are written by another. */
const streams = fc.record({
  order: fc.shuffledSubarray(names, { minLength: names.length, maxLength: names.length }),
  events: fc.array(fc.tuple(fields, writing), { minLength: 1, maxLength: 40 }),
  repeated: fc.integer({ min: 1, max: 4 }),
  ends: fc.boolean(),
  isList: fc.boolean(),
  piece: fc.constantFrom(7, 100, 1_000_000),
  chunkRows: fc.integer({ min: 1, max: 100 }),
})

function lineOf([[some, values], { gap, odd }]: [[string[], string[]], Writing], order: string[]): string {
  const ofName = new Map(some.map((name, i) => [name, values[i]!]))
  const parts = order.flatMap((name) =>
    ofName.has(name) ? [`${JSON.stringify(name)}${gap}:${gap}${ofName.get(name)}`] : [],
  )
  return odd(`{${gap}${parts.join(`,${gap}`)}${gap}}`)
}

interface Read {
  rows: (number | string | null)[][]
  misfits: { row: number; column: number; problem: string }[]
}

function oracle(lines: readonly string[]): Read {
  const found: Read = { rows: [], misfits: [] }
  for (const line of lines) {
    const event: Record<string, unknown> = JSON.parse(line)
    const row = SPECS.map((spec, column) => {
      const [first, ...rest] = spec.name.split('.')
      let given: unknown = Object.hasOwn(event, spec.name) ? event[spec.name] : undefined
      if (given === undefined && rest.length > 0 && Object.hasOwn(event, first!)) {
        const inner = event[first!]
        if (typeof inner === 'object' && inner !== null) given = (inner as Record<string, unknown>)[rest[0]!]
      }
      const numeric = [...(spec.missing ?? []), ...Object.keys(spec.words ?? {})].some((one) =>
        Number.isFinite(Number(one)),
      )
      const direct = spec.kind === 'number' && spec.after === undefined && !spec.unit && !numeric
      if (typeof given === 'number' && direct) return given
      const isList = Array.isArray(given)
      const shown =
        given == null || (typeof given === 'object' && !isList)
          ? ''
          : isList
            ? JSON.stringify(given)
            : String(given)
      if (spec.kind === 'category') {
        const text = decodeCategory(shown, spec)
        return text === null || spec.buckets === undefined ? text : `#${hashText(text) % spec.buckets}`
      }
      const value = spec.kind === 'date' ? decodeDate(shown, spec) : decodeNumber(shown, spec)
      if (value === null) found.misfits.push({ row: found.rows.length, column, problem: misfit(shown, spec) })
      return value ?? Number.NaN
    })
    found.rows.push(row)
  }
  return found
}

async function read(
  bytes: Uint8Array,
  piece: number,
  chunkRows: number,
  markMisfits: boolean,
): Promise<Read> {
  let at = 0
  const source = {
    read(into: Uint8Array, offset: number) {
      const count = Math.min(piece, bytes.length - at, into.length - offset)
      into.set(bytes.subarray(at, at + count), offset)
      at += count
      return count
    },
    close() {},
  }
  const reader = await openNdjsonSource(source, 'events', SPECS, { names, markMisfits })
  const found: Read = { rows: [], misfits: [] }
  for (;;) {
    const chunk = await reader.read(chunkRows)
    if (chunk === null) break
    expect(chunk.firstRow).toBe(found.rows.length)
    for (const { row, column, problem } of chunk.misfits ?? [])
      found.misfits.push({ row: chunk.firstRow + row, column, problem })
    for (let row = 0; row < chunk.rows; row++)
      found.rows.push(
        chunk.columns.map((column) => {
          if (column.kind !== 'category') return column.values[row]!
          const code = column.codes[row]!
          return code < 0 ? null : column.dictionary[code]!
        }),
      )
  }
  await reader.close()
  return found
}

test('values, misfits and the first error are those of events parsed one by one', async () => {
  await fc.assert(
    fc.asyncProperty(streams, async ({ order, events, repeated, ends, isList, piece, chunkRows }) => {
      const written = Array.from({ length: repeated }, () => events).flat()
      const lines = written.map((event) => lineOf(event, order))
      const body = isList
        ? `[${lines.join(',\n')}]`
        : written.map(([, { end }], i) => `${lines[i]}${end}`).join('')
      const bytes = Buffer.from(ends || isList ? body : body.trimEnd())
      const expected = oracle(lines)
      expect(await read(bytes, piece, chunkRows, true)).toEqual(expected)
      const [first] = expected.misfits
      const strict = read(bytes, piece, chunkRows, false)
      if (first === undefined) expect((await strict).rows).toEqual(expected.rows)
      else await expect(strict).rejects.toThrow(`column "${SPECS[first.column]!.name}": ${first.problem}`)
    }),
    { numRuns: STREAMS },
  )
})

test.each([
  '{"strict": 01}',
  '{"strict": 1.}',
  '{"strict": .5}',
  '{"strict": +1}',
  '{"strict": 1e}',
  '{"strict": 1,}',
  '{"strict": 1} x',
  '{"strict": 1',
  '{"word": "a}',
  '{"word": tru}',
  '{"word": nul}',
  '{"word": "a\u0001"}',
  '{"strict" 1}',
  '{strict: 1}',
])('%s is no event after good ones either', async (bad) => {
  const good = '{"strict": 1}\n{"word": "a"}\n'.repeat(3)
  // What follows the end of the data in memory is no part of it.
  for (const after of ['\n', ''])
    await expect(read(Buffer.from(good + bad + after), 1e6, 100, true)).rejects.toThrow(
      /events:7: expected a JSON object/,
    )
})
