/** The parts of the further tests that no oracle covers: pairing, holes, and what makes a result null. */
import { describe, expect, it } from 'vitest'
import { bootstrapMedianRatio } from '../../../harness/analyse/bootstrap.ts'
import { normalQuantile, normalUpperTail, studentQuantile } from '../../../harness/analyse/distributions.ts'
import { mannWhitney } from '../../../harness/analyse/mann-whitney.ts'
import { pairedTest, pairsByRound } from '../../../harness/analyse/paired.ts'
import { equivalenceTest, smallestEffect, smallestPairedEffect } from '../../../harness/analyse/power.ts'
import { formatWarning, type Warning } from '../../../harness/analyse/warnings.ts'
import { randomStream, shuffle } from '../../../harness/random.ts'
import { ended } from '../../fixtures/trials.ts'
import { makeTrial, trialsOf } from './make-trials.ts'

const kinds = (result: { warnings: Warning[] }) => result.warnings.map(({ kind }) => kind)

describe('pairing by round', () => {
  it('pairs what ran in the same round, in whatever order it was recorded', () => {
    const a = trialsOf('a', 'wall_s', [1, 2, 4])
    const b = trialsOf('b', 'wall_s', [2, 4, 8]).reverse()
    expect(pairsByRound(a, b, 'wall_s')).toEqual({ a: [1, 2, 4], b: [2, 4, 8], dropped: 0 })
  })

  it('drops rounds without two values, and says so', () => {
    const a = [...trialsOf('a', 'wall_s', [1, null, 3]), ended(makeTrial('a', 3), 'crashed')]
    const b = trialsOf('b', 'wall_s', [2, 2, 0, 2])
    expect(pairsByRound(a, b, 'wall_s')).toEqual({ a: [1, 3], b: [2, 0], dropped: 2 })
  })

  it('gives no p without spread or without pairs', () => {
    expect(kinds(pairedTest([]))).toEqual(['no_values'])
    expect(kinds(pairedTest([0.1]))).toEqual(['too_few_values'])
    const same = pairedTest([0.1, 0.1, 0.1])
    expect(kinds(same)).toEqual(['no_spread'])
    expect(same).toMatchObject({ p: null, ratio: { value: expect.closeTo(Math.exp(0.1), 12), low: null } })
  })
})

describe('results that are null', () => {
  it('Mann-Whitney', () => {
    expect(mannWhitney([], [1])).toMatchObject({
      u: null,
      p: null,
      warnings: [{ kind: 'no_values', side: 'a' }],
    })
    expect(mannWhitney([2, 2], [2, 2])).toMatchObject({ p: null, superiority: 0.5 })
    expect(mannWhitney([1, 2], [3, 4]).superiority).toBe(1)
  })

  it('equivalence without a positive reference', () => {
    expect(equivalenceTest([-1, -2, -3], [1, 2, 3], { margin: 0.1 })).toMatchObject({ p: null })
    expect(equivalenceTest([1, 0, 2], [1, 2, 3], { margin: 0.1, scale: 'log' })).toMatchObject({ p: null })
  })

  it('the bootstrap', () => {
    const five = [1, 2, 3, 4, 5]
    expect(kinds(bootstrapMedianRatio([1, 2], five, { seed: 1 }))).toEqual(['too_few_values'])
    expect(kinds(bootstrapMedianRatio([0, 1, 2, 3, 4], five, { seed: 1 }))).toEqual(['not_positive'])
    expect(kinds(bootstrapMedianRatio([2, 2, 2, 2, 2], [3, 3, 3, 3, 3], { seed: 1 }))).toEqual(['no_spread'])
  })

  it('power', () => {
    expect(kinds(smallestEffect([1], [1, 2]))).toEqual(['too_few_values'])
    expect(kinds(smallestEffect([1, 1], [2, 2]))).toEqual(['no_spread'])
    expect(kinds(smallestEffect([-1, 1], [2, 3], { scale: 'log' }))).toEqual(['not_positive'])
    expect(kinds(smallestPairedEffect([0.1]))).toEqual(['too_few_values'])
  })
})

describe('the bootstrap', () => {
  const a = [10, 11, 12, 13, 14, 15, 40]
  const b = [20, 22, 23, 24, 25, 26, 90]

  it('is fixed by its seed and not by the unit', () => {
    const once = bootstrapMedianRatio(a, b, { seed: 3 })
    expect(bootstrapMedianRatio(a, b, { seed: 3 })).toEqual(once)
    expect(bootstrapMedianRatio(a, b, { seed: 4 }).ratio!.value).toBe(once.ratio!.value)
    const scaled = bootstrapMedianRatio(
      a.map((v) => v * 1024),
      b.map((v) => v * 1024),
      { seed: 3 },
    )
    expect(scaled.ratio).toEqual(once.ratio)
  })

  it('does not follow an outlier', () => {
    const { ratio } = bootstrapMedianRatio(a, b, { seed: 1 })
    expect(ratio!.value).toBeCloseTo(24 / 13, 12)
    expect(ratio!.low).toBeGreaterThan(1.2)
    expect(ratio!.high).toBeLessThan(2.7)
  })
})

describe('the BCa interval', () => {
  // Chosen so that the plain percentiles, and those without the acceleration, end elsewhere.
  const a = [0.4, 0.88, 0.98, 1.1, 1.7, 1.72, 2.42]
  const b = [1.53, 1.63, 1.65, 1.68, 1.83, 1.9, 2.76]
  const middle = 3

  /** Chance that the median of a resample of 7 is the k-th smallest value: 4 or more draws at or below it. */
  function medianChances(): number[] {
    const atMost = (p: number) =>
      [35, 21, 7, 1].reduce((total, ways, i) => total + ways * p ** (4 + i) * (1 - p) ** (3 - i), 0)
    return Array.from({ length: 7 }, (_, k) => atMost((k + 1) / 7) - atMost(k / 7))
  }

  it('ends where the exact distribution of the resampled ratio puts it', () => {
    const chances = medianChances()
    const atoms = a.flatMap((x, i) => b.map((y, j) => ({ ratio: y / x, chance: chances[i]! * chances[j]! })))
    atoms.sort((x, y) => x.ratio - y.ratio)
    const value = b[middle]! / a[middle]!
    const share = (keep: (ratio: number) => boolean) =>
      atoms.reduce((total, atom) => total + (keep(atom.ratio) ? atom.chance : 0), 0)
    const bias = normalQuantile(share((r) => r < value) + share((r) => r === value) / 2)
    // A median of six lies between its middle two, which leaving one out decides.
    const without = (values: number[], k: number) => {
      const rest = values.filter((_value, index) => index !== k)
      return (rest[2]! + rest[3]!) / 2
    }
    const centred = (xs: number[]) => xs.map((x) => xs.reduce((s, y) => s + y, 0) / xs.length - x)
    const influence = [
      ...centred(a.map((_value, k) => b[middle]! / without(a, k))),
      ...centred(b.map((_value, k) => without(b, k) / a[middle]!)),
    ]
    const acceleration =
      influence.reduce((s, x) => s + x ** 3, 0) / 6 / influence.reduce((s, x) => s + x ** 2, 0) ** 1.5
    const endAt = (p: number) => {
      let below = 0
      for (const atom of atoms) {
        below += atom.chance
        if (below >= p) return atom.ratio
      }
      throw new Error(`no atom reaches ${p}`)
    }
    const corrected = (p: number, accelerated = acceleration) => {
      const z = bias + normalQuantile(p)
      return endAt(1 - normalUpperTail(bias + z / (1 - accelerated * z)))
    }
    const { ratio } = bootstrapMedianRatio(a, b, { seed: 2, resamples: 60_000 })
    for (const [found, p] of [
      [ratio!.low, 0.025],
      [ratio!.high, 0.975],
    ] as const) {
      expect(found).toBeCloseTo(corrected(p), 12)
      expect(found).not.toBeCloseTo(endAt(p), 3)
      expect(found).not.toBeCloseTo(corrected(p, 0), 3)
    }
  })
})

describe('power', () => {
  it('asks for less where there are more trials, or less noise', () => {
    const spread = (n: number, sd: number) => Array.from({ length: n }, (_, i) => 10 + sd * (i % 2 ? 1 : -1))
    const change = (n: number, sd: number) => smallestEffect(spread(n, sd), spread(n, sd)).change!
    expect(change(20, 1)).toBeLessThan(change(10, 1))
    expect(change(10, 0.5)).toBeCloseTo(change(10, 1) / 2, 10)
  })
})

describe('distributions', () => {
  it('keep their digits in the tails', () => {
    // From tables to 15 digits: Q(1), Q(5), Q(10).
    for (const [z, q] of [
      [1, 0.158655253931457],
      [5, 2.86651571879194e-7],
      [10, 7.61985302416052e-24],
    ] as const) {
      expect(normalUpperTail(z) / q).toBeCloseTo(1, 12)
      expect(normalQuantile(q)).toBeCloseTo(-z, 12)
    }
    expect(normalUpperTail(-1)).toBeCloseTo(1 - 0.158655253931457, 14)
    expect(normalQuantile(0)).toBe(-Infinity)
    expect(studentQuantile(0.025, 4)).toBeCloseTo(-2.7764451, 6)
  })

  it('shuffles into every order alike, and only where told to', () => {
    const random = randomStream(1)
    const counts = new Map<string, number>()
    for (let run = 0; run < 6000; run++) {
      const values = Float64Array.of(9, 1, 2, 3, 8)
      shuffle(values, random, 1, 4)
      counts.set(values.join(''), (counts.get(values.join('')) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['91238', '91328', '92138', '92318', '93128', '93218'])
    // 1,000 expected; five standard deviations are 145.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145)
  })

  it('draws numbers that a seed fixes, evenly spread', () => {
    const random = randomStream(42)
    const draws = Array.from({ length: 20_000 }, random)
    const again = randomStream(42)
    expect(draws.slice(0, 5)).toEqual(Array.from({ length: 5 }, again))
    // Intervals of recorded comparisons come from these.
    expect(draws.slice(0, 3)).toEqual([0.6606157208001621, 0.1117019639532224, 0.0791056456144914])
    expect(randomStream(43)()).not.toBe(draws[0])
    const bins = new Array<number>(20).fill(0)
    for (const value of draws) bins[Math.floor(value * 20)]!++
    const chiSquare = bins.reduce((total, n) => total + (n - 1000) ** 2 / 1000, 0)
    // 0.1% and 99.9% points for 19 degrees of freedom.
    expect(chiSquare).toBeGreaterThan(5.4)
    expect(chiSquare).toBeLessThan(43.8)
  })
})

describe('formatWarning', () => {
  const counts = { ok: 3, out_of_memory: 1, crashed: 0, timed_out: 0, failed: 0 }
  const all: { [K in Warning['kind']]: Extract<Warning, { kind: K }> } = {
    no_values: { kind: 'no_values', side: 'a' },
    too_few_values: { kind: 'too_few_values', side: 'b', n: 1, needed: 2 },
    missing_values: { kind: 'missing_values', side: 'a', missing: 2, n: 5 },
    not_positive: { kind: 'not_positive', side: 'a', count: 1 },
    constant: { kind: 'constant' },
    deterministic: { kind: 'deterministic' },
    not_deterministic: { kind: 'not_deterministic', side: 'a', low: 0.1, high: 0.2 },
    ratio_undefined: { kind: 'ratio_undefined', reason: 'reference_near_zero' },
    chunk_sizes_differ: { kind: 'chunk_sizes_differ', least: 64, most: 256 },
    unequal_outcomes: { kind: 'unequal_outcomes', a: counts, b: { ...counts, ok: 0 } },
    survivors_only: { kind: 'survivors_only', a: counts, b: counts },
    estimated_energy: { kind: 'estimated_energy' },
    shared_energy: { kind: 'shared_energy' },
    different_mechanisms: { kind: 'different_mechanisms', a: ['cgroup_v2'], b: ['duty_cycle'] },
    resumed_by_force: {
      kind: 'resumed_by_force',
      side: 'b',
      trials: 2,
      n: 5,
      what: ['x was 1 and is 2'],
      mixed: true,
    },
    cap_not_enforced: { kind: 'cap_not_enforced', side: 'b', cap: 'memory', trials: 1 },
    not_significant_after_correction: {
      kind: 'not_significant_after_correction',
      p_adjusted: 0.2,
      alpha: 0.05,
    },
    unpaired_rounds: { kind: 'unpaired_rounds', dropped: 1, kept: 4 },
    no_spread: { kind: 'no_spread' },
    cannot_reach_alpha: {
      kind: 'cannot_reach_alpha',
      n_a: 3,
      n_b: 3,
      smallest_p: 0.1,
      alpha: 0.05,
      needed: 4,
    },
    ties: { kind: 'ties', tied: 4, n: 10 },
    one_machine_state: { kind: 'one_machine_state' },
    seed_is_unit: { kind: 'seed_is_unit', keys: ['dataset.seed'], seeds: 5 },
    seeds_agree: { kind: 'seeds_agree', keys: ['random_seed'], seeds: 3 },
    unpaired_seeds: { kind: 'unpaired_seeds', dropped: 1, kept: 4 },
    machine_is_block: { kind: 'machine_is_block', machines: 2, rounds: 5 },
    machines_pooled: { kind: 'machines_pooled', side: 'b', machines: 2 },
    unknown_metric: { kind: 'unknown_metric', metric: 'x', known: ['y'] },
    reference_chosen: { kind: 'reference_chosen', scenario: 's', pairs: 3 },
    reference_unmatched: { kind: 'reference_unmatched', scenarios: ['s'], reference: { cpu: 1 } },
    reference_ambiguous: { kind: 'reference_ambiguous', scenario: 's', candidates: ['t', 'u'] },
    reference_confounded: { kind: 'reference_confounded', keys: ['memory'] },
    too_few_scenarios: { kind: 'too_few_scenarios', scenarios: 1 },
  }

  it.each(Object.values(all))('says what is so and what to do: $kind', (warning) => {
    const text = formatWarning(warning)
    expect(text).not.toMatch(/undefined|NaN|\[object/)
    expect(text.match(/\.( |$)/g)!.length).toBeGreaterThanOrEqual(2)
  })
})
