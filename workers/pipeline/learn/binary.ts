/** What learners of two classes share: the check of their targets, and margins as classes or probabilities. */
import type { FeatureBatch } from './learner.ts'
import { sigmoid } from './loss.ts'

/** @throws {RangeError} on a class other than 0 and 1 */
export function checkBinary(batch: FeatureBatch, from: number, to: number): void {
  for (let row = from; row < to; row += 1) {
    const k = batch.target[row]!
    if (k !== 0 && k !== 1) {
      throw new RangeError(`this learner knows classes 0 and 1, not ${k}; use "softmax" for more classes`)
    }
  }
}

/** Turns `rows` margins into classes, in place. */
export function marginsToClasses(out: Float64Array, rows: number): void {
  for (let i = 0; i < rows; i += 1) out[i] = out[i]! > 0 ? 1 : 0
}

/** Turns the `rows` margins at the front of `out` into rows x 2 probabilities, in place: from the back, so that none is overwritten unread. */
export function marginsToProbabilities(out: Float64Array, rows: number): void {
  for (let i = rows - 1; i >= 0; i -= 1) {
    const margin = out[i]!
    out[2 * i + 1] = sigmoid(margin)
    out[2 * i] = sigmoid(-margin)
  }
}
