/** A learner with its scores, and the baselines that it must beat. */

import { type Kernels, newFloats } from '../kernels.ts'
import { LastValue, MajorityClass, NoChange, RunningMean } from './learn/baselines.ts'
import type { FeatureBatch, Learner } from './learn/learner.ts'
import type { Task } from './learn/registry.ts'
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

/** Room for one batch of predictions by model, grown as needed and used again. */
export class PredictionRoom {
  private readonly byModel: Float64Array[] = []

  private rows = -1

  /** @param kernels in whose memory the batch lies, as then do its predictions; null for anywhere else */
  for(models: readonly Model[], rows: number, kernels: Kernels | null): readonly Float64Array[] {
    if (rows <= this.rows) return this.byModel
    this.rows = rows
    for (let m = 0; m < models.length; m += 1) {
      const { width } = models[m]!.scores
      const before = this.byModel[m]
      if (before !== undefined) kernels?.free(before)
      this.byModel[m] = newFloats(kernels, rows * width)
    }
    return this.byModel
  }
}

/** Predicts rows `from` to `to` with every model as it is. */
export function predictRows(
  models: readonly Model[],
  batch: FeatureBatch,
  from: number,
  to: number,
  out: readonly Float64Array[],
): void {
  for (let m = 0; m < models.length; m += 1) {
    const { learner, scores, learned } = models[m]!
    scores.predict(learner, batch, from, to, out[m]!, learned)
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

export function learnRows(models: readonly Model[], batch: FeatureBatch, from: number, to: number): void {
  for (let m = 0; m < models.length; m += 1) models[m]!.learner.learnMany(batch, from, to)
}
