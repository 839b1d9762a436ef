import { describe, expect, it } from 'vitest'
import { changePoints } from '../../../harness/analyse/change-point.ts'
import { normals } from './make-noise.ts'

/** One stretch a level: `size` values around it. */
function series(seed: number, ...stretches: { size: number; level?: number; spread?: number }[]): number[] {
  const draw = normals(seed)
  return stretches.flatMap(({ size, level = 0, spread = 1 }) =>
    Array.from({ length: size }, () => level + spread * draw()),
  )
}
const indices = (values: number[], seed = 1) => changePoints(values, { seed }).map(({ index }) => index)

/** Index of the best split by the definition: every distance summed anew for every split and right end. */
function literalBestSplit(values: number[], minSize: number): number {
  const meanDistance = (xs: number[], ys: number[]) =>
    xs.reduce((total, x) => total + ys.reduce((sum, y) => sum + Math.abs(x - y), 0), 0) /
    (xs.length * ys.length)
  // Without the zero distances to itself.
  const within = (xs: number[]) => (meanDistance(xs, xs) * xs.length) / (xs.length - 1)
  let best = { index: -1, statistic: -Infinity }
  for (let index = minSize; index <= values.length - minSize; index++) {
    for (let end = index + minSize; end <= values.length; end++) {
      const [before, after] = [values.slice(0, index), values.slice(index, end)]
      const [m, n] = [before.length, after.length]
      const distance = 2 * meanDistance(before, after) - within(before) - within(after)
      const statistic = ((m * n) / (m + n)) * distance
      if (statistic > best.statistic) best = { index, statistic }
    }
  }
  return best.index
}

describe('changePoints', () => {
  it('finds a step', () => {
    expect(indices(series(1, { size: 40 }, { size: 30, level: 8 }))).toEqual([40])
  })

  it('splits where the statistic of Matteson & James, taken literally, is largest', () => {
    for (let seed = 10; seed < 16; seed++) {
      const values = series(seed, { size: 14 }, { size: 12, level: 2.5 })
      const found = indices(values, seed)
      if (found.length === 1) expect(found).toEqual([literalBestSplit(values, 5)])
      else expect(found).toContain(literalBestSplit(values, 5))
    }
  })

  it('finds steps up and down again, which a single split over the whole hides', () => {
    const found = indices(series(2, { size: 30 }, { size: 20, level: 5 }, { size: 30 }))
    expect(found).toEqual([30, 50])
  })

  it('finds a change of spread at the same level', () => {
    const found = indices(series(3, { size: 40, spread: 0.3 }, { size: 40, spread: 3 }))
    expect(found).toHaveLength(1)
    expect(Math.abs(found[0]! - 40)).toBeLessThanOrEqual(6)
  })

  it('does not take an outlier for a change', () => {
    const values = series(4, { size: 60 })
    values[30] = 12
    expect(indices(values)).toEqual([])
  })

  it('cries wolf about as often as alpha says', () => {
    let alarms = 0
    const runs = 100
    for (let run = 0; run < runs; run++) {
      const found = changePoints(series(100 + run, { size: 30 }), { seed: run, permutations: 99 })
      if (found.length > 0) alarms++
    }
    // 5% of 100 is 5; four standard errors above is 14.
    expect(alarms).toBeLessThan(14)
  })

  it('gives the same answer for the same seed', () => {
    const values = series(5, { size: 30 }, { size: 30, level: 1 })
    const options = { seed: 7, permutations: 99 }
    expect(changePoints(values, options)).toEqual(changePoints(values, options))
  })

  it('has nothing to find in short or constant series, and refuses holes', () => {
    expect(changePoints([1, 2, 9, 9], { seed: 1 })).toEqual([])
    expect(changePoints([], { seed: 1 })).toEqual([])
    expect(changePoints(new Array(40).fill(3), { seed: 1 })).toEqual([])
    expect(() => changePoints([1, Number.NaN], { seed: 1 })).toThrow(/value 1 of the series is NaN/)
  })
})
