/** How well predictions of numbers fit: over all rows so far, or over the last so many. */
import { Moments, type MomentsState } from './moments.ts'

export interface RegressionScoreState {
  target: MomentsState
  /** Sums as [value, compensation]; null stands for a sum that overflowed. */
  squared: [number | null, number | null]
  absolute: [number | null, number | null]
}

/** Scores in the target's units; null where undefined or not finite. */
export interface RegressionSummary {
  n: number
  r2: number | null
  rmse: number | null
  mae: number | null
}

/** Neumaier's compensated sum (ZAMM 54, 1974): the error stays at rounding level however long the stream. */
class Sum {
  private high = 0
  private low = 0

  add(value: number): void {
    const next = this.high + value
    this.low += Math.abs(this.high) >= Math.abs(value) ? this.high - next + value : value - next + this.high
    this.high = next
  }

  get value(): number {
    return this.high + this.low
  }

  toJSON(): [number, number] {
    return [this.high, this.low]
  }

  static fromJSON(state: [number | null, number | null]): Sum {
    const sum = new Sum()
    sum.high = state[0] ?? Number.NaN
    sum.low = state[1] ?? Number.NaN
    return sum
  }
}

/** R2, RMSE and MAE over every row added; R2 is 1 - SSE / SST about the mean of exactly these rows. */
export class RegressionScore {
  private target = new Moments()
  private squared = new Sum()
  private absolute = new Sum()

  add(target: number, prediction: number): void {
    const error = target - prediction
    this.target.add(target)
    this.squared.add(error * error)
    this.absolute.add(Math.abs(error))
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

export interface WindowedRegressionScoreState {
  window: number
  /** Targets and predictions, oldest first. */
  targets: number[]
  predictions: (number | null)[]
}

/** The same scores over the last `window` rows, computed anew when asked, so nothing drifts. */
export class WindowedRegressionScore {
  readonly window: number
  private readonly targets: Float64Array
  private readonly predictions: Float64Array
  private next = 0
  private filled = 0

  constructor(window: number) {
    if (!Number.isInteger(window) || window < 1) {
      throw new RangeError(`window must be a whole number of rows from 1, not ${window}`)
    }
    this.window = window
    this.targets = new Float64Array(window)
    this.predictions = new Float64Array(window)
  }

  add(target: number, prediction: number): void {
    this.targets[this.next] = target
    this.predictions[this.next] = prediction
    this.next = this.next + 1 === this.window ? 0 : this.next + 1
    if (this.filled < this.window) this.filled += 1
  }

  summary(): RegressionSummary {
    const score = new RegressionScore()
    for (let i = 0; i < this.filled; i += 1) {
      const at = this.position(i)
      score.add(this.targets[at]!, this.predictions[at]!)
    }
    return score.summary()
  }

  toJSON(): WindowedRegressionScoreState {
    const order = Array.from({ length: this.filled }, (_, i) => this.position(i))
    return {
      window: this.window,
      targets: order.map((at) => this.targets[at]!),
      predictions: order.map((at) => this.predictions[at]!),
    }
  }

  static fromJSON(state: WindowedRegressionScoreState): WindowedRegressionScore {
    const score = new WindowedRegressionScore(state.window)
    for (const [i, target] of state.targets.entries()) {
      score.add(target, state.predictions[i] ?? Number.NaN)
    }
    return score
  }

  private position(age: number): number {
    return (this.next - this.filled + age + this.window) % this.window
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
