import { describe, expect, it } from 'vitest'
import { stillAccepted } from '../../../harness/gate/accepted.ts'
import { whereOf } from '../../../harness/gate/where.ts'
import { sumUp } from '../../../workers/duet-process.ts'
import type { DuetReport } from '../../../workers/protocol/duet.ts'
import type { MetricInfo } from '../../../workers/workload.ts'
import { duetOf, normalNoise, playGate } from './support.ts'

const ok = { peak_memory_mb: 20, score: 0.5, rows: 1000, chunks: 100, cpu_s: 1, wall_s: 1 }

describe('a claim covers what was compared', () => {
  it('passes only where the duets reached the end of the stream', async () => {
    const noise = normalNoise(1, 0.01)
    const duet = (chunks: number) => () =>
      duetOf(noise(), { chunks: { baseline: chunks, candidate: chunks } })
    const whole = await playGate({ duet: duet(100) })
    expect(whole.result.verdict).toBe('ruled_out')
    expect(whole.result.coverage).toEqual([
      expect.objectContaining({ scenario: 's1', chunks: 100, compared: 100 }),
    ])
    const part = await playGate({ duet: duet(40) })
    expect(part.result.verdict).toBe('undecided')
    expect(part.row('latency_mean_ms')!.note).toMatch(/only the first 40 chunks of 100 were compared/)
  })

  it('does not pass where whole trials say the opposite of the duets', async () => {
    const noise = normalNoise(2, 0.01)
    const { result, row } = await playGate({
      worse: noise,
      trial: (_spec, side) => ({
        metrics: { ...ok, cpu_s: side === 'candidate' ? 1.5 * Math.exp(noise()) : Math.exp(noise()) },
      }),
    })
    expect(result.verdict).toBe('undecided')
    expect(row('latency_mean_ms')!.note).toMatch(
      /whole trials contradict the duets: their CPU time is \d+% worse/,
    )
  })

  it.each([
    ['of half a second', 500, 60_000],
    ['of four seconds, of which few fit into the time', 4000, 60_000],
  ])('holds the duets against whole trials %s before it passes', async (_, ms, limitMs) => {
    const gate = (times: number) => {
      const [duets, trials] = [normalNoise(20, 0.004), normalNoise(21, 0.01)]
      return playGate({
        worse: duets,
        limitMs,
        duetMs: () => 1500 + ms,
        trialMs: () => ms,
        trial: (_spec, side) => ({
          metrics: {
            ...ok,
            peak_memory_mb: 20 * Math.exp(trials() / 2),
            cpu_s: (side === 'candidate' ? times : 1) * Math.exp(trials()),
          },
        }),
      })
    }
    const same = await gate(1)
    expect(same.result.verdict).toBe('ruled_out')
    expect(same.result.trials).toBeGreaterThanOrEqual(6)
    for (const times of [1.1, 3]) {
      const { result, row } = await gate(times)
      expect(result.verdict).toBe('undecided')
      expect(row('latency_mean_ms')!.note).toContain('whole trials contradict the duets')
    }
  })

  it('passes nothing of which the time left too few whole trials', async () => {
    const { result, row } = await playGate({
      worse: normalNoise(22, 0.004),
      limitMs: 26_000,
      duetMs: () => 1500,
      trialMs: () => 4000,
    })
    expect(result.verdict).toBe('undecided')
    expect(row('latency_mean_ms')!.note).toMatch(/^only [12] whole trials? of each version/)
  })

  it('does not pass what failed in some of the duets, though never by itself', async () => {
    const worse = normalNoise(23, 0.004)
    const crash = { outcome: 'crashed', error: { name: 'E', message: 'segmentation fault' } } as const
    const gate = (side: 'baseline' | 'candidate') =>
      playGate({
        duet: ({ duet }) =>
          duet.endsWith('-d3') ? { sums: null, chunks: null, failure: { side, ...crash } } : duetOf(worse()),
      })
    const { result, row } = await gate('candidate')
    expect(result.verdict).toBe('undecided')
    expect(row('outcome')!.note).toMatch(/^was ok; is crashed in 1 of \d+ duets: segmentation fault$/)
    expect((await gate('baseline')).result.verdict).toBe('ruled_out')
  })

  it('misses a metric that the candidate reports no more', async () => {
    const retries = { unit: '', kind: 'measured', direction: 'lower_is_better', description: 'r' } as const
    const gate = (baseline: (k: number) => object) => {
      let trials = 0
      return playGate({
        worse: normalNoise(24, 0.004),
        metrics: { retries },
        trial: (_spec, side) => ({ metrics: { ...ok, ...(side === 'baseline' && baseline(trials++)) } }),
      })
    }
    const lost = await gate(() => ({ retries: 5 }))
    expect(lost.result.verdict).toBe('regression')
    expect(lost.row('retries')).toMatchObject({ verdict: 'regression', note: 'is no longer reported' })
    // What the baseline does not always report either.
    expect((await gate((k) => (k % 2 === 0 ? { retries: 5 } : {}))).result.verdict).toBe('ruled_out')
  })

  it('says what it did not test', async () => {
    const { result } = await playGate({})
    const names = result.untested.map(({ metric }) => metric)
    expect(names).toEqual(
      expect.arrayContaining(['latency_p50_ms', 'latency_p95_ms', 'latency_max_ms', 'energy_j']),
    )
    expect(names).not.toContain('latency_p99_ms')
    // Of what never ran it is not known that its chunks differ.
    const failed = { outcome: 'failed', error: { name: 'E', message: 'm' } } as const
    const nothing = await playGate({ trial: () => failed })
    expect(nothing.result.untested).toContainEqual({
      metric: 'latency_mean_ms',
      why: 'not measured in both versions, or not above 0',
    })
  })

  it('keeps the number of values and the means of the look that decided', async () => {
    const noise = normalNoise(3, 0.01)
    const { row } = await playGate({
      worse: () => Math.log(1.5) + noise(),
      scenarios: ['s1'],
    })
    const { n, verdict } = row('latency_mean_ms')!
    expect(verdict).toBe('regression')
    expect(n).toBeLessThan(12)
    // Decided at the first look, and others measured on.
    const wide = normalNoise(4, 0.5)
    const goesOn = await playGate({
      duet: () => {
        const report = duetOf(noise() / 4)
        report.sums!.candidate.p99_ms *= Math.exp(wide())
        return report
      },
    })
    expect(goesOn.row('latency_mean_ms')!.verdict).toBe('ruled_out')
    expect(goesOn.row('latency_mean_ms')!.n).toBeLessThan(goesOn.result.duets)
  })
})

describe('less work', () => {
  const handles = (rows: number, chunks = 100) => ({
    trial: (_spec: unknown, side: string) => ({
      metrics: side === 'candidate' ? { ...ok, rows, chunks } : ok,
    }),
  })

  it('is a regression before any time is compared', async () => {
    const { result, row } = await playGate(handles(900))
    expect(result.verdict).toBe('regression')
    expect(row('rows')).toMatchObject({
      verdict: 'regression',
      baseline: 1000,
      candidate: 900,
      source: 'exact',
    })
    expect(result.duets).toBe(1)
    expect((await playGate(handles(1000, 30))).row('chunks')!.verdict).toBe('regression')
  })

  it('is none where the sweep expects it, nor is more of it', async () => {
    const meant = await playGate({ ...handles(900), settings: { expect: ['fewer_rows'] } })
    expect(meant.result.verdict).toBe('ruled_out')
    expect(meant.row('rows')!.note).toBe('gate.expect has fewer_rows')
    expect((await playGate(handles(1100))).row('rows')!.verdict).toBe('ruled_out')
  })

  it('is not claimed of a workload whose rows differ between its own trials', async () => {
    let n = 1000
    const { row } = await playGate({ trial: () => ({ metrics: { ...ok, rows: n-- } }) })
    expect(row('rows')).toMatchObject({
      verdict: 'undecided',
      note: expect.stringContaining('differs between trials'),
    })
  })
})

describe('what people wait for', () => {
  const measured = (name: string, baseline: number, candidate: number) => {
    const noise = normalNoise(5, 0.01)
    return {
      trial: (_spec: unknown, side: string) => ({
        metrics: { ...ok, [name]: (side === 'candidate' ? candidate : baseline) * Math.exp(noise()) },
      }),
    }
  }

  it.each([
    ['startup_ms', 20, 520],
    ['finish_ms', 5, 1005],
    ['peak_memory_mb', 20, 40],
  ])('finds %s going from %i to %i', async (name, baseline, candidate) => {
    const { result, row } = await playGate(measured(name, baseline, candidate))
    expect(result.verdict).toBe('regression')
    expect(row(name)!.verdict).toBe('regression')
    expect((await playGate(measured(name, baseline, baseline))).row(name)!.verdict).toBe('ruled_out')
  })

  it('takes no few milliseconds of start-up for a change', async () => {
    expect((await playGate(measured('startup_ms', 1, 4))).row('startup_ms')!.verdict).toBe('ruled_out')
  })

  it('finds a longer tail at an equal mean', async () => {
    const noise = normalNoise(6, 0.02)
    const duet = (): DuetReport => {
      const report = duetOf(noise() / 4)
      report.sums!.candidate.p99_ms *= 2 * Math.exp(noise())
      return report
    }
    const { result, row } = await playGate({ duet })
    expect(result.verdict).toBe('regression')
    expect(row('latency_p99_ms')!.verdict).toBe('regression')
    expect(row('latency_mean_ms')!.verdict).not.toBe('regression')
  })

  it('accepts a known change as long as it is accepted, and shows it', async () => {
    const worse = () => Math.log(1.05) + normalNoise(7, 0.003)()
    const { signal } = new AbortController()
    const accept = (until: string) =>
      stillAccepted(
        [
          { metric: 'latency_mean_ms', scenario: null, until, to: 0.1, why: 'validates more' },
          { metric: 'cpu_s', scenario: 'scenario s1', until, to: 0.1, why: 'validates more' },
          { metric: 'throughput_rows_s', scenario: 's1', until, to: 0.1, why: 'validates more' },
        ],
        null,
        signal,
        '2026-11-30',
      )
    const until = await playGate({ worse, settings: { accept: await accept('2026-11-30') } })
    expect(until.result.verdict).toBe('ruled_out')
    expect(until.row('latency_mean_ms')!.note).toBe('accepted until 2026-11-30: validates more')
    const after = await playGate({ worse, settings: { accept: await accept('2026-11-29') } })
    expect(after.result.verdict).toBe('regression')
  })

  it('holds its CPU time against that of whole trials, where a program is played', async () => {
    const noise = normalNoise(8, 0.01)
    const duet = () => {
      const report = duetOf(noise())
      for (const side of ['baseline', 'candidate'] as const) report.sums![side].cpu_ms = null
      return report
    }
    const gate = (times: number) =>
      playGate({
        duet,
        trial: (_spec, side) => ({
          metrics: { ...ok, cpu_s: Math.exp(noise()) * (side === 'candidate' ? times : 1) },
        }),
      })
    const same = await gate(1)
    expect(same.result.verdict).toBe('ruled_out')
    expect(same.row('cpu_s')).toMatchObject({ source: 'pairs', margin: 0.1, verdict: 'ruled_out' })
    expect((await gate(1.3)).row('cpu_s')!.verdict).toBe('regression')
  })

  it('is an amount, and no ratio, of a metric that may be 0 or negative', async () => {
    const drift = { unit: 'ms', kind: 'measured' as const, description: 'how early or late' }
    const noise = normalNoise(9, 0.02)
    const gate = (
      values: { baseline: number; candidate: number },
      more: Partial<MetricInfo> = {},
      margins: Record<string, number> = {},
    ) =>
      playGate({
        worse: normalNoise(10, 0.005),
        metrics: { drift: { ...drift, direction: 'lower_is_better', ...more } },
        settings: { margins },
        trial: (_spec, side) => ({ metrics: { ...ok, drift: values[side] + noise() } }),
      })
    const crosses = await gate({ baseline: -0.3, candidate: 0.4 })
    expect(crosses.result.verdict).toBe('regression')
    expect(crosses.row('drift')).toMatchObject({ ratio: null, marginAmount: 0.1, verdict: 'regression' })
    expect(crosses.row('drift')!.difference!.value).toBeCloseTo(0.7, 1)
    // Of the same change for the better, with a metric of which more is better, and within a margin that is said.
    expect((await gate({ baseline: 0.4, candidate: -0.3 })).row('drift')!.verdict).toBe('ruled_out')
    const more = await gate({ baseline: 0.4, candidate: -0.3 }, { direction: 'higher_is_better' })
    expect(more.row('drift')!.verdict).toBe('regression')
    expect(more.row('drift')!.difference!.value).toBeCloseTo(-0.7, 1)
    expect((await gate({ baseline: -0.3, candidate: 0.4 }, {}, { drift: 2 })).row('drift')!.verdict).toBe(
      'ruled_out',
    )
    // Counted from 0, as retries are.
    const counts = await playGate({
      worse: normalNoise(11, 0.005),
      metrics: { drift: { ...drift, direction: 'lower_is_better' } },
      trial: (_spec, side) => ({ metrics: { ...ok, drift: side === 'candidate' ? 3 : 0 } }),
    })
    expect(counts.row('drift')).toMatchObject({
      verdict: 'regression',
      ratio: null,
      difference: { value: 3, low: 3, high: 3 },
    })
    // Declared, it is one also where no value shows it.
    const declared = await gate({ baseline: 5, candidate: 5.02 }, { signed: true })
    expect(declared.row('drift')).toMatchObject({ verdict: 'ruled_out', ratio: null, marginAmount: 0.1 })
  })

  it('tests what gate.metrics names', async () => {
    const { result, row } = await playGate({ settings: { metrics: ['latency_p95_ms'] } })
    expect(row('latency_p95_ms')).toBeDefined()
    expect(row('peak_memory_mb')).toBeUndefined()
    expect(result.untested.map(({ metric }) => metric)).toContain('peak_memory_mb')
  })
})

describe('time', () => {
  it('claims a candidate that takes ten times as long after one trial', async () => {
    const { result, row, executor } = await playGate({
      trial: (spec, side) =>
        side === 'candidate'
          ? {
              outcome: 'timed_out',
              duration_ms: spec.deadline_s * 1000,
              error: { name: 'Timeout', message: 'late' },
            }
          : { metrics: ok, duration_ms: 500 },
    })
    expect(result.verdict).toBe('regression')
    expect(row('outcome')!.verdict).toBe('regression')
    expect(executor.calls.filter((call) => call.startsWith('run '))).toHaveLength(2)
  })

  it('measures the scenario that looks worst first, and decides by it', async () => {
    const noise = normalNoise(8, 0.03)
    const scenarios = ['s1', 's2', 's3', 's4', 's5', 's6']
    const { result, row } = await playGate({
      scenarios,
      worse: (spec) => (spec.duet.startsWith('s4-') ? Math.log(1.3) : 0) + noise(),
      limitMs: 60_000,
    })
    expect(result.verdict).toBe('regression')
    expect(row('latency_mean_ms', 's4')!.verdict).toBe('regression')
    expect(result.elapsed_s).toBeLessThan(66)
  })

  it('ends within the limit and says what it is doing', async () => {
    const { result } = await playGate({
      scenarios: ['s1', 's2', 's3'],
      worse: normalNoise(9, 0.3),
      limitMs: 30_000,
    })
    expect(result.elapsed_s).toBeLessThanOrEqual(33)
    expect(result.ended).toBe('time_limit')
  })
})

describe('where a change lies', () => {
  const noise = normalNoise(11, 0.02)
  const where = (factor: (i: number) => number) => {
    const ratio = Array.from({ length: 32 }, (_, i) => factor(i) * Math.exp(noise()))
    return whereOf({ chunks: 3200, ratio })
  }

  it('is told by the simplest shape that fits', () => {
    expect(where(() => 1)).toEqual({ shape: 'everywhere' })
    expect(where(() => 1.3)).toEqual({ shape: 'everywhere' })
    expect(where((i) => (i < 16 ? 1 : 1.96))).toMatchObject({ shape: 'from', chunk: 1600 })
    expect(where((i) => (i < 3 ? 2 : 1))).toMatchObject({ shape: 'from', chunk: 300 })
    expect(where((i) => (i >= 11 && i < 21 ? 2 : 1))).toMatchObject({
      shape: 'between',
      from: 1100,
      to: 2100,
    })
    expect(where((i) => 1 + i / 40)).toMatchObject({ shape: 'growing' })
  })
})

it('says beside a regression what collecting garbage took in either version, and nothing of it without one', async () => {
  const noise = normalNoise(25, 0.004)
  const gate = (times: number) =>
    playGate({
      worse: () => Math.log(times) + noise(),
      trial: (_spec, side) => ({
        metrics: {
          ...ok,
          ...(side === 'candidate' ? { gc_count: 40, gc_pause_ms: 21 } : { gc_count: 12, gc_pause_ms: 3 }),
        },
      }),
    })
  expect((await gate(1.5)).result.notes).toEqual([
    'scenario s1: garbage was collected 12.0 times a trial, for 3.00 ms in all; it is now 40.0 times a trial, for 21.0 ms in all',
  ])
  expect((await gate(1)).result.notes).toEqual([])
})

describe('a duet', () => {
  const part = (latencies: number[]) => ({
    latencies: Float64Array.from(latencies),
    rows: Float64Array.from(latencies, (ms) => (Number.isNaN(ms) ? Number.NaN : 10)),
    cpu: null,
    outputs: {},
    complete: latencies.some(Number.isNaN),
  })

  it('counts every chunk of every pass, and knows each stretch of the stream', () => {
    const pass = [1, 2, 3, 4, Number.NaN]
    const { pairs, sums, profile, chunks, complete } = sumUp({
      baseline: part([...pass, ...pass]),
      candidate: part([...pass, ...pass].map((ms) => ms * 2)),
    })
    expect({ pairs, chunks, complete }).toEqual({
      pairs: 8,
      chunks: { baseline: 4, candidate: 4 },
      complete: true,
    })
    expect(sums!.baseline).toMatchObject({ latency_ms: 20, rows: 80, max_ms: 4, p50_ms: 2.5 })
    expect(profile).toEqual({ baseline: [2, 4, 6, 8], candidate: [4, 8, 12, 16] })
  })

  it('has no profile of a stream that it did not play to its end', () => {
    expect(sumUp({ baseline: part([1, 2, 3]), candidate: part([1, 2, 3]) })).toMatchObject({
      profile: null,
      complete: false,
      chunks: { baseline: 3, candidate: 3 },
    })
  })
})

describe('versions whose chunks differ in size', () => {
  const noise = normalNoise(3, 0.004)
  /** Chunks of twice the rows take twice as long each: nothing changed per row. */
  const played = (worse: number) =>
    playGate({
      baselineChunk: 32,
      trial: (_spec, side) => {
        const factor = (side === 'candidate' ? worse : 1) * Math.exp(noise())
        const perChunk = side === 'candidate' ? 2 : 1
        const latency = { latency_mean_ms: perChunk * factor, latency_per_row_us: 10 * factor }
        return { metrics: { ...ok, ...latency, chunks: 100 / perChunk, cpu_s: factor } }
      },
    })

  it('are compared per row, by whole trials, and never chunk by chunk', async () => {
    const { result, row } = await played(1)
    expect(result.duets).toBe(0)
    expect(result.verdict).toBe('ruled_out')
    expect(row('latency_per_row_us')).toMatchObject({ verdict: 'ruled_out', source: 'pairs' })
    expect(row('latency_mean_ms')).toBeUndefined()
    expect(row('chunks')).toBeUndefined()
    expect(result.untested).toContainEqual({
      metric: 'latency_mean_ms',
      why: 'the chunks of the versions differ in size',
    })
  })

  it('fail where a row takes longer', async () => {
    const { result, row } = await played(1.1)
    expect(result.verdict).toBe('regression')
    expect(row('latency_per_row_us')!.verdict).toBe('regression')
  })
})
