/**
 * What becomes of a trial: a line of the journal, and the lines of its chunk log.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type { MemoryScope } from './trial-spec.ts'

export const OUTCOMES_NOT_OK = ['out_of_memory', 'crashed', 'timed_out', 'failed'] as const

export const OUTCOMES = ['ok', ...OUTCOMES_NOT_OK] as const

export type Outcome = (typeof OUTCOMES)[number]

export const COMPUTE_MECHANISMS = ['cgroup_v2', 'cgroup_v1', 'duty_cycle', 'none'] as const

export type ComputeMechanism = (typeof COMPUTE_MECHANISMS)[number]

/** All that watch one trial's memory. */
export const MEMORY_MECHANISMS = [
  'resource_limits',
  'between_steps',
  'supervisor_rss',
  'cgroup_v1',
  'cgroup_v2',
] as const

export type MemoryMechanism = (typeof MEMORY_MECHANISMS)[number]

/** The caps of one trial: as asked, as in force, as achieved. */
export interface CapsRecord {
  memory: {
    /** As the sweep asks, above an idle worker or of the whole process by `scope`; null for none. */
    asked_mb: number | null
    scope: MemoryScope
    /** What the workload could use above an idle worker, MB; null for no cap, and where it is not known. */
    in_force_mb: number | null
    /** What held it; empty where there was no cap. */
    mechanisms: MemoryMechanism[]
    /**
     * The largest reading above an idle worker (under `process` in all): heap plus external by the worker, or resident
     * by the supervisor less the runtime's allowance; MB.
     */
    peak_mb: number | null
    /** Resident size above that of the idle worker by the kernel's high-water mark, nothing taken off, MB. */
    peak_above_idle_mb: number | null
    /** False where a cap was asked for and not all of the heap and off-heap memory was bounded. */
    enforced: boolean
    note: string | null
  }
  compute: {
    /** As the sweep asks, in cores of the machine that `relative_to` names or else of the one that ran; null for none. */
    asked: number | null
    /** In cores of the machine that ran; null for no cap, and where it was never put in force. */
    in_force: number | null
    /** CPU time of the trial process and all that it started over wall time, from the first timed step to the last; null where that is too short to tell. */
    achieved: number | null
    mechanism: ComputeMechanism
    /** Quota period or control interval, ms. */
    period_ms: number | null
    /** Time in which the cap held the process back, ms; null where the mechanism cannot tell. */
    throttled_ms: number | null
    /** The only core that the trial process could use; null for any. */
    pinned_core: number | null
    enforced: boolean
    note: string | null
  }
}

export const ENERGY_SOURCES = ['rapl', 'perf', 'estimate'] as const

export interface EnergyRecord {
  joules: number | null
  /** `estimate`: from CPU time and a profile's watts; shown and never tested. */
  source: (typeof ENERGY_SOURCES)[number] | null
  /**
   * True where other trials ran on the same counters: the joules are then this trial's part by CPU time, which is not
   * compared with the energy of a trial alone.
   */
  shared: boolean
}

/** Signs that others disturbed a trial, as the trial process reads them; null where the machine does not tell. */
export interface NoiseReadings {
  /** Time the worker's thread was ready and waited for a core, as a share of wall time; null under a cgroup cap. */
  run_queue_wait_share: number | null
  involuntary_context_switches: number | null
  /** One-minute load average at the start. */
  load_1m: number | null
  /** Time that the hypervisor gave to others, as a share of all cores' time. */
  steal_share: number | null
  /** Cores' worth of CPU time that all other processes used, other trials and the supervisor included. */
  others_cores: number | null
  /** Time in which any process of the machine waited for a core, as a share of wall time; null under a cgroup cap. */
  pressure_share: number | null
  /** Time that a quota on Stint itself held it back, as of its container or unit, as a share of wall time. */
  own_limit_share: number | null
  /** Mean of the cores at the start and the end, MHz, and how it changed between them, as a share. */
  frequency_mhz: number | null
  frequency_change: number | null
}

/** Of a trial that did not live to read them. */
export const NO_NOISE_READINGS: NoiseReadings = {
  run_queue_wait_share: null,
  involuntary_context_switches: null,
  load_1m: null,
  steal_share: null,
  others_cores: null,
  pressure_share: null,
  own_limit_share: null,
  frequency_mhz: null,
  frequency_change: null,
}

export interface NoiseRecord extends NoiseReadings {
  /**
   * Why this trial's times are suspect; empty for a quiet one, null where none of the signs is known. Trials are
   * marked so, and never dropped.
   */
  disturbed: Disturbed[] | null
}

export const DISTURBED = ['own_limit', 'steal', 'others', 'waiting', 'pressure', 'frequency'] as const

export type Disturbed = (typeof DISTURBED)[number]

export interface TrialError {
  name: string
  message: string
  stack?: string
  /** Exit code or signal of the trial process, where it ended by itself or was killed. */
  exit?: string
}

/** Why a trial is not `ok`, as recorded. */
export interface RecordedError {
  name: string
  message: string
  stack: string | null
  /** Exit code or signal of the trial process, where it ended by itself or was killed. */
  exit: string | null
}

/** A change of conditions that `stint resume --force` passed over. */
export interface PassedOver {
  kind: DifferenceKind
  /** Such as `the version of Node was 20.1.0 and is 22.4.0`. */
  what: string
}

/** What two runs, or the halves of one that was resumed, may differ in. */
export const DIFFERENCE_KINDS = [
  ...(['machine', 'system', 'node', 'mechanism', 'calibration'] as const),
  ...(['data', 'workload', 'stint', 'scenarios', 'settings', 'seed', 'jobs'] as const),
] as const

export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number]

interface AnyTrial {
  trial: string
  scenario: string
  round: number
  caps: CapsRecord
  noise: NoiseRecord
  /** ISO 8601, UTC. */
  started_at: string
  /** From the request to the result, ms; the start of the trial process is part of it only where none was started before. */
  duration_ms: number
  /** Further processes that it started, as far as they were seen, and which count with it; null where that is not known. */
  children: number | null
  /** What the workload handed over and could not be taken as it was, such as a metric that is not finite. */
  notes: string[]
  /** What was no longer as at the start of the run; empty unless the run was resumed by force. */
  resumed_under: PassedOver[]
  /** Name of the agent that ran it; null for the coordinator's own machine. */
  machine: string | null
}

/** Shares of events at which the distribution of their latency is recorded: close to each other in the upper tail. */
export const LATENCY_SHARES: readonly number[] = [
  ...Array.from({ length: 19 }, (_, i) => (i + 1) / 20),
  ...[
    0.01, 0.025, 0.925, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 1,
  ],
].sort((a, b) => a - b)

export interface OkTrial extends AnyTrial {
  outcome: 'ok'
  /** Measured metrics and the workload's own; null or absent where unknown. */
  metrics: Record<string, number | null>
  energy: EnergyRecord
  /** In an open loop: the latency, ms, that each of `LATENCY_SHARES` of the events does not exceed; null where none was answered. */
  event_latency_ms?: number[] | null | undefined
  /** Further facts from the workload; empty where it told none. */
  info: Record<string, unknown>
}

export interface NotOkTrial extends AnyTrial {
  outcome: Exclude<Outcome, 'ok'>
  error: RecordedError
}

/** How a trial ended: what the journal keeps of it. */
export type TrialResult = OkTrial | NotOkTrial

/** One line of a chunk log. */
export interface ChunkLogLine {
  chunk: number
  rows: number
  /** Rows before this chunk. */
  first_row: number
  /** In an open loop: when the step began, ms from the start of the clock. */
  start_ms?: number
  /** When the oldest of its events arrived. */
  arrived_ms?: number
  /** Events that waited as it began; on at most 1,000 lines. */
  backlog_rows?: number
  latency_ms: number
  service_ms: number
  cpu_ms: number
  /** In an open loop: garbage collections within the chunk's time; absent where there was none. */
  gc_ms?: number
  /** Time in which the compute cap held the process back; absent where it did not, or is not known. */
  throttled_ms?: number
  /** Whether this is one of the slowest thousandth of the chunks. */
  slow?: boolean
  heap_mb: number
  external_mb: number
  bytes?: number
  operators_ms?: Record<string, number>
  detail?: Record<string, unknown>
}
