/** A learner with its score, and the baselines that it must beat. */
import { LastValue, RunningMean } from './learn/baselines.ts'
import type { FeatureBatch, Learner } from './learn/learner.ts'
import { RegressionScore } from './metrics/regression.ts'

export interface Model {
  name: string
  learner: Learner
  score: RegressionScore
}

/** The learner first. */
export function modelsWith(learner: Learner): Model[] {
  return [
    { name: 'learner', learner, score: new RegressionScore() },
    { name: 'mean_baseline', learner: new RunningMean(), score: new RegressionScore() },
    { name: 'last_baseline', learner: new LastValue(), score: new RegressionScore() },
  ]
}

/** Predicts rows `from` to `to` with every model as it is, and scores them in row order. `room` holds a batch. */
export function scoreRows(
  models: readonly Model[],
  batch: FeatureBatch,
  from: number,
  to: number,
  room: Float64Array,
): void {
  const { target } = batch
  for (const { learner, score } of models) {
    learner.predictMany(batch, from, to, room)
    score.addMany(target, from, to, room, 0)
  }
}

export function learnRows(models: readonly Model[], batch: FeatureBatch, from: number, to: number): void {
  for (const { learner } of models) learner.learnMany(batch, from, to)
}
