import { describe, expect, it } from 'vitest'
import type { Column, ColumnChunk } from '../../../workers/data/columns.ts'
import { Cleaner } from '../../../workers/pipeline/clean/cleaner.ts'
import type { CategoryRule } from '../../../workers/pipeline/clean/respelling.ts'
import { FeatureEngineer } from '../../../workers/pipeline/features/engineer.ts'
import { OneHotIndex } from '../../../workers/pipeline/features/one-hot.ts'
import { RowBuffer } from '../../../workers/pipeline/features/row-buffer.ts'
import { type FeatureTable, minus, plus, times } from '../../../workers/pipeline/features/table.ts'

type Row = [y: number | null, x: number | null, team: string | null, land: string | null]

const ROWS: Row[] = [
  [1, null, 'b', 'USA'],
  [2, 4, 'a', 'Peru'],
  [null, 100, 'lost', 'lost'],
  [3, 8, null, 'USA'],
  [4, null, 'b', 'Mali'],
  [5, 6, 'c', null],
]

/** The rows in chunks of a size, with dictionaries that grow as a reader's would. */
function* chunks(rows: readonly Row[], size: number): Generator<ColumnChunk> {
  const dictionaries: [string[], string[]] = [[], []]
  const code = (dictionary: string[], value: string | null) => {
    if (value === null) return -1
    const at = dictionary.indexOf(value)
    return at >= 0 ? at : dictionary.push(value) - 1
  }
  for (let first = 0; first < rows.length; first += size) {
    const part = rows.slice(first, first + size)
    const column = (name: string, at: 0 | 1): Column => ({
      kind: 'number',
      name,
      values: Float64Array.from(part, (row) => row[at] ?? Number.NaN),
    })
    const slot = (name: string, at: 2 | 3): Column => ({
      kind: 'category',
      name,
      codes: Int32Array.from(part, (row) => code(dictionaries[at - 2]!, row[at]!)),
      dictionary: dictionaries[at - 2]!,
    })
    yield {
      rows: part.length,
      firstRow: first,
      columns: [column('y', 0), column('x', 1), slot('team', 2), slot('land', 3)],
      bytes: 0,
    }
  }
}

const RULES = new Map<string, CategoryRule>([
  ['team', { missing: 'none' }],
  ['land', { spell: (land) => (land === 'USA' ? land : 'not') }],
])
const each = (out: Float64Array, rows: number, of: (i: number) => number) => {
  for (let i = 0; i < rows; i += 1) out[i] = of(i)
}
const TABLE: FeatureTable = {
  formulas: [
    { name: 'zero', from: ['x', 'x'], fill: minus },
    { name: 'two', from: ['zero'], fill: plus(2) },
    { name: 'double', from: ['x', 'two'], fill: times },
    {
      name: 'sum',
      from: ['x', 'double'],
      fill: { js: (out, rows, x, d) => each(out, rows, (i) => x[i]! + d[i]!) },
    },
    {
      name: 'product',
      from: ['x', 'double', 'sum'],
      fill: { js: (out, rows, x, d, s) => each(out, rows, (i) => x[i]! * d[i]! * s[i]!) },
    },
  ],
  dense: ['x', 'product'],
  slots: ['team', 'land'],
}

function featuresOf(size: number) {
  const cleaner = new Cleaner('y', RULES)
  const engineer = new FeatureEngineer(TABLE, 'y')
  const buffer = new RowBuffer(2, 2)
  for (const chunk of chunks(ROWS, size)) engineer.append(cleaner.clean(chunk), buffer)
  const { batch } = buffer
  return {
    x: Array.from({ length: batch.rows }, (_, row) => batch.dense[row * 2]!),
    product: Array.from({ length: batch.rows }, (_, row) => batch.dense[row * 2 + 1]!),
    hot: Array.from(batch.hot.subarray(0, batch.rows * 2)),
    hotSizes: Array.from(buffer.hotSizes.subarray(0, batch.rows)),
    target: Array.from(batch.target.subarray(0, batch.rows)),
    oneHot: engineer.toJSON(),
    cleaner: cleaner.toJSON(),
  }
}

describe('cleaning and features', () => {
  it('skip rows without a target, fill gaps by the mean so far, and respell categories', () => {
    const features = featuresOf(100)
    expect(features.target).toEqual([1, 2, 3, 4, 5])
    expect(features.x).toEqual([0, 4, 8, 6, 6])
    expect(features.product).toEqual(features.x.map((x) => x * 2 * x * 3 * x))
    expect(features.cleaner).toMatchObject({ rows_without_target: 1, imputed: 2, numbers: { x: [3, 18] } })
    expect(features.oneHot.one_hot).toEqual([
      ['team', 'b'],
      ['land', 'USA'],
      ['team', 'a'],
      ['land', 'not'],
      ['team', 'none'],
      ['team', 'c'],
    ])
    expect(features.hot).toEqual([0, 1, 2, 3, 4, 1, 0, 3, 5, -1])
    expect(features.hotSizes).toEqual([2, 4, 5, 5, 6])
  })

  it.each([1, 2, 3, 4, 5])('are the same in chunks of %i', (size) => {
    expect(featuresOf(size)).toEqual(featuresOf(100))
  })

  it('go on from their saved state', () => {
    const cleaner = new Cleaner('y', RULES)
    const engineer = new FeatureEngineer(TABLE, 'y')
    const buffer = new RowBuffer(2, 2)
    for (const chunk of chunks(ROWS.slice(0, 3), 3)) engineer.append(cleaner.clean(chunk), buffer)
    const saved = JSON.parse(JSON.stringify({ cleaner, engineer }))
    const laterCleaner = new Cleaner('y', RULES, saved.cleaner)
    const laterEngineer = new FeatureEngineer(TABLE, 'y', saved.engineer)
    for (const chunk of chunks(ROWS.slice(3), 2)) laterEngineer.append(laterCleaner.clean(chunk), buffer)
    const whole = featuresOf(100)
    expect(Array.from(buffer.batch.hot.subarray(0, 10))).toEqual(whole.hot)
    expect(laterEngineer.toJSON()).toEqual(whole.oneHot)
    expect(laterCleaner.toJSON()).toEqual(whole.cleaner)
  })

  it('name a formula whose operand does not exist', () => {
    const engineer = new FeatureEngineer({ ...TABLE, dense: ['nothing'] }, 'y')
    const [chunk] = [...chunks(ROWS, 10)]
    expect(() => engineer.append(chunk!, new RowBuffer(1, 2))).toThrow(/"nothing"/)
  })
})

describe('the row buffer', () => {
  it('keeps what waits when it makes room, and hides later one-hot columns', () => {
    const buffer = new RowBuffer(1, 1)
    const add = (values: number[]) => {
      buffer.reserve(values.length)
      for (const value of values) {
        const at = buffer.batch.rows
        buffer.batch.dense[at] = value
        buffer.batch.hot[at] = value
        buffer.batch.target[at] = value
        buffer.hotSizes[at] = value
        buffer.batch.rows = at + 1
      }
    }
    add([1, 2, 3])
    buffer.first = 2
    add([4, 5])
    expect(buffer.waiting).toBe(3)
    expect(Array.from(buffer.batch.target.subarray(0, 3))).toEqual([3, 4, 5])
    buffer.first = 1
    add([6])
    expect(Array.from(buffer.batch.dense.subarray(0, 3))).toEqual([4, 5, 6])
    expect(buffer.upTo(2).hotSize).toBe(5)
    expect(buffer.upTo(0).hotSize).toBe(0)
  })
})

describe('the one-hot index', () => {
  it('refuses a state of other slots', () => {
    expect(() => new OneHotIndex(['a'], [['b', 'x']])).toThrow(/no categorical slot "b"/)
  })
})
