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
  /**
   * May be zero or negative, as R2 may: a change is then an amount and no ratio, and a margin of 2% is 0.02 of the unit.
   */
  signed?: boolean
  /**
   * It is what something trivial reaches in this other metric, such as predicting the mean. A report says so where a setting is
   * no better than that.
   */
  baseline_of?: string
  description: string
}

/** One parameter that a workload takes under `params`. */
export interface ParamInfo {
  type: 'number' | 'integer' | 'string' | 'boolean'
  default: Scalar
  /** The only values allowed, where they are few. */
  values?: readonly Scalar[]
  minimum?: number
  maximum?: number
  /**
   * It names a file that a trial writes; the workload gets an absolute path. A sweep file may name one below the run folder
   * only, and the command line any. Several trials are refused the same one, and `{trial}` in it becomes the trial's id.
   */
  writes?: boolean
  description: string
}

/** One value of a parameter, such as one learner, and the parameters that this value takes. */
export interface ChoiceInfo {
  description: string
  params: Record<string, ParamInfo>
}

/** By parameter and value; such a parameter takes none of the others. */
export type Choices = Record<string, Record<string, ChoiceInfo>>

/** What a workload says of itself; asked once per run, in a trial process. */
export interface WorkloadInfo {
  name: string
  /** Null: any, handed over as given. */
  params: Record<string, ParamInfo> | null
  /** Others that `finish` returns are shown as measured and neutral. */
  metrics: Record<string, MetricInfo>
  /** The quality metric that plots and the summary show, such as `r2`. */
  accuracy?: string
  /** `required`: the sweep must name a dataset. `none`: a sweep that names one is refused. */
  dataset: 'required' | 'optional' | 'none'
}

/** The settings of one trial that concern every workload. */
export interface WorkloadSettings {
  mode: 'batch' | 'streaming'
  /** Rows per chunk. */
  chunk_size: number
  /** Rows per model update. */
  batch_size: number
  random_seed: number
}

/** The caps as they are in force on this machine, whatever scope or scale they were asked in; null where none is. */
export interface Limits {
  /** What the workload may use above an idle worker, heap and external memory, MB. */
  memory_mb: number | null
  /** Share of one core of this machine for the whole trial process; in force from the first timed step. */
  compute_units: number | null
}

export interface TrialContext<P = Record<string, Scalar>> {
  /** Validated against `describe().params`, defaults filled in; without `describe` as the sweep gives them. */
  params: P
  settings: WorkloadSettings
  limits: Limits
  /** Null where the sweep names no dataset. */
  dataset: PreparedDataset | null
  /** True for the throwaway instance that warms the compiler up. */
  warmup: boolean
}

export interface StepReport {
  /** Rows handled in this step. */
  rows: number
  /**
   * Rows answered in this step, the oldest first, those of earlier steps included; `rows` where absent. Only a workload
   * that holds answers back says so.
   */
  answered?: number
  /** Bytes of input read in this step. */
  bytes?: number
  /** Time by operator in ms, for the chunk log. */
  operators_ms?: Record<string, number>
  /** Anything else for the chunk log: drift alarms, control decisions, notes. */
  detail?: Record<string, unknown>
}

export interface TrialOutput {
  /** By name, such as those in `describe().metrics`; null where it could not be computed. */
  metrics: Record<string, number | null>
  /**
   * Further facts for the journal, such as the effective sizes. `not_scored`, by metric: why it is null, for reports; `f1_label`: the
   * label that the metric `f1` is of.
   */
  info?: Record<string, unknown>
}

/** What a step may take. */
export interface Offer {
  /** The most rows to handle; `chunk_size`, unless events arrive on their own clock. */
  rows: number
  /** False where the rows are to be answered and not learned. */
  train: boolean
  /**
   * Rows, from the first of the trial on, whose labels have arrived; absent where each label comes with its row. Skipped
   * rows count.
   */
  labels?: number
}

export interface OpenWorkload {
  /** Handles up to `offer.rows` rows; null when the data is used up. */
  step(offer: Offer): StepReport | null | Promise<StepReport | null>
  /**
   * Gives up this many rows unhandled: those that the next step would take. Only workloads that have it can shed.
   * @returns rows given up; fewer only where the data ends
   */
  skip?(rows: number): number | Promise<number>
  /** What it came to. Not timed; max_compute_units holds only the steps, max_memory_mb this as well. */
  finish(): TrialOutput | Promise<TrialOutput>
  close?(): void | Promise<void>
}

/** A workload module's default export. */
export interface Workload<P = Record<string, Scalar>> {
  /** Without it any params and any dataset are taken, and metrics have neither unit nor direction. */
  describe?(): WorkloadInfo
  open(context: TrialContext<P>): OpenWorkload | Promise<OpenWorkload>
}

type ValueOf<I extends ParamInfo> =
  | (I extends { values: readonly (infer V)[] }
      ? V
      : I['type'] extends 'number' | 'integer'
        ? number
        : I['type'] extends 'boolean'
          ? boolean
          : string)
  | (null extends I['default'] ? null : never)

/** The values that a workload gets for the parameters that it describes. */
export type ParamsOf<P extends Record<string, ParamInfo>> = { [K in keyof P]: ValueOf<P[K]> }

/**
 * A workload whose `params` have the types that its `describe()` says.
 *
 * ```ts
 * import { defineWorkload } from 'stint/workload'
 *
 * export default defineWorkload({
 *   describe: () => ({
 *     name: 'counter',
 *     dataset: 'none',
 *     params: { steps: { type: 'integer', default: 100, description: 'chunks to count' } },
 *     metrics: {},
 *   }),
 *   open({ params, settings }) {
 *     let left = params.steps
 *     return {
 *       step: ({ rows }) => (left-- > 0 ? { rows } : null),
 *       finish: () => ({ metrics: {} }),
 *     }
 *   },
 * })
 * ```
 */
export function defineWorkload<const P extends Record<string, ParamInfo>>(workload: {
  describe?(): Omit<WorkloadInfo, 'params'> & { params: P }
  open(context: TrialContext<ParamsOf<P>>): OpenWorkload | Promise<OpenWorkload>
}): Workload {
  // The harness checks params against `describe()` before it opens the workload.
  return workload as unknown as Workload
}
