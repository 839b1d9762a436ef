import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LATENCY_SHARES } from '../../../workers/protocol/trial-result.ts'
import { LatencyHistogram, RELATIVE_ERROR } from '../../../workers/telemetry/histogram.ts'

function addAll(histogram: LatencyHistogram, values: readonly number[]): void {
  const { batch } = histogram
  for (let from = 0; from < values.length; from += batch.length) {
    const part = values.slice(from, from + batch.length)
    batch.set(part)
    histogram.add(part.length)
  }
}

describe('a histogram of latencies', () => {
  it('knows every percentile to within half a percent', () => {
    expect(RELATIVE_ERROR).toBeLessThanOrEqual(0.005)
    const latency = fc.oneof(
      fc.double({ min: 0.001, max: 10, noNaN: true }),
      fc.double({ min: 1, max: 1e8, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), (values) => {
        const histogram = new LatencyHistogram()
        addAll(histogram, values)
        const sorted = values.toSorted((a, b) => a - b)
        for (const share of [0, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
          const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
          const told = histogram.quantile(share)!
          expect(Math.abs(told - exact)).toBeLessThanOrEqual(RELATIVE_ERROR * exact * (1 + 1e-12))
          expect(told).toBeLessThanOrEqual(sorted.at(-1)!)
        }
        expect(histogram.quantile(1)).toBe(sorted.at(-1))
        expect(histogram.count).toBe(values.length)
      }),
    )
  })

  it('records its distribution at fixed shares, up to the largest', () => {
    const histogram = new LatencyHistogram()
    expect(histogram.distribution(LATENCY_SHARES)).toBeNull()
    addAll(
      histogram,
      Array.from({ length: 10_000 }, (_, i) => i + 1),
    )
    const told = histogram.distribution(LATENCY_SHARES)!
    expect(told).toHaveLength(LATENCY_SHARES.length)
    for (const [i, share] of LATENCY_SHARES.entries())
      expect(Math.abs(told[i]! / (share * 10_000) - 1), String(share)).toBeLessThan(0.005)
    expect([LATENCY_SHARES.at(-1), told.at(-1)]).toEqual([1, 10_000])
  })

  it('may be asked before all is counted', () => {
    const histogram = new LatencyHistogram()
    addAll(histogram, [1, 2, 3])
    expect(histogram.quantile(0.5)).toBeCloseTo(2, 1)
    addAll(histogram, [30, 30, 30, 30])
    expect(histogram.quantile(0.01)).toBeCloseTo(1, 1)
    expect(histogram.quantile(0.5)).toBeCloseTo(30, 0)
    expect(histogram.count).toBe(7)
  })

  it('takes what is below and above its range', () => {
    const histogram = new LatencyHistogram()
    expect(histogram.quantile(0.5)).toBeNull()
    addAll(histogram, [0, 1e-9, 1e12])
    expect(histogram.quantile(0.5)).toBe(0)
    expect(histogram.quantile(1)).toBe(1e12)
  })
})
