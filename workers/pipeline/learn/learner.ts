/** What every learner can do, and the form in which it sees rows. */
import type { Kernels } from '../../kernels.ts'
import type { Scalar } from '../../workload.ts'

export type Task = 'regression' | 'classification'
export type LearnerOptions = Record<string, Scalar>

/**
 * Rows as features: a dense block of numbers and, per categorical slot, at most one active one-hot index.
 * One-hot indexes count up in order of first appearance over all slots, so they are the same whatever the chunk size.
 */
export interface FeatureBatch {
  rows: number
  /** Dense features per row. */
  width: number
  /** rows x width, row-major. */
  dense: Float64Array
  /** Categorical slots per row. */
  slots: number
  /** rows x slots one-hot indexes, row-major; -1 where the slot is empty. */
  hot: Int32Array
  /** One-hot indexes handed out so far (an upper bound of all in `hot`, plus one); only ever grows. */
  hotSize: number
  /** rows targets (class index for classifiers). */
  target: Float64Array
  /** In whose memory these arrays lie; absent or null for anywhere else. */
  kernels?: Kernels | null
}

/** Everything that is needed to go on; survives JSON bit by bit. */
export type LearnerState = { learner: string } & Record<string, unknown>

export interface Learner {
  /** Predictions for rows `from` (inclusive) to `to` (exclusive), written to `out[0 .. to - from)`. Changes no state. */
  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void
  /**
   * Learns rows `from` to `to` as one update. Two calls are not always the same as one call over both:
   * the batch is part of the algorithm, so callers always hand over whole batches.
   */
  learnMany(batch: FeatureBatch, from: number, to: number): void
  /** Adds what another learner of the same kind saw; only where that is exact. */
  merge?(other: this): void
  /**
   * Gives all that was learned so far the share `keep`, in (0, 1], of its weight against what comes: after drift.
   * Predictions stay as they are but for the weight of penalties. Absent where the learner weighs no history.
   */
  forget?(keep: number): void
  /** What it has come to, for the trial's info: what a user should know beside the scores. */
  info?(): Record<string, unknown>
  /**
   * Learns all rows of a set as a fresh learner, as well as it can: batch mode. Absent where passes of `learnMany` over
   * them are all that there is.
   */
  fitMany?(each: EachBatch): void
  toJSON(): LearnerState
}

/** Hands every batch of a set of rows to `visit`, in order; may be called as often as needed. */
export type EachBatch = (visit: (batch: FeatureBatch, from: number, to: number) => void) => void

/**
 * A learner that weighs others by their predictions. Where labels come late these are those made when the rows were
 * predicted, not those that would be made once the labels are there: so they are asked for, kept and handed back.
 */
export interface Judging {
  /** Numbers a row that `judge` writes. */
  readonly judges: number
  /** Writes what the weights need of rows `from` to `to`, `judges` numbers each. Changes no state. */
  judge(batch: FeatureBatch, from: number, to: number, out: Float64Array): void
  /** `learnMany` with what `judge` wrote of the rows, from number `at` on; NaN where they had no prediction. */
  learnJudged(batch: FeatureBatch, from: number, to: number, made: Float64Array, at: number): void
}

export function isJudging(learner: Learner): learner is Learner & Judging {
  return 'judges' in learner
}

/** A learner whose targets are class indexes; `predictMany` writes the most probable class. */
export interface Classifier extends Learner {
  /** Classes known so far; may grow as new ones are learnt. */
  readonly classes: number
  /**
   * Writes (to - from) x `classes` probabilities, row-major. Changes no state.
   * Absent where the learner has no notion of probability, as with hinge losses.
   */
  predictProbabilities?(batch: FeatureBatch, from: number, to: number, out: Float64Array): void
}
