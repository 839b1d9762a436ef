import { describe, expect, it } from 'vitest'
import type { ColumnChunk } from '../../../workers/data/columns.ts'
import type { ColumnDeclaration } from '../../../workers/data/types.ts'
import { CoMoments } from '../../../workers/pipeline/learn/comoments.ts'
import { Collinearity } from '../../../workers/pipeline/validate/collinearity.ts'
import { Guard } from '../../../workers/pipeline/validate/guard.ts'
import { P2Quantile } from '../../../workers/pipeline/validate/p2.ts'
import { RowNumbers } from '../../../workers/pipeline/validate/row-numbers.ts'
import { Validator } from '../../../workers/pipeline/validate/validator.ts'
import { randomNumbers } from '../learn/batches.ts'

const DICTIONARY = ['red', 'green', 'odd']

function chunkOf(rows: [number, number][], firstRow = 0): ColumnChunk {
  return {
    rows: rows.length,
    firstRow,
    bytes: 0,
    columns: [
      { kind: 'number', name: 'x', values: Float64Array.from(rows, ([x]) => x) },
      {
        kind: 'category',
        name: 'c',
        codes: Int32Array.from(rows, ([, code]) => code),
        dictionary: DICTIONARY,
      },
    ],
  }
}

describe('the validator', () => {
  const random = randomNumbers(4)
  const rows: [number, number][] = Array.from({ length: 3000 }, (_, i) => [
    i === 2000 ? 50 : i % 100 === 7 ? Number.NaN : random(),
    i % 10 === 3 ? -1 : i % 2,
  ])
  rows[2500] = rows[2100]!

  it('counts gaps, outliers and repeated rows, by chunk and overall', () => {
    const validator = new Validator()
    validator.check(chunkOf(rows.slice(0, 1990)))
    expect(validator.check(chunkOf(rows.slice(1990, 2010)))).toEqual({
      missing: { x: 1, c: 2 },
      outliers: { x: 1 },
      duplicates: 1,
    })
    expect(validator.check(chunkOf(rows.slice(2010)))).toMatchObject({ duplicates: expect.any(Number) })
    const { columns, duplicate_rows } = validator.summary(chunkOf([]).columns)
    expect(columns['x']).toMatchObject({ kind: 'number', missing_ratio: 0.01, max: 50 })
    expect(columns['x']).toHaveProperty('outlier_ratio', 1 / 2970)
    expect(columns['c']).toEqual({ kind: 'category', missing_ratio: 0.1, distinct: 3 })
    expect((columns['x'] as { lower_quartile: number }).lower_quartile).toBeCloseTo(0.25, 1)
    // Rows with a missing number differ in the category alone, so most of those repeat too.
    expect(duplicate_rows).toBe(
      1 + 30 - new Set(rows.filter(([x]) => Number.isNaN(x)).map(([, c]) => c)).size,
    )
  })

  it.each([1, 7, 1024])('says the same in chunks of %i, and from a saved state', (size) => {
    const whole = new Validator()
    whole.check(chunkOf(rows))
    let part = new Validator()
    const { columns } = chunkOf([])
    for (let from = 0; from < rows.length; from += size) {
      part.check(chunkOf(rows.slice(from, from + size)))
      if (from < 3 * size && from + size < rows.length)
        part = new Validator(JSON.parse(JSON.stringify(part.toJSON(columns))))
    }
    expect(part.summary(columns)).toEqual(whole.summary(columns))
  })
})

describe('the guard', () => {
  const limits = new Map<string, ColumnDeclaration>([
    ['x', { kind: 'number', min: 0, max: 9 }],
    ['c', { kind: 'category', values: ['red', 'green'] }],
  ])
  const bad = () => ({
    ...chunkOf(
      [
        [1, 0],
        [10, 1],
        [2, 2],
        [3, -1],
      ],
      40,
    ),
    misfits: [{ row: 3, column: 0, line: 5, problem: '' }],
  })

  it('fails with row and column', () => {
    expect(() => new Guard('fail', limits, 'a.csv').check(bad())).toThrow(
      /a\.csv: data row 42: column "x": 10 is outside the declared range, 0 to 9/,
    )
  })

  it('marks rows to drop, and counts', () => {
    const guard = new Guard('drop', limits, 'a.csv')
    expect(Array.from(guard.check(bad())!)).toEqual([0, 1, 1, 1])
    expect(guard.toJSON()).toEqual({ misfits: { x: 1 }, out_of_range: { x: 1, c: 1 } })
  })

  it('makes values missing', () => {
    const chunk = bad()
    expect(new Guard('impute', limits, 'a.csv').check(chunk)).toBeNull()
    const [x, c] = chunk.columns as unknown as [{ values: Float64Array }, { codes: Int32Array }]
    expect(Array.from(x.values)).toEqual([1, Number.NaN, 2, 3])
    expect(Array.from(c.codes)).toEqual([0, 1, -1, -1])
  })
})

describe('a P2 quantile', () => {
  it.each([0.25, 0.5, 0.75])('is near the true %f of skewed values, and goes on from its state', (q) => {
    const random = randomNumbers(8)
    const values = Array.from({ length: 5000 }, () => -Math.log(1 - random()))
    let quantile = new P2Quantile(q)
    for (const [i, value] of values.entries()) {
      quantile.add(value)
      if (i === 3 || i === 700) quantile = P2Quantile.fromJSON(JSON.parse(JSON.stringify(quantile)))
    }
    expect(quantile.value).toBeCloseTo(-Math.log(1 - q), 1)
  })

  it('is exact for few values, and unknown for none', () => {
    const median = new P2Quantile(0.5)
    expect(median.value).toBeNull()
    for (const value of [5, 1]) median.add(value)
    expect(median.value).toBe(3)
    median.add(9)
    expect(median.value).toBe(5)
  })
})

describe('row numbers', () => {
  it('count the rows that went', () => {
    const numbers = new RowNumbers()
    numbers.take(5, [1, 2])
    numbers.take(3, [0])
    expect([0, 1, 2, 3, 4].map((row) => numbers.of(row))).toEqual([0, 3, 4, 6, 7])
  })
})

describe('the report on collinear features', () => {
  it('finds a feature that others determine, and no other', () => {
    const random = randomNumbers(3)
    const dense = Float64Array.from({ length: 4000 }, random)
    for (let i = 0; i < 1000; i += 1) dense[i * 4 + 2] = dense[i * 4]! - dense[i * 4 + 1]! + 0.01 * random()
    const watch = new Collinearity(['a', 'b', 'a-b', 'free'])
    const batch = {
      rows: 1000,
      width: 4,
      dense,
      slots: 0,
      hot: new Int32Array(0),
      hotSize: 0,
      target: new Float64Array(1000),
    }
    watch.observe(batch, 0, 1000, 0)
    expect(
      watch
        .report()!
        .map(({ feature }) => feature)
        .sort(),
    ).toEqual(['a', 'a-b', 'b'])
  })

  it.each([1, 5, 100, 3000])('takes each row at first, then each eighth, in batches of %i', (size) => {
    const random = randomNumbers(8)
    const dense = Float64Array.from({ length: 9000 }, random)
    const target = Float64Array.from({ length: 3000 }, random)
    const batch = { rows: 3000, width: 3, dense, slots: 0, hot: new Int32Array(0), hotSize: 0, target }
    const watch = new Collinearity(['a', 'b', 'c'])
    for (let from = 0; from < 3000; from += size)
      watch.observe(batch, from, Math.min(3000, from + size), from)
    const moments = new CoMoments(4)
    for (let row = 0; row < 3000; row += 1) {
      if (row < 1024 || row % 8 === 0) moments.add(dense, row, target[row]!)
    }
    expect(watch.toJSON()).toEqual(moments.toJSON())
  })

  it('gives the inflation of a feature on all others, whatever their order', () => {
    const random = randomNumbers(9)
    const rows = Array.from({ length: 900 }, () => {
      const [a, b, c] = [random(), random(), random()]
      return [a, b, a + b + random() / 9, c, a - c + random() / 9]
    })
    const inflations = (order: number[]) => {
      const names = ['a', 'b', 'sum', 'c', 'difference']
      const dense = Float64Array.from(rows.flatMap((row) => order.map((i) => row[i]!)))
      const target = new Float64Array(900)
      const batch = { rows: 900, width: 5, dense, slots: 0, hot: new Int32Array(0), hotSize: 0, target }
      const watch = new Collinearity(order.map((i) => names[i]!))
      watch.observe(batch, 0, 900, 0)
      return new Map(watch.report()!.map(({ feature, vif }) => [feature, vif!]))
    }
    const found = inflations([0, 1, 2, 3, 4])
    expect(found.size).toBeGreaterThan(2)
    for (const order of [
      [4, 3, 2, 1, 0],
      [2, 0, 4, 1, 3],
    ]) {
      const other = inflations(order)
      expect([...other.keys()].sort()).toEqual([...found.keys()].sort())
      for (const [feature, vif] of other) expect(vif / found.get(feature)!).toBeCloseTo(1, 8)
    }
  })
})
