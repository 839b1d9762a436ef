/** A classifier that also sees the last labels known: for streams whose labels come in runs. */
import type { Classifier, FeatureBatch, LearnerState } from './learner.ts'
import { encodeInts, readInts, readObject } from './state.ts'

/** Labels that are shown: by three a stray one is told from a change. */
const SHOWN = 3
/** One-hot indexes that each takes, before those of the rows; labels from here on are not told. */
const LABELS = 64

/**
 * Adds one-hot slots with the labels of the last rows learned before the batch, the same for all its rows, whether they
 * are predicted or learned. With late labels those are older when rows are predicted than when they are learned.
 */
export class WithLastLabel implements Classifier {
  readonly inner: Classifier
  /** The newest first; -1 for none yet. */
  private lasts = new Int32Array(SHOWN).fill(-1)
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
    const { lasts } = this
    const fresh = Math.min(SHOWN, to - from)
    lasts.copyWithin(fresh, 0, SHOWN - fresh)
    for (let n = 0; n < fresh; n += 1) lasts[n] = batch.target[to - 1 - n]!
  }

  forget(keep: number): void {
    this.inner.forget?.(keep)
  }

  toJSON(): LearnerState {
    return { learner: 'with_last_label', lasts: encodeInts(this.lasts), inner: this.inner.toJSON() }
  }

  /** `restore` makes the inner classifier from its own state. */
  static fromJSON(state: LearnerState, restore: (inner: LearnerState) => Classifier): WithLastLabel {
    const learner = new WithLastLabel(restore(readObject(state, 'inner') as LearnerState))
    learner.lasts = readInts(state, 'lasts')
    return learner
  }

  private view(batch: FeatureBatch, from: number, to: number): FeatureBatch {
    const slots = batch.slots + SHOWN
    if (this.hot.length < to * slots) this.hot = new Int32Array(2 * to * slots)
    const { hot, lasts } = this
    const shown = Int32Array.from(lasts, (label, n) =>
      label >= 0 && label < LABELS ? n * LABELS + label : -1,
    )
    for (let row = from; row < to; row += 1) {
      for (let s = 0; s < batch.slots; s += 1) {
        const j = batch.hot[row * batch.slots + s]!
        hot[row * slots + s] = j < 0 ? -1 : j + SHOWN * LABELS
      }
      hot.set(shown, row * slots + batch.slots)
    }
    // The indexes lie outside the kernels' memory.
    return { ...batch, kernels: null, slots, hot, hotSize: batch.hotSize + SHOWN * LABELS }
  }
}
