import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expand, gridSize, matches, type Point } from '../../../harness/sweep/expand.ts'
import { scenarioId } from '../../../harness/sweep/identity.ts'
import { load } from './sweep-file.ts'

const scalar = fc.oneof(fc.integer(), fc.string({ maxLength: 4 }), fc.boolean(), fc.constant(null))
const axes = fc.uniqueArray(
  fc.record({
    key: fc.constantFrom('chunk_size', 'batch_size', 'params.a', 'params.b', 'dataset.rows'),
    values: fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }),
  }),
  { selector: (axis) => axis.key, minLength: 1 },
)
const base: Point = { mode: 'batch' }
const plain = { base, profiles: new Map<string, Point>(), include: [], exclude: [], fixed: {} }

const FULL = process.env['STINT_FULL'] === '1'

describe('the grid', () => {
  it('has the product of its axes, less the excluded, plus the included', () => {
    fc.assert(
      fc.property(axes, fc.nat(), fc.nat(3), (grid, pick, includes) => {
        const full = expand({ ...plain, axes: grid }).points
        expect(full).toHaveLength(gridSize(grid))
        const axis = grid[pick % grid.length]!
        const value = axis.values[pick % axis.values.length]!
        const exclude = [{ [axis.key]: value }]
        const include = Array.from({ length: includes }, (_, index): Point => ({ 'params.new': index }))
        const { points, unusedExcludes } = expand({ ...plain, axes: grid, exclude, include })
        const excluded = full.filter((point) => matches(point.point, exclude[0]!)).length
        expect(excluded).toBe(gridSize(grid) / axis.values.length)
        expect(points).toHaveLength(full.length - excluded + includes)
        expect(unusedExcludes).toEqual([])
      }),
    )
  })

  it('gives every point an id of its own, whatever the order of axes, values and keys', () => {
    fc.assert(
      fc.property(axes, (grid) => {
        const idsOf = (points: { point: Point }[]): string[] =>
          points.map(({ point }) => scenarioId(point, []))
        const forward = idsOf(expand({ ...plain, axes: grid }).points)
        const turned = grid.map((axis) => ({ ...axis, values: axis.values.toReversed() })).toReversed()
        const { points } = expand({ ...plain, axes: turned })
        const backward = points.map(({ point }) => ({
          point: Object.fromEntries(Object.entries(point).toReversed()),
        }))
        expect(new Set(forward).size).toBe(forward.length)
        expect(idsOf(backward).sort()).toEqual([...forward].sort())
      }),
    )
  })

  it('names the excludes that match nothing', () => {
    const grid = [{ key: 'chunk_size', values: [1, 2] }]
    const exclude: Point[] = [
      { chunk_size: 1 },
      { chunk_size: 3 },
      { mode: 'streaming' },
      { chunk_size: 1, mode: 'batch' },
    ]
    expect(expand({ ...plain, axes: grid, exclude }).unusedExcludes).toEqual([1, 2])
  })

  it.each([FULL ? 100_000 : 10_000])('expands %d scenarios, each once', (size) => {
    const list = (length: number): string => JSON.stringify(Array.from({ length }, (_, index) => index + 1))
    const text = `name: big\ngrid:\n  chunk_size: ${list(50)}\n  batch_size: ${list(50)}\n  params.a: ${list(size / 2500)}\n`
    const start = process.cpuUsage()
    const { sweep } = load(text)
    expect(sweep.scenarios).toHaveLength(size)
    expect(new Set(sweep.scenarios.map((scenario) => scenario.id)).size).toBe(size)
    const { user, system } = process.cpuUsage(start)
    // Of the processor, two seconds at the most; the bound only catches work that grows with the square.
    if (FULL) expect((user + system) / 1e6).toBeLessThan(30)
  })
})
