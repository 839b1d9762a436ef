/** What features are made of: a table of formulas over columns, which numbers go to the learner, and the slots. */

/** One number a row from one to three columns or formulas above it; `of` gets NaN for operands not named. */
export interface Formula {
  name: string
  from: readonly [string, string?, string?]
  of: (a: number, b: number, c: number) => number
}

export interface FeatureTable {
  /** In order: a formula may use those above it. */
  formulas: readonly Formula[]
  /** Columns and formulas that are dense features, in order. */
  dense: readonly string[]
  /** Category columns that are one-hot slots, in order. */
  slots: readonly string[]
}
