/** A sweep after validation, and what it expands to. Plain data. */

import type {
  BadValuePolicy,
  ColumnDeclaration,
  ColumnKind,
  DataFormat,
  FeatureDeclaration,
} from '../../workers/data/types.ts'
import type { DatasetSpec } from '../../workers/protocol/prepare.ts'
import type { Watts, WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import type { Scalar } from '../../workers/workload.ts'

/** Dataset as written in the sweep; an axis may override one of its keys. */
export interface SweepDataset {
  source?: string
  generate?: string
  preset?: string
  target?: string
  rows?: number
  seed?: number
  format?: DataFormat
  separator?: string
  quote?: string | null
  comment?: string
  missing?: string[]
  bad_values?: BadValuePolicy
  positive?: string | number | boolean
  columns?: Record<string, ColumnKind | ColumnDeclaration>
  features?: FeatureDeclaration[]
}

/** `holm`: Holm, bounds the chance of any false alarm; `bh`: Benjamini-Hochberg, their share of the alarms. */
export type Correction = 'holm' | 'bh'

export interface CompareSettings {
  /** Every scenario is paired with the one that differs from it only in these keys; null: none given. */
  reference: Record<string, Scalar> | null
  metrics: string[]
  alpha: number
  correction: Correction
  /** As a share: 0.02 for 2%. */
  margin: number
  /** Some scenarios are meant to have no partner; else a note names those without. */
  unpaired_expected: boolean
}

/** What `stint gate` holds a new version to. */
/** A change for the worse that was looked at and is taken for a time. */
export interface AcceptedChange {
  metric: string
  /** Label or id of a scenario; null for all. */
  scenario: string | null
  /** Day, such as `2026-12-31`, from the end of which it counts again; or a commit: once the baseline has it. */
  until: string
  /** The metric may be worse by so much, as a share. */
  to: number
  why: string
}

export interface GateSettings {
  /** The change for the worse that does not matter, as a share, by metric; else the metric's own default. */
  margins: Record<string, number>
  /** What is tested beside time and what is deterministic; null for the usual metrics. */
  metrics: readonly string[] | null
  /** Work that may become less: then a smaller count of `rows` or `chunks` is no regression. */
  expect: readonly ('fewer_rows' | 'fewer_chunks')[]
  /** Known changes that do not matter for a time. */
  accept: readonly AcceptedChange[]
  /** Chance of a false alarm, over all scenarios and metrics together. */
  alpha: number
  /** Commands that build a version, and that install its dependencies where the lock file differs. */
  build: string | null
  install: string | null
}

export type Operator = '<=' | '<' | '>=' | '>'

/** A bound on the mean of a metric over trials. */
export interface Constraint {
  metric: string
  operator: Operator
  bound: number
}

/** What a scenario is wanted for. */
export interface Goal {
  /** The metric to make best among the scenarios that meet every constraint; null: meeting them is all. */
  objective: { metric: string; direction: 'maximize' | 'minimize' } | null
  /** All of them are to hold. */
  subject_to: readonly Constraint[]
}

/** What `stint find` looks for along an axis. */
export interface SearchSettings {
  axis: string
  /** `min`: the smallest value that meets the goal; `max`: the largest. */
  best: 'min' | 'max'
  /** The axis along which the search is repeated; null: it is done once. */
  over: string | null
  /** Of the axis, in order, from the one at which the goal is hardest to meet; each may be tried. */
  values: readonly number[]
  /** Of `over`, in order; one null without it. */
  lines: readonly Scalar[]
  /** Largest step from one value to the next, as a share. */
  resolution: number
  /** Most trials of one value. */
  trials: number
}

/** Rounds go on for a scenario until the mean of a metric is known well enough. */
export interface StoppingRule {
  /** Trials that every scenario gets. */
  min: number
  metric: string
  /** Half width of the 95% interval of the mean that is enough, as a share of the mean. */
  ci: number
}

/** What a scenario holds its trials to; every one may be an axis. The table in `settings.ts` has meanings and defaults. */
export interface ScenarioSettings {
  mode: 'batch' | 'streaming' | 'realtime'
  chunk_size: number
  batch_size: number
  max_memory_mb: number | null
  max_compute_units: number | null
  memory_scope: 'workload' | 'process'
  caps: 'strict' | 'best_effort'
  pin_core: number | null
  warmup_chunks: number
  timeout_s: number
  random_seed: number
  /** The settings from here on are of `mode: realtime`. */
  'arrival.rate': number | null
  'arrival.pattern': 'constant' | 'poisson' | 'bursts' | 'trace'
  'arrival.duty': number
  'arrival.factor': number
  'arrival.period_ms': number
  'arrival.column': string | null
  'arrival.speed': number
  'arrival.through': string | null
  duration_s: number | null
  max_wait_ms: number
  deadline_ms: number | null
  'queue.limit_rows': number | null
  'queue.when_full': 'block' | 'drop_oldest' | 'drop_newest' | 'predict_only'
  label_delay_ms: number
}

/** One point of the expanded grid. */
export interface Scenario {
  /** Made only from the parameters: stable between runs, machines, and orders of keys. */
  id: string
  /** The axes' values in words, such as `batch_size=64 max_compute_units=0.5`. */
  label: string
  /** Every setting by name, datasets as `dataset.<key>`, the workload's own as `params.<name>`. */
  point: Record<string, Scalar>
  settings: ScenarioSettings
  params: Record<string, Scalar>
  dataset: DatasetSpec | null
  /** Trials of this scenario, where fewer than the sweep's `benchmark_runs`; null: as many. */
  runs: number | null
  /** The profile's, for an estimate of energy; null: none is made. */
  watts: Watts | null
}

/** The profile whose core is the unit of compute. */
export interface RelativeTo {
  profile: string
  kernel_ops_s: number
}

export interface Sweep {
  name: string
  workload: WorkloadSource
  scenarios: Scenario[]
  /** Keys that vary, in the order of the sweep. */
  axes: string[]
  /** Trials per scenario; the most, where `until` may end its rounds earlier. */
  benchmark_runs: number
  /** Null: every scenario has all of its trials. */
  until: StoppingRule | null
  n_jobs: number
  random_seed: number
  /** Names of environment variables that trials see beside the usual ones. */
  env: readonly string[]
  /** Null: compute units are cores of the machine that runs. */
  relative_to: RelativeTo | null
  chunk_log: 'first' | 'all' | 'none'
  compare: CompareSettings
  gate: GateSettings
  /** Null: the sweep names none. */
  goal: Goal | null
  /** Null: every scenario runs. */
  search: SearchSettings | null
  /** The sweep as read, overrides applied, for the manifest. */
  source: { path: string; document: unknown }
}

/** A trial in the order in which it is to run. */
export interface PlannedTrial {
  /** `<scenario id>-r<round, three digits>` */
  trial: string
  scenario: string
  round: number
}
