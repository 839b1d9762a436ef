/** A block of weights that decay and are averaged lazily, so that a step costs only what it touches. */
import type { LearnerState } from './learner.ts'
import { encodeFloats, grownFloats, readFloats, readNumber, usedLength } from './state.ts'

/** Below this the scale is folded into the weights, so that it never underflows. */
export const SCALE_FLOOR = 1e-9

/**
 * Real weights are `scale` times the stored ones. With averaging, the sum over steps of the real weights is
 * `scaleSum` x stored - `lag`: a change of a stored weight by delta adds delta x scaleSum to its lag.
 */
export class WeightBlock {
  stored = new Float64Array(0)
  scale = 1
  readonly averaged: boolean
  lag = new Float64Array(0)
  scaleSum = 0

  constructor(averaged: boolean) {
    this.averaged = averaged
  }

  reserve(size: number): void {
    this.stored = grownFloats(this.stored, size)
    if (this.averaged) this.lag = grownFloats(this.lag, size)
  }

  /** Takes these weights in place of its own. */
  set(weights: Float64Array): void {
    this.stored = Float64Array.from(weights)
    this.scale = 1
  }

  decay(factor: number): void {
    this.scale *= factor
    if (this.scale < SCALE_FLOOR) this.fold()
  }

  /** Brings the scale back to 1; real weights and their sum stay the same. */
  fold(): void {
    const { stored, lag, scale, scaleSum } = this
    if (scale === 1) return
    if (this.averaged) {
      // The sum so far moves into the lags whole, and a new one starts at 0.
      for (let i = 0; i < stored.length; i += 1) lag[i]! -= scaleSum * stored[i]!
      this.scaleSum = 0
    }
    for (let i = 0; i < stored.length; i += 1) stored[i]! *= scale
    this.scale = 1
  }

  /** Changes one stored weight. */
  shift(i: number, change: number): void {
    this.stored[i]! += change
    if (this.averaged) this.lag[i]! += change * this.scaleSum
  }

  /** The mean over `steps` steps, or the present weights for 0 steps. */
  effective(steps: number): Float64Array {
    return this.stored.map((value, i) =>
      steps === 0 ? value * this.scale : (value * this.scaleSum - this.lag[i]!) / steps,
    )
  }

  toJSON(): Record<string, unknown> {
    const used = Math.max(usedLength(this.stored), usedLength(this.lag))
    return {
      stored: encodeFloats(this.stored.subarray(0, used)),
      scale: this.scale,
      ...(this.averaged && {
        lag: encodeFloats(this.lag.subarray(0, used)),
        scale_sum: this.scaleSum,
      }),
    }
  }

  restore(learner: string, fields: Record<string, unknown>): void {
    const state: LearnerState = { ...fields, learner }
    this.stored = readFloats(state, 'stored')
    this.scale = readNumber(state, 'scale')
    if (!this.averaged) return
    this.lag = readFloats(state, 'lag')
    this.scaleSum = readNumber(state, 'scale_sum')
  }
}
