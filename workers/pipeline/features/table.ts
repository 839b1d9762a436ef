/** What features are made of: a table of formulas over columns, which numbers go to the learner, and the slots. */

/**
 * Writes `rows` results from one to three operands of that length. A loop of its own, not a function a row: calls
 * that the compiler cannot inline would put every number on the heap.
 */
export type Fill = (
  out: Float64Array,
  rows: number,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
) => void

/** A named column of results from columns or formulas above it. */
export interface Formula {
  name: string
  /** The operands a, b and c. */
  from: readonly [string, string?, string?]
  fill: Fill
}

export interface FeatureTable {
  /** In order: a formula may use those above it. */
  formulas: readonly Formula[]
  /** Columns and formulas that are dense features, in order. */
  dense: readonly string[]
  /** Category columns that are one-hot slots, in order. */
  slots: readonly string[]
}
