/** Analysis of variance over several factors, with holes and unequal numbers: how much of the variance each explains. */
import { mean, sum } from './descriptive.ts'
import { noncentralFCdf } from './noncentral-f.ts'
import { rootBetween } from './root.ts'

/** Values that share a level of every factor. */
export interface Cell {
  /** One level per factor, from 0. */
  levels: readonly number[]
  values: readonly number[]
}

export interface Effect {
  /** One factor, or two for their interaction, by index. */
  factors: readonly number[]
  /** Less than the levels suggest where combinations are missing; 0 where the effect cannot be parted from others. */
  df: number
  sumOfSquares: number
  f: number | null
  /** Share of the variance that the effect explains: omega squared, below 0 where chance would explain more. */
  share: number
  /** Null where it cannot be had. */
  low: number | null
  high: number | null
}

export interface Anova {
  /** Main effects, then pairwise interactions. */
  effects: Effect[]
  /** Values that entered. */
  n: number
  errorDf: number
  errorSumOfSquares: number
  totalSumOfSquares: number
  /** Whether interactions were fitted; without them they are part of the error. */
  interactions: boolean
}

export interface AnovaOptions {
  /** Of the intervals; 0.95 unless given. */
  level?: number
  /** The values have no noise: shares are of what was seen, and need neither error nor interval. */
  exact?: boolean
}

/** Multiplications that all fits together may take; beyond, interactions are left out. */
const MOST_WORK = 4e8

/**
 * Type II sums of squares: each effect after all others that do not contain it (Langsrud 2003). The error is what main
 * effects and pairwise interactions leave. Omega squared is (SS - df MSE) / (SST + MSE) (Hays 1963); its interval inverts
 * the noncentral F (Steiger 2004), the other effects held at their estimates. Interactions are left out where no error
 * would be left.
 * @returns null where nothing varies, or no error is left to measure by
 */
export function anova(cells: readonly Cell[], options: AnovaOptions = {}): Anova | null {
  const { level = 0.95, exact = false } = options
  const filled = cells.filter(({ values }) => values.length > 0)
  const factors = filled[0]?.levels.length ?? 0
  const values = filled.flatMap((cell) => cell.values)
  const grand = mean(values)
  const total = sum(values.map((value) => (value - grand) ** 2))
  if (!(total > 0)) return null
  const design = new Design(filled, grand)
  const pairs = pairsOf(factors)
  const mains = Array.from({ length: factors }, (_, i) => [i])
  const columns = pairs.reduce((most, pair) => most + design.columnsOf(pair).length, 0)
  const affordable = filled.length * columns ** 2 * (pairs.length + factors) < MOST_WORK
  for (const terms of affordable && pairs.length > 0 ? [[...mains, ...pairs], mains] : [mains]) {
    const full = design.fit(terms)
    const errorDf = values.length - full.rank
    if (errorDf <= 0 && !exact) continue
    const error = full.left + design.within
    const variance = exact ? 0 : error / errorDf
    // A fit that leaves nothing but rounding leaves no error to measure by.
    const isPerfect = variance <= 1e-24 * total
    const base = { n: values.length, errorDf, errorSumOfSquares: error, totalSumOfSquares: total }
    const effects = terms.map((factors) => {
      const others = terms.filter((other) => !factors.every((factor) => other.includes(factor)))
      const { df, squares } = design.added(others, factors)
      const f = isPerfect || df === 0 ? null : squares / df / variance
      const share = (squares - df * variance) / (total + variance)
      const ends = isPerfect
        ? { low: share, high: share }
        : f === null
          ? { low: null, high: null }
          : interval(f, df, errorDf, total / variance + 1, level)
      return { factors, df, sumOfSquares: squares, f, share, ...ends }
    })
    return { effects, ...base, interactions: terms.length > mains.length }
  }
  return null
}

function pairsOf(factors: number): number[][] {
  return Array.from({ length: factors }, (_, i) =>
    Array.from({ length: factors - i - 1 }, (_, k) => [i, i + k + 1]),
  ).flat()
}

// ---------------------------------------------------------------- the interval of a share

/**
 * Noncentralities for which an F as large as this, or as small, has half of what the level leaves; as shares.
 * @param unit total variance over error variance, of which an effect with noncentrality L estimated is the part L
 */
function interval(f: number, df: number, errorDf: number, unit: number, level: number) {
  const tail = (1 - level) / 2
  const estimated = df * (f - 1)
  const shareOf = (noncentrality: number) => noncentrality / (unit - estimated + noncentrality)
  const end = (p: number) => shareOf(noncentralityFor(f, df, errorDf, p))
  return { low: end(1 - tail), high: end(tail) }
}

/** The noncentrality with P(F <= f) = p; 0 where even a central F is seldom that large. */
function noncentralityFor(f: number, df: number, errorDf: number, p: number): number {
  const above = (noncentrality: number) => noncentralFCdf(f, df, errorDf, noncentrality) - p
  let low = { x: 0, y: above(0) }
  if (low.y <= 0) return 0
  let high = { x: Math.max(1, df * f), y: above(Math.max(1, df * f)) }
  while (high.y > 0) {
    low = high
    high = { x: 2 * high.x, y: above(2 * high.x) }
  }
  return rootBetween(above, low, high, SHARE_TOLERANCE)
}
/** Of a probability: what double precision leaves of the noncentral F. */
const SHARE_TOLERANCE = 1e-13

// ---------------------------------------------------------------- least squares over cells

/** A column this short beside its own length is a sum of those before it. */
const DEPENDENT = 1e-9

class Design {
  private readonly cells: readonly Cell[]
  private readonly roots: number[]
  private readonly response: Float64Array
  /** Sum of squares within cells, which no model explains. */
  readonly within: number

  constructor(cells: readonly Cell[], grand: number) {
    this.cells = cells
    this.roots = cells.map(({ values }) => Math.sqrt(values.length))
    const means = cells.map(({ values }) => mean(values))
    this.response = Float64Array.from(means, (value, i) => (value - grand) * this.roots[i]!)
    this.within = sum(cells.flatMap(({ values }, i) => values.map((value) => (value - means[i]!) ** 2)))
  }

  /** Indicators of every combination of levels that was seen; which of them is redundant shows when they are fitted. */
  columnsOf(factors: readonly number[]): Float64Array[] {
    const seen = new Map<string, Float64Array>()
    for (const [i, { levels }] of this.cells.entries()) {
      const key = factors.map((factor) => levels[factor]).join()
      const column = seen.get(key) ?? new Float64Array(this.cells.length)
      column[i] = this.roots[i]!
      seen.set(key, column)
    }
    return [...seen.values()]
  }

  /** Rank of the model, and what it leaves of the sum of squares between cells. */
  fit(terms: readonly (readonly number[])[]): { rank: number; left: number } {
    const { basis, rest } = this.orthogonal(terms)
    return { rank: basis.length, left: dot(rest, rest) }
  }

  /** What a term explains beyond others. */
  added(others: readonly (readonly number[])[], term: readonly number[]): { df: number; squares: number } {
    const { basis, rest } = this.orthogonal(others)
    const before = basis.length
    let squares = 0
    for (const column of this.columnsOf(term)) {
      const unit = extend(basis, column)
      if (unit === null) continue
      const size = dot(unit, rest)
      squares += size * size
      subtract(rest, unit, size)
    }
    return { df: basis.length - before, squares }
  }

  private orthogonal(terms: readonly (readonly number[])[]): { basis: Float64Array[]; rest: Float64Array } {
    const basis: Float64Array[] = []
    const rest = Float64Array.from(this.response)
    for (const column of [Float64Array.from(this.roots), ...terms.flatMap((term) => this.columnsOf(term))]) {
      const unit = extend(basis, column)
      if (unit !== null) subtract(rest, unit, dot(unit, rest))
    }
    return { basis, rest }
  }
}

/** Adds what of a column is new, as a unit vector (Gram-Schmidt, twice: Giraud et al. 2005); null where nothing is. */
function extend(basis: Float64Array[], column: Float64Array): Float64Array | null {
  const length = Math.sqrt(dot(column, column))
  const unit = Float64Array.from(column)
  for (let pass = 0; pass < 2; pass++) for (const other of basis) subtract(unit, other, dot(other, unit))
  const left = Math.sqrt(dot(unit, unit))
  if (!(left > DEPENDENT * length)) return null
  for (let i = 0; i < unit.length; i++) unit[i]! /= left
  basis.push(unit)
  return unit
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!
  return total
}

function subtract(from: Float64Array, unit: Float64Array, size: number): void {
  for (let i = 0; i < from.length; i++) from[i]! -= size * unit[i]!
}
