import { describe, expect, it } from 'vitest'
import { nextValue, type Verdict, valueToCheck } from '../../../harness/analyse/search.ts'

/** Plays a search over values of which those from `edge` on meet the goal. */
function played(size: number, edge: number, start: number | null = null) {
  const verdicts = new Map<number, Verdict>()
  for (let next = nextValue(verdicts, size, start); next !== null; next = nextValue(verdicts, size, start)) {
    expect(verdicts.has(next)).toBe(false)
    verdicts.set(next, next >= edge ? 'meets' : 'fails')
  }
  const of = (verdict: Verdict) => [...verdicts].filter(([, one]) => one === verdict).map(([index]) => index)
  return { verdicts, meets: Math.min(...of('meets')), fails: Math.max(...of('fails')) }
}

describe('a search', () => {
  it('finds the edge wherever it lies, from either end and from a neighbour, in few values', () => {
    for (let edge = 0; edge <= 72; edge++) {
      for (const start of [null, 0, 35, 71]) {
        const { verdicts, meets, fails } = played(72, edge, start)
        if (edge < 72) expect(meets).toBe(edge)
        if (edge > 0) expect(fails).toBe(edge - 1)
        expect(verdicts.size).toBeLessThanOrEqual(16)
      }
    }
  })

  it('tries one value beyond the answer, to see that the axis is monotone', () => {
    const { verdicts } = played(72, 3)
    const check = valueToCheck(verdicts, 72)!
    expect(check).toBeGreaterThan(3)
    expect(verdicts.has(check)).toBe(false)
    expect(valueToCheck(played(72, 72).verdicts, 72)).toBeNull()
  })
})
