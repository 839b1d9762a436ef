/** A learner with its scores, and the baselines that it must beat. */

import { type Kernels, newFloats } from '../kernels.ts'
import { LastValue, MajorityClass, NoChange, RunningMean } from './learn/baselines.ts'
import type { Task } from './learn/learner.ts'
import { type FeatureBatch, isJudging, type Learner } from './learn/learner.ts'
import type { Scores } from './metrics/scores.ts'

export interface Model {
  name: string
  learner: Learner
  /** Rows that it learned since it was fresh. */
  learned: number
  /** The learner as it was before any row. */
  fresh: () => Learner
  scores: Scores
}

/** Baselines by name. */
export const BASELINES: Readonly<Record<Task, Readonly<Record<string, () => Learner>>>> = {
  regression: { mean_baseline: () => new RunningMean(), last_baseline: () => new LastValue() },
  classification: { majority_baseline: () => new MajorityClass(), last_baseline: () => new NoChange() },
}

/** Numbers that are kept of a row by model, and at the end what the first model needs of it to weigh its members. */
export function widthsOf(models: readonly Model[]): number[] {
  const { learner } = models[0]!
  return [...models.map(({ scores }) => scores.width), isJudging(learner) ? learner.judges : 0]
}

/** Room for the predictions of one batch, by `widthsOf` the models, grown as needed and used again. */
export class PredictionRoom {
  private byModel: readonly Float64Array[] = []
  private rows = 0

  /**
   * Room for so many rows; what stands there stays.
   * @param most rows that there will ever be: room grows by doubling, and not beyond
   * @param kernels in whose memory the batch lies, as then do its predictions; null for anywhere else
   */
  for(
    models: readonly Model[],
    rows: number,
    most: number,
    kernels: Kernels | null,
  ): readonly Float64Array[] {
    if (rows <= this.rows) return this.byModel
    this.rows = Math.max(rows, Math.min(most, 2 * this.rows))
    this.byModel = widthsOf(models).map((width, m) => {
      const before = this.byModel[m]
      const room = newFloats(kernels, this.rows * width)
      if (before !== undefined) {
        room.set(before)
        kernels?.free(before)
      }
      return room
    })
    return this.byModel
  }
}

/** Predicts rows `from` to `to` with every model as it is, into `out` from row `first` on. */
export function predictRows(
  models: readonly Model[],
  batch: FeatureBatch,
  from: number,
  to: number,
  out: readonly Float64Array[],
  first = 0,
): void {
  const after = (m: number, width: number) => (first === 0 ? out[m]! : out[m]!.subarray(first * width))
  for (let m = 0; m < models.length; m += 1) {
    const { learner, scores, learned } = models[m]!
    scores.predict(learner, batch, from, to, after(m, scores.width), learned)
    if (m === 0 && isJudging(learner)) learner.judge(batch, from, to, after(models.length, learner.judges))
  }
}

/** Scores rows `from` to `to` in order; their predictions begin at row `first` of `predictions`. */
export function scoreRows(
  models: readonly Model[],
  batch: FeatureBatch,
  from: number,
  to: number,
  predictions: readonly Float64Array[],
  first: number,
): void {
  for (let m = 0; m < models.length; m += 1) {
    const { scores } = models[m]!
    scores.add(batch.target, from, to, predictions[m]!, first * scores.width)
  }
}

/** Learns rows `from` to `to`; their predictions, where there are any, begin at row `first` of `predictions`. */
export function learnRows(
  models: readonly Model[],
  batch: FeatureBatch,
  from: number,
  to: number,
  predictions: readonly Float64Array[] | null = null,
  first = 0,
): void {
  for (let m = 0; m < models.length; m += 1) {
    const { learner } = models[m]!
    if (m === 0 && predictions !== null && isJudging(learner)) {
      learner.learnJudged(batch, from, to, predictions[models.length]!, first * learner.judges)
    } else learner.learnMany(batch, from, to)
  }
}
