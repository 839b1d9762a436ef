/** What every exporter renders: one run, analysed. Plain data. */
import type { Disturbed, Outcome, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import type { ComparisonRow } from '../analyse/comparison.ts'
import type { Estimate } from '../analyse/descriptive.ts'
import type { Growth } from '../analyse/growth.ts'
import type { ChunkSizes } from '../analyse/latency.ts'
import type { OperatingPoints } from '../analyse/operating-points.ts'
import type { Precision } from '../analyse/precision.ts'
import type { Recommendation } from '../analyse/recommend.ts'
import type { Sensitivity } from '../analyse/sensitivity.ts'
import type { ScenarioSummary } from '../analyse/summary.ts'
import type { Metric } from '../metrics.ts'
import type { Manifest } from '../record/types.ts'
import type { Notice } from './section.ts'

export interface ComputeCapReport {
  /** As the sweep asks, in cores of the machine that `relative_to` names or else of the one that ran; null for none. */
  asked: number | null
  /** In cores of the machine that ran; null for no cap, and where none was put in force. */
  in_force: number | null
  /** Share of a core, over the trials that report it, whatever their outcome. */
  achieved: Estimate | null
  achieved_max: number | null
  /** More was used than the cap allows, though it was enforced. */
  over_cap: boolean
  mechanisms: string[]
  period_ms: number | null
  /** Null where no cap was asked for. */
  enforced: boolean | null
  notes: string[]
}

export interface MemoryCapReport {
  /** As the sweep asks; null for none. */
  asked_mb: number | null
  /** The least that the workload of a trial could use above an idle worker; null for no cap, and where it is not known. */
  in_force_mb: number | null
  /** Over the trials that report it, whatever their outcome. */
  peak: Estimate | null
  peak_max_mb: number | null
  mechanisms: string[]
  enforced: boolean | null
  notes: string[]
}

/** Trials that ended alike. */
export interface Failure {
  outcome: Outcome
  /** The trial's own words, without control characters. */
  reason: string
  count: number
  first_trial: string
}

export interface ScenarioReport extends ScenarioSummary {
  /** The axes' values in words. */
  label: string
  /** The point of the grid: every setting by name. */
  point: Record<string, Scalar>
  /** Ok trials that `stint resume --force` ran under other conditions; they are among the others in every mean. */
  forced: number
  /** Trials that `stint resume --force` ran under other conditions; they are in no number of this report. */
  forced_left_out: number
  /**
   * On the front of accuracy against latency, and against peak memory; and how often on the first when its trials are
   * drawn again. Null where a mean is unknown.
   */
  front: { latency: boolean | null; latency_share: number | null; memory: boolean | null }
  compute: ComputeCapReport
  memory: MemoryCapReport
  failures: Failure[]
  /** How well the mean that ends the rounds is known; absent where every scenario has the same number of rounds. */
  precision?: Precision
}

/** Signs of other work on the machine; null where it does not say. */
export interface NoiseReport {
  run_queue_wait_median: number | null
  run_queue_wait_max: number | null
  involuntary_switches_median: number | null
  load_at_start: number
  /** Median over the trials, cores' worth of CPU time. */
  others_cores_median: number | null
  steal_max: number | null
  /** Trials marked as disturbed, by reason; a trial may have several. */
  disturbed: { trials: number; of: number; reasons: Partial<Record<Disturbed, number>> }
  /** Median over scenarios of the coefficient of variation of the latency between trials. */
  latency_variation_median: number | null
}

export interface ReportModel {
  manifest: Manifest
  /** Machine, Node and trials in a line. */
  subtitle: string
  metrics: ReadonlyMap<string, Metric>
  /** Metrics that some trial reported, in the table's order. */
  measured: string[]
  /** The latency that tables and plots show: per chunk, or per row where chunks differ in size. */
  latency: string
  /** Rows per chunk in the scenarios with the smallest and the largest chunks; null where all are alike. */
  differing_chunks: ChunkSizes | null
  /** The workload's accuracy metric; null where it names none. */
  accuracy: string | null
  /** Keys that vary, in the order of the sweep. */
  axes: string[]
  scenarios: ScenarioReport[]
  comparisons: ComparisonRow[]
  /** By scenario, in the order of the rounds. */
  trialsOf: ReadonlyMap<string, readonly TrialResult[]>
  /** The scenarios to use, by goal. */
  operating: OperatingPoints
  /** The scenario to use; null where there is nothing to choose. */
  recommendation: Recommendation | null
  /** What the axes explain of latency, accuracy, memory and energy; null where fewer than two vary. */
  sensitivity: Sensitivity | null
  /** Over the rows of the data, where they are an axis. */
  growth: Growth[]
  /** `planned` leaves out what precision made needless. Trials that ran after --force are counted here in any case. */
  trials: { planned: number; finished: number; outcomes: Record<Outcome, number> }
  noise: NoiseReport
  notices: Notice[]
}
