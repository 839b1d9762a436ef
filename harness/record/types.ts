/** The run folder's manifest, `run.json`. */
import type { PreparedDataset, WorkloadInfo } from '../../workers/contract.ts'
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

export interface Manifest {
  format: 1
  id: string
  stint: string
  sweep: Sweep
  machine: Machine
  git: { commit: string; dirty: boolean } | null
  workload: WorkloadInfo
  datasets: PreparedDataset[]
  notes: string[]
  planned_trials: number
  started_at: string
  /** Null while the run goes on or when it was interrupted. */
  finished_at: string | null
  command: string[]
}
