/** Which features say the same as the others: a report, never a selection, and the target has no part in it. */
import { CoMoments } from '../learn/comoments.ts'
import type { FeatureBatch } from '../learn/learner.ts'

/** Every row up to this one, and each eighth behind it: by row, so never by chunk. */
const EVERY_ROW_UNTIL = 1024
const THEN_EACH = 8
/** Variance inflation above this is reported (Marquardt 1970: collinearity is then a problem). */
const REPORTED = 10
/** A pivot below this share of the variance is no more than rounding. */
const SINGULAR = 1e-10

export interface Inflation {
  feature: string
  /** 1 / (1 - R2) of the feature on all others; null where the others determine it. */
  vif: number | null
}

export class Collinearity {
  private readonly features: readonly string[]
  private readonly moments: CoMoments

  constructor(features: readonly string[], state?: Record<string, unknown>) {
    this.features = features
    this.moments = state === undefined ? new CoMoments(features.length + 1) : CoMoments.fromJSON(state)
  }

  /** @param before rows taken before these, over the whole stream */
  observe(batch: FeatureBatch, from: number, to: number, before: number): void {
    const { dense, target } = batch
    const sparse = Math.min(to, Math.max(from, from + EVERY_ROW_UNTIL - before))
    // What the target gives has a place of its own, which is never read.
    this.moments.addMany(dense, target, from, sparse)
    const at = before + sparse - from
    this.moments.addMany(dense, target, sparse + ((THEN_EACH - (at % THEN_EACH)) % THEN_EACH), to, THEN_EACH)
  }

  /** Features with a variance inflation above 10, the worst first. */
  report(): Inflation[] {
    const { products } = this.moments
    const at = (i: number, k: number) => products[i >= k ? (i * (i + 1)) / 2 + k : (k * (k + 1)) / 2 + i]!
    const varying = this.features.map((_, i) => i).filter((i) => at(i, i) > 0)
    const correlation = varying.map((i) =>
      Float64Array.from(varying, (k) => at(i, k) / Math.sqrt(at(i, i) * at(k, k))),
    )
    const found = varying.map((i, place): Inflation => {
      const vif = inflation(correlation, place)
      return { feature: this.features[i]!, vif }
    })
    const size = ({ vif }: Inflation) => vif ?? Number.POSITIVE_INFINITY
    return found
      .filter((one) => size(one) > REPORTED)
      .sort((a, b) => (size(a) === size(b) ? 0 : size(b) - size(a)))
  }

  toJSON(): Record<string, unknown> {
    return this.moments.toJSON()
  }
}

/** Of variable `j`: what is left of its variance when all others were swept out, inverted. Others that add nothing are passed. */
function inflation(correlation: readonly Float64Array[], j: number): number | null {
  const size = correlation.length
  const order = [...Array(size).keys()].filter((i) => i !== j)
  const rows = [...order, j].map((i) => Float64Array.from([...order, j], (k) => correlation[i]![k]!))
  for (let p = 0; p < size - 1; p += 1) {
    const pivot = rows[p]![p]!
    if (pivot < SINGULAR) continue
    for (let i = p + 1; i < size; i += 1) {
      const factor = rows[i]![p]! / pivot
      for (let k = p; k < size; k += 1) rows[i]![k]! -= factor * rows[p]![k]!
    }
  }
  const left = rows[size - 1]![size - 1]!
  return left < SINGULAR ? null : 1 / left
}
