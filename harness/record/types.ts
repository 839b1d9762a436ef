/** The run folder's manifest, `run.json`. */

import type { PreparedDataset } from '../../workers/data/types.ts'
import type { PassedOver } from '../../workers/protocol/trial-result.ts'
import type { WorkloadInfo } from '../../workers/workload.ts'
import type { PipelineOptions } from '../pipeline/options.ts'
import type { Sweep } from '../sweep/types.ts'

/** What the run really ran on. */
export interface Machine {
  cpu_model: string
  cores: number
  memory_mb: number
  platform: string
  kernel: string
  node: string
  v8: string
  cgroup: {
    version: 'v1' | 'v2' | 'none'
    /** Limits in force on the coordinator itself; null where unlimited or unknown. */
    cpu_quota_cores: number | null
    memory_limit_mb: number | null
  }
  load_at_start: [number, number, number]
}

/** A machine of a fleet, as its agent describes it. */
export interface FleetMachine {
  /** The agent's: the same when it starts again. Such as `the-pi (2)` in a record where two machines had one name. */
  name: string
  /** Made with the folder in which the agent keeps its data and results; null in a record that is older. */
  id: string | null
  labels: string[]
  stint: string
  /** SHA-256 of its built-in pipeline's code, hex. */
  build: string
  machine: Machine
  /** What it lets trials have at most; null for all. */
  limits: { max_memory_mb: number | null; max_cores: number | null }
  /** How far its clock is ahead of the server's, ms, and the most by which that may be wrong; null until measured. */
  clock: { offset_ms: number; error_ms: number } | null
  /** Operations a second of CPU time that one core does of the fixed kernel; null where no run asked for it. */
  kernel_ops_s: number | null
}

/** Where the trials of a run went. */
export interface FleetRecord {
  /** Without credentials. */
  server: string
  /** The label for scenarios that name no machine; null where all do. */
  on: string | null
  /** Those that handed in trials. */
  machines: FleetMachine[]
}

export interface Resumption {
  at: string
  /** Trials that had ended before. */
  finished_trials: number
  /** What was no longer as at the start and was passed over by --force. */
  changes: PassedOver[]
}

/** How another machine's compute units were scaled to this one's. */
export interface Calibration {
  profile: string
  /** Kernel operations a second of the profile's core, and of this machine's as measured before the first trial. */
  kernel_ops_s: number
  here_ops_s: number
  /** Cores of this machine for one unit of the profile's. */
  factor: number
}

/** What `stint pipeline` was asked for: its files are made of this and the run folder. */
export interface PipelineRequest {
  options: PipelineOptions
  /** Folder that receives the files, absolute. */
  output: string
}

export interface Manifest {
  format: 3
  id: string
  stint: string
  sweep: Sweep
  machine: Machine
  git: { commit: string; dirty: boolean } | null
  workload: WorkloadInfo
  /** SHA-256 of the workload's own code, hex. */
  workload_hash: string
  datasets: PreparedDataset[]
  notes: string[]
  /** Null: compute units are cores of this machine. */
  calibration: Calibration | null
  /** The most, where rounds end by precision. */
  planned_trials: number
  /** Planned and not needed, since a scenario's mean was known well enough; null until the end and where none can be. */
  skipped_trials: number | null
  started_at: string
  /** Null while the run goes on or when it was interrupted. */
  finished_at: string | null
  /** From start to end by a clock that never jumps, s; null until the end, and where the run was resumed. */
  elapsed_s: number | null
  /** Every time that the run was taken up again. */
  resumed: Resumption[]
  command: string[]
  /** Null: every trial ran on `machine`; else `machine` is the coordinator's. */
  fleet: FleetRecord | null
  /** Null: the run is not one of `stint pipeline`. */
  pipeline: PipelineRequest | null
}
