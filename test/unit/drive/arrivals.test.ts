import { describe, expect, it } from 'vitest'
import { type Arrivals, arrivalsOf } from '../../../workers/drive/arrivals.ts'
import type { ArrivalSpec } from '../../../workers/protocol/trial-spec.ts'

/** The first `count` times, drawn in blocks of the given size. */
function times(spec: ArrivalSpec, seed: number, count: number, block = 512): number[] {
  const arrivals = arrivalsOf(spec, seed)
  const all: number[] = []
  while (all.length < count) {
    const out = new Float64Array(block)
    all.push(...out.subarray(0, arrivals.draw(out)))
  }
  return all.slice(0, count)
}

const poisson: ArrivalSpec = { pattern: 'poisson', rate: 1000 }
const bursts: ArrivalSpec = { pattern: 'bursts', rate: 1000, duty: 0.2, factor: 4, period_ms: 100 }

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const gapsOf = (all: readonly number[]) => all.slice(1).map((time, i) => time - all[i]!)

describe('arrival times', () => {
  it.each<ArrivalSpec>([poisson, bursts, { pattern: 'constant', rate: 3 }])(
    'come from the seed, in order, whatever the blocks: %j',
    (spec) => {
      const all = times(spec, 42, 5000)
      expect(times(spec, 42, 5000, 7)).toEqual(all)
      expect(gapsOf(all).every((gap) => gap >= 0)).toBe(true)
      expect(all[0]!).toBeGreaterThanOrEqual(0)
    },
  )

  it('differ by seed, and by round in the upper bits of it', () => {
    const [a, b, c] = [42, 43, 42 + 2 ** 32].map((seed) => times(poisson, seed, 100))
    expect(a).not.toEqual(b)
    expect(a).not.toEqual(c)
  })

  it('are the same on every machine', () => {
    expect(times(poisson, 42, 3)).toMatchInlineSnapshot(`
      [
        2.904021595041868,
        4.342569173948124,
        4.539562226613707,
      ]
    `)
  })

  it('come at equal gaps without a drift', () => {
    const all = times({ pattern: 'constant', rate: 3 }, 1, 300_001)
    expect(all.slice(0, 3)).toEqual([0, 1000 / 3, 2000 / 3])
    expect(all[300_000]).toBe(100_000_000)
  })

  it('have exponential gaps', () => {
    const gaps = gapsOf(times(poisson, 7, 200_000))
    expect(mean(gaps)).toBeCloseTo(1, 1)
    // An exponential variable exceeds t with probability e^-t; four standard errors are .0045 at most.
    for (const t of [0.01, 0.1, 1, 3, 7.5, 8]) {
      const share = gaps.filter((gap) => gap > t).length / gaps.length
      expect(Math.abs(share - Math.exp(-t))).toBeLessThan(0.0045)
    }
    expect(gaps.every((gap) => gap > 0)).toBe(true)
  })

  it('come in bursts, at the given rate on average', () => {
    const all = times(bursts, 3, 100_000)
    const periods = Math.floor(all.at(-1)! / 100)
    const within = all.filter((time) => time < periods * 100)
    // Per period: 100 events, 80 of them in its first 20 ms. Four standard errors over 1,000 periods.
    expect(Math.abs(within.length / periods - 100)).toBeLessThan(1.3)
    const inBurst = within.filter((time) => time % 100 < 20)
    expect(Math.abs(inBurst.length / periods - 80)).toBeLessThan(1.2)
  })

  it('pause between bursts where duty x factor is 1', () => {
    const all = times({ ...bursts, factor: 5 }, 3, 10_000)
    expect(all.every((time) => time % 100 <= 20 + 1e-6)).toBe(true)
    expect(all.at(-1)!).toBeGreaterThan(9000)
  })

  it('follow a recording, as much faster as asked for', () => {
    const recorded = [0, 10, 10, 25]
    let at = 0
    const source: Arrivals = {
      draw(out) {
        const part = recorded.slice(at, at + out.length)
        at += part.length
        out.set(part)
        return part.length
      },
    }
    const arrivals = arrivalsOf({ pattern: 'trace', column: 'time', speed: 10 }, 0, source)
    const out = new Float64Array(3)
    expect(arrivals.draw(out)).toBe(3)
    expect([...out]).toEqual([0, 1, 1])
    expect(arrivals.draw(out)).toBe(1)
    expect(out[0]).toBe(2.5)
    expect(arrivals.draw(out)).toBe(0)
  })
})
