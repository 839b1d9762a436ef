/** A classifier that also sees the last label known: for streams whose labels come in runs. */
import type { Classifier, FeatureBatch, LearnerState } from './learner.ts'
import { readNumber, readObject } from './state.ts'

/** One-hot indexes that labels take, before those of the rows; labels from here on are not told. */
const LABELS = 64

/**
 * Adds a one-hot slot with the label of the last row learned before the batch, the same for all its rows, whether they
 * are predicted or learned. With late labels that label is older when rows are predicted than when they are learned.
 */
export class WithLastLabel implements Classifier {
  readonly inner: Classifier
  private last = -1
  private hot = new Int32Array(0)

  constructor(inner: Classifier) {
    this.inner = inner
  }

  get classes(): number {
    return this.inner.classes
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.inner.predictMany(this.view(batch, from, to), from, to, out)
  }

  predictProbabilities(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.inner.predictProbabilities!(this.view(batch, from, to), from, to, out)
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to <= from) return
    this.inner.learnMany(this.view(batch, from, to), from, to)
    this.last = batch.target[to - 1]!
  }

  forget(keep: number): void {
    this.inner.forget?.(keep)
  }

  toJSON(): LearnerState {
    return { learner: 'with_last_label', last: this.last, inner: this.inner.toJSON() }
  }

  /** `restore` makes the inner classifier from its own state. */
  static fromJSON(state: LearnerState, restore: (inner: LearnerState) => Classifier): WithLastLabel {
    const learner = new WithLastLabel(restore(readObject(state, 'inner') as LearnerState))
    learner.last = readNumber(state, 'last')
    return learner
  }

  private view(batch: FeatureBatch, from: number, to: number): FeatureBatch {
    const slots = batch.slots + 1
    if (this.hot.length < to * slots) this.hot = new Int32Array(2 * to * slots)
    const { hot } = this
    const label = this.last < LABELS ? this.last : -1
    for (let row = from; row < to; row += 1) {
      for (let s = 0; s < batch.slots; s += 1) {
        const j = batch.hot[row * batch.slots + s]!
        hot[row * slots + s] = j < 0 ? -1 : j + LABELS
      }
      hot[row * slots + batch.slots] = label
    }
    // The indexes lie outside the kernels' memory.
    return { ...batch, kernels: null, slots, hot, hotSize: batch.hotSize + LABELS }
  }
}
