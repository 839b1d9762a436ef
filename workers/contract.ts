/** What a workload and the harness agree on: all that a user's workload needs to know, and all that the built-in one may. */

import type { PreparedDataset } from './data/types.ts'

/** A value that a setting or a workload parameter may take. */
export type Scalar = string | number | boolean | null

// ---------------------------------------------------------------- workloads

export type Direction = 'lower_is_better' | 'higher_is_better' | 'neutral'

/** What a metric is, apart from how it is shown. */
export interface MetricInfo {
  /** Unit as printed, '' for a ratio or a score. */
  unit: string
  direction: Direction
  /** `deterministic`: same data and seed give the same bits; compared exactly. `measured`: varies by trial. */
  kind: 'deterministic' | 'measured'
  description: string
}

/** One parameter that a workload takes under `params`. */
export interface ParamInfo {
  type: 'number' | 'integer' | 'string' | 'boolean'
  default: Scalar
  /** The only values allowed, where they are few. */
  values?: Scalar[]
  minimum?: number
  maximum?: number
  description: string
}

/** What a workload says of itself; asked once a run, in a host process. */
export interface WorkloadInfo {
  name: string
  params: Record<string, ParamInfo>
  metrics: Record<string, MetricInfo>
  /** The quality metric that plots and the summary show, such as `r2`. */
  accuracy?: string
  /** `required`: the sweep must name a dataset. `none`: a sweep that names one is refused. */
  dataset: 'required' | 'optional' | 'none'
}

/** The settings of one trial that a workload may want to know. */
export interface WorkloadSettings {
  mode: 'batch' | 'streaming'
  /** Rows a chunk. */
  chunk_size: number
  /** Rows a model update. */
  batch_size: number
  max_memory_mb: number | null
  max_compute_units: number | null
  random_seed: number
  /** The workload may make chunks smaller than `chunk_size`, starting from what the caps suggest. */
  adaptive_chunk_resize: boolean
  /** How often a chunk that does not fit the memory cap may be halved. */
  max_chunk_retries: number
  /** Latency of a chunk that the adaptive size holds, ms; null for none. */
  target_latency_ms: number | null
  /** The workload may make batches smaller than `batch_size`, which changes its accuracy. */
  adaptive_batch_resize: boolean
  /** What must wait may go to files in the temporary folder when memory runs short. */
  spill_to_disk: boolean
}

export interface TrialContext<P = Record<string, Scalar>> {
  /** Validated against `describe().params`, defaults filled in. */
  params: P
  settings: WorkloadSettings
  /** Null where the sweep names no dataset. */
  dataset: PreparedDataset | null
  /** True for the throwaway instance that warms the compiler up. */
  warmup: boolean
}

export interface StepReport {
  /** Rows handled in this step. */
  rows: number
  /** Bytes of input read in this step. */
  bytes?: number
  /** Time by operator in ms, for the chunk log. */
  operators_ms?: Record<string, number>
  /** Anything else for the chunk log: drift alarms, control decisions, notes. */
  detail?: Record<string, unknown>
}

export interface TrialOutput {
  /** By the names in `describe().metrics`; null where it could not be computed. */
  metrics: Record<string, number | null>
  /**
   * Further facts for the journal, such as the effective sizes. `not_scored`, by metric: why it is null, for reports.
   */
  info?: Record<string, unknown>
}

export interface OpenWorkload {
  /** Handles one chunk; null when the data is used up. */
  step(): StepReport | null | Promise<StepReport | null>
  /** What it came to. Not timed; max_compute_units holds the steps alone, max_memory_mb this as well. */
  finish(): TrialOutput | Promise<TrialOutput>
  close?(): void | Promise<void>
}

/** A workload module's default export. */
export interface Workload<P = Record<string, Scalar>> {
  describe?(): WorkloadInfo
  open(context: TrialContext<P>): OpenWorkload | Promise<OpenWorkload>
}
