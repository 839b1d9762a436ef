/** What is remembered of the earlier values of one group. */
import type { LabelTiming, Running, RunningState } from './table.ts'

interface History {
  /** The feature for the next row; NaN where there is too little history. */
  readonly value: number
  push(value: number): void
  toJSON(): number[]
}

interface HistoryOptions {
  window: number
  alpha: number
}

export const HISTORIES: Record<string, (options: HistoryOptions, state?: number[]) => History> = {
  lag: ({ window }, state) => new Window(window, (kept) => kept.oldest, state),
  rolling_mean: ({ window }, state) => new Window(window, (kept) => kept.mean, state),
  rolling_std: ({ window }, state) => new Window(window, (kept) => kept.deviation, state),
  rolling_sum: ({ window }, state) => new Window(window, (kept) => kept.sum, state),
  rolling_min: ({ window }, state) => new Extreme(window, -1, state),
  rolling_max: ({ window }, state) => new Extreme(window, 1, state),
  ewm_mean: ({ alpha }, state) => new Weighted(alpha, (kept) => kept.mean, state),
  ewm_std: ({ alpha }, state) => new Weighted(alpha, (kept) => kept.deviation, state),
  count: (_, state) => new Count(state),
}

const FIRST_ROOM = 16

/** The last `size` values in a ring, with their sums. */
class Ring {
  count = 0
  sum = 0
  squares = 0
  private readonly size: number
  private ring: Float64Array
  /** Where the next value goes. */
  private next = 0

  constructor(size: number) {
    this.size = size
    this.ring = new Float64Array(Math.min(size, FIRST_ROOM))
  }

  push(value: number): void {
    if (this.count === this.ring.length && this.count < this.size) this.grow()
    if (this.count === this.size) {
      const gone = this.ring[this.next]!
      this.sum -= gone
      this.squares -= gone * gone
    } else this.count += 1
    this.ring[this.next] = value
    this.sum += value
    this.squares += value * value
    this.next += 1
    if (this.next === this.ring.length) {
      this.next = 0
      // Rounding does not pile up: once per round the sums are made anew.
      this.resum()
    }
  }

  /** The i-th oldest. */
  at(i: number): number {
    return this.ring[(this.next - this.count + i + this.ring.length) % this.ring.length]!
  }

  private grow(): void {
    const values = Array.from({ length: this.count }, (_, i) => this.at(i))
    this.ring = new Float64Array(Math.min(this.size, 2 * this.ring.length))
    this.ring.set(values)
    this.next = this.count
  }

  private resum(): void {
    this.sum = 0
    this.squares = 0
    for (let i = 0; i < this.count; i += 1) {
      const value = this.at(i)
      this.sum += value
      this.squares += value * value
    }
  }

  toJSON(): number[] {
    const values = Array.from({ length: this.count }, (_, i) => this.at(i))
    return [this.ring.length, this.next, this.sum, this.squares, ...values]
  }

  static fromJSON(size: number, [room, next, sum, squares, ...values]: number[]): Ring {
    const ring = new Ring(size)
    ring.ring = new Float64Array(room!)
    ring.next = next!
    ring.count = values.length
    ring.sum = sum!
    ring.squares = squares!
    for (const [i, value] of values.entries()) {
      ring.ring[(ring.next - ring.count + i + ring.ring.length) % ring.ring.length] = value
    }
    return ring
  }
}

class Window implements History {
  private readonly size: number
  private readonly ring: Ring
  private readonly read: (kept: Window) => number

  constructor(size: number, read: (kept: Window) => number, state?: number[]) {
    this.size = size
    this.read = read
    this.ring = state === undefined ? new Ring(size) : Ring.fromJSON(size, state)
  }

  get value(): number {
    return this.read(this)
  }

  get sum(): number {
    return this.ring.sum
  }

  get mean(): number {
    return this.ring.sum / this.ring.count
  }

  /** Of the sample, by n - 1. */
  get deviation(): number {
    const { count, sum, squares } = this.ring
    return count < 2 ? Number.NaN : Math.sqrt(Math.max(0, squares - (sum * sum) / count) / (count - 1))
  }

  /** The value `size` rows back. */
  get oldest(): number {
    return this.ring.count < this.size ? Number.NaN : this.ring.at(0)
  }

  push(value: number): void {
    this.ring.push(value)
  }

  toJSON(): number[] {
    return this.ring.toJSON()
  }
}

/** Largest (sign 1) or smallest (sign -1) of the last `size` values, from a queue in falling order of the candidates. */
class Extreme implements History {
  private readonly size: number
  private readonly sign: number
  private seen = 0
  private head = 0
  /** Candidates: when each came, and its value. */
  private queue: [at: number, value: number][] = []

  constructor(size: number, sign: 1 | -1, state?: number[]) {
    this.size = size
    this.sign = sign
    if (state === undefined) return
    this.seen = state[0]!
    for (let i = 1; i < state.length; i += 2) this.queue.push([state[i]!, state[i + 1]!])
  }

  get value(): number {
    return this.queue[this.head]?.[1] ?? Number.NaN
  }

  push(value: number): void {
    const { queue, sign } = this
    while (queue.length > this.head && sign * queue.at(-1)![1] <= sign * value) queue.pop()
    queue.push([this.seen, value])
    this.seen += 1
    if (queue[this.head]![0] < this.seen - this.size) this.head += 1
    if (this.head > FIRST_ROOM && 2 * this.head > queue.length) {
      this.queue = queue.slice(this.head)
      this.head = 0
    }
  }

  toJSON(): number[] {
    return [this.seen, ...this.queue.slice(this.head).flat()]
  }
}

/**
 * Exponentially weighted mean and deviation: Finch, "Incremental calculation of weighted mean and variance" (2009).
 * The first value starts the mean.
 */
class Weighted implements History {
  private readonly alpha: number
  private readonly read: (kept: Weighted) => number
  private count: number
  mean: number
  private variance: number

  constructor(
    alpha: number,
    read: (kept: Weighted) => number,
    [count = 0, mean = 0, variance = 0]: number[] = [],
  ) {
    this.alpha = alpha
    this.read = read
    this.count = count
    this.mean = mean
    this.variance = variance
  }

  get value(): number {
    return this.count === 0 ? Number.NaN : this.read(this)
  }

  get deviation(): number {
    return this.count < 2 ? Number.NaN : Math.sqrt(this.variance)
  }

  push(value: number): void {
    this.count += 1
    if (this.count === 1) {
      this.mean = value
      return
    }
    const gap = value - this.mean
    const step = this.alpha * gap
    this.mean += step
    this.variance = (1 - this.alpha) * (this.variance + gap * step)
  }

  toJSON(): number[] {
    return [this.count, this.mean, this.variance]
  }
}

class Count implements History {
  value: number

  constructor([count = 0]: number[] = []) {
    this.value = count
  }

  push(): void {
    this.value += 1
  }

  toJSON(): number[] {
    return [this.value]
  }
}

// ---------------------------------------------------------------- features at work
// Declared features at work. A result that is no number is filled with the mean of the feature's results so far.

/** Sum and count of the numbers so far, which fill what is none. */
class Fallback {
  private count: number
  private sum: number

  constructor([count, sum]: [count: number, sum: number] = [0, 0]) {
    this.count = count
    this.sum = sum
  }

  settle(value: number): number {
    if (!Number.isFinite(value)) return this.count === 0 ? 0 : this.sum / this.count
    this.count += 1
    this.sum += value
    return value
  }

  toJSON(): [number, number] {
    return [this.count, this.sum]
  }
}

/** Of one row's values only. */
export class Elementwise implements Running {
  private readonly of: (values: Float64Array) => number
  private readonly values: Float64Array
  private readonly fallback: Fallback

  constructor(operands: number, of: (values: Float64Array) => number, state?: RunningState) {
    this.of = of
    this.values = new Float64Array(operands)
    this.fallback = new Fallback(state?.['fallback'] as [number, number] | undefined)
  }

  fill(out: Float64Array, rows: number, operands: readonly Float64Array[]): void {
    const { values, fallback } = this
    for (let row = 0; row < rows; row += 1) {
      for (let i = 0; i < values.length; i += 1) values[i] = operands[i]![row]!
      out[row] = fallback.settle(this.of(values))
    }
  }

  toJSON(): RunningState {
    return { fallback: this.fallback.toJSON() }
  }
}

/** Of the rows before, in the same group; of a target, the rows whose target is known by then. */
export class Past implements Running {
  private readonly start: (state?: number[]) => History
  private readonly labels: LabelTiming | null
  /** By group code + 1; 0 stands for missing. */
  private readonly groups: (History | undefined)[] = []
  private readonly fallback: Fallback
  private rows: number
  /** Values not yet known, oldest first: group code, value. The oldest belongs to row `rows - waiting`. */
  private waiting: [group: number, value: number][]

  constructor(op: string, options: HistoryOptions, labels: LabelTiming | null, state?: RunningState) {
    this.start = (saved) => HISTORIES[op]!(options, saved)
    this.labels = labels
    this.fallback = new Fallback(state?.['fallback'] as [number, number] | undefined)
    this.rows = (state?.['rows'] as number | undefined) ?? 0
    this.waiting = [...((state?.['waiting'] as [number, number][] | undefined) ?? [])]
    const saved = (state?.['groups'] as [number, number[]][] | undefined) ?? []
    for (const [group, history] of saved) this.groups[group] = this.start(history)
  }

  fill(out: Float64Array, rows: number, [values]: readonly Float64Array[], codes: Int32Array | null): void {
    const { labels, fallback } = this
    for (let row = 0; row < rows; row += 1) {
      if (labels !== null && this.rows % labels.batch === 0) this.reveal(labels.delay)
      const group = codes === null ? 0 : codes[row]! + 1
      let history = this.groups[group]
      if (history === undefined) {
        history = this.start()
        this.groups[group] = history
      }
      out[row] = fallback.settle(history.value)
      if (labels === null) history.push(values![row]!)
      else this.waiting.push([group, values![row]!])
      this.rows += 1
    }
  }

  toJSON(): RunningState {
    const groups = this.groups.flatMap((history, group) => (history ? [[group, history.toJSON()]] : []))
    return { fallback: this.fallback.toJSON(), rows: this.rows, waiting: this.waiting, groups }
  }

  private reveal(delay: number): void {
    const known = Math.max(0, this.waiting.length - delay)
    for (const [group, value] of this.waiting.slice(0, known)) this.groups[group]!.push(value)
    if (known > 0) this.waiting = this.waiting.slice(known)
  }
}
