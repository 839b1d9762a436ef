/**
 * All that one trial needs, and what a process of this machine is given to run it.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type { PreparedDataset } from '../data/types.ts'
import type { Scalar, WorkloadSettings } from '../workload.ts'

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

/** Power of a machine for an estimate of energy, W. */
export interface Watts {
  /** With nothing to do. */
  idle: number
  /** On top, for one core at work. */
  per_core: number
}

/** The smallest `max_memory_mb`: a workload that keeps nothing fails with 1 and runs with 2, the pipeline with 4. */
export const MINIMUM_MEMORY_MB = 4
