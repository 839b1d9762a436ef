import { describe, expect, it } from 'vitest'
import { memoryTest, timesTest } from '../../../harness/gate/baseline.ts'
import { HARNESS_METRICS, type Metric } from '../../../harness/metrics.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { normalNoise } from './support.ts'

const metric = (name: string): Metric => HARNESS_METRICS.find((one) => one.name === name)!
const trials = (values: number[], name = 'latency_mean_ms'): TrialResult[] =>
  values.map(
    (value, index) =>
      ({ scenario: 's', round: index, outcome: 'ok', metrics: { [name]: value } }) as unknown as TrialResult,
  )

describe('times against recorded runs', () => {
  const latency = metric('latency_mean_ms')
  const noise = normalNoise(1, 0.01)
  const runs = (n: number) =>
    Array.from({ length: n }, () => trials([10, 11, 12].map((ms) => ms * Math.exp(noise()))))

  it('needs five runs', () => {
    const found = timesTest(latency, runs(4), trials([30, 31]), 0.02, 0.01)!
    expect(found.verdict).toBe('undecided')
    expect(found.note).toContain('5 recorded runs are needed')
  })

  it('says what it could have found where it is undecided', () => {
    const found = timesTest(latency, runs(5), trials([10.4, 11.4, 12.5]), 0.02, 0.01)!
    expect(found.verdict).toBe('undecided')
    expect(found.note).toMatch(
      /^a change for the worse of \d+% or more would have been found in four of five/,
    )
  })

  it('finds what lies beyond the spread of the runs, and passes what lies within a wide margin', () => {
    expect(timesTest(latency, runs(8), trials([20, 22, 24]), 0.02, 0.01)!.verdict).toBe('regression')
    expect(timesTest(latency, runs(8), trials([10, 11, 12]), 0.3, 0.01)!.verdict).toBe('ruled_out')
  })

  it('turns a rate round', () => {
    const rates = Array.from({ length: 8 }, () => trials([100 * Math.exp(noise())], 'throughput_rows_s'))
    const found = timesTest(
      metric('throughput_rows_s'),
      rates,
      trials([50], 'throughput_rows_s'),
      0.02,
      0.01,
    )!
    expect(found.verdict).toBe('regression')
    expect(found.ratio!.value).toBeCloseTo(0.5, 1)
    expect(found.ratio!.low!).toBeLessThan(found.ratio!.value)
  })

  it('are told apart by amounts where the metric may be 0 or negative', () => {
    const drift: Metric = { ...metric('latency_mean_ms'), name: 'drift', signed: true }
    const recorded = Array.from({ length: 8 }, () => trials([-0.3 + noise()], 'drift'))
    const test = (value: number, margin: number) =>
      timesTest(drift, recorded, trials([value], 'drift'), margin, 0.01)!
    expect(test(0.4, 0.1)).toMatchObject({ verdict: 'regression', ratio: null, marginAmount: 0.1 })
    expect(test(0.4, 0.1).difference!.value).toBeCloseTo(0.7, 1)
    expect(test(0.4, 2).verdict).toBe('ruled_out')
  })

  it('decides memory from one run', () => {
    const peaks = (mb: number) => trials([mb, mb * 1.01, mb * 0.99, mb * 1.005, mb], 'peak_memory_mb')
    const memory = metric('peak_memory_mb')
    expect(memoryTest(memory, [peaks(50)], peaks(80), 0.1, 0.01)!.verdict).toBe('regression')
    expect(memoryTest(memory, [peaks(50)], peaks(50), 0.1, 0.01)!.verdict).toBe('ruled_out')
  })
})
