/**
 * What coordinator and trial process tell each other.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type { ComputeCapInForce, TimeWindow } from './supervisor.ts'
import {
  type EnergyRecord,
  NO_NOISE_READINGS,
  type NoiseReadings,
  type Outcome,
  type TrialError,
} from './trial-result.ts'
import type { TrialJob } from './trial-spec.ts'

/**
 * What coordinator, trial process, worker and supervisor tell each other, and what becomes a line of the journal.
 * Everything here is plain data that survives structured cloning and JSON.
 */
/**
 * Ctrl-C, the end of a service and a hang-up reach every process of a group: only the coordinator heeds them, and ends
 * the others by its own means.
 */
export const GROUP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

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
