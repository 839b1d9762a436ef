import { describe, expect, it } from 'vitest'
import { memoryTest, timesTest } from '../../../harness/gate/baseline.ts'
import { historyOf, type Recorded } from '../../../harness/gate/history.ts'
import { HARNESS_METRICS, type Metric } from '../../../harness/metrics.ts'
import type { Manifest } from '../../../harness/record/types.ts'
import type { TrialResult } from '../../../workers/protocol.ts'
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

  it('decides memory from one run', () => {
    const peaks = (mb: number) => trials([mb, mb * 1.01, mb * 0.99, mb * 1.005, mb], 'peak_memory_mb')
    const memory = metric('peak_memory_mb')
    expect(memoryTest(memory, [peaks(50)], peaks(80), 0.1, 0.01)!.verdict).toBe('regression')
    expect(memoryTest(memory, [peaks(50)], peaks(50), 0.1, 0.01)!.verdict).toBe('ruled_out')
  })
})

const machine = {
  cpu_model: 'x',
  cores: 2,
  memory_mb: 8000,
  platform: 'linux',
  kernel: '6.1.0',
  node: '20.0.0',
  v8: '11',
  cgroup: { version: 'none', cpu_quota_cores: null, memory_limit_mb: null },
  load_at_start: [0, 0, 0],
} as const

function recorded(number: number, ms: number, changes: Partial<Manifest> = {}): Recorded {
  const scenario = { id: 's', label: 'all', params: { k: 1 }, warmup_chunks: 20, timeout_s: 60 }
  const sweep = {
    name: 'w',
    scenarios: [scenario],
    n_jobs: 1,
    caps: 'strict',
    compare: { metrics: ['latency_mean_ms'] },
  }
  return {
    path: `results/w/run-${number}`,
    manifest: {
      sweep,
      machine,
      workload: { metrics: {} },
      datasets: [],
      git: { commit: `${number}`.padStart(40, 'c'), dirty: false },
      started_at: new Date(Date.UTC(2026, 0, number)).toISOString(),
      ...changes,
    } as unknown as Manifest,
    trials: trials([ms, ms * 1.01]),
  }
}

describe('history', () => {
  const noise = normalNoise(3, 0.01)
  const series = (change: number) =>
    Array.from({ length: 16 }, (_, k) => recorded(k + 1, (k >= 9 ? change : 1) * Math.exp(noise())))

  it('names the first run after a change, in whatever order the runs come', () => {
    const { changes } = historyOf(series(1.5).reverse(), { metrics: [], alpha: 0.05, seed: 1 })
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatchObject({
      run: 'results/w/run-10',
      commit: 'ccccccc',
      metric: 'latency_mean_ms',
    })
    expect(changes[0]!.after / changes[0]!.before).toBeCloseTo(1.5, 1)
  })

  it('finds none where there is none, and says when the runs are too few', () => {
    expect(historyOf(series(1), { metrics: [], alpha: 0.01, seed: 1 }).changes).toEqual([])
    expect(historyOf(series(9).slice(6, 12), { metrics: [], alpha: 0.05, seed: 1 })).toMatchObject({
      series: 0,
      notes: [expect.stringContaining('6 runs')],
    })
  })
})
