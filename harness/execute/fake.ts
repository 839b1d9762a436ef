/** An executor without processes: scripted results, for testing all that schedules and records. */
import type {
  Capabilities,
  DuetReport,
  DuetSpec,
  PrepareResult,
  PrepareSpec,
  TrialResult,
  TrialSpec,
} from '../../workers/protocol.ts'
import type { DuetExecutor } from './executor.ts'

export interface FakeScript {
  /** What differs from a plain `ok` trial; may wait, and may throw as a broken executor does. */
  result?(spec: TrialSpec): Partial<TrialResult> | Promise<Partial<TrialResult>>
  /** What differs from a duet of two equal sides. */
  duet?(spec: DuetSpec): Partial<DuetReport> | Promise<Partial<DuetReport>>
  prepare?(spec: PrepareSpec): PrepareResult | Promise<PrepareResult>
  capabilities?: Capabilities
}

const NO_DATASET_WORKLOAD: PrepareResult = {
  ok: true,
  workload: { name: 'fake', params: {}, metrics: {}, dataset: 'optional' },
  datasets: [],
  notes: [],
}

const ALL_CAPS: Capabilities = {
  compute: 'cgroup_v2',
  memory: ['resource_limits', 'between_steps', 'governor_rss'],
  notes: [],
}

const SUMS = { latency_ms: 100, rows: 1000, cpu_ms: 90 }

const EQUAL_SIDES: DuetReport = {
  pairs: 100,
  skipped: 25,
  sums: { a: SUMS, b: SUMS },
  outputs: { a: {}, b: {} },
  complete: true,
  core: 0,
  failure: null,
}

/** Keeps the order of calls and nothing of the results. */
export class FakeExecutor implements DuetExecutor {
  /** `prepare`, `run <trial>`, `end <trial>`, `duet <duet> <side> first` and `close`, as they happened. */
  readonly calls: string[] = []
  /** Trials that run now. */
  running = 0
  /** Most trials that ever ran at the same time. */
  mostRunning = 0
  private readonly script: FakeScript
  private readonly closed: Promise<never>
  private reject: (error: Error) => void = () => {}

  constructor(script: FakeScript = {}) {
    this.script = script
    this.closed = new Promise((_, reject) => {
      this.reject = reject
    })
    this.closed.catch(() => {})
  }

  async capabilities(): Promise<Capabilities> {
    return this.script.capabilities ?? ALL_CAPS
  }

  async prepare(spec: PrepareSpec): Promise<PrepareResult> {
    this.calls.push('prepare')
    return this.script.prepare?.(spec) ?? NO_DATASET_WORKLOAD
  }

  async run(spec: TrialSpec): Promise<TrialResult> {
    this.calls.push(`run ${spec.trial}`)
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    try {
      const scripted = Promise.resolve(this.script.result?.(spec) ?? {})
      const changes = await untilClosed(scripted, this.closed)
      return { ...plainResult(spec), ...changes }
    } finally {
      this.running--
      this.calls.push(`end ${spec.trial}`)
    }
  }

  async duet(spec: DuetSpec): Promise<DuetReport> {
    this.calls.push(`duet ${spec.duet} ${spec.first} first`)
    const scripted = Promise.resolve(this.script.duet?.(spec) ?? {})
    return { ...EQUAL_SIDES, ...(await untilClosed(scripted, this.closed)) }
  }

  async close(): Promise<void> {
    this.calls.push('close')
    this.reject(new Error('the executor is closed'))
  }
}

function untilClosed<T>(work: Promise<T>, closed: Promise<never>): Promise<T> {
  return Promise.race([work, closed])
}

function plainResult(spec: TrialSpec): TrialResult {
  return {
    trial: spec.trial,
    scenario: spec.scenario,
    round: spec.round,
    params: spec.flat,
    outcome: 'ok',
    metrics: {},
    caps: {
      memory: { requested_mb: spec.caps.max_memory_mb, mechanisms: [], peak_mb: null, enforced: true },
      compute: {
        requested: spec.caps.max_compute_units,
        achieved: null,
        mechanism: 'none',
        period_ms: null,
        throttled_ms: null,
        enforced: true,
      },
    },
    energy: { joules: null, source: null, shared: false },
    noise: { run_queue_wait_share: null, involuntary_context_switches: null, load_1m: null },
    started_at: '2026-01-01T00:00:00.000Z',
    duration_ms: 0,
  }
}
