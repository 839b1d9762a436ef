/** What any learner has to beat: it looks only at the targets. */
import { Moments } from '../metrics/moments.ts'
import type { Classifier, FeatureBatch, Learner, LearnerState } from './learner.ts'
import { encodeFloats, grownFloats, readFloats, readNumber } from './state.ts'

/** Predicts the mean of all targets seen; of no use before any. */
export class RunningMean implements Learner {
  private targets = new Moments()

  predictMany(_batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    out.fill(this.targets.mean, 0, to - from)
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    this.targets.addMany(batch.target, from, to)
  }

  merge(other: RunningMean): void {
    this.targets.merge(other.targets)
  }

  forget(keep: number): void {
    this.targets.forget(keep)
  }

  toJSON(): LearnerState {
    return { learner: 'mean', ...this.targets.toJSON() }
  }

  static fromJSON(state: LearnerState): RunningMean {
    const learner = new RunningMean()
    learner.targets.n = readNumber(state, 'n')
    learner.targets.mean = readNumber(state, 'mean')
    learner.targets.m2 = readNumber(state, 'm2')
    return learner
  }
}

/** Predicts the last target seen; of no use before any. */
export class LastValue implements Learner {
  protected last = 0

  predictMany(_batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    out.fill(this.last, 0, to - from)
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to > from) this.last = batch.target[to - 1]!
  }

  toJSON(): LearnerState {
    return { learner: 'last_value', last: this.last }
  }

  static fromJSON(state: LearnerState): LastValue {
    const learner = new LastValue()
    learner.last = readNumber(state, 'last')
    return learner
  }
}

/** The same for labels: scikit-multiflow's no-change classifier. It has no notion of probability. */
export class NoChange extends LastValue implements Classifier {
  classes = 0

  override learnMany(batch: FeatureBatch, from: number, to: number): void {
    super.learnMany(batch, from, to)
    for (let row = from; row < to; row += 1) this.classes = Math.max(this.classes, batch.target[row]! + 1)
  }

  override toJSON(): LearnerState {
    return { ...super.toJSON(), learner: 'no_change', classes: this.classes }
  }

  static override fromJSON(state: LearnerState): NoChange {
    const learner = new NoChange()
    learner.last = readNumber(state, 'last')
    learner.classes = readNumber(state, 'classes')
    return learner
  }
}

/** Predicts the most frequent class so far, the lowest index on a tie; probabilities are the shares seen. */
export class MajorityClass implements Classifier {
  private counts = new Float64Array(0)
  private rows = 0
  classes = 0

  predictMany(_batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    let best = 0
    for (let k = 1; k < this.classes; k += 1) if (this.counts[k]! > this.counts[best]!) best = k
    out.fill(best, 0, to - from)
  }

  predictProbabilities(_batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    for (let row = 0; row < to - from; row += 1) {
      for (let k = 0; k < this.classes; k += 1) out[row * this.classes + k] = this.counts[k]! / this.rows
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    for (let row = from; row < to; row += 1) {
      const k = batch.target[row]!
      if (k >= this.classes) {
        this.classes = k + 1
        this.counts = grownFloats(this.counts, this.classes)
      }
      this.counts[k]! += 1
    }
    this.rows += to - from
  }

  merge(other: MajorityClass): void {
    this.classes = Math.max(this.classes, other.classes)
    this.counts = grownFloats(this.counts, this.classes)
    for (let k = 0; k < other.classes; k += 1) this.counts[k]! += other.counts[k]!
    this.rows += other.rows
  }

  forget(keep: number): void {
    for (let k = 0; k < this.classes; k += 1) this.counts[k]! *= keep
    this.rows *= keep
  }

  toJSON(): LearnerState {
    return { learner: 'majority', counts: encodeFloats(this.counts.subarray(0, this.classes)) }
  }

  static fromJSON(state: LearnerState): MajorityClass {
    const learner = new MajorityClass()
    learner.counts = readFloats(state, 'counts')
    learner.classes = learner.counts.length
    learner.rows = learner.counts.reduce((sum, count) => sum + count, 0)
    return learner
  }
}
