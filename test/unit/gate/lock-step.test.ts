import { describe, expect, it } from 'vitest'
import { outlookOf } from '../../../harness/gate/judge.ts'
import { duetSpecOf, trialSpecOf } from '../../../harness/gate/lock-step.ts'
import { refuseUntestable } from '../../../harness/gate/margins.ts'
import { metricTable } from '../../../harness/metrics.ts'
import { gateSettings } from '../../../harness/sweep/build.ts'
import type { SweepInput } from '../../../harness/sweep/schema.ts'
import { defaultSettings } from '../../../harness/sweep/settings.ts'
import { FakeExecutor } from '../../fixtures/fake-executor.ts'
import { workloadRef } from '../../fixtures/trial.ts'
import { duetOf, INFO, normalNoise, playGate, sessionOf } from './support.ts'

const failed = {
  outcome: 'failed' as const,
  error: { name: 'Error', message: 'no such column' },
}

describe('a gate in lock step', () => {
  it('proves a slowdown, names scenario and metric, and stops early', async () => {
    const noise = normalNoise(1, 0.02)
    const slow = Math.log(1.3)
    const { result, row } = await playGate({
      scenarios: ['s1', 's2'],
      worse: ({ duet }) => (duet.startsWith('s2') ? slow : 0) + noise(),
    })
    expect(result.verdict).toBe('regression')
    expect(result.ended).toBe('decided')
    expect(result.elapsed_s).toBeLessThan(60)
    const latency = row('latency_mean_ms', 's2')!
    expect(latency.verdict).toBe('regression')
    expect(latency.ratio!.low!).toBeGreaterThan(1.02)
    expect(latency.ratio!.low!).toBeLessThan(1.3)
    expect(latency.ratio!.high!).toBeGreaterThan(1.3)
    expect(row('latency_mean_ms', 's1')!.verdict).not.toBe('regression')
  })

  it('finds +30% in one of six scenarios within a minute, since what looks worst is measured next', async () => {
    const scenarios = ['s1', 's2', 's3', 's4', 's5', 's6']
    let found = 0
    for (const [index, slow] of scenarios.entries()) {
      const noise = normalNoise(20 + index, 0.03)
      const { result, row } = await playGate({
        scenarios,
        worse: ({ duet }) => (duet.startsWith(slow) ? Math.log(1.3) : 0) + noise(),
      })
      expect(result.elapsed_s).toBeLessThanOrEqual(60)
      if (result.verdict === 'regression' && row('latency_mean_ms', slow)!.verdict === 'regression') found++
    }
    expect(found).toBe(scenarios.length)
  })

  it('rules a regression out where there is none', async () => {
    const { result, row } = await playGate({ worse: normalNoise(2, 0.01) })
    expect(result.verdict).toBe('ruled_out')
    expect(result.rows.every(({ verdict }) => verdict === 'ruled_out')).toBe(true)
    expect(row('latency_mean_ms')!.ratio!.high!).toBeLessThan(1.02)
    expect(row('score')).toMatchObject({ baseline: 0.5, candidate: 0.5, source: 'exact' })
  })

  it('is undecided where the noise is large, and says what it could have found', async () => {
    const { result, row } = await playGate({ worse: normalNoise(3, 0.2), limitMs: 30_000 })
    expect(result.verdict).toBe('undecided')
    expect(result.elapsed_s).toBeLessThanOrEqual(30)
    const { outlook } = row('latency_mean_ms')!
    expect(outlook!.findable!).toBeGreaterThan(0.1)
  })

  it('does not pass over scenarios that the time left none for, nor over trials that it ended', async () => {
    const scenarios = ['s1', 's2', 's3', 's4']
    const { result, row } = await playGate({
      scenarios,
      limitMs: 2500,
      trial: () => ({
        outcome: 'out_of_memory',
        error: { name: 'Error', message: 'too large' },
      }),
    })
    // Whatever never ran is no worse; a scenario that was not played is not known to be.
    expect(result.verdict).toBe('undecided')
    expect(scenarios.flatMap((scenario) => row('outcome', scenario)?.cut ?? [])).toContain('before')
    const cut = await playGate({
      scenarios: ['s1'],
      limitMs: 300,
      trial: ({ deadline_s }) =>
        deadline_s < 60 ? { outcome: 'timed_out', error: { name: 'Error', message: 'late' } } : {},
    })
    expect(cut.row('outcome')).toMatchObject({ verdict: 'undecided', cut: 'within' })
  })

  it('counts one test for latency and throughput of equal chunks, turned round', async () => {
    const { result, row } = await playGate({ worse: () => Math.log(1.5) })
    // latency, its 99th percentile, CPU time and peak memory
    expect(result.tests).toBe(4)
    expect(row('throughput_rows_s')!.verdict).toBe('regression')
    expect(row('throughput_rows_s')!.ratio!.value).toBeCloseTo(1 / 1.5, 12)
  })

  it('tests throughput for itself where the rows a chunk differ', async () => {
    const noise = normalNoise(5, 0.005)
    const { result, row } = await playGate({
      duet: () => {
        const duet = duetOf(noise())
        return { sums: { baseline: duet.sums!.baseline, candidate: { ...duet.sums!.candidate, rows: 500 } } }
      },
    })
    expect(result.tests).toBe(5)
    expect(row('latency_mean_ms')!.verdict).not.toBe('regression')
    expect(row('throughput_rows_s')!.verdict).toBe('regression')
  })

  it('balances which side goes first', async () => {
    const { executor } = await playGate({ worse: normalNoise(4, 0.03) })
    const firsts = executor.calls.flatMap(
      (call) => /^duet .* (baseline|candidate) first$/.exec(call)?.[1] ?? [],
    )
    for (let at = 0; at + 1 < firsts.length; at += 2) expect(new Set(firsts.slice(at, at + 2)).size).toBe(2)
    expect(firsts.length).toBeGreaterThan(5)
  })

  it('claims a failure once it has happened twice, and plays no duet then', async () => {
    const { result, executor, row } = await playGate({
      trial: (_, side) => (side === 'candidate' ? failed : {}),
    })
    expect(result.verdict).toBe('regression')
    expect(row('outcome')!.note).toBe('was ok; is failed: no such column')
    expect(executor.calls.filter((call) => call.startsWith('run'))).toHaveLength(4)
    expect(executor.calls.some((call) => call.startsWith('duet'))).toBe(false)
  })

  it('does not claim a failure that happened once', async () => {
    let failures = 0
    const { result } = await playGate({
      worse: normalNoise(6, 0.01),
      trial: (_, side) => (side === 'candidate' && failures++ === 0 ? failed : {}),
    })
    expect(result.verdict).toBe('undecided')
  })

  it('never passes where nothing was measured', async () => {
    const { result, row } = await playGate({ trial: () => failed })
    expect(result.verdict).toBe('undecided')
    expect(row('latency_mean_ms')).toBeUndefined()
  })

  it('does not pass where the versions run but not side by side', async () => {
    const failure = {
      side: 'candidate' as const,
      outcome: 'failed' as const,
      error: { name: 'E', message: 'both at once' },
    }
    const { result, row } = await playGate({ duet: () => ({ sums: null, failure }) })
    expect(result.verdict).toBe('undecided')
    expect(row('latency_mean_ms')).toMatchObject({
      verdict: 'not_measured',
      note: 'the duet failed in the candidate: both at once',
    })
  })

  it('compares scores exactly: a worse one is a regression, a better one is none', async () => {
    const at = (score: number) => ({
      trial: (_: unknown, side: 'baseline' | 'candidate') => ({
        metrics: { peak_memory_mb: 20, score: side === 'candidate' ? score : 0.5 },
      }),
      worse: normalNoise(7, 0.01),
    })
    expect((await playGate(at(0.49))).result.verdict).toBe('regression')
    expect((await playGate(at(0.4999))).result.verdict).toBe('ruled_out')
    expect((await playGate(at(0.7))).result.verdict).toBe('ruled_out')
    const gone = await playGate({
      trial: (_, side) => ({ metrics: side === 'baseline' ? { score: 0.5 } : {} }),
    })
    expect(gone.row('score')).toMatchObject({ verdict: 'regression', note: 'is no longer reported' })
  })

  it('notes an output without better or worse that changed', async () => {
    const { result } = await playGate({
      worse: normalNoise(8, 0.01),
      trial: (_, side) => ({
        metrics: { peak_memory_mb: 20, score: 1, rows_kept: side === 'baseline' ? 7 : 8 },
      }),
    })
    expect(result.verdict).toBe('ruled_out')
    expect(result.notes).toContainEqual(expect.stringContaining('rows_kept'))
  })

  it('finds more memory beyond the margin, and lets a megabyte pass where the peak is small', async () => {
    const peak = (baseline: number, candidate: number) => {
      const noise = normalNoise(9, 0.01)
      return playGate({
        worse: normalNoise(10, 0.01),
        trial: (_, side) => ({
          metrics: {
            score: 1,
            peak_memory_mb: (side === 'baseline' ? baseline : candidate) * Math.exp(noise()),
          },
        }),
      })
    }
    expect((await peak(100, 150)).row('peak_memory_mb')!.verdict).toBe('regression')
    expect((await peak(1, 1.5)).row('peak_memory_mb')!.verdict).toBe('ruled_out')
  })

  it('gates energy where it was measured alone', async () => {
    const energy = (source: 'rapl' | 'estimate') =>
      playGate({
        worse: normalNoise(11, 0.01),
        trial: (_, side) => ({
          metrics: { peak_memory_mb: 20 },
          energy: { joules: side === 'baseline' ? 1 : 2, source, shared: false },
        }),
      })
    expect((await energy('rapl')).row('energy_j')!.verdict).toBe('regression')
    expect((await energy('estimate')).row('energy_j')).toBeUndefined()
  })

  it('takes margins from the sweep before those of the command line', async () => {
    const settings = { margins: { latency_mean_ms: 0.6, throughput_rows_s: 0.6 } }
    const { row } = await playGate({ worse: () => Math.log(1.5), settings, margin: 0.1 })
    expect(row('latency_mean_ms')).toMatchObject({ margin: 0.6, verdict: 'ruled_out' })
    expect(row('cpu_s')).toMatchObject({ margin: 0.1, verdict: 'regression' })
  })
})

const FULL = process.env['STINT_FULL'] === '1'

describe('over many gates', () => {
  /** Simulated A/A gates at the edge of the margin, where false alarms are most likely. */
  it('cries wolf at no more than its alpha', async () => {
    let alarms = 0
    const [gates, most] = FULL ? [600, 12] : [50, 1]
    for (let seed = 0; seed < gates; seed++) {
      const noise = normalNoise(100 + seed, 0.03)
      const { result } = await playGate({ worse: () => Math.log(1.02) + noise() })
      if (result.verdict === 'regression') alarms++
    }
    // At 1%, more than 12 of 600 happen once in some 100 times, and more than 1 of 50 once in 11; these are always the same.
    expect(alarms).toBeLessThanOrEqual(most)
  }, 300_000)

  it('finds 5% in nearly all', async () => {
    let found = 0
    const gates = FULL ? 200 : 40
    for (let seed = 0; seed < gates; seed++) {
      const noise = normalNoise(500 + seed, 0.02)
      const { result } = await playGate({ worse: () => Math.log(1.05) + noise() })
      if (result.verdict === 'regression') found++
    }
    expect(found / gates).toBeGreaterThanOrEqual(185 / 200)
  })
})

describe('what is compared exactly', () => {
  const rows_kept = (side: 'baseline' | 'candidate') => ({
    metrics: { peak_memory_mb: 20, score: 0.5, rows_kept: side === 'baseline' ? 9 : 10 },
  })

  it('is an output without a better or worse only where the sweep says how much it may change', async () => {
    const free = await playGate({ trial: (_, side) => rows_kept(side), worse: normalNoise(2, 0.01) })
    expect(free.result.verdict).toBe('ruled_out')
    expect(free.result.notes).toEqual([expect.stringContaining('rows_kept is not what it was: 9 → 10')])
    const held = await playGate({
      trial: (_, side) => rows_kept(side),
      settings: { margins: { rows_kept: 0 } },
    })
    expect(held.result.verdict).toBe('regression')
    expect(held.row('rows_kept')).toMatchObject({ verdict: 'regression', baseline: 9, candidate: 10 })
    expect(held.result.notes).toEqual([])
  })

  it('shows what was measured where it ends the gate before the first look', async () => {
    const { row } = await playGate({
      worse: () => Math.log(1.2),
      trial: (_, side) => ({ metrics: { peak_memory_mb: 20, score: side === 'baseline' ? 0.5 : 0.4 } }),
    })
    expect(row('score')!.verdict).toBe('regression')
    expect(row('latency_mean_ms')).toMatchObject({
      verdict: 'undecided',
      n: 1,
      ratio: { low: null, high: null },
    })
    expect(row('latency_mean_ms')!.ratio!.value).toBeCloseTo(1.2, 9)
  })
})

it('runs trials and duets under the scope and the core that the sweep says', () => {
  const settings = { ...defaultSettings(), memory_scope: 'process', max_memory_mb: 90, pin_core: 1 } as const
  const scenario = {
    id: 's1',
    label: 's1',
    point: {},
    settings,
    params: {},
    dataset: null,
    runs: null,
    watts: null,
  }
  const session = sessionOf([scenario], new FakeExecutor())
  const entry = { scenario, baseline: scenario, params: { baseline: {}, candidate: { k: 1 } } }
  const version = (name: string) => ({ name, ref: workloadRef(name), source: `/${name}.mjs`, info: INFO })
  const versions = { baseline: version('baseline'), candidate: version('candidate') }
  const caps = { memory_scope: 'process', max_memory_mb: 90, pin_core: 1 }
  const trial = trialSpecOf(session, entry, 'candidate', 1, versions, 9)
  expect(trial).toMatchObject({
    trial: 's1-r001-candidate',
    workload: { sha256: 'candidate' },
    params: { k: 1 },
    caps,
  })
  const duet = duetSpecOf(session, entry, versions, 1, { first: 'baseline', mostMs: 4000 })
  expect(duet.sides.baseline).toMatchObject({ workload: { sha256: 'baseline' }, params: {}, caps })
  expect(duet.sides.candidate).toMatchObject({ workload: { sha256: 'candidate' }, params: { k: 1 }, caps })
  const turn = { first: 'baseline', mostMs: 4000, core: 0 } as const
  const cores = (pin_core: number | null) => {
    const own = { ...scenario, settings: { ...settings, pin_core } }
    const { sides } = duetSpecOf(session, { ...entry, scenario: own, baseline: own }, versions, 1, turn)
    return [sides.baseline.caps.pin_core, sides.candidate.caps.pin_core]
  }
  expect([cores(1), cores(null)]).toEqual([
    [1, 1],
    [0, 0],
  ])
})

it('refuses a margin for what no gate tests, and takes one for what it does', () => {
  const table = metricTable(INFO.metrics)
  const settings = (margins: Record<string, number>) => ({ ...gateSettings({} as SweepInput), margins })
  expect(() => refuseUntestable(table, settings({ latency_p50_ms: 0.1 }))).toThrow(
    /latency_p50_ms.*does not test/,
  )
  refuseUntestable(table, settings({ latency_mean_ms: 0.1, score: 0, rows_kept: 0 }))
})

it('foresees little from little: at least what shows how much the values vary', () => {
  const alphas = { claim: 0.005, pass: 0.05 }
  expect(outlookOf([0.01], 0.02, alphas, 3)).toEqual({ findable: null, moreSeconds: 9, atLeast: true })
  const two = outlookOf([0.001, -0.001], 0.02, alphas, 3)
  expect(two.atLeast).toBe(true)
  expect(two.moreSeconds).toBeGreaterThanOrEqual(6)
  expect(outlookOf([0.03, -0.03, 0.04, -0.04], 0.02, alphas, 3).atLeast).toBe(false)
})
