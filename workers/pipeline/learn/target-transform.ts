/** A regression learner of the logarithm or root of the target. */
import type { FeatureBatch, Learner, LearnerState } from './learner.ts'
import { grownFloats, readObject, readString } from './state.ts'

export const TARGET_TRANSFORMS = ['none', 'log', 'sqrt'] as const
export type TargetTransform = Exclude<(typeof TARGET_TRANSFORMS)[number], 'none'>

/**
 * Learns sign(y) ln(1 + |y|) or sign(y) sqrt(|y|) and predicts what gives it: for targets whose errors grow with their
 * size. Defined for every number; predictions stay within the range of the targets seen, since going back from a
 * logarithm turns a small step beyond it into a large one. What is predicted is nearer the median than the mean.
 */
export class Transformed implements Learner {
  readonly inner: Learner
  readonly transform: TargetTransform
  private lowest = Number.POSITIVE_INFINITY
  private highest = Number.NEGATIVE_INFINITY
  private target = new Float64Array(0)

  constructor(inner: Learner, transform: TargetTransform) {
    this.inner = inner
    this.transform = transform
    if (inner.forget !== undefined) this.forget = (keep) => inner.forget!(keep)
  }

  readonly forget?: (keep: number) => void

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.inner.predictMany({ ...batch, kernels: null }, from, to, out)
    const { lowest, highest } = this
    if (!(lowest <= highest)) return
    for (let i = 0; i < to - from; i += 1) {
      const value = this.transform === 'log' ? unlog(out[i]!) : unroot(out[i]!)
      out[i] = Math.max(lowest, Math.min(highest, value))
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    this.target = grownFloats(this.target, to)
    for (let row = from; row < to; row += 1) {
      const y = batch.target[row]!
      if (y < this.lowest) this.lowest = y
      if (y > this.highest) this.highest = y
      this.target[row] = this.transform === 'log' ? log(y) : root(y)
    }
    // The targets lie outside the kernels' memory.
    this.inner.learnMany({ ...batch, kernels: null, target: this.target }, from, to)
  }

  toJSON(): LearnerState {
    const range = this.lowest <= this.highest ? [this.lowest, this.highest] : null
    return { learner: 'transformed', transform: this.transform, range, inner: this.inner.toJSON() }
  }

  /** `restore` makes the inner learner from its own state. */
  static fromJSON(state: LearnerState, restore: (inner: LearnerState) => Learner): Transformed {
    const inner = restore(readObject(state, 'inner') as LearnerState)
    const learner = new Transformed(inner, readString(state, 'transform') as TargetTransform)
    const range = state['range'] as [number, number] | null
    if (range !== null) [learner.lowest, learner.highest] = range
    return learner
  }
}

const log = (y: number) => (y < 0 ? -Math.log1p(-y) : Math.log1p(y))
const unlog = (z: number) => (z < 0 ? -Math.expm1(-z) : Math.expm1(z))
const root = (y: number) => (y < 0 ? -Math.sqrt(-y) : Math.sqrt(y))
const unroot = (z: number) => (z < 0 ? -z * z : z * z)
