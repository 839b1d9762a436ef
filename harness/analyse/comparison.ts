/** The shape of the significance table, and of what goes into it. */
import type { TrialResult } from '../../workers/protocol.ts'
import type { Verdict } from './verdict.ts'
import type { Warning } from './warnings.ts'
import type { Scale } from './welch.ts'

export interface ComparisonRow {
  metric: string
  unit: string
  scale: Scale
  /** Ids of the reference and of the one compared with it, and what people call them. */
  a: string
  b: string
  a_label: string
  b_label: string
  /** Trials that entered. */
  n_a: number
  n_b: number
  /** Arithmetic means, in the metric's unit, on either scale. */
  mean_a: number | null
  mean_b: number | null
  /** mean_b - mean_a. */
  difference: number | null
  /** b / a: of geometric means on the log scale, else of arithmetic means. */
  ratio: number | null
  ratio_ci_low: number | null
  ratio_ci_high: number | null
  t: number | null
  df: number | null
  p: number | null
  /** Holm over the pairs of this metric. */
  p_adjusted: number | null
  /** On the test's scale. */
  hedges_g: number | null
  hedges_g_low: number | null
  hedges_g_high: number | null
  verdict: Verdict
  warnings: Warning[]
}

export interface Comparison {
  rows: ComparisonRow[]
  /** About the whole table, such as a reference that was chosen. */
  notes: Warning[]
}

/** One side of a comparison: a scenario's trials, in one run or another. */
export interface Group {
  id: string
  label: string
  trials: readonly TrialResult[]
}

export interface GroupPair {
  /** The reference. */
  a: Group
  b: Group
}

export interface TestSettings {
  alpha: number
  /** As a share: 0.02 for 2%. */
  margin: number
  /** Other margins, by metric. */
  margins?: Readonly<Record<string, number>>
}
