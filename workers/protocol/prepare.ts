/**
 * What a sweep asks of workload and data before any trial runs, and what they answer.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type {
  ColumnDeclaration,
  ColumnKind,
  FeatureDeclaration,
  PreparedDataset,
  ReadingOptions,
} from '../data/types.ts'
import type { Choices, Scalar, WorkloadInfo, WorkloadSettings } from '../workload.ts'
import type { QueuePolicy, WorkloadSource } from './trial-spec.ts'

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
