import { describe, expect, it } from 'vitest'
import { criticalT, decide } from '../../../harness/analyse/sequential.ts'
import { type Looks, looksAt, PASS_ALPHA } from '../../../harness/gate/plan.ts'
import { randomStream } from '../../../harness/random.ts'
import { noises, normalsFrom, playPlan } from '../../bench/gate-simulation.mjs'

const FULL = process.env['STINT_FULL'] === '1'

const MARGIN = 0.02
const CLAIM_ALPHA = 0.01 / 3
const REPLICATIONS = 20_000

/** What a count exceeds with a chance of less than one in a thousand where the true rate is `rate`. */
const atMost = (rate: number) => REPLICATIONS * rate + 3.3 * Math.sqrt(REPLICATIONS * rate * (1 - rate))

function played({ counts, claim, pass }: Looks) {
  const critical = (plan: Looks['claim']) => plan.looks.map((look, index) => criticalT(look, counts[index]!))
  return { counts, claim: critical(claim), pass: critical(pass) }
}

describe('the gate’s plan', () => {
  it('is played by the simulation as the gate decides', () => {
    const normal = normalsFrom(randomStream(4))
    const verdicts = { regression: 0, ruled_out: 0, continue: 0, undecided: 0 }
    for (const duets of [6, 14, 24]) {
      const looks = looksAt(duets, 'duets', CLAIM_ALPHA)
      const plan = played(looks)
      for (let run = 0; run < 200; run++) {
        const ratios = Array.from(
          { length: duets },
          () => Math.log1p(MARGIN) + 0.02 * (normal() + (run % 5) - 2),
        )
        for (const [look, n] of looks.counts.entries()) {
          const sample = ratios.slice(0, n)
          const mean = sample.reduce((sum, value) => sum + value, 0) / n
          const variance = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
          const t = (mean - Math.log1p(MARGIN)) / Math.sqrt(variance / n)
          const claim = decide(looks.claim, look, sample, MARGIN)
          const pass = decide(looks.pass, look, sample, MARGIN)
          expect(claim.verdict === 'regression').toBe(t >= plan.claim[look]!)
          expect(pass.verdict === 'ruled_out').toBe(-t >= plan.pass[look]!)
          verdicts[claim.verdict]++
        }
      }
    }
    for (const count of Object.values(verdicts)) expect(count).toBeGreaterThan(10)
  })

  /** Anew for each test, so that one alone sees what it sees among all. */
  const kinds = () => noises(randomStream(6))
  const symmetric = Object.keys(kinds()).filter((kind) => !kind.endsWith('by version'))

  it.each(symmetric)('errs no more often than it says, at a change of just the margin: %s', (kind) => {
    const fill = kinds()[kind]!
    for (const duets of FULL ? [6, 10, 14, 24] : [6, 24]) {
      const plan = played(looksAt(duets, 'duets', CLAIM_ALPHA))
      const { anyClaim, anyPass } = playPlan(plan, fill, 0, REPLICATIONS)
      expect(anyClaim).toBeLessThanOrEqual(atMost(CLAIM_ALPHA))
      expect(anyPass).toBeLessThanOrEqual(atMost(PASS_ALPHA))
      // And is not so careful as to be idle.
      if (kind === 'normal') expect(anyPass).toBeGreaterThan(0.8 * REPLICATIONS * PASS_ALPHA)
    }
  })

  it.each(Object.keys(kinds()))('cries wolf less often than it says where nothing changed: %s', (kind) => {
    const x = new Float64Array(20_000)
    const fill = kinds()[kind]!
    fill(x, x.length)
    const sd = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length)
    for (const duets of FULL ? [6, 12, 24] : [12]) {
      const plan = played(looksAt(duets, 'duets', CLAIM_ALPHA))
      const { anyClaim } = playPlan(plan, fill, (-Math.log1p(MARGIN) * sd) / 0.03, REPLICATIONS)
      expect(anyClaim).toBeLessThanOrEqual(atMost(CLAIM_ALPHA))
    }
  })

  it('finds what a gate is for', () => {
    const { normal } = kinds()
    const rate = (duets: number, sd: number, effect: number) => {
      const shift = (Math.log1p(effect) - Math.log1p(MARGIN)) / sd
      const found = playPlan(played(looksAt(duets, 'duets', CLAIM_ALPHA)), normal!, shift, 5000)
      return (effect === 0 ? found.ruledOut : found.regression) / 5000
    }
    expect(rate(24, 0.02, 0)).toBeGreaterThan(0.98)
    expect(rate(12, 0.01, 0.05)).toBeGreaterThan(0.98)
    expect(rate(24, 0.02, 0.05)).toBeGreaterThan(0.98)
    expect(rate(12, 0.03, 0.1)).toBeGreaterThan(0.98)
  })
})
