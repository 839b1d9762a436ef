/** How well predictions of numbers fit: over all rows so far, or over the last so many. */
import { Moments, type MomentsState } from './moments.ts'
import { Ring, type RingState } from './ring.ts'
import { Sum, type SumState } from './sum.ts'

export interface RegressionScoreState {
  target: MomentsState
  squared: SumState
  absolute: SumState
}

/** Scores in the target's units; null where undefined or not finite. */
export interface RegressionSummary {
  n: number
  r2: number | null
  rmse: number | null
  mae: number | null
}

/** R2, RMSE and MAE over every row added; R2 is 1 - SSE / SST about the mean of exactly these rows. */
export class RegressionScore {
  private target = new Moments()
  private squared = new Sum()
  private absolute = new Sum()
  /** Room for the errors of a batch. */
  private errors = new Float64Array(0)

  add(target: number, prediction: number): void {
    const error = target - prediction
    this.target.add(target)
    this.squared.add(error * error)
    this.absolute.add(Math.abs(error))
  }

  /** Adds rows `from` to `to`, whose predictions begin at `at`: the same bits as one row at a time. */
  addMany(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    this.target.addMany(targets, from, to)
    const count = to - from
    if (this.errors.length < count) this.errors = new Float64Array(count)
    const { errors } = this
    for (let i = 0; i < count; i += 1) errors[i] = Math.abs(targets[from + i]! - predictions[at + i]!)
    this.absolute.addMany(errors, count)
    for (let i = 0; i < count; i += 1) errors[i]! *= errors[i]!
    this.squared.addMany(errors, count)
  }

  get n(): number {
    return this.target.n
  }

  /** Null below two rows and where the target did not vary. */
  get r2(): number | null {
    if (this.n < 2 || !(this.target.m2 > 0)) return null
    return finite(1 - this.squared.value / this.target.m2)
  }

  get rmse(): number | null {
    return this.n === 0 ? null : finite(Math.sqrt(this.squared.value / this.n))
  }

  get mae(): number | null {
    return this.n === 0 ? null : finite(this.absolute.value / this.n)
  }

  summary(): RegressionSummary {
    return { n: this.n, r2: this.r2, rmse: this.rmse, mae: this.mae }
  }

  toJSON(): RegressionScoreState {
    return {
      target: this.target.toJSON(),
      squared: this.squared.toJSON(),
      absolute: this.absolute.toJSON(),
    }
  }

  static fromJSON(state: RegressionScoreState): RegressionScore {
    const score = new RegressionScore()
    score.target = Moments.fromJSON(state.target)
    score.squared = Sum.fromJSON(state.squared)
    score.absolute = Sum.fromJSON(state.absolute)
    return score
  }
}

/** The same scores over the last `window` rows, computed anew when asked, so nothing drifts. */
export class WindowedRegressionScore {
  private readonly ring: Ring

  /** @throws {RangeError} where the window is no whole number from 1 */
  constructor(window: number | Ring) {
    this.ring = typeof window === 'number' ? new Ring(window, 2) : window
  }

  add(target: number, prediction: number): void {
    this.ring.push(target, prediction)
  }

  summary(): RegressionSummary {
    const score = new RegressionScore()
    for (let i = 0; i < this.ring.length; i += 1) score.add(this.ring.at(i, 0), this.ring.at(i, 1))
    return score.summary()
  }

  toJSON(): RingState {
    return this.ring.toJSON()
  }

  static fromJSON(state: RingState): WindowedRegressionScore {
    return new WindowedRegressionScore(Ring.fromJSON(state))
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
