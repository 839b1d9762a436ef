/** What fills a gap in a number: known only from the values before it, so that it is the same whatever the chunk size. */

import type { ImputeStrategy } from '../../data/types.ts'
import type { Kernels } from '../../kernels.ts'
import { P2Quantile, type P2State } from '../validate/p2.ts'

export type NumberStrategy = Exclude<ImputeStrategy, 'none'>
export type ImputerState = number[] | P2State | { counts: [value: number, count: number][] } | null

export interface Imputer {
  /** True for one that `fillMeans` takes. */
  readonly isMean?: boolean
  /** Fills the gaps of `values[0 .. rows)` in order and learns the others; how many were filled. */
  fill(values: Float64Array, rows: number): number
  toJSON(): ImputerState
}

/** @param constant what `constant` fills in, and what all others do before the first value */
export function createImputer(strategy: NumberStrategy, constant: number, state?: ImputerState): Imputer {
  switch (strategy) {
    case 'mean':
      return new MeanImputer(constant, state as number[] | undefined)
    case 'median':
      return new MedianImputer(constant, state as P2State | undefined)
    case 'most_frequent':
      return new FrequentImputer(constant, state as { counts: [number, number][] } | undefined)
    case 'constant':
      return new ConstantImputer(constant)
  }
}

/** Columns that the kernel takes side by side, and the numbers of a column's state there. */
const SIDE_BY_SIDE = 4
const STATE_SIZE = 4
const FLOAT_BYTES = 8

/**
 * `fill` of many imputers whose `isMean` is true, of as many columns in the kernels' memory.
 * @returns how many values were filled
 */
export function fillMeans(
  kernels: Kernels,
  imputers: readonly Imputer[],
  columns: readonly Float64Array[],
  rows: number,
): number {
  let filled = 0
  // The last ones may be fewer than the kernel takes: empty columns stand in for the others.
  const room = kernels.scratch(SIDE_BY_SIDE * STATE_SIZE + rows)
  const spare = room.byteOffset + FLOAT_BYTES * SIDE_BY_SIDE * STATE_SIZE
  for (let first = 0; first < columns.length; first += SIDE_BY_SIDE) {
    const some = imputers.slice(first, first + SIDE_BY_SIDE) as MeanImputer[]
    const [a = spare, b = spare, c = spare, d = spare] = columns
      .slice(first, first + SIDE_BY_SIDE)
      .map((values) => values.byteOffset)
    room.fill(0, 0, SIDE_BY_SIDE * STATE_SIZE)
    if (some.length < SIDE_BY_SIDE) room.fill(0, SIDE_BY_SIDE * STATE_SIZE)
    for (const [i, imputer] of some.entries()) {
      room.set([imputer.count, imputer.sum, imputer.first], i * STATE_SIZE)
    }
    kernels.run.fillMeans(a, b, c, d, rows, room.byteOffset)
    for (const [i, imputer] of some.entries()) {
      imputer.count = room[i * STATE_SIZE]!
      imputer.sum = room[i * STATE_SIZE + 1]!
      filled += room[i * STATE_SIZE + 3]!
    }
  }
  return filled
}

class MeanImputer implements Imputer {
  readonly isMean = true
  readonly first: number
  count: number
  sum: number

  constructor(first: number, [count = 0, sum = 0]: number[] = []) {
    this.first = first
    this.count = count
    this.sum = sum
  }

  fill(values: Float64Array, rows: number): number {
    let { count, sum } = this
    let filled = 0
    for (let row = 0; row < rows; row += 1) {
      const value = values[row]!
      if (Number.isNaN(value)) {
        values[row] = count === 0 ? this.first : sum / count
        filled += 1
      } else {
        count += 1
        sum += value
      }
    }
    this.count = count
    this.sum = sum
    return filled
  }

  toJSON(): ImputerState {
    return [this.count, this.sum]
  }
}

class MedianImputer implements Imputer {
  private readonly first: number
  private readonly median: P2Quantile

  constructor(first: number, state?: P2State) {
    this.first = first
    this.median = state === undefined ? new P2Quantile(0.5) : P2Quantile.fromJSON(state)
  }

  fill(values: Float64Array, rows: number): number {
    let filled = 0
    for (let row = 0; row < rows; row += 1) {
      const value = values[row]!
      if (Number.isNaN(value)) {
        values[row] = this.median.value ?? this.first
        filled += 1
      } else this.median.add(value)
    }
    return filled
  }

  toJSON(): ImputerState {
    return this.median.toJSON()
  }
}

/** Distinct values that are counted; those that come later are not. */
const COUNTED_VALUES = 4096

/** Of equally frequent values, the one that was first so frequent. */
class FrequentImputer implements Imputer {
  private best: number
  private most = 0
  private readonly counts: Map<number, number>

  constructor(first: number, state?: { counts: [number, number][] }) {
    this.best = first
    this.counts = new Map(state?.counts)
    // The first entry is the best one.
    const [lead] = this.counts
    if (lead !== undefined) [this.best, this.most] = lead
  }

  fill(values: Float64Array, rows: number): number {
    let filled = 0
    for (let row = 0; row < rows; row += 1) {
      const value = values[row]!
      if (Number.isNaN(value)) {
        values[row] = this.best
        filled += 1
      } else this.learn(value)
    }
    return filled
  }

  toJSON(): ImputerState {
    const rest = [...this.counts].filter(([value]) => value !== this.best)
    return { counts: this.most === 0 ? [] : [[this.best, this.most], ...rest] }
  }

  private learn(value: number): void {
    const count = (this.counts.get(value) ?? 0) + 1
    if (count === 1 && this.counts.size >= COUNTED_VALUES) return
    this.counts.set(value, count)
    if (count > this.most) {
      this.best = value
      this.most = count
    }
  }
}

class ConstantImputer implements Imputer {
  private readonly constant: number

  constructor(constant: number) {
    this.constant = constant
  }

  fill(values: Float64Array, rows: number): number {
    let filled = 0
    for (let row = 0; row < rows; row += 1) {
      if (!Number.isNaN(values[row]!)) continue
      values[row] = this.constant
      filled += 1
    }
    return filled
  }

  toJSON(): ImputerState {
    return null
  }
}
