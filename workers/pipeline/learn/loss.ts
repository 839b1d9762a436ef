/** Losses of linear learners by the derivative that gradient descent needs. */

const REGRESSION_LOSSES = ['squared', 'huber', 'epsilon_insensitive'] as const
const CLASSIFICATION_LOSSES = ['log', 'hinge'] as const
export type RegressionLoss = (typeof REGRESSION_LOSSES)[number]
export type ClassificationLoss = (typeof CLASSIFICATION_LOSSES)[number]
export type Loss = RegressionLoss | ClassificationLoss

/** Beyond this margin exp(z) + 1 rounds to exp(z), or to 1. */
const SATURATED = 18

/**
 * d loss / d p at prediction p; y is the target, or -1 / +1 for `log` and `hinge`.
 * Squared loss is (p - y)^2 / 2; `epsilon` is where huber turns linear and where epsilon_insensitive starts.
 */
export function lossGradient(loss: Loss, p: number, y: number, epsilon: number): number {
  switch (loss) {
    case 'squared':
      return p - y
    case 'huber':
      return Math.max(-epsilon, Math.min(epsilon, p - y))
    case 'epsilon_insensitive':
      return p - y > epsilon ? 1 : y - p > epsilon ? -1 : 0
    case 'hinge':
      return p * y <= 1 ? -y : 0
    case 'log': {
      const z = p * y
      if (z > SATURATED) return -y * Math.exp(-z)
      if (z < -SATURATED) return -y
      return -y / (Math.exp(z) + 1)
    }
  }
}

/** 1 / (1 + exp(-margin)), without overflow on either side. */
export function sigmoid(margin: number): number {
  if (margin >= 0) return 1 / (1 + Math.exp(-margin))
  const e = Math.exp(margin)
  return e / (1 + e)
}

/** Scores at `base` become probabilities; the largest is subtracted first so that none overflows. */
export function normalise(scores: Float64Array, base: number, classes: number): void {
  let largest = -Infinity
  for (let k = 0; k < classes; k += 1) largest = Math.max(largest, scores[base + k]!)
  let sum = 0
  for (let k = 0; k < classes; k += 1) {
    const e = Math.exp(scores[base + k]! - largest)
    scores[base + k] = e
    sum += e
  }
  for (let k = 0; k < classes; k += 1) scores[base + k]! /= sum
}
