/** How well predictions of numbers fit: over all rows so far, or over the last so many. */
import { Moments, type MomentsState } from './moments.ts'
import { Ring, type RingState } from './ring.ts'
import { addErrors, Sum, type SumState } from './sum.ts'

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
  /** Whose target's moments these are, where another one keeps them. */
  private leader: RegressionScore | null = null

  add(target: number, prediction: number): void {
    const error = target - prediction
    if (this.leader === null) this.target.add(target)
    this.squared.add(error * error)
    this.absolute.add(Math.abs(error))
  }

  /** Adds rows `from` to `to`, whose predictions begin at `at`: the same bits as one row at a time. */
  addMany(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    if (this.leader === null) this.target.addMany(targets, from, to)
    addErrors(targets, from, to, predictions, at, this.squared, this.absolute)
  }

  /** Leaves the target's moments to another score, which is given the same rows before this one. */
  follow(leader: RegressionScore): void {
    this.leader = leader
    this.target = leader.target
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

  /** Why scores are null, by name, where at least one row was added. */
  reasons(): Record<string, string> {
    const { n } = this
    const { r2, rmse, mae } = this.summary()
    const overflow = 'its sums are not finite: the target, a feature or a prediction is too large'
    const undefinedR2 =
      n === 1
        ? 'R2 needs two rows, and one was scored'
        : this.target.m2 === 0
          ? `R2 needs a target that varies, and it is the same in all ${n} rows scored`
          : overflow
    return {
      ...(r2 === null && { r2: undefinedR2 }),
      ...(rmse === null && { rmse: overflow }),
      ...(mae === null && { mae: overflow }),
    }
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

/** Sums over a ring's pairs in one pass; targets count from the oldest one, so that little is lost to a large mean. */
class WindowSums {
  squared = 0
  absolute = 0
  private readonly values: Float64Array
  private readonly origin: number
  private shifted = 0
  private shiftedSquares = 0

  constructor(values: Float64Array, oldest: number) {
    this.values = values
    this.origin = values[2 * oldest]!
  }

  add(from: number, to: number): void {
    const { values, origin } = this
    let { squared, absolute, shifted, shiftedSquares } = this
    for (let at = 2 * from; at < 2 * to; at += 2) {
      const target = values[at]!
      const error = target - values[at + 1]!
      const d = target - origin
      squared += error * error
      absolute += Math.abs(error)
      shifted += d
      shiftedSquares += d * d
    }
    this.squared = squared
    this.absolute = absolute
    this.shifted = shifted
    this.shiftedSquares = shiftedSquares
  }

  /** Sum of squared deviations of the targets from their mean. */
  deviations(n: number): number {
    return this.shiftedSquares - (this.shifted * this.shifted) / n
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

  /** Rows `from` to `to` of `targets`, with predictions from place `at` on. */
  addMany(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    this.ring.pushPairs(targets, from, to, predictions, at)
  }

  summary(): RegressionSummary {
    const { length: n, window, oldest } = this.ring
    if (n === 0) return { n, r2: null, rmse: null, mae: null }
    const sums = new WindowSums(this.ring.values, oldest)
    // From the oldest row on, around the end: a restored window gives the same bits.
    sums.add(oldest, Math.min(window, oldest + n))
    if (oldest + n > window) sums.add(0, oldest + n - window)
    const total = sums.deviations(n)
    return {
      n,
      r2: n < 2 || !(total > 0) ? null : finite(1 - sums.squared / total),
      rmse: finite(Math.sqrt(sums.squared / n)),
      mae: finite(sums.absolute / n),
    }
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
