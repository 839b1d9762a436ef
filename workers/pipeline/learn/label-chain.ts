/** A classifier of labels by the last label, for streams whose labels come in runs. */
import type { Classifier, FeatureBatch, LearnerState } from './learner.ts'
import { encodeFloats, readFloats, readNumber } from './state.ts'

/** Classes beyond these share the last row of counts: memory stays bounded. */
const MOST_CLASSES = 256

/**
 * Counts which label followed which: the labels of a batch follow the last one that was known before it. Its
 * probabilities are those counts, with half a row added to each (Krichevsky and Trofimov 1981), so that it is "no
 * change" where labels come in runs and the shares of the labels where they do not.
 */
export class LabelChain implements Classifier {
  classes = 0
  private last = -1
  /** MOST_CLASSES apart: row `last`, column the label after it. */
  private counts = new Float64Array(0)
  private size = 0

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const probabilities = new Float64Array((to - from) * this.classes)
    this.predictProbabilities(batch, from, to, probabilities)
    let best = 0
    for (let k = 1; k < this.classes; k += 1) if (probabilities[k]! > probabilities[best]!) best = k
    out.fill(best, 0, to - from)
  }

  predictProbabilities(_batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { classes } = this
    const base = Math.min(this.last, this.size - 1) * this.size
    let total = 0
    for (let k = 0; k < classes; k += 1) total += 0.5 + (k < this.size ? this.counts[base + k]! : 0)
    for (let row = 0; row < to - from; row += 1) {
      for (let k = 0; k < classes; k += 1) {
        out[row * classes + k] = (0.5 + (k < this.size ? this.counts[base + k]! : 0)) / total
      }
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    for (let row = from; row < to; row += 1) {
      const k = batch.target[row]!
      if (k >= this.classes) this.grow(k + 1)
      if (this.last >= 0) {
        this.counts[Math.min(this.last, this.size - 1) * this.size + Math.min(k, this.size - 1)]! += 1
      }
    }
    if (to > from) this.last = batch.target[to - 1]!
  }

  forget(keep: number): void {
    for (let i = 0; i < this.counts.length; i += 1) this.counts[i]! *= keep
  }

  toJSON(): LearnerState {
    const { classes, last, counts } = this
    return { learner: 'label_chain', classes, last, counts: encodeFloats(counts) }
  }

  static fromJSON(state: LearnerState): LabelChain {
    const learner = new LabelChain()
    learner.classes = readNumber(state, 'classes')
    learner.last = readNumber(state, 'last')
    learner.counts = readFloats(state, 'counts')
    learner.size = Math.round(Math.sqrt(learner.counts.length))
    return learner
  }

  private grow(classes: number): void {
    const size = Math.min(MOST_CLASSES, classes)
    if (size > this.size) {
      const counts = new Float64Array(size * size)
      for (let j = 0; j < this.size; j += 1) {
        for (let k = 0; k < this.size; k += 1) counts[j * size + k] = this.counts[j * this.size + k]!
      }
      this.counts = counts
      this.size = size
    }
    this.classes = classes
  }
}
