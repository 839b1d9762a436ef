import { compareInLockStep } from '../../../harness/gate/lock-step.ts'
import type { GateRow, GateScenario } from '../../../harness/gate/types.ts'
import { metricTable } from '../../../harness/metrics.ts'
import { randomStream } from '../../../harness/random.ts'
import { Session } from '../../../harness/session/session.ts'
import { gateSettings } from '../../../harness/sweep/build.ts'
import type { SweepInput } from '../../../harness/sweep/schema.ts'
import { defaultSettings } from '../../../harness/sweep/settings.ts'
import type { GateSettings, Scenario, Sweep } from '../../../harness/sweep/types.ts'
import { DUET_DEADLINES, type DuetReport, type DuetSpec } from '../../../workers/protocol/duet.ts'
import type { TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import type { MetricInfo } from '../../../workers/workload.ts'
import { FakeExecutor, type TrialChanges } from '../../fixtures/fake-executor.ts'
import { workloadRef } from '../../fixtures/trial.ts'

export const INFO = {
  name: 'w',
  params: {},
  accuracy: 'score',
  dataset: 'none' as const,
  metrics: {
    score: {
      unit: '',
      direction: 'higher_is_better' as const,
      kind: 'deterministic' as const,
      description: 's',
    },
    rows_kept: { unit: '', direction: 'neutral' as const, kind: 'deterministic' as const, description: 'r' },
  },
}

/** Normal noise of log ratios, made from a seed. */
export function normalNoise(seed: number, sd: number): () => number {
  const random = randomStream(seed)
  return () => sd * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export function duetOf(worse: number, changes: Partial<DuetReport> = {}): DuetReport {
  const sums = (times: number) => ({
    ...{ latency_ms: 100 * times, p50_ms: times, p95_ms: 2 * times, p99_ms: 3 * times, max_ms: 4 * times },
    ...{ rows: 1000, cpu_ms: 90 * times },
  })
  const rest = { outputs: { baseline: {}, candidate: {} }, complete: true, core: 0, failure: null }
  const chunks = { baseline: 100, candidate: 100 }
  const sides = { baseline: sums(1), candidate: sums(Math.exp(worse)) }
  return { pairs: 100, sums: sides, chunks, profile: null, ...rest, ...changes }
}

export interface Script {
  scenarios?: string[]
  /** Log of how much worse the candidate is in this duet. */
  worse?(spec: DuetSpec): number
  duet?(spec: DuetSpec): Partial<DuetReport>
  trial?(spec: TrialSpec, side: 'baseline' | 'candidate'): TrialChanges
  /** How long it takes, ms; 2000 and 500 where nothing is said. What takes longer than its deadline is ended then. */
  duetMs?(spec: DuetSpec): number
  trialMs?(spec: TrialSpec): number
  limitMs?: number
  keptPairs?: number
  settings?: Partial<GateSettings>
  margin?: number
  /** Further metrics of the workload. */
  metrics?: Record<string, MetricInfo>
  /** Chunk size of the baseline's scenarios, where it is another. */
  baselineChunk?: number
}

/** A prepared session of these scenarios, without data. */
export function sessionOf(scenarios: Scenario[], executor: FakeExecutor): Session {
  const workload = { ref: workloadRef('w'), info: INFO, source: '/w.mjs' }
  return new Session(
    { random_seed: 42, scenarios } as unknown as Sweep,
    workload,
    [],
    [],
    null,
    executor,
    null,
  )
}

/** A gate on a clock of its own. */
export async function playGate(script: Script) {
  let now = 0
  const executor = new FakeExecutor({
    duet: (spec) => {
      const { baseline, candidate } = spec.sides
      const most = 1000 * DUET_DEADLINES * Math.max(baseline.deadline_s, candidate.deadline_s)
      const took = script.duetMs?.(spec) ?? 2000
      now += Math.min(took, most)
      const late = { side: null, outcome: 'timed_out', error: { name: 'Timeout', message: 'late' } } as const
      if (took > most) return { sums: null, chunks: null, failure: late }
      return script.duet?.(spec) ?? duetOf(script.worse?.(spec) ?? 0)
    },
    result: (spec) => {
      const took = script.trialMs?.(spec) ?? 500
      now += Math.min(took, 1000 * spec.deadline_s)
      if (took > 1000 * spec.deadline_s)
        return { outcome: 'timed_out', error: { name: 'Timeout', message: 'late' } }
      const side = spec.trial.endsWith('-baseline') ? 'baseline' : 'candidate'
      const changes = script.trial?.(spec, side) ?? {}
      const isOk = (changes.outcome ?? 'ok') === 'ok'
      return {
        ...(isOk && { metrics: { peak_memory_mb: 20, score: 0.5, chunks: 100, rows: 1000 } }),
        ...changes,
      }
    },
  })
  const scenarios = (script.scenarios ?? ['s1']).map((id): GateScenario => {
    const scenario = {
      id,
      label: `scenario ${id}`,
      point: {},
      settings: defaultSettings(),
      params: {},
      dataset: null,
      runs: null,
      watts: null,
    }
    const { baselineChunk } = script
    const baseline =
      baselineChunk === undefined
        ? scenario
        : { ...scenario, settings: { ...scenario.settings, chunk_size: baselineChunk } }
    return { scenario, baseline, params: { baseline: {}, candidate: {} } }
  })
  const gate: GateSettings = { ...gateSettings({} as SweepInput), ...script.settings }
  const version = (name: string) => ({ name, ref: workloadRef(name), source: `/${name}.mjs`, info: INFO })
  const result = await compareInLockStep({
    executor,
    session: sessionOf(
      scenarios.map(({ scenario }) => scenario),
      executor,
    ),
    scenarios,
    versions: { baseline: version('baseline'), candidate: version('candidate') },
    rules: {
      table: metricTable({ ...INFO.metrics, ...script.metrics }),
      settings: gate,
      margin: script.margin ?? null,
    },
    limitMs: script.limitMs ?? 60_000,
    keptPairs: script.keptPairs ?? 0,
    now: () => now,
    signal: new AbortController().signal,
  })
  const row = (metric: string, scenario = 's1'): GateRow | undefined =>
    result.rows.find((one) => one.metric === metric && one.scenario === scenario)
  return { result, executor, row }
}
