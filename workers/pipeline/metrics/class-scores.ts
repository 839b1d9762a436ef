/** Scores of classifiers: three numbers a prediction, taken from the probabilities where there are any. */
import type { Classifier, FeatureBatch, Learner } from '../learn/learner.ts'
import {
  ClassificationScore,
  type ClassificationScoreState,
  type ClassificationSummary,
  WindowedClassificationScore,
} from './classification.ts'
import type { RingState } from './ring.ts'
import type { Reasons, Scores, Summary, WindowScores } from './scores.ts'

/** Predicted class, probability of the true class, probability of class 1; NaN where unknown. */
const WIDTH = 3

/**
 * A class that the learner never saw has no probability of its own, and -ln of the smallest number is a penalty of 36
 * that means nothing. It gets what all new classes together would: K / (n + K) where n rows had K classes, since K of
 * them were new when they came (method C of Witten and Bell, "The zero-frequency problem", IEEE Transactions on
 * Information Theory 37, 1991). Classes that it saw keep the learner's probability, so that the log loss is the usual
 * one as soon as all are known.
 */
export class ClassificationScores implements Scores {
  readonly width = WIDTH
  private readonly score: ClassificationScore
  private room = new Float64Array(0)

  /** @param positiveClass as of ClassificationScore */
  constructor(state?: ClassificationScoreState, positiveClass?: () => number) {
    this.score =
      state === undefined
        ? new ClassificationScore(positiveClass)
        : ClassificationScore.fromJSON(state, positiveClass)
  }

  predict(
    learner: Learner,
    batch: FeatureBatch,
    from: number,
    to: number,
    out: Float64Array,
    learned: number,
  ): void {
    if (!givesProbabilities(learner)) {
      learner.predictMany(batch, from, to, out)
      // The classes fill the front; from the back, so that none is overwritten unread.
      for (let i = to - from - 1; i >= 0; i -= 1) {
        out[i * WIDTH] = out[i]!
        out[i * WIDTH + 1] = Number.NaN
        out[i * WIDTH + 2] = Number.NaN
      }
      return
    }
    const { classes } = learner
    if (this.room.length < (to - from) * classes) this.room = new Float64Array((to - from) * classes)
    const { room } = this
    learner.predictProbabilities(batch, from, to, room)
    const novelty = classes / (learned + classes)
    for (let i = 0; i < to - from; i += 1) {
      const base = i * classes
      let best = 0
      for (let k = 1; k < classes; k += 1) if (room[base + k]! > room[base + best]!) best = k
      const target = batch.target[from + i]!
      const at = i * WIDTH
      out[at] = Number.isNaN(room[base]!) ? Number.NaN : best
      out[at + 1] = target < classes ? room[base + target]! : novelty
      out[at + 2] = classes > 2 ? Number.NaN : classes === 2 ? room[base + 1]! : novelty
    }
  }

  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    addRows(this.score, targets, from, to, predictions, at)
  }

  get n(): number {
    return this.score.n
  }

  summary(): Summary {
    return { ...this.score.summary() }
  }

  reasons(): Reasons {
    return this.score.reasons()
  }

  brief(): Summary {
    return cheap(this.score.summary(false))
  }

  toJSON(): ClassificationScoreState {
    return this.score.toJSON()
  }
}

export class ClassificationWindow implements WindowScores {
  private readonly score: WindowedClassificationScore

  /** @param positiveClass as of ClassificationScore */
  constructor(window: number, state?: RingState, positiveClass?: () => number) {
    this.score =
      state === undefined
        ? new WindowedClassificationScore(window, positiveClass)
        : WindowedClassificationScore.fromJSON(state, positiveClass)
  }

  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    addRows(this.score, targets, from, to, predictions, at)
  }

  summary(): Summary {
    const summary = this.score.summary()
    return { ...cheap(summary), roc_auc: summary.roc_auc }
  }

  brief(): Summary {
    return cheap(this.score.summary(false))
  }

  toJSON(): RingState {
    return this.score.toJSON()
  }
}

function cheap({ accuracy, log_loss, f1, f1_macro }: ClassificationSummary): Summary {
  return { accuracy, log_loss, f1, f1_macro }
}

function addRows(
  score: Pick<ClassificationScore, 'add'>,
  targets: Float64Array,
  from: number,
  to: number,
  predictions: Float64Array,
  start: number,
): void {
  let at = start
  for (let row = from; row < to; row += 1) {
    score.add(targets[row]!, predictions[at]!, predictions[at + 1]!, predictions[at + 2]!)
    at += WIDTH
  }
}

function givesProbabilities(
  learner: Learner,
): learner is Classifier & Required<Pick<Classifier, 'predictProbabilities'>> {
  return (learner as Partial<Classifier>).predictProbabilities !== undefined
}
