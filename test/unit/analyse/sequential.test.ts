import { describe, expect, it } from 'vitest'
import {
  decide,
  equalShares,
  type SequentialPlan,
  sequentialPlan,
} from '../../../harness/analyse/sequential.ts'
import { randomStream } from '../../../harness/random.ts'
import { normals } from './make-noise.ts'

const FULL = process.env['STINT_FULL'] === '1'

const boundaries = (plan: SequentialPlan) => plan.looks.map((look) => look.z)

describe('sequentialPlan', () => {
  // As printed by gsDesign and ldbounds for one-sided 0.025 and equally spaced looks.
  it.each([
    [1, [1.96]],
    [2, [2.963, 1.969]],
    [3, [3.71, 2.511, 1.993]],
    [4, [4.333, 2.963, 2.359, 2.014]],
    [5, [4.877, 3.357, 2.68, 2.29, 2.031]],
  ])('has the published boundaries for %i looks', (looks, published) => {
    const found = boundaries(sequentialPlan(equalShares(looks), 0.025))
    expect(found).toHaveLength(looks)
    for (const [index, z] of found.entries()) expect(Math.abs(z - published[index]!)).toBeLessThan(5.1e-4)
  })

  it('spends all of alpha by the end and rises on the way', () => {
    const { looks } = sequentialPlan([0.1, 0.15, 0.6, 0.95, 1], 0.05)
    expect(looks.at(-1)!.spent).toBe(0.05)
    for (let k = 1; k < looks.length; k++) expect(looks[k]!.spent).toBeGreaterThan(looks[k - 1]!.spent)
    for (const look of looks) expect(look.nominalP).toBeLessThanOrEqual(0.05)
  })

  it('crosses as often as it says, for uneven looks', () => {
    // A walk of independent increments, independent of the integration.
    const shares = [0.2, 0.5, 0.6, 1]
    const plan = sequentialPlan(shares, 0.1)
    const draw = normals(11)
    const runs = 40_000
    let crossed = 0
    for (let run = 0; run < runs; run++) {
      let score = 0
      let before = 0
      for (const look of plan.looks) {
        score += draw() * Math.sqrt(look.information - before)
        before = look.information
        if (score / Math.sqrt(look.information) >= look.z) {
          crossed++
          break
        }
      }
    }
    // Four standard errors.
    expect(Math.abs(crossed / runs - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / runs))
  })

  it('refuses looks that are no plan', () => {
    for (const shares of [[], [0.5], [0.5, 0.5, 1], [0.6, 0.4, 1], [0, 1], [0.5, 1.2]]) {
      expect(() => sequentialPlan(shares)).toThrow(/expected shares of the largest sample/)
    }
    expect(() => sequentialPlan([1], 0.5)).toThrow(/one-sided alpha/)
  })
})

describe('decide', () => {
  const plan = sequentialPlan(equalShares(3), 0.025)
  const ratios = (shift: number, n: number) => {
    const draw = normals(5)
    return Array.from({ length: n }, () => shift + 0.03 * draw())
  }

  it('finds a regression, rules one out, or goes on', () => {
    expect(decide(plan, 1, ratios(0.1, 20), 0.02).verdict).toBe('regression')
    expect(decide(plan, 1, ratios(-0.05, 20), 0.02).verdict).toBe('ruled_out')
    expect(decide(plan, 0, ratios(0.02, 10), 0.02).verdict).toBe('continue')
    expect(decide(plan, 2, ratios(0.02, 30), 0.02).verdict).toBe('undecided')
  })

  it('agrees with its own repeated interval', () => {
    for (let shift = -0.1; shift < 0.15; shift += 0.01) {
      const { verdict, ratio } = decide(plan, 1, ratios(shift, 12), 0.02)
      expect(verdict === 'regression').toBe(ratio!.low > 1.02)
      expect(verdict === 'ruled_out').toBe(ratio!.high < 1.02)
    }
  })

  it('concludes nothing from too little', () => {
    expect(decide(plan, 0, [0.5], 0.02)).toMatchObject({ verdict: 'continue', ratio: null })
    expect(decide(plan, 2, [0.1, 0.1], 0.02)).toMatchObject({ verdict: 'undecided', pRegression: null })
    expect(() => decide(plan, 3, [], 0.02)).toThrow(/not in the plan/)
  })

  it.each(FULL ? ['normal', 'log-normal', 'two modes'] : ['log-normal'])(
    'keeps either error below alpha under %s noise',
    (kind) => {
      // A true change of exactly the margin is the hardest case for both claims.
      const draw = normals(kind.length)
      const random = randomStream(99)
      const margin = 0.02
      const noise = {
        normal: () => 0.05 * draw(),
        'log-normal': () =>
          Math.log(1 + 0.3 * Math.exp(0.5 * draw())) - Math.log(1 + 0.3 * Math.exp(0.5 * draw())),
        'two modes': () => 0.02 * draw() + (random() < 0.3 ? 0.2 : 0) - (random() < 0.3 ? 0.2 : 0),
      }[kind]!
      const sizes = [10, 20, 30]
      const runs = 6000
      const wrong = { regression: 0, ruled_out: 0 }
      for (let run = 0; run < runs; run++) {
        const sample: number[] = []
        for (const [look, size] of sizes.entries()) {
          while (sample.length < size) sample.push(Math.log1p(margin) + noise())
          const { verdict } = decide(plan, look, sample, margin)
          if (verdict === 'regression' || verdict === 'ruled_out') {
            wrong[verdict]++
            break
          }
        }
      }
      const slack = 3 * Math.sqrt((0.025 * 0.975) / runs)
      expect(wrong.regression / runs).toBeLessThan(0.025 + slack)
      expect(wrong.ruled_out / runs).toBeLessThan(0.025 + slack)
      // And the plan is not so careful as to be idle.
      expect((wrong.regression + wrong.ruled_out) / runs).toBeGreaterThan(0.025)
    },
  )
})
