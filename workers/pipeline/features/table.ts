/** What features are made of: a table of formulas over columns, which numbers go to the learner, and the slots. */
import { hourOf, monthIndex, weekdayOf } from '../../data/dates.ts'
import type { KernelFunctions, Pointer } from '../../kernels.ts'

/**
 * Writes `rows` results from one to three operands of that length. A loop of its own, not a function a row: calls
 * that the compiler cannot inline would put every number on the heap.
 */
type Loop = (out: Float64Array, rows: number, a: Float64Array, b: Float64Array, c: Float64Array) => void

/** A loop, and the kernel that does the same, where there is one. */
export interface Fill {
  js: Loop
  /**
   * All operands lie in the kernels' memory, as does a copy of `table`.
   * @returns the rows that were done, where these may be fewer than asked for: then the loop does all of them
   */
  wasm?: (run: KernelFunctions, out: Pointer, rows: number, a: Pointer, b: Pointer, table: Pointer) => unknown
  table?: Float64Array
}

/** A named column of results from columns or formulas above it. */
export interface Formula {
  name: string
  /** The operands a, b and c. */
  from: readonly [string, string?, string?]
  fill: Fill
}

/** State of a declared feature, for a checkpoint. */
export type RunningState = Record<string, unknown>

/** A declared feature at work: it may remember earlier rows, so it is given every row, in order. */
export interface Running {
  /** @param groups code of each row's group; null for one group */
  fill(out: Float64Array, rows: number, operands: readonly Float64Array[], groups: Int32Array | null): void
  toJSON(): RunningState
}

/** When the target of a row is known: from the start of the first batch that begins `delay` rows or more later. */
export interface LabelTiming {
  batch: number
  delay: number
}

/** A feature that the user declared. */
export interface DeclaredFeature {
  name: string
  of: readonly string[]
  /** A category column. */
  by: string | null
  /** @param labels null unless the operand is the target */
  start(labels: LabelTiming | null, state?: RunningState): Running
}

export interface FeatureTable {
  /** In order: a formula may use those above it. */
  formulas: readonly Formula[]
  /** After the formulas, in order. */
  declared?: readonly DeclaredFeature[]
  /** Columns, formulas and declared features that are dense features, in order. */
  dense: readonly string[]
  /** Category columns that are one-hot slots, in order. */
  slots: readonly string[]
}

// ---------------------------------------------------------------- the arithmetic that feature tables share, a column at a time

export const minus: Fill = {
  js: (out, rows, a, b) => {
    for (let i = 0; i < rows; i += 1) out[i] = a[i]! - b[i]!
  },
  wasm: (run, out, rows, a, b) => run.minus(out, rows, a, b),
}

export const times: Fill = {
  js: (out, rows, a, b) => {
    for (let i = 0; i < rows; i += 1) out[i] = a[i]! * b[i]!
  },
  wasm: (run, out, rows, a, b) => run.times(out, rows, a, b),
}

/** a plus a constant. */
export function plus(constant: number): Fill {
  return {
    js: (out, rows, a) => {
      for (let i = 0; i < rows; i += 1) out[i] = a[i]! + constant
    },
    wasm: (run, out, rows, a) => run.plus(out, rows, a, constant),
  }
}

/** Months since year 0 of a day number: what `year` and `month` start from, so that the calendar is gone through once. */
export const months: Fill = {
  js: (out, rows, days) => {
    for (let i = 0; i < rows; i += 1) out[i] = monthIndex(days[i]!)
  },
  wasm: (run, out, rows, days) => run.months(out, rows, days),
}

/** Year of `months`. */
export const year: Fill = {
  js: (out, rows, a) => {
    for (let i = 0; i < rows; i += 1) out[i] = Math.floor(a[i]! / 12)
  },
  wasm: (run, out, rows, a, b) => run.year(out, rows, a, b),
}

/** Month of `months`, 1 for January. */
export const month: Fill = {
  js: (out, rows, a) => {
    for (let i = 0; i < rows; i += 1) out[i] = a[i]! - 12 * Math.floor(a[i]! / 12) + 1
  },
  wasm: (run, out, rows, a, b) => run.month(out, rows, a, b),
}

/** Day of the week of a day number, 0 for Monday. */
export const weekday: Fill = {
  js: (out, rows, days) => {
    for (let i = 0; i < rows; i += 1) out[i] = weekdayOf(days[i]!)
  },
}

/** Hour of a day number, 0 to 23. */
export const hour: Fill = {
  js: (out, rows, days) => {
    for (let i = 0; i < rows; i += 1) out[i] = hourOf(days[i]!)
  },
}

/** Sines and cosines may differ in their last bits between versions of Node; so many decimals do not. */
const SAME_DECIMALS = 12

/**
 * Sine or cosine of whole numbers from `first` that come again after `period`, such as months: the last is then as
 * near the first as any two that follow each other.
 */
export function cyclic(of: 'sin' | 'cos', period: number, first: number): Fill {
  const table = Float64Array.from({ length: period }, (_, i) =>
    Number(Math[of]((2 * Math.PI * i) / period).toFixed(SAME_DECIMALS)),
  )
  return {
    js: (out, rows, a) => {
      for (let i = 0; i < rows; i += 1) out[i] = table[a[i]! - first] ?? Number.NaN
    },
  }
}
