/** Weights of experts by how they did: fixed share. */

/**
 * Herbster and Warmuth, "Tracking the best expert" (Machine Learning 32, 1998): after each row an expert's weight is
 * multiplied by exp(-eta loss), then all give `share` of theirs to the prior, so that one that was poor for long can come
 * back. The weights always sum to 1. With losses from 0 to 1 that are convex in the prediction, the loss of the
 * weighted mean over T rows is at most that of expert i plus
 * (ln(1 / prior_i) + T ln(1 / (1 - share))) / eta + eta T / 8, row by row; with log losses and eta 1 the last term is
 * absent.
 */
export class FixedShare {
  readonly weights: Float64Array<ArrayBuffer>
  readonly prior: Float64Array<ArrayBuffer>
  readonly eta: number
  readonly share: number
  /** What goes back to the prior with the next row beside `share`: 1 less this. */
  kept = 1

  /** @param prior what each expert is trusted at first, above 0; any sum */
  constructor(prior: readonly number[], eta: number, share: number) {
    const total = prior.reduce((sum, trust) => sum + trust, 0)
    this.prior = Float64Array.from(prior, (trust) => trust / total)
    this.weights = this.prior.slice()
    this.eta = eta
    this.share = share
  }

  /** Gives one expert all weight. */
  only(expert: number): void {
    this.weights.fill(0)
    this.weights[expert] = 1
  }

  /** With the next row weights keep only that share of what the losses said. */
  forget(keep: number): void {
    this.kept *= keep
  }

  /**
   * Takes in the loss of each expert on one row of a batch of `rows`. Predictions of one batch were made by one state and
   * err alike, so that its rows say less than as many batches would: each counts 1 / sqrt(rows).
   */
  update(losses: Float64Array, rows = 1): void {
    const { weights, prior } = this
    const eta = this.eta / Math.sqrt(rows)
    const share = 1 - (1 - this.share) * this.kept
    this.kept = 1
    const { length } = weights
    // Beside the smallest loss, so that not all weights can vanish.
    let least = losses[0]!
    for (let k = 1; k < length; k += 1) if (losses[k]! < least) least = losses[k]!
    let total = 0
    for (let k = 0; k < length; k += 1) {
      const weight = weights[k]! * Math.exp(-eta * (losses[k]! - least))
      weights[k] = weight
      total += weight
    }
    for (let k = 0; k < length; k += 1) weights[k] = ((1 - share) * weights[k]!) / total + share * prior[k]!
  }
}
