/** A learner with its score, and the baselines that it must beat. */
import { LastValue, RunningMean } from './learn/baselines.ts'
import type { FeatureBatch, Learner } from './learn/learner.ts'
import { RegressionScore } from './metrics/regression.ts'

export interface Model {
  name: string
  learner: Learner
  /** The learner as it was before any row. */
  fresh: () => Learner
  score: RegressionScore
}

/** The learner first. */
export function modelsWith(fresh: () => Learner): Model[] {
  const mean = () => new RunningMean()
  const last = () => new LastValue()
  return [
    { name: 'learner', learner: fresh(), fresh, score: new RegressionScore() },
    { name: 'mean_baseline', learner: mean(), fresh: mean, score: new RegressionScore() },
    { name: 'last_baseline', learner: last(), fresh: last, score: new RegressionScore() },
  ]
}

/** Predicts rows `from` to `to` with every model as it is, and scores them in row order. `room` holds a batch. */
export function scoreRows(
  models: readonly Model[],
  batch: FeatureBatch,
  from: number,
  to: number,
  room: Float64Array,
  /** Called while `room` holds the first model's predictions. */
  afterFirst: (() => void) | null = null,
): void {
  const { target } = batch
  for (const [m, { learner, score }] of models.entries()) {
    learner.predictMany(batch, from, to, room)
    score.addMany(target, from, to, room, 0)
    if (m === 0) afterFirst?.()
  }
}

export function learnRows(models: readonly Model[], batch: FeatureBatch, from: number, to: number): void {
  for (const { learner } of models) learner.learnMany(batch, from, to)
}
