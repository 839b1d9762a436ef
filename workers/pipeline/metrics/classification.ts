/** How well predicted classes and probabilities fit: over all rows so far, or over the last so many. */
import { RocAuc, type RocAucState } from './auc.ts'
import { Ring, type RingState } from './ring.ts'
import { Sum, type SumState } from './sum.ts'

/** Probabilities are taken to be at least this, or one miss would make the mean log loss infinite. */
const SMALLEST = Number.EPSILON

export interface ClassificationSummary {
  n: number
  accuracy: number | null
  /** Mean of -ln p(true class); null where any row came without probabilities. */
  log_loss: number | null
  /** Of the positive class; null above two classes and where but one was seen or predicted. */
  f1: number | null
  /** Mean F1 over the classes seen or predicted. */
  f1_macro: number | null
  /** Only for two classes with probabilities; null while one class is missing. */
  roc_auc: number | null
  /** The true area lies within roc_auc +- this. */
  roc_auc_error: number | null
}

export interface ClassificationScoreState {
  n: number
  correct: number
  /** By class: rows of it, rows predicted as it, and both. */
  actual: number[]
  predicted: number[]
  hits: number[]
  loss: SumState
  /** Rows with probabilities, and with one for class 1. */
  scored: number
  ranked: number
  /** Rows for which the learner had no class: its sums overflowed. */
  lost: number
  auc: RocAucState
}

const NOTHING: Omit<ClassificationSummary, 'n'> = {
  accuracy: null,
  log_loss: null,
  f1: null,
  f1_macro: null,
  roc_auc: null,
  roc_auc_error: null,
}

/** Accuracy, log loss, F1 and ROC AUC over every row added. */
export class ClassificationScore {
  n = 0
  private correct = 0
  private actual: number[] = []
  private predicted: number[] = []
  private hits: number[] = []
  private loss = new Sum()
  private scored = 0
  private ranked = 0
  private lost = 0
  private auc = new RocAuc()
  private readonly positiveClass: () => number

  /** @param positiveClass the class that F1 is of, asked for where two classes were seen or predicted */
  constructor(positiveClass: () => number = () => 1) {
    this.positiveClass = positiveClass
  }

  /**
   * @param target class index
   * @param predicted class index; NaN where the learner came to none
   * @param probability predicted for the true class; NaN where the learner gives none
   * @param positive probability predicted for class 1; NaN where the learner gives none
   */
  add(target: number, predicted: number, probability = Number.NaN, positive = Number.NaN): void {
    this.n += 1
    if (Number.isNaN(predicted)) {
      this.lost += 1
      return
    }
    while (this.actual.length <= Math.max(target, predicted)) {
      this.actual.push(0)
      this.predicted.push(0)
      this.hits.push(0)
    }
    this.actual[target]! += 1
    this.predicted[predicted]! += 1
    if (target === predicted) {
      this.correct += 1
      this.hits[target]! += 1
    }
    if (Number.isNaN(probability)) return
    this.scored += 1
    this.loss.add(-Math.log(Math.max(SMALLEST, probability)))
    if (Number.isNaN(positive)) return
    this.ranked += 1
    this.auc.add(target === 1, positive)
  }

  /** `ranked` false leaves out the ROC AUC, the one score that is costly to read. */
  summary(ranked = true): ClassificationSummary {
    const { n } = this
    if (this.lost > 0) return { ...NOTHING, n }
    const binary = this.actual.length <= 2
    const complete = n > 0 && this.scored === n
    const auc = ranked && binary && this.ranked === n ? this.auc.estimate() : null
    const scores = this.actual.map((_, k) => this.f1Of(k)).filter((f1) => f1 !== null)
    return {
      n,
      accuracy: n === 0 ? null : this.correct / n,
      log_loss: complete ? this.loss.value / n : null,
      f1: binary && this.actual.length === 2 ? this.f1Of(this.positiveClass()) : null,
      f1_macro: scores.length === 0 ? null : scores.reduce((sum, f1) => sum + f1, 0) / scores.length,
      roc_auc: auc?.auc ?? null,
      roc_auc_error: auc?.error ?? null,
    }
  }

  /** Why scores are null, by name, where at least one row was added. */
  reasons(): Record<string, string> {
    const { accuracy, log_loss, f1, f1_macro, roc_auc } = this.summary()
    if (this.lost > 0) {
      const why = `the learner came to no label for ${this.lost} of ${this.n} rows: its sums are not finite, since a feature is too large`
      const missing = Object.entries({ accuracy, log_loss, f1, f1_macro, roc_auc })
      return Object.fromEntries(missing.map(([name]) => [name, why]))
    }
    const several = 'it is defined for two labels, and there are more'
    const noProbabilities = 'the learner gives no probabilities'
    const two = this.actual.length <= 2
    const area = !two
      ? several
      : this.ranked < this.n
        ? noProbabilities
        : `it needs rows of both labels, and all ${this.n} rows scored have the same`
    const positive = two
      ? `it needs two labels, and the ${this.n} rows scored have and got only one`
      : several
    return {
      ...(log_loss === null && { log_loss: noProbabilities }),
      ...(f1 === null && { f1: positive }),
      ...(roc_auc === null && { roc_auc: area }),
    }
  }

  toJSON(): ClassificationScoreState {
    const { n, correct, actual, predicted, hits, scored, ranked, lost } = this
    return {
      n,
      correct,
      actual,
      predicted,
      hits,
      loss: this.loss.toJSON(),
      scored,
      ranked,
      lost,
      auc: this.auc.toJSON(),
    }
  }

  static fromJSON(state: ClassificationScoreState, positiveClass?: () => number): ClassificationScore {
    const score = new ClassificationScore(positiveClass)
    score.n = state.n
    score.correct = state.correct
    score.actual = [...state.actual]
    score.predicted = [...state.predicted]
    score.hits = [...state.hits]
    score.loss = Sum.fromJSON(state.loss)
    score.scored = state.scored
    score.ranked = state.ranked
    score.lost = state.lost
    score.auc = RocAuc.fromJSON(state.auc)
    return score
  }

  /** 2 TP / (2 TP + FP + FN); null where the class was neither seen nor predicted. */
  private f1Of(k: number): number | null {
    const marked = this.actual[k]! + this.predicted[k]!
    return marked === 0 ? null : (2 * this.hits[k]!) / marked
  }
}

/** The same scores over the last `window` rows, computed anew when asked. */
export class WindowedClassificationScore {
  private readonly ring: Ring
  private readonly positiveClass: (() => number) | undefined

  /**
   * @param positiveClass as of ClassificationScore
   * @throws {RangeError} where the window is no whole number from 1
   */
  constructor(window: number | Ring, positiveClass?: () => number) {
    this.positiveClass = positiveClass
    this.ring = typeof window === 'number' ? new Ring(window, 4) : window
  }

  /** As ClassificationScore.add. */
  add(target: number, predicted: number, probability = Number.NaN, positive = Number.NaN): void {
    this.ring.push(target, predicted, probability, positive)
  }

  /** As ClassificationScore.summary. */
  summary(ranked = true): ClassificationSummary {
    const score = new ClassificationScore(this.positiveClass)
    const { ring } = this
    for (let i = 0; i < ring.length; i += 1) {
      const positive = ranked ? ring.at(i, 3) : Number.NaN
      score.add(ring.at(i, 0), ring.at(i, 1), ring.at(i, 2), positive)
    }
    return score.summary(ranked)
  }

  toJSON(): RingState {
    return this.ring.toJSON()
  }

  static fromJSON(state: RingState, positiveClass?: () => number): WindowedClassificationScore {
    return new WindowedClassificationScore(Ring.fromJSON(state), positiveClass)
  }
}
