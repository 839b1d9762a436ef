/** How predictions of a task are made, kept and scored, so that what calls need not know the task. */
import type { FeatureBatch, Learner } from '../learn/learner.ts'
import { RegressionScore, type RegressionScoreState, WindowedRegressionScore } from './regression.ts'
import type { RingState } from './ring.ts'

/** Metric values by name; null where undefined. */
export type Summary = Record<string, number | null>

/** Why metrics are null, by name. */
export type Reasons = Record<string, string>

export interface Scores {
  /** Numbers that one prediction takes. */
  readonly width: number
  /**
   * Writes the predictions of rows `from` to `to`, `width` numbers each, to the front of `out`.
   * @param learned rows that the learner has learned, one at least
   */
  predict(
    learner: Learner,
    batch: FeatureBatch,
    from: number,
    to: number,
    out: Float64Array,
    learned: number,
  ): void
  /** Scores rows `from` to `to` of `targets` against predictions that begin at number `at`. */
  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void
  /** Leaves what depends on the targets only to other scores, which are given the same rows before these. */
  follow?(leader: Scores): void
  /** Rows scored. */
  readonly n: number
  summary(): Summary
  /** Why scores of the summary are null, by name, where at least one row was scored. */
  reasons(): Reasons
  /** What `summary` says that is cheap to know at any time: for curves. */
  brief(): Summary
  toJSON(): unknown
}

/** Scores of only the last rows. */
export interface WindowScores {
  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void
  summary(): Summary
  brief(): Summary
  toJSON(): RingState
}

/** One number a prediction. */
export class RegressionScores implements Scores {
  readonly width = 1
  private readonly score: RegressionScore

  constructor(state?: RegressionScoreState) {
    this.score = state === undefined ? new RegressionScore() : RegressionScore.fromJSON(state)
  }

  predict(learner: Learner, batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    learner.predictMany(batch, from, to, out)
  }

  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    this.score.addMany(targets, from, to, predictions, at)
  }

  follow(leader: Scores): void {
    if (leader instanceof RegressionScores) this.score.follow(leader.score)
  }

  get n(): number {
    return this.score.n
  }

  summary(): Summary {
    const { r2, rmse, mae } = this.score
    return { r2, rmse, mae }
  }

  reasons(): Reasons {
    return this.score.reasons()
  }

  brief(): Summary {
    return this.summary()
  }

  toJSON(): RegressionScoreState {
    return this.score.toJSON()
  }
}

export class RegressionWindow implements WindowScores {
  private readonly score: WindowedRegressionScore

  constructor(window: number, state?: RingState) {
    this.score =
      state === undefined ? new WindowedRegressionScore(window) : WindowedRegressionScore.fromJSON(state)
  }

  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    this.score.addMany(targets, from, to, predictions, at)
  }

  summary(): Summary {
    const { r2, rmse, mae } = this.score.summary()
    return { r2, rmse, mae }
  }

  brief(): Summary {
    return this.summary()
  }

  toJSON(): RingState {
    return this.score.toJSON()
  }
}
