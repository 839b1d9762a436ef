import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planTrials, trialId } from '../../../harness/plan/planner.ts'
import { orderStream, shuffle } from '../../../harness/random.ts'

const sweepOf = (count: number, benchmark_runs: number, random_seed: number) => ({
  scenarios: Array.from({ length: count }, (_, index) => ({ id: `s${index}`, runs: null })),
  benchmark_runs,
  random_seed,
})

describe('the plan', () => {
  it('runs every scenario once a round, rounds in order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(),
        (count, runs, seed) => {
          const trials = planTrials(sweepOf(count, runs, seed))
          expect(trials).toHaveLength(count * runs)
          expect(new Set(trials.map(({ trial }) => trial)).size).toBe(trials.length)
          for (let round = 1; round <= runs; round++) {
            const part = trials.slice((round - 1) * count, round * count)
            expect(part.every((trial) => trial.round === round)).toBe(true)
            expect(new Set(part.map(({ scenario }) => scenario)).size).toBe(count)
          }
        },
      ),
    )
  })

  it('is the same for the same seed, another for another, and shuffles each round anew', () => {
    const order = (seed: number, runs = 2): string[] =>
      planTrials(sweepOf(50, runs, seed)).map(({ trial }) => trial)
    expect(order(1)).toEqual(order(1))
    expect(order(1)).not.toEqual(order(2))
    expect(order(1, 3).slice(0, 100)).toEqual(order(1))
    const scenarios = planTrials(sweepOf(50, 2, 1)).map(({ scenario }) => scenario)
    expect(scenarios.slice(0, 50)).not.toEqual(scenarios.slice(50))
  })

  it('holds for ever: resumed and repeated runs follow the same order', () => {
    const order = planTrials(sweepOf(5, 2, 42)).map(({ scenario }) => scenario)
    expect(order.join(' ')).toBe('s0 s4 s2 s1 s3 s3 s1 s4 s2 s0')
  })

  it('names trials so that they sort by round', () => {
    expect(trialId('abc', 7)).toBe('abc-r007')
    expect(trialId('abc', 999)).toBe('abc-r999')
  })

  it('plans 50,000 trials', () => {
    expect(planTrials(sweepOf(10_000, 5, 3))).toHaveLength(50_000)
  })
})

describe('the shuffle', () => {
  it('puts every item in every place about equally often', () => {
    const random = orderStream(11)
    const size = 6
    const rounds = 12_000
    const counts = Array.from({ length: size }, () => Array.from({ length: size }, () => 0))
    for (let round = 0; round < rounds; round++)
      shuffle([0, 1, 2, 3, 4, 5], random).forEach((item, place) => {
        counts[item]![place]! += 1
      })
    const expected = rounds / size
    const chiSquare = counts.flat().reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 25 degrees of freedom: 52.6 is the 99.9th percentile.
    expect(chiSquare).toBeLessThan(52.6)
  })
})
