/** Weights of experts by how they did: fixed share. */

/**
 * Herbster and Warmuth, "Tracking the best expert" (Machine Learning 32, 1998): after each row an expert's weight is
 * multiplied by exp(-eta loss), then all give `share` of theirs to the prior, so that one that was poor for long can come
 * back. The weights always sum to 1. With losses from 0 to 1 that are convex in the prediction, the loss of the
 * weighted mean over T rows is at most that of expert i plus
 * (ln(1 / prior_i) + T ln(1 / (1 - share))) / eta + eta T / 8; with log losses and eta 1 the last term is absent.
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

  /** With the next row weights keep only that share of what the losses said. */
  forget(keep: number): void {
    this.kept *= keep
  }

  /** Takes in the loss of each expert on one row, `losses[at ...]`. */
  update(losses: Float64Array, at: number): void {
    const { weights, prior, eta } = this
    const share = 1 - (1 - this.share) * this.kept
    this.kept = 1
    const { length } = weights
    // Beside the smallest loss, so that not all weights can vanish.
    let least = losses[at]!
    for (let k = 1; k < length; k += 1) if (losses[at + k]! < least) least = losses[at + k]!
    let total = 0
    for (let k = 0; k < length; k += 1) {
      const weight = weights[k]! * Math.exp(-eta * (losses[at + k]! - least))
      weights[k] = weight
      total += weight
    }
    for (let k = 0; k < length; k += 1) weights[k] = ((1 - share) * weights[k]!) / total + share * prior[k]!
  }
}
