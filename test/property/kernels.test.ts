/** Kernels against their references in JavaScript: the same bits, whatever they are given. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import type { ColumnSpec } from '../../workers/data/columns.ts'
import { ByteTable } from '../../workers/data/csv/byte-table.ts'
import { CodeTable } from '../../workers/data/csv/code-table.ts'
import { compiledPath, fastPath } from '../../workers/data/csv/fast-path.ts'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { DATE_FORMATS } from '../../workers/data/types.ts'
import { type Kernels, openKernels, whyNoKernels } from '../../workers/kernels.ts'
import { createImputer, fillMeans } from '../../workers/pipeline/clean/imputer.ts'
import { nba2kFeatures } from '../../workers/pipeline/features/nba2k.ts'
import { csvFile, prepared, runPipeline, temporaryFolder } from '../unit/pipeline/support.ts'

const FULL = process.env['STINT_FULL'] === '1'

const RUNS = FULL ? 4_000 : 750
const BYTES = 16 * 1024

const kernels = openKernels() as Kernels
afterAll(() => kernels.close())

it('runs on vectors here, as on every machine that Node 20 supports', () => {
  expect(whyNoKernels()).toBe('')
  expect(kernels).not.toBe(null)
})

/** Bits, as NaN equals itself and 0 does not equal -0. */
const bitsOf = (values: Float64Array) => [...new BigUint64Array(values.slice().buffer)]

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 24 })
const numeric = fc.oneof(
  fc
    .tuple(fc.constantFrom('', '-', '+', ' '), digits, fc.constantFrom('', '.'), digits)
    .map((p) => p.join('')),
  fc.integer({ min: -(10 ** 9), max: 10 ** 9 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer({ min: 0, max: 999_999 }).map((n) => String(n / 100)),
  fc.integer({ min: 0, max: 10 ** 9 }).map((n) => n.toLocaleString('en')),
)
const scrap = fc.string({ unit: fc.constantFrom(...'$#a.e,,-+ \t\u00a0€/0123456789(<K:kg'), maxLength: 20 })
const field = fc.oneof(
  numeric,
  fc
    .tuple(fc.constantFrom('', '6-9', 'x'), fc.constantFrom(' / ', '$', 'NBA2k'), fc.nat(9999), fc.nat(9))
    .map(([before, mark, a, b]) => `${before}${mark}${a}.${b}`),
  scrap,
  fc.tuple(scrap, numeric, scrap).map((parts) => parts.join('')),
  fc
    .tuple(numeric, fc.constantFrom(' / ', '$', 'NBA2k', '-', ' '), numeric, scrap)
    .map((parts) => parts.join('')),
)
const dateField = fc.oneof(
  scrap,
  fc
    .tuple(fc.nat(13), fc.nat(32), fc.nat(9999), fc.constantFrom('/', '-', '.'), fc.constantFrom('', '0'))
    .chain(([month, day, year, mark, pad]) => {
      const [m, d] = [String(month), String(day)].map((part) =>
        part.padStart(2, pad === '' ? ' ' : '0').trim(),
      )
      const y = String(year).padStart(4, '0')
      return fc.constantFrom(
        ...[`${m}/${d}/${y.slice(2)}`, `${m}${mark}${d}${mark}${y}`, `${y}${mark}${m}${mark}${d}`, y + m + d],
      )
    }),
)

const specs: ColumnSpec[] = [
  ...[
    {},
    { loose: true },
    { after: ' / ' },
    { after: '$' },
    { after: 'NBA2k' },
    { after: ' / ', loose: true },
    { after: '' },
    { currency: '$' },
    { unit: 'kg' },
    { unit: '' },
    { currency: '€', unit: 'kg' },
    { currency: '$', after: '-' },
  ].map((about) => ({ name: 'n', kind: 'number' as const, ...about })),
  ...DATE_FORMATS.map((format) => ({ name: 'd', kind: 'date' as const, format })),
]

it('reads numbers and dates with the bits of JavaScript, wherever they stand', () => {
  const compiled = specs.map((spec) => compiledPath(spec, kernels))
  expect(compiled.filter((path) => path !== null)).toHaveLength(specs.length - DATE_FORMATS.length + 3)
  const bytes = kernels.bytes(BYTES)
  const read = new Array<number>(specs.length).fill(0)
  const paths = compiled.flatMap((path, at) => (path === null ? [] : [{ path, at, spec: specs[at]! }]))
  type Case = [(typeof paths)[number], string[], string[], number]
  // What random texts may never give a column of one form: a field that it reads by itself.
  const plain = paths.map((path): Case => [path, ['12.5'], ['2021-03-04', '12/30/1984', '30/12/1984'], 0])
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.array(fc.oneof(field, dateField), { minLength: 1, maxLength: 40 }),
      fc.array(dateField, { minLength: 1, maxLength: 40 }),
      fc.nat(3),
      ({ path, at, spec }, mixed, days, gap) => {
        const { after = '', currency = '', unit = '' } = spec
        const dressed = mixed.map((text, i) => (i % 3 === 0 ? after + currency + text + unit : text))
        const texts = spec.kind === 'date' ? days : dressed
        const fields = kernels.ints(4 * texts.length + 1)
        let end = gap
        for (const [i, text] of texts.entries()) {
          fields[4 * i + 1] = end
          end += bytes.write(text, end)
          fields[4 * i + 2] = end
          // Fields may stand next to each other, and what follows one may look like more of it.
          end += bytes.write('5'.repeat(gap), end)
        }
        const outs = [kernels.floats(texts.length + 1), new Float64Array(texts.length + 1)] as const
        const odds = [kernels.ints(texts.length), new Int32Array(texts.length)] as const
        const counts = [path, fastPath(spec)].map((one, i) =>
          one(bytes, fields, 1, 4, texts.length, outs[i]!, 1, odds[i]!),
        )
        expect(counts[0]).toBe(counts[1])
        expect([...odds[0].subarray(0, counts[0])]).toEqual([...odds[1].subarray(0, counts[1])])
        expect(bitsOf(outs[0]), texts.join('|')).toEqual(bitsOf(outs[1]))
        read[at]! += texts.length - counts[0]!
        for (const array of [fields, outs[0], odds[0]]) kernels.free(array)
      },
    ),
    { numRuns: RUNS, examples: plain },
  )
  // Each of them has read fields by itself; text after nothing it leaves to strings.
  for (const [at, spec] of specs.entries()) {
    if (compiled[at] !== null && spec.after !== '') expect(read[at], JSON.stringify(spec)).toBeGreaterThan(0)
  }
})

it('numbers spellings in order of appearance, as a table in JavaScript does', () => {
  const bytes = kernels.bytes(BYTES)
  const word = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\u00e9'), maxLength: 20 }),
    fc.constantFrom('', 'a'.repeat(8), 'a'.repeat(16), 'a'.repeat(17)),
  )
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 300 }), fc.nat(1), (words, off) => {
      const table = new CodeTable(kernels)
      const reference = new ByteTable()
      const fields = kernels.ints(2 * words.length)
      let end = off
      for (const [i, text] of words.entries()) {
        fields[2 * i] = end
        end += bytes.write(text, end)
        fields[2 * i + 1] = end
      }
      const expected = words.map((_, i) => {
        const [from, to] = [fields[2 * i]!, fields[2 * i + 1]!]
        const known = reference.find(bytes, from, to)
        return known < 0 ? reference.add(to - from) : known
      })
      const out = kernels.ints(words.length)
      let met = 0
      table.codes(bytes, fields, 0, 2, words.length, out, 0, () => met++)
      expect([...out]).toEqual(expected)
      kernels.free(fields)
      kernels.free(out)
    }),
    { numRuns: 300 },
  )
})

it('fills gaps by the means of JavaScript, of any number of columns, from the first row on', () => {
  const value = fc.oneof(fc.constant(Number.NaN), fc.double({ noNaN: true, noDefaultInfinity: true }))
  const rows = fc.integer({ min: 1, max: 40 })
  const columns = rows.chain((n) =>
    fc.array(fc.array(value, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 9 }),
  )
  fc.assert(
    fc.property(fc.array(columns, { minLength: 1, maxLength: 3 }), fc.integer(), (chunks, first) => {
      const make = () => Array.from({ length: 9 }, (_, i) => createImputer('mean', first + i))
      const [compiled, reference] = [make(), make()]
      for (const chunk of chunks) {
        const lengths = chunk[0]!.length
        const arrays = chunk.map((values) => {
          const array = kernels.floats(lengths)
          array.set(values)
          return array
        })
        const plain = chunk.map((values) => Float64Array.from(values))
        const filled = fillMeans(kernels, compiled.slice(0, chunk.length), arrays, lengths)
        expect(filled).toBe(plain.reduce((sum, values, i) => sum + reference[i]!.fill(values, lengths), 0))
        expect(arrays.map(bitsOf)).toEqual(plain.map(bitsOf))
        expect(compiled.map((one) => one.toJSON())).toEqual(reference.map((one) => one.toJSON()))
        for (const array of arrays) kernels.free(array)
      }
    }),
    { numRuns: FULL ? 500 : 200 },
  )
})

it('computes formulas with the bits of JavaScript, of any numbers', () => {
  const { formulas } = nba2kFeatures('rich').features
  const value = fc.oneof(
    fc.integer({ min: -2, max: 70 }),
    fc.integer({ min: -800_000, max: 100_000 }),
    fc.double(),
    fc.constantFrom(-0, 30.5, 2 ** 31, -(2 ** 40)),
  )
  const pairs = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 40 })
  const done = new Map<string, number>()
  fc.assert(
    fc.property(fc.constantFrom(...formulas), pairs, fc.nat(1), ({ name, fill }, operands, plain) => {
      const rows = operands.length
      const [a, b, out] = [kernels.floats(rows), kernels.floats(rows), kernels.floats(rows)]
      // Every other time nothing that a kernel would leave to JavaScript.
      a.set(operands.map(([x]) => (plain === 1 ? Math.abs(Math.trunc(x) % 60) || 0 : x)))
      b.set(operands.map(([, y]) => y))
      const table = kernels.floats(fill.table?.length ?? 0)
      table.set(fill.table ?? [])
      const expected = new Float64Array(rows)
      fill.js(expected, rows, a, b, b)
      const by = fill.wasm!(kernels.run, out.byteOffset, rows, a.byteOffset, b.byteOffset, table.byteOffset)
      const finished = by === undefined ? rows : (by as number)
      expect(bitsOf(out.subarray(0, finished)), name).toEqual(bitsOf(expected.subarray(0, finished)))
      if (finished === rows) done.set(name, (done.get(name) ?? 0) + 1)
      for (const array of [a, b, out, table]) kernels.free(array)
    }),
    { numRuns: 2_000 },
  )
  for (const { name } of formulas) expect(done.get(name), name).toBeGreaterThan(5)
})

const cell = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => x.toFixed(2)) },
  { weight: 1, arbitrary: fc.constantFrom('', 'NA', '1e3', '-0') },
)
const day = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }), fc.nat(99))
const label = fc.constantFrom('a', 'b', 'c', '', ' a', '"d, e"', '"f\ng"')
const table = fc.array(fc.tuple(cell, cell, label, label, day, cell), { minLength: 5, maxLength: 120 })
const setting = fc.record({
  learner: fc.constantFrom('ridge', 'sgd', 'pa'),
  reader: fc.constantFrom('bytes', 'csv-parse'),
  batch_size: fc.integer({ min: 1, max: 70 }),
  chunks: fc.tuple(fc.integer({ min: 1, max: 130 }), fc.constantFrom(1, 130, 700)),
  /** How often the rows come: few are worth a kernel in one place, many in all. */
  times: fc.constantFrom(1, 1, 7),
  label_delay: fc.constantFrom(0, 0, 30),
  impute: fc.constantFrom('mean', 'median', 'constant'),
  mode: fc.constantFrom('streaming' as const, 'streaming' as const, 'batch' as const),
  /** Columns that are left out: with the three of numbers nothing is dense. */
  left_out: fc.constantFrom([], [], [], ['x1'], ['x1', 'x2', 'd'], ['c1', 'c2'], ['x2', 'c1', 'c2', 'd']),
})

it('gives the scores of JavaScript to the last bit, on random tables', async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      setting,
      async (rows, { chunks, times, batch_size, mode, left_out, ...params }) => {
        const lines = rows.map(([x1, x2, c1, c2, [m, d, y], target]) =>
          [x1, x2, c1, c2, `${m}/${d}/${String(y).padStart(2, '0')}`, target].join(','),
        )
        const text = `x1,x2,c1,c2,d,y\n1,2,a,b,1/2/03,3\n${`${lines.join('\n')}\n`.repeat(times)}`
        const dataset = await prepared(csvFile(text), {
          target: 'y',
          columns: {
            ...{ x1: 'number', x2: 'number', c1: 'category', c2: 'category', y: 'number' },
            d: { kind: 'date', format: 'mdy2' },
            ...Object.fromEntries(left_out.map((name) => [name, 'drop'])),
          },
        })
        const run = (kernels: string, chunk_size: number) =>
          runPipeline(dataset, { ...params, kernels }, { batch_size, mode, chunk_size })
        const wasm = await run('wasm', chunks[1])
        const js = await run('js', chunks[0])
        expect(wasm.info!['kernels']).toBe('wasm')
        expect(js.info!['kernels']).toBe('js')
        expect(wasm.metrics).toEqual(js.metrics)
        expect({ ...wasm.info, kernels: '' }).toEqual({ ...js.info, kernels: '' })
      },
    ),
    { numRuns: FULL ? 150 : 50 },
  )
})

it.each([
  ['sgd', 1024, {}],
  ['sgd', 100, { alpha: 0.5, eta0: 0.5 }],
  ['sgd', 100, { label_delay: 300, features: 'base' }],
  ['ridge', 1024, {}],
  ['ridge', 100, { forgetting: 0.999 }],
])('gives them on players: %s, batch %i, %j', async (learner, batch_size, options) => {
  const path = join(temporaryFolder(), 'players.csv')
  await generateDataset({ preset: 'nba2k', rows: 5_000, seed: 11 }, path)
  const dataset = await prepared(path, { preset: 'nba2k' })
  const run = async (kernels: string, chunk_size: number) =>
    (await runPipeline(dataset, { learner, kernels, ...options }, { batch_size, chunk_size })).metrics
  const js = await run('js', 5_000)
  expect(js['r2']).not.toBeNull()
  for (const size of [64, 1024, 5_000]) expect(await run('wasm', size)).toEqual(js)
})

it('goes on in JavaScript from what kernels saved, and the other way round', async () => {
  const path = join(temporaryFolder(), 'players.csv')
  await generateDataset({ preset: 'nba2k', rows: 3_000, seed: 12 }, path)
  const dataset = await prepared(path, { preset: 'nba2k' })
  for (const learner of ['sgd', 'ridge']) {
    const sizes = { batch_size: 200, chunk_size: 300 }
    const whole = await runPipeline(dataset, { learner, kernels: 'js' }, sizes)
    for (const [first, second] of [
      ['js', 'wasm'],
      ['wasm', 'js'],
    ] as const) {
      const file = join(temporaryFolder(), 'state')
      const saved = { learner, kernels: first, checkpoint_to: file, checkpoint_rows: 300 }
      await runPipeline(dataset, saved, sizes, 4)
      const rest = await runPipeline(dataset, { learner, kernels: second, resume_from: file }, sizes)
      expect(rest.metrics).toEqual(whole.metrics)
    }
  }
})
