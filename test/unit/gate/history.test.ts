import { describe, expect, it } from 'vitest'
import { type HistoryOptions, historyOf, type Recorded } from '../../../harness/gate/history.ts'
import type { Manifest } from '../../../harness/record/types.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { normals } from '../analyse/make-noise.ts'

const FULL = process.env['STINT_FULL'] === '1'

const MACHINE = {
  ...{
    cpu_model: 'x',
    cores: 2,
    memory_mb: 8000,
    platform: 'linux',
    kernel: '6.1.0',
    node: '20.0.0',
    v8: '11',
  },
  cgroup: { version: 'none', cpu_quota_cores: null, memory_limit_mb: null },
  load_at_start: [0, 0, 0],
}

/** Run `number` (from 1 on) with one trial per scenario, of the given metrics. */
function recorded(number: number, scenarios: Record<string, Record<string, number>>): Recorded {
  const names = Object.keys(scenarios)
  const sweep = {
    ...{ name: 'w', n_jobs: 1, caps: 'strict' },
    compare: { metrics: Object.keys(scenarios[names[0]!]!) },
    scenarios: names.map((id) => ({ id, label: id, params: {}, warmup_chunks: 20, timeout_s: 60 })),
  }
  return {
    path: `results/w/run-${String(number).padStart(3, '0')}`,
    manifest: {
      ...{ sweep, machine: MACHINE, fleet: null, datasets: [] },
      workload: {
        metrics: { score: { kind: 'measured', unit: '', direction: 'higher_is_better', description: '' } },
      },
      git: { commit: `${number}`.padStart(7, 'c').padEnd(40, '0'), dirty: false },
      started_at: new Date(Date.UTC(2026, 0, number)).toISOString(),
    } as unknown as Manifest,
    trials: names.map(
      (scenario) =>
        ({ scenario, round: 0, outcome: 'ok', metrics: scenarios[scenario] }) as unknown as TrialResult,
    ),
  }
}

const OPTIONS: HistoryOptions = { metrics: [], alpha: 0.05, margin: 0.02, seed: 1 }
const look = (runs: Recorded[], options: Partial<HistoryOptions> = {}) =>
  historyOf(runs, { ...OPTIONS, ...options })
const latencies = (values: readonly number[]) =>
  values.map((value, k) => recorded(k + 1, { s: { latency_mean_ms: value } }))
/** Levels of 10 times `factor(k)` with noise of `sd`, relative. */
function noisy(seed: number, n: number, sd: number, factor: (k: number) => number = () => 1): number[] {
  const draw = normals(seed)
  return Array.from({ length: n }, (_, k) => 10 * factor(k) * Math.exp(sd * draw()))
}
const step = (at: number, size: number) => (k: number) => (k < at ? 1 : size)

describe('error rates, by simulation', () => {
  it('tells of a change in at most alpha of histories without one', () => {
    const series = FULL ? 200 : 60
    let alarms = 0
    for (let seed = 1; seed <= series; seed++) {
      if (look(latencies(noisy(seed, 12 + (seed % 20), 0.02)), { margin: 0, seed }).events.length > 0)
        alarms++
    }
    expect(alarms / series).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / series))
  })

  it('keeps alpha over all series of a history together', () => {
    const histories = FULL ? 100 : 30
    let alarms = 0
    for (let seed = 1; seed <= histories; seed++) {
      const draw = normals(seed)
      const runs = Array.from({ length: 20 }, (_, k) =>
        recorded(
          k + 1,
          Object.fromEntries(
            ['a', 'b', 'c', 'd'].map((id) => [id, { latency_mean_ms: Math.exp(0.02 * draw()) }]),
          ),
        ),
      )
      if (look(runs, { margin: 0, seed }).events.length > 0) alarms++
    }
    expect(alarms / histories).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / histories))
  })

  it('finds +10% at a noise of 2% in ten runs and ten, and names runs that hold the first of them', () => {
    const histories = FULL ? 100 : 20
    let [found, held] = [0, 0]
    for (let seed = 1; seed <= histories; seed++) {
      const { events } = look(latencies(noisy(1000 + seed, 20, 0.02, step(10, 1.1))), { seed })
      if (events.length === 0) continue
      found++
      const [{ members }] = events as [(typeof events)[number]]
      if (members[0]!.low <= 10 && members[0]!.high >= 10) held++
    }
    expect(found / histories).toBeGreaterThanOrEqual(0.95)
    expect(held / found).toBeGreaterThanOrEqual(0.95)
  })

  it.runIf(FULL)('names a range that holds the change where the change is small, or near an end', () => {
    for (const [at, size] of [
      [10, 1.04],
      [16, 1.06],
      [5, 1.06],
    ] as const) {
      let [found, held, width] = [0, 0, 0]
      for (let seed = 1; seed <= 100; seed++) {
        const { events } = look(latencies(noisy(2000 + seed, 20, 0.02, step(at, size))), {
          seed,
          margin: 0.01,
        })
        const own = events.flatMap(({ members }) => members).find(({ kind }) => kind === 'step')
        if (own === undefined) continue
        found++
        width += own.high - own.low + 1
        if (own.low <= at && own.high >= at) held++
      }
      expect(found, `${at}`).toBeGreaterThan(40)
      expect(
        held / found,
        `${at} x ${size}: ${held} of ${found}, width ${width / found}`,
      ).toBeGreaterThanOrEqual(0.95 - 2 * Math.sqrt((0.05 * 0.95) / found))
    }
  })

  it.runIf(FULL)('seldom takes a step for a drift, and mostly knows a drift', () => {
    let [steps, drifts] = [0, 0]
    for (let seed = 1; seed <= 60; seed++) {
      const kinds = (factor: (k: number) => number) =>
        look(latencies(noisy(3000 + seed, 24, 0.02, factor)), { seed }).events.map(({ kind }) => kind)
      if (kinds(step(12, 1.15)).join() === 'step') steps++
      if (kinds((k) => 1.012 ** (Math.max(0, Math.min(12, k - 6)) ** 1)).includes('drift')) drifts++
    }
    expect(steps).toBeGreaterThanOrEqual(52)
    expect(drifts).toBeGreaterThanOrEqual(36)
  })
})

describe('what a history tells', () => {
  it('names the run and commit after a change, in whatever order the runs come', () => {
    const { events } = look(latencies(noisy(1, 16, 0.01, step(9, 1.5))).reverse())
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      ...{ verdict: 'worse', kind: 'step', sweep: 'w' },
      good: { run: 'results/w/run-009', commit: 'cccccc9' },
      first: { run: 'results/w/run-010', commit: 'ccccc10' },
      last: { run: 'results/w/run-010' },
    })
    const { before, after } = events[0]!.members[0]!
    expect(after / before).toBeCloseTo(1.5, 1)
  })

  it('says better where more is better', () => {
    const runs = noisy(2, 20, 0.01, step(10, 1.3)).map((value, k) =>
      recorded(k + 1, { s: { score: value, throughput_rows_s: 1 / value } }),
    )
    const { events } = look(runs)
    expect(events).toHaveLength(1)
    expect(events[0]!.verdict).toBe('mixed')
    const verdicts = Object.fromEntries(events[0]!.members.map(({ metric, verdict }) => [metric, verdict]))
    expect(verdicts).toEqual({ score: 'better', throughput_rows_s: 'worse' })
  })

  it('makes one event of several scenarios that change at one run', () => {
    const draw = normals(5)
    const runs = Array.from({ length: 24 }, (_, k) =>
      recorded(
        k + 1,
        Object.fromEntries(
          ['a', 'b', 'c'].map((id) => [
            id,
            { latency_mean_ms: (k < 12 || id === 'c' ? 1 : 1.2) * Math.exp(0.02 * draw()) },
          ]),
        ),
      ),
    )
    const { events } = look(runs)
    expect(events).toHaveLength(1)
    expect(events[0]!.members.map(({ label }) => label)).toEqual(['a', 'b'])
  })

  it('tells an outlier apart from a change, and still sees the change beside it', () => {
    const values = noisy(7, 24, 0.01, step(12, 1.2))
    values[5] = 30
    const { events, series } = look(latencies(values))
    expect(series[0]!.outliers).toEqual([5])
    expect(events).toHaveLength(1)
    expect(events[0]!.first.run).toBe('results/w/run-013')
  })

  it('takes no run before a change for an outlier, though one beside it is', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const values = noisy(seed, 20, 0.014, step(10, 1.2))
      values[8] = 30
      const { events, series } = look(latencies(values), { seed })
      // Of the noise, one run in a thousand stands apart as well.
      expect(series[0]!.outliers).toContain(8)
      expect(series[0]!.outliers).not.toContain(9)
      expect(events.map(({ first }) => first.run)).toEqual(['results/w/run-011'])
    }
  })

  it('tells a climb over many runs as a drift', () => {
    const climb = (k: number) => 1 + 0.03 * Math.max(0, Math.min(12, k - 6))
    expect(look(latencies(noisy(1, 24, 0.005, climb))).events.map(({ kind }) => kind)).toEqual(['drift'])
  })

  it('tells a change of the spread as one', () => {
    const draw = normals(11)
    const values = Array.from({ length: 40 }, (_, k) => 10 * Math.exp((k < 20 ? 0.005 : 0.1) * draw()))
    expect(look(latencies(values)).events.map(({ kind, verdict }) => `${kind} ${verdict}`)).toEqual([
      'spread worse',
    ])
  })

  it('leaves out what lies below the margin', () => {
    const values = noisy(3, 30, 0.002, step(15, 1.018))
    expect(look(latencies(values)).events).toEqual([])
    expect(look(latencies(values), { margin: 0.01 }).events).toHaveLength(1)
  })

  it('calls an event new while the newest run is needed to see it', () => {
    const values = noisy(4, 20, 0.005, step(10, 1.2))
    const newAt = [13, 14, 15, 16].filter((n) =>
      look(latencies(values.slice(0, n))).events.some((event) => event.new),
    )
    expect(newAt).toHaveLength(1)
    expect(look(latencies(values)).events.map((event) => event.new)).toEqual([false])
  })

  it('says where the runs are too few for any finding, and how many are needed', () => {
    const short = look(latencies(noisy(1, 6, 0.01)))
    expect(short.events).toEqual([])
    expect(short.notes).toEqual([
      expect.stringMatching(/6 runs, too few for any finding in 1 series .*; 8 are needed/),
    ])
    // Once they are as long as that, both share alpha.
    const two = (runs: number) =>
      look(
        Array.from({ length: runs }, (_, k) =>
          recorded(k + 1, { a: { latency_mean_ms: 1 + k / 100 }, b: { latency_mean_ms: 2 - k / 100 } }),
        ),
      ).notes
    expect(two(3)).toEqual([expect.stringMatching(/3 runs, .* in 2 series .*; 9 are needed/)])
    expect([two(8).length, two(9)]).toEqual([1, []])
    const scenarios = (k: number) =>
      Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e'].map((id, i) => [
          id,
          { latency_mean_ms: k < 4 ? 1 + k / 100 + i : 2 + k / 100 + i },
        ]),
      )
    const many = look(Array.from({ length: 8 }, (_, k) => recorded(k + 1, scenarios(k))))
    expect(many.notes).toEqual([
      expect.stringMatching(/8 runs, too few for any finding in 5 series .*are needed/),
    ])
  })

  it('finds the same for every seed where a change is plain', () => {
    const values = noisy(9, 8, 0.01, step(4, 1.2))
    for (let seed = 1; seed <= 15; seed++)
      expect(look(latencies(values), { seed }).events, `${seed}`).toHaveLength(1)
  })

  it('takes values without noise as they are', () => {
    const { events } = look(latencies([5, 5, 5, 5, 5, 6, 6, 6, 6, 6]))
    expect(events[0]).toMatchObject({
      first: { run: 'results/w/run-006' },
      last: { run: 'results/w/run-006' },
    })
    expect(look(latencies(new Array(20).fill(5))).events).toEqual([])
  })
})
