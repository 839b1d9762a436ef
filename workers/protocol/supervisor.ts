/**
 * What coordinator and supervisor tell each other.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type { ComputeMechanism, MemoryMechanism } from './trial-result.ts'
import type { MemoryScope } from './trial-spec.ts'

export interface TimeWindow {
  from: number
  to: number
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
