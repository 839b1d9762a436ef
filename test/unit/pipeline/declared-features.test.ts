import { describe, expect, it } from 'vitest'
import type { FeatureDeclaration } from '../../../workers/data/types.ts'
import { createImputer } from '../../../workers/pipeline/clean/imputer.ts'
import { withFeatures } from '../../../workers/pipeline/features/declared.ts'
import { OneHotIndex } from '../../../workers/pipeline/features/one-hot.ts'
import type { LabelTiming } from '../../../workers/pipeline/features/table.ts'
import type { Plan } from '../../../workers/pipeline/plan.ts'

const PLAN: Plan = {
  specs: [
    { name: 'y', kind: 'number' },
    { name: 'x', kind: 'number' },
    { name: 'z', kind: 'number' },
    { name: 'day', kind: 'date' },
    { name: 'team', kind: 'category' },
  ],
  target: 'y',
  categories: new Map(),
  columns: new Map(),
  features: { formulas: [], dense: ['x', 'z', 'day'], slots: ['team'] },
  schema: null,
  notes: [],
}

function values(
  declaration: FeatureDeclaration,
  operands: number[][],
  {
    groups,
    labels = null,
    parts = 1,
  }: { groups?: number[]; labels?: LabelTiming | null; parts?: number } = {},
): number[] {
  const [feature] = withFeatures(PLAN, [declaration]).features.declared!
  const rows = operands[0]!.length
  const size = Math.ceil(rows / parts)
  const out: number[] = []
  let state: Record<string, unknown> | undefined
  for (let from = 0; from < rows; from += size) {
    const running = feature!.start(labels, state)
    const count = Math.min(size, rows - from)
    const room = new Float64Array(count)
    const part = operands.map((one) => Float64Array.from(one.slice(from, from + count)))
    running.fill(
      room,
      count,
      part,
      groups === undefined ? null : Int32Array.from(groups.slice(from, from + count)),
    )
    out.push(...room)
    state = JSON.parse(JSON.stringify(running))
  }
  return out
}

describe('a declared feature', () => {
  it.each<[FeatureDeclaration, number[][], number[]]>([
    [
      { op: 'sum', of: ['x', 'z'] },
      [
        [1, 2],
        [3, 4],
      ],
      [4, 6],
    ],
    [
      { op: 'ratio', of: ['x', 'z'] },
      [
        [6, 2, 1],
        [3, 0, 4],
      ],
      [2, 2, 0.25],
    ],
    [{ op: 'power', of: 'x', exponent: 3 }, [[2, -1]], [8, -1]],
    [{ op: 'log', of: 'x' }, [[-1, 1, Math.E, 0]], [0, 0, 1, 0.5]],
    [{ op: 'weekday', of: 'day' }, [[0, 4, -1]], [3, 0, 2]],
    [{ op: 'hour', of: 'day' }, [[0.5, 1.99, -0.25]], [12, 23, 18]],
    [{ op: 'month', of: 'day' }, [[0, 31, -1]], [1, 2, 12]],
  ])('%j is of its own row; what is no number is the mean so far', (declaration, operands, expected) => {
    expect(values(declaration, operands)).toEqual(expected)
  })

  it.each<[FeatureDeclaration, number[]]>([
    [{ op: 'lag', of: 'x', window: 2 }, [0, 0, 5, 1, 4]],
    [{ op: 'rolling_mean', of: 'x', window: 2 }, [0, 5, 3, 2.5, 6]],
    [{ op: 'rolling_sum', of: 'x', window: 2 }, [0, 5, 6, 5, 12]],
    [{ op: 'rolling_min', of: 'x', window: 2 }, [0, 5, 1, 1, 4]],
    [{ op: 'rolling_max', of: 'x', window: 3 }, [0, 5, 5, 5, 8]],
    [{ op: 'ewm_mean', of: 'x', alpha: 0.5 }, [0, 5, 3, 3.5, 5.75]],
    [{ op: 'count', of: 'x' }, [0, 1, 2, 3, 4]],
  ])('%j sees earlier rows alone, in any chunks and after a resume', (declaration, expected) => {
    const operands = [[5, 1, 4, 8, 2]]
    expect(values(declaration, operands)).toEqual(expected)
    expect(values(declaration, operands, { parts: 5 })).toEqual(expected)
  })

  it('keeps groups apart', () => {
    const rolled = values({ op: 'rolling_sum', of: 'x', window: 9, by: 'team' }, [[1, 10, 2, 20, 3]], {
      groups: [0, -1, 0, -1, 1],
    })
    expect(rolled).toEqual([0, 0, 1, 10, 0])
  })

  it('rolls over windows longer and shorter than the data without loss', () => {
    const x = Array.from({ length: 500 }, (_, i) => ((i * 7919) % 101) / 8)
    for (const window of [1, 3, 40, 900]) {
      const std = values({ op: 'rolling_std', of: 'x', window }, [x], { parts: 3 })
      const past = x.slice(Math.max(0, 450 - window), 450)
      const mean = past.reduce((a, b) => a + b, 0) / past.length
      const sd = Math.sqrt(past.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (past.length - 1))
      if (window > 1) expect(std[450]).toBeCloseTo(sd, 9)
    }
  })

  it('of the target sees it when its batch is over, and later still with a delay', () => {
    const lag: FeatureDeclaration = { op: 'rolling_sum', of: 'y', window: 99 }
    const y = [[1, 2, 4, 8, 16, 32]]
    expect(values(lag, y, { labels: { batch: 2, delay: 0 }, parts: 2 })).toEqual([0, 0, 3, 3, 15, 15])
    expect(values(lag, y, { labels: { batch: 2, delay: 1 } })).toEqual([0, 0, 1, 1, 7, 7])
  })

  it.each<[FeatureDeclaration, RegExp]>([
    [
      { op: 'product', of: ['x', 'w'] },
      /dataset\.features\[0\].*no number column or feature "w"; there are y, x, z/,
    ],
    [{ op: 'product', of: ['x', 'y'] }, /give the answer away/],
    [{ op: 'product', of: 'x' }, /two columns or more/],
    [{ op: 'ratio', of: 'x' }, /ratio is of 2 columns, not 1/],
    [{ op: 'year', of: 'x' }, /year is of a date column/],
    [{ op: 'rolling_mean', of: 'x' }, /window is missing/],
    [{ op: 'ewm_std', of: 'x' }, /alpha is missing/],
    [{ op: 'lag', of: 'x', by: 'x' }, /by: no category column "x"; there are team/],
    [{ op: 'log', of: 'x', window: 3 }, /log takes no window/],
    [{ op: 'log', of: 'x', name: 'z' }, /there is a column or feature of that name/],
  ])('is refused for %j', (declaration, message) => {
    expect(() => withFeatures(PLAN, [declaration])).toThrow(message)
  })
})

describe('an imputer', () => {
  const gap = Number.NaN
  it.each([
    ['mean', [gap, 2, 6, gap, 1, gap], [0, 2, 6, 4, 1, 3]],
    ['median', [gap, 1, 9, 2, gap, 7, 8, gap], [0, 1, 9, 2, 2, 7, 8, 7]],
    ['most_frequent', [gap, 3, 4, 4, gap, 3, gap, 3, gap], [0, 3, 4, 4, 4, 3, 4, 3, 3]],
    ['constant', [gap, 3, gap], [-1, 3, -1]],
  ] as const)('by %s fills gaps from the values before, also after a resume', (strategy, given, expected) => {
    const constant = strategy === 'constant' ? -1 : 0
    const whole = Float64Array.from(given)
    createImputer(strategy, constant).fill(whole, whole.length)
    expect(Array.from(whole)).toEqual(expected)
    let imputer = createImputer(strategy, constant)
    const single = given.map((value) => {
      const one = Float64Array.of(value)
      imputer.fill(one, 1)
      imputer = createImputer(strategy, constant, JSON.parse(JSON.stringify(imputer)))
      return one[0]
    })
    expect(single).toEqual(expected)
  })
})

describe('one-hot indexes', () => {
  it('grow up to a bound, then are shared by hash, and go on from their state', () => {
    const names = Array.from({ length: 300 }, (_, i) => `v${i}`)
    const bounds = { max_categories: 10, hash_buckets: 4 }
    const index = new OneHotIndex(['s'], [], bounds)
    index.table(0, names.length)
    const indexes = names.map((_, code) => index.meet(0, code, names))
    expect(indexes.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(index.size).toBe(14)
    expect(index.hashedSlots).toEqual(['s'])
    const again = new OneHotIndex(['s'], JSON.parse(JSON.stringify(index)), bounds)
    again.table(0, names.length)
    expect(names.map((_, code) => again.meet(0, code, names))).toEqual(indexes)
  })
})
