/** Which features say the same as the others: a report, never a selection, and the target has no part in it. */
import { CoMoments } from '../learn/comoments.ts'
import type { FeatureBatch } from '../learn/learner.ts'

/** Every row up to this one, and each eighth after it: by row, so never by chunk. */
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

  /**
   * Features with a variance inflation above 10, the worst first; null where there are too few rows to tell: as many
   * features and a constant fit any row.
   */
  report(): Inflation[] | null {
    const { products } = this.moments
    const at = (i: number, k: number) => products[i >= k ? (i * (i + 1)) / 2 + k : (k * (k + 1)) / 2 + i]!
    const varying = this.features.map((_, i) => i).filter((i) => at(i, i) > 0)
    if (this.moments.total <= varying.length) return null
    const correlation = varying.map((i) =>
      Float64Array.from(varying, (k) => at(i, k) / Math.sqrt(at(i, i) * at(k, k))),
    )
    const vifs = inflations(correlation)
    const found = varying.map((i, place): Inflation => ({ feature: this.features[i]!, vif: vifs[place]! }))
    const size = ({ vif }: Inflation) => vif ?? Number.POSITIVE_INFINITY
    return found
      .filter((one) => size(one) > REPORTED)
      .sort((a, b) => (size(a) === size(b) ? 0 : size(b) - size(a)))
  }

  toJSON(): Record<string, unknown> {
    return this.moments.toJSON()
  }
}

/**
 * By variable: what is left of its variance when all others were swept out, inverted; null where that is nothing.
 * Others that add nothing are passed. Those before a variable are swept out once for it and all after it.
 */
function inflations(correlation: Float64Array[]): (number | null)[] {
  return correlation.map((_, j) => {
    const rest = correlation.map((row) => row.slice())
    for (let p = j + 1; p < rest.length; p += 1) sweep(rest, p, j)
    sweep(correlation, j, j)
    const left = rest[j]![j]!
    return left < SINGULAR ? null : 1 / left
  })
}

/** Sweeps variable `p` out of those after it and, where that is before it, out of `j`. */
function sweep(rows: readonly Float64Array[], p: number, j: number): void {
  const by = rows[p]!
  if (by[p]! < SINGULAR) return
  if (j < p) takeOut(rows[j]!, by, p, j)
  for (let i = p + 1; i < rows.length; i += 1) takeOut(rows[i]!, by, p, j)
}

function takeOut(row: Float64Array, by: Float64Array, p: number, j: number): void {
  const factor = row[p]! / by[p]!
  if (j < p) row[j]! -= factor * by[j]!
  for (let k = p; k < row.length; k += 1) row[k]! -= factor * by[k]!
}
