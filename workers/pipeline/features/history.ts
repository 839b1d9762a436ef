/** What is remembered of the earlier values of one group. */

export interface History {
  /** The feature for the next row; NaN where there is too little history. */
  readonly value: number
  push(value: number): void
  toJSON(): number[]
}

export interface HistoryOptions {
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
      // Rounding does not pile up: once a round the sums are made anew.
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
