/**
 * What coordinator, trial process, worker and supervisor tell each other, and what becomes a line of the journal.
 * Everything here is plain data that survives structured cloning and JSON.
 */

import type {
  ColumnDeclaration,
  ColumnKind,
  DataFormat,
  FeatureDeclaration,
  PreparedDataset,
  ReadingOptions,
} from './data/types.ts'
import type { Choices, Scalar, WorkloadInfo, WorkloadSettings } from './workload.ts'

/**
 * Ctrl-C, the end of a service and a hang-up reach every process of a group: only the coordinator heeds them, and ends
 * the others by its own means.
 */
export const GROUP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

// ---------------------------------------------------------------- the prepare job

/** A dataset as the sweep asks for it, paths absolute. */
export type DatasetSpec =
  | ({
      kind: 'file'
      /** `-` for standard input, until it was written to a file; or a URL of a stream or topic at a broker. */
      path: string
      preset: string | null
      target: string | null
      /** Column name to type, overriding inference. */
      columns: Record<string, ColumnKind | ColumnDeclaration>
      /** Only the first so many rows; null for all. */
      rows: number | null
      /** MQTT: quality of service; absent for 1. */
      qos?: 0 | 1
      /** MQTT: how long nothing may come before the data counts as ended, s; absent for 30. */
      wait_s?: number
    } & ReadingOptions)
  | { kind: 'generate'; preset: string; rows: number; seed: number; features?: FeatureDeclaration[] }

/** A program that speaks the protocol of a command workload. */
export interface CommandSource {
  /** The program, by a path or by a name that is on the PATH, and its words. */
  command: string[]
  /** Absolute path of the folder that it runs in. */
  folder: string
}

/** Name of the error of a command workload whose program ended by itself; its trial is `crashed`. */
export const PROGRAM_ENDED = 'ProgramEnded'

/** Where this machine has a workload: `pipeline`, the absolute path of a module, or a program. */
export type WorkloadSource = string | CommandSource

export interface PrepareSpec {
  workload: WorkloadSource
  /** Each distinct dataset of the sweep. */
  datasets: DatasetSpec[]
  /** By dataset: how the scenarios that use it use it, each way once. */
  uses?: DatasetUse[][]
  /** An existing folder for generated data. */
  data_dir: string
  /** What arrivals ask of workload and data, each once. */
  arrivals?: ArrivalUse[]
  /**
   * Parameters whose values a user typed on the command line: those name files anywhere, and others only below the run
   * folder, which is not there yet. `overwrite`: whatever is there may be replaced.
   */
  files?: { typed: readonly string[]; overwrite: boolean }
  /** Only asks the workload what it is, whatever data it needs; `datasets` is empty. */
  only_describe?: true
  /** Environment variables that the workload's code sees beside the usual ones. */
  env?: readonly string[]
  /** What the workload may take to load and to describe itself; a minute, and a gigabyte, by default. */
  describe_s?: number
  describe_mb?: number
}

/** What a scenario whose events arrive on their own clock asks for. */
export interface ArrivalUse {
  /** Its place in `PrepareSpec.datasets`; null for none. */
  dataset: number | null
  /** The column with the times of a trace; null for none. */
  trace: string | null
  /** Under a policy that gives up events: the policy, and how the workload is opened, params as given. */
  sheds: { policy: QueuePolicy; params: Record<string, Scalar>; settings: WorkloadSettings } | null
}

/** What of a scenario says how its data is used. */
export interface DatasetUse {
  /** As given, without defaults. */
  params: Record<string, Scalar>
  settings: Pick<WorkloadSettings, 'mode' | 'batch_size'>
}

export type PrepareResult =
  | {
      ok: true
      workload: WorkloadInfo
      /** In the order of `PrepareSpec.datasets`. */
      datasets: PreparedDataset[]
      /** What the user should know, such as columns that were dropped. */
      notes: string[]
      /** Of the built-in workload, where `only_describe` was asked for. */
      choices?: Choices
    }
  /** The user's input is at fault: exit code 2. `workload`: what it says of itself, where it came so far. */
  | { ok: false; error: InputProblem; workload?: WorkloadInfo }

/** An input error that a user can mend. */
export interface InputProblem {
  /** What is wrong and where: file, line, column or key. */
  message: string
  /** What was expected, and what to do next. */
  hint?: string
  /** The parameter at fault, which the coordinator finds in the sweep. */
  param?: string
  /** The key of a scenario at fault, where it is no parameter. */
  key?: string
  file?: string
  line?: number
}

// ---------------------------------------------------------------- trials

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
/** `workload`: the cap counts above an idle worker. `process`: it is the whole trial process's resident size. */
export const MEMORY_SCOPES = ['workload', 'process'] as const
export type MemoryScope = (typeof MEMORY_SCOPES)[number]

/** Which workload a trial runs: by the hash of its code, wherever that lies. */
export interface WorkloadRef {
  /** `builtin`: part of Stint. `module`: a user's own. `command`: a user's program. */
  kind: 'builtin' | 'module' | 'command'
  /** The built-in's name, the module's file name, or the command, for people. */
  name: string
  /** SHA-256 of its code, hex. */
  sha256: string
}

/** A prepared dataset by the hash of its bytes, wherever the file lies. */
export type DataRef = Omit<PreparedDataset, 'path'>

/** The name of data among what a machine has: the same bytes read from a broker are another thing to measure. */
export function dataKey({ fingerprint, stored_in }: DataRef): string {
  return stored_in === undefined ? fingerprint.sha256 : `${stored_in}:${fingerprint.sha256}`
}

/** The caps as asked. */
export interface CapsAsked {
  max_memory_mb: number | null
  memory_scope: MemoryScope
  /** In cores of the machine that `relative_to` names, or of the one that runs. */
  max_compute_units: number | null
  /** The only core that the trial may use; null for any. */
  pin_core: number | null
  /** `strict`: a cap that cannot be enforced fails the trial. */
  policy: 'strict' | 'best_effort'
}

export const ARRIVAL_PATTERNS = ['constant', 'poisson', 'bursts', 'trace'] as const
/** What happens to events that arrive while as many wait as may. */
export const QUEUE_POLICIES = ['block', 'drop_oldest', 'drop_newest', 'predict_only'] as const
export type QueuePolicy = (typeof QUEUE_POLICIES)[number]

/** When events arrive. Rates are in events per second. */
export type ArrivalSpec =
  | { pattern: 'constant' | 'poisson'; rate: number }
  /**
   * Each period starts with a burst of `duty` of its time at `factor` times the rate; `rate` is the mean over the
   * period.
   */
  | { pattern: 'bursts'; rate: number; duty: number; factor: number; period_ms: number }
  /** The column of the data that holds the time of each event; `speed` times as fast. */
  | { pattern: 'trace'; column: string; speed: number }

/** Events arrive on their own clock. */
export interface OpenLoopSpec {
  kind: 'open'
  arrival: ArrivalSpec
  /** URL of the broker that events come through, from a publisher outside the caps; null: handed over in process. */
  through: string | null
  /** Of the arrivals: another one in each round. A whole number below 2^53. */
  seed: number
  /** How long events arrive; null: to the end of the data. */
  duration_s: number | null
  /** How long an event may wait for others to fill its chunk, ms. */
  max_wait_ms: number
  /** For goodput, ms from the arrival; null: none is computed. */
  deadline_ms: number | null
  queue: {
    /** Events that may wait before `when_full` applies; null: any number. */
    limit_rows: number | null
    when_full: QueuePolicy
  }
  /** From the arrival of an event to that of its label, ms. */
  label_delay_ms: number
}

/** What decides when a step may start. */
export type DriverSpec =
  /** The next step starts when the last ended. */
  | { kind: 'closed' }
  /** Two workloads take turns, beginning again with the data until so much time has passed, warm-up excluded. */
  /** Whole passes over the data until `target_ms` is up; a pass ends early at `most_ms`. */
  | { kind: 'interleaved'; target_ms: number; most_ms: number }
  | OpenLoopSpec

/**
 * One repetition of one scenario: all that it needs, each quantity once. Plain JSON without a path, so that any
 * machine that has the workload and the data can run it.
 */
export interface TrialSpec {
  /** `<scenario id>-r<round, three digits>`, with `-baseline` or `-candidate` in a gate; unique in a run and safe as a file name. */
  trial: string
  /** The scenario's id. */
  scenario: string
  round: number
  workload: WorkloadRef
  /** The workload's own parameters, checked and complete. */
  params: Record<string, Scalar>
  settings: WorkloadSettings
  data: DataRef | null
  caps: CapsAsked
  driver: DriverSpec
  warmup_chunks: number
  /** From when a process has the trial, warm-up included, s. */
  deadline_s: number
  /** Whether every chunk is logged. */
  log_chunks: boolean
  /** Whether its steps run under V8's CPU profiler, which slows them: for a look inside, never for a measurement. */
  profiled: boolean
  /** For an estimate of energy where no counter can be read; null: none is made. */
  watts: Watts | null
  /** Names of environment variables that it sees beside the usual ones, with the values that they have where it runs. */
  env: readonly string[]
}

/** Where this machine keeps what specs refer to. */
export interface LocalResources {
  /** By the hash of its code. */
  workloads: ReadonlyMap<string, WorkloadSource>
  /** Path by `dataKey`. */
  data: ReadonlyMap<string, string>
  /** Folder that takes chunk logs; null for none. */
  chunk_logs: string | null
  /** Folder that takes CPU profiles; null for none. */
  cpu_profiles: string | null
  /** Cores of this machine for one compute unit as asked. */
  compute_scale: number
}

/** Where a trial and its publisher meet. */
export interface LiveAddress {
  /** Of a broker. */
  url: string
  /** That no other trial has. */
  id: string
}

/** A trial as a process of this machine gets it. */
export interface TrialJob {
  spec: TrialSpec
  workload: WorkloadSource
  /** Absolute path of the data; null where the spec names none. */
  data: string | null
  /** Where the chunk log goes; null for none. */
  chunk_log: string | null
  /** Where the CPU profile of its steps goes; null for none. */
  cpu_profile: string | null
  /** Where the standard error of a command workload goes; null for nowhere. */
  error_log: string | null
  /** Where the events of a realtime trial come from; null: from the data itself. */
  live: LiveAddress | null
  /** The compute cap in cores of this machine; null for none. */
  compute_units: number | null
  /** `cpu.stat` of each group above the trial's that has a quota. */
  throttle_counts: string[]
}

/** All that a trial process must know to start its worker, before it has a trial. */
export type TrialStart = Pick<CapsAsked, 'max_memory_mb' | 'memory_scope'>

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

/** Power of a machine for an estimate of energy, W. */
export interface Watts {
  /** With nothing to do. */
  idle: number
  /** On top, for one core at work. */
  per_core: number
}

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

// ---------------------------------------------------------------- publishing

/** A data set that is to be sent as events. */
export interface PublishSpec {
  /** A file, packed or not, or `-` for standard input. */
  data: { path: string; format?: DataFormat }
  /** URL of a stream or topic. */
  to: string
  arrival: ArrivalSpec
  /** Of the arrivals. */
  seed: number
  /** Only the first so many rows; null for all. */
  rows: number | null
  /** MQTT only. */
  qos: 0 | 1
}

/** How a publisher kept to its schedule. */
export interface PublishReport {
  to: string
  /** Rows sent, a header not counted. */
  events: number
  /** Messages that the broker acknowledged, a header among them; null where it acknowledges none. */
  acknowledged: number | null
  seconds: number
  /** Rate of the schedule as drawn; null for fewer than two events. */
  offered_rows_s: number | null
  achieved_rows_s: number | null
  /** From when an event was meant to go out until it did, ms; null for no event. */
  lateness_ms: { p50: number | null; p99: number | null; max: number | null }
  /** How often the connection broke and was made again. */
  reconnections: number
  /** Events that lie in the stream before one that was sent earlier. */
  out_of_order: number
}

/** The events of one trial, for its own publisher. */
export interface LivePublishSpec {
  data: PreparedDataset
  live: LiveAddress
  driver: OpenLoopSpec
}

export type PublisherReply = { ok: true; report: PublishReport } | { ok: false; error: InputProblem }

// ---------------------------------------------------------------- duets

/** One of two versions of a workload. */
export type DuetSide = 'baseline' | 'candidate'

/** A duet takes so many times as long as a trial of one side may. */
export const DUET_DEADLINES = 2

/** Two versions of a workload in two workers of one process, taking turns chunk by chunk. */
export interface DuetSpec {
  duet: string
  /** Both with an `interleaved` driver; one deadline, the longer, and one core, the candidate's, hold for both. */
  sides: Record<DuetSide, TrialSpec>
  /** Whose worker is made first and begins. */
  first: DuetSide
}

/** A duet as a process of this machine gets it. */
export interface DuetJob {
  spec: DuetSpec
  sides: Record<DuetSide, TrialJob>
}

export interface DuetSums {
  latency_ms: number
  /** Of single chunks, ms, over all that count. */
  p50_ms: number
  p95_ms: number
  p99_ms: number
  max_ms: number
  rows: number
  /** CPU time of the worker's thread, ms; null where the machine does not tell. */
  cpu_ms: number | null
}

export interface DuetFailure {
  /** Null where it was neither side's own. */
  side: DuetSide | null
  outcome: Outcome
  error: TrialError
}

export interface DuetReport {
  /** Pairs of chunks that count: those that both sides handled. */
  pairs: number
  /** Over the pairs that count; null where the duet failed. */
  sums: Record<DuetSide, DuetSums> | null
  /** Chunks of the first pass that either side handled; null where the duet failed. */
  chunks: Record<DuetSide, number> | null
  /**
   * Time of each of at most 32 equal stretches of the chunks of a pass, over all passes, ms; null where the duet failed
   * or played no whole pass.
   */
  profile: Record<DuetSide, number[]> | null
  /** What `finish()` said after the first pass over the data, or after equally many chunks. */
  outputs: Record<DuetSide, Record<string, number | null>> | null
  /** Whether both sides came to the end of the data. */
  complete: boolean
  /** The only core that the process ran on; null where it could not be pinned. */
  core: number | null
  failure: DuetFailure | null
}

// ---------------------------------------------------------------- coordinator, trial process and supervisor

/** The smallest `max_memory_mb`: a workload that keeps nothing fails with 1 and runs with 2, the pipeline with 4. */
export const MINIMUM_MEMORY_MB = 4

/** What a trial process that lived to the end says of its trial; the coordinator adds what the supervisor saw. */
export interface TrialReport {
  outcome: Outcome
  metrics: Record<string, number | null>
  /** What the workload could use above an idle worker, heap and external memory, MB; null for no cap. */
  budget_mb: number | null
  /** Largest heap plus external memory between steps, above an idle worker, MB. */
  peak_mb: number | null
  /** CPU time of the trial process over wall time in the timed steps. */
  achieved: number | null
  /** By the kernel's own count, ms; null where the cap is not a cgroup's. */
  throttled_ms: number | null
  /** The timed steps on the machine's monotonic clock, ms. */
  window: TimeWindow | null
  /** Of the whole machine. */
  energy: { joules: number | null; source: EnergyRecord['source'] }
  /** CPU time of all the machine's processes in the timed steps, ms. */
  machine_busy_ms: number | null
  noise: NoiseReadings
  /** As `OkTrial` has it. */
  event_latency_ms?: number[] | null
  error?: TrialError
  notes?: string[]
  info?: Record<string, unknown>
}

/** Of a trial whose report says no more than how it ended. */
export const NOTHING_MEASURED: Omit<TrialReport, 'outcome'> = {
  metrics: {},
  budget_mb: null,
  peak_mb: null,
  achieved: null,
  throttled_ms: null,
  window: null,
  energy: { joules: null, source: null },
  machine_busy_ms: null,
  noise: NO_NOISE_READINGS,
}

export interface TimeWindow {
  from: number
  to: number
}

/** Trial process to coordinator: the worker stands empty, it has its trial, it is warm (or, before all trials, has described its workload), all that is timed is over, the trial is over. */
export interface TrialSignal {
  stint: 'empty' | 'given' | 'warm' | 'measured' | 'finished'
}

/** The coordinator's answer to `empty` and `warm`. */
export interface TrialPermit {
  stint: 'go'
  /** Null where no compute cap was asked for, and before it is in force. */
  compute: ComputeCapInForce | null
  /** Why the trial must not go on: a cap that cannot be enforced. */
  refused: string | null
  /** What a trial process that stands empty is to run; null otherwise. */
  job: TrialJob | null
}

/** Coordinator to supervisor. Every request that has an `id` is answered under it. */
export type SupervisorRequest =
  | {
      op: 'watch'
      pid: number
      /** Null: the process waits for `assign`, and is only ended with the coordinator. */
      timeout_ms: number | null
      temporary: string | null
      /** Its memory is capped before any code of a workload runs. */
      starts_empty: boolean
      caps_memory: boolean
      caps_compute: boolean
    }
  | { op: 'cap_memory'; id: number; pid: number; cap_mb: number | null; scope: MemoryScope }
  | { op: 'cap_compute'; id: number; pid: number; units: number | null; core: number | null }
  /** A process that was started ahead runs its trial from now on. */
  | { op: 'assign'; pid: number; timeout_ms: number }
  /** The timed steps are about to begin. */
  | { op: 'begin'; pid: number }
  | { op: 'release'; pid: number }
  | { op: 'unwatch'; id: number; pid: number; window: TimeWindow | null }

/** Limits of the groups that a run is in, as a container or a unit sets them. */
export interface OwnLimits {
  version: 'v1' | 'v2' | 'none'
  /** Smallest CPU quota, cores; null where there is none or it cannot be seen. */
  cpu_quota_cores: number | null
  /** The group that has it; null for none. */
  cpu_quota_group: string | null
  /** Smallest memory limit, MB; null where there is none or it cannot be seen. */
  memory_limit_mb: number | null
  memory_limit_group: string | null
  /** `cpu.stat` of each group with a quota: tells how long the kernel held back the run for it. */
  throttle_counts: string[]
}

export const NO_OWN_LIMITS: OwnLimits = {
  version: 'none',
  cpu_quota_cores: null,
  cpu_quota_group: null,
  memory_limit_mb: null,
  memory_limit_group: null,
  throttle_counts: [],
}

export interface PerfLack {
  /** Whether it only did not answer in time: what it can do is then not known. */
  late: boolean
  why: string
}

/** What this machine can enforce, tried for real when the supervisor started. */
export interface Capabilities {
  compute: ComputeMechanism
  memory: MemoryMechanism[]
  /** What counts energy; null for nothing. */
  energy?: 'rapl' | 'perf' | null
  /** Why perf does not count it; null where it does, or was not needed. */
  perf_lacks?: PerfLack | null
  /** What the run itself may use. */
  limits: OwnLimits
  /** Why better compute mechanisms were passed over. */
  notes: string[]
}

export interface MemoryCapInForce {
  /** Resident memory above an idle worker that is not counted, MB; null where resident memory cannot be watched. */
  allowance_mb: number | null
  /** The cgroup that holds the cap as well; null for none. */
  backstop: 'cgroup_v1' | 'cgroup_v2' | null
  /** Why the cap makes no sense. */
  error: string | null
}

export interface ComputeCapInForce {
  mechanism: ComputeMechanism
  period_ms: number | null
  cpu_stat: string | null
  pinned_core: number | null
  /** Why the cap is not in force. */
  error: string | null
}

export interface ChildrenUsage {
  count: number
  cpu_ms: number
  read_mb: number
  written_mb: number
}

export const NO_CHILDREN: ChildrenUsage = { count: 0, cpu_ms: 0, read_mb: 0, written_mb: 0 }

/** What the kernel counts of a trial's cgroup; null where it does not tell, or there is no group. */
export interface GroupUsage {
  /** Most that was charged to it since the trial process entered it, MB. */
  peak_mb: number | null
  /** Time in the timed steps in which at least one of its processes waited for a core or its quota, ms. */
  cpu_wait_ms: number | null
  /** The same for memory, which the kernel had to free first. */
  memory_wait_ms: number | null
  /** The same for a disk. */
  io_wait_ms: number | null
}

export const NO_GROUP_USAGE: GroupUsage = {
  peak_mb: null,
  cpu_wait_ms: null,
  memory_wait_ms: null,
  io_wait_ms: null,
}

/** What the supervisor saw of one trial process. */
export interface WatchSummary {
  peak_rss_mb: number | null
  /** Largest resident size above that of the idle worker and the runtime's allowance, MB. */
  peak_mb: number | null
  /** The same without the allowance taken off. */
  peak_above_idle_mb: number | null
  /** `cgroup_memory`: by the kernel, for the limit of the trial process's group. */
  killed: 'memory' | 'cgroup_memory' | 'deadline' | null
  /** Time in which the duty cycle held the trial process within the window, ms; null under other mechanisms. */
  throttled_ms: number | null
  /** Processes that the trial process started, as far as they were seen, and what they used in the timed steps. */
  children: ChildrenUsage
  group: GroupUsage
  /** Of the whole machine within the window, by `perf`; null where that is not running. */
  perf_joules: number | null
}

export type SupervisorReply =
  | { op: 'ready'; capabilities: Capabilities }
  | ({ op: 'memory_capped'; id: number } & MemoryCapInForce)
  | ({ op: 'compute_capped'; id: number } & ComputeCapInForce)
  | { op: 'summary'; id: number; summary: WatchSummary }
