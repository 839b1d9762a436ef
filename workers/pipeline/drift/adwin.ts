/** ADWIN: a window that grows while its mean is stable and drops its old end when it is not. */
import type { BulkDetector, DetectorState } from './detector.ts'

export interface AdwinOptions {
  /** Bound on the chance of a false alarm at a test. */
  delta: number
  /** Values between tests. */
  clock: number
  /** Buckets of one size before two are merged. */
  max_buckets: number
  /** Smallest part of the window on either side of a cut. */
  min_window: number
  /** Values before the first test. */
  grace: number
  /** Values in the smallest bucket, a divisor of `clock`: cuts fall between buckets. More are faster to take. */
  block: number
}

const ADWIN_DEFAULTS: AdwinOptions = {
  delta: 0.002,
  clock: 32,
  max_buckets: 5,
  min_window: 5,
  grace: 10,
  block: 1,
}

/** Buckets of one size, oldest first; `room` for those that stay and those that come between two tests. */
class Level {
  count = 0
  readonly sums: Float64Array
  /** Sums of squared deviations from each bucket's mean. */
  readonly m2s: Float64Array

  constructor(room: number) {
    this.sums = new Float64Array(room)
    this.m2s = new Float64Array(room)
  }

  /** Takes the oldest buckets away. */
  drop(buckets: number): void {
    const { sums, m2s, count } = this
    for (let i = buckets; i < count; i += 1) {
      sums[i - buckets] = sums[i]!
      m2s[i - buckets] = m2s[i]!
    }
    this.count = count - buckets
  }
}

/**
 * Bifet and Gavalda, "Learning from time-changing data with adaptive windowing" (2007), ADWIN2: exponential histogram
 * of buckets, cut where |mean0 - mean1| > sqrt(2/m var ln(2 ln n / delta)) + 2/(3m) ln(2 ln n / delta).
 * Defaults as in River; blocks are ours. Memory and time of a test are O(log n).
 */
export class Adwin implements BulkDetector {
  readonly options: AdwinOptions
  /** levels[i]: buckets of `block` times 2^i values, oldest first. */
  private levels: Level[]
  private seen = 0
  private width = 0
  private sum = 0
  private m2 = 0
  /** Of the values since the last whole block. */
  private partSum = 0
  private partSquares = 0

  constructor(options: Partial<AdwinOptions> = {}) {
    this.options = { ...ADWIN_DEFAULTS, ...options }
    const { delta, clock, block } = this.options
    if (!(delta > 0 && delta < 1)) throw new RangeError(`delta must be between 0 and 1, not ${delta}`)
    if (!(Number.isInteger(clock) && clock > 0))
      throw new RangeError(`clock must be a whole number from 1, not ${clock}`)
    if (!(Number.isInteger(block) && block > 0 && clock % block === 0))
      throw new RangeError(`block must be a whole number that divides clock ${clock}, not ${block}`)
    this.levels = [this.level(0)]
  }

  /** Values in the window. */
  get length(): number {
    return this.width
  }

  /** Whether a test was made. */
  get tested(): boolean {
    return this.seen >= this.options.clock
  }

  /** Mean of the window; null while it is empty. */
  get mean(): number | null {
    return this.width === 0 ? null : this.sum / this.width
  }

  add(value: number): boolean {
    return this.addMany(Float64Array.of(value), 0, 1) === 0
  }

  addMany(values: Float64Array, from: number, to: number): number {
    const { clock, grace, block } = this.options
    for (let at = from; at < to; ) {
      const end = Math.min(to, at + clock - (this.seen % clock))
      if (block === 1) this.take(values, at, end)
      else this.takeBlocks(values, at, end, block)
      at = end
      if (this.seen % clock !== 0 || this.width <= grace) continue
      let changed = false
      while (this.hasCut()) {
        changed = true
        this.dropOldest()
      }
      if (changed) return end - 1
    }
    return -1
  }

  toJSON(): DetectorState {
    return {
      detector: 'adwin',
      options: this.options,
      seen: this.seen,
      width: this.width,
      sum: this.sum,
      m2: this.m2,
      part: [this.partSum, this.partSquares],
      levels: this.levels.map(({ count, sums, m2s }) =>
        Array.from({ length: count }, (_, i) => [sums[i]!, m2s[i]!]),
      ),
    }
  }

  static fromJSON(state: DetectorState): Adwin {
    const detector = new Adwin(state['options'] as AdwinOptions)
    detector.seen = state['seen'] as number
    detector.width = state['width'] as number
    detector.sum = state['sum'] as number
    detector.m2 = state['m2'] as number
    ;[detector.partSum, detector.partSquares] = state['part'] as [number, number]
    detector.levels = (state['levels'] as [number, number][][]).map((buckets, i) => {
      const level = detector.level(i)
      level.count = buckets.length
      level.sums.set(buckets.map(([sum]) => sum))
      level.m2s.set(buckets.map(([, m2]) => m2))
      return level
    })
    return detector
  }

  /** One block in 2^i that come between two tests reaches level i. */
  private level(i: number): Level {
    const { max_buckets, clock, block } = this.options
    return new Level(max_buckets + Math.ceil(clock / block / 2 ** i))
  }

  /** Values between two tests, none beyond the next. */
  private take(values: Float64Array, from: number, to: number): void {
    const first = this.levels[0]!
    let { width, sum, m2 } = this
    for (let i = from; i < to; i += 1) {
      const value = values[i]!
      if (width > 0) {
        const delta = value - sum / width
        m2 += (delta * delta * width) / (width + 1)
      }
      width += 1
      sum += value
      first.sums[first.count + i - from] = value
      first.m2s[first.count + i - from] = 0
    }
    first.count += to - from
    this.seen += to - from
    this.width = width
    this.sum = sum
    this.m2 = m2
    this.compress()
  }

  /**
   * Values between two tests, none beyond the next; the window grows by whole blocks. Sums of squares keep their digits
   * where values are deviations of order 1.
   */
  private takeBlocks(values: Float64Array, from: number, to: number, block: number): void {
    for (let at = from; at < to; ) {
      const end = Math.min(to, at + block - (this.seen % block))
      let sum = this.partSum
      let squares = this.partSquares
      for (let i = at; i < end; i += 1) {
        const value = values[i]!
        sum += value
        squares += value * value
      }
      this.seen += end - at
      at = end
      if (this.seen % block !== 0) {
        this.partSum = sum
        this.partSquares = squares
        return
      }
      this.partSum = 0
      this.partSquares = 0
      this.addBlock(sum, Math.max(0, squares - (sum * sum) / block), block)
    }
  }

  private addBlock(sum: number, m2: number, block: number): void {
    const { width } = this
    const first = this.levels[0]!
    const gap = width === 0 ? 0 : sum / block - this.sum / width
    this.m2 += m2 + (gap * gap * block * width) / (width + block)
    this.width += block
    this.sum += sum
    first.sums[first.count] = sum
    first.m2s[first.count] = m2
    first.count += 1
    this.compress()
  }

  /** Level by level, which merges the same pairs as value by value. */
  private compress(): void {
    const { levels } = this
    const { max_buckets, block } = this.options
    for (let i = 0, size = block; i < levels.length; i += 1, size *= 2) {
      const level = levels[i]!
      const merges = Math.ceil((level.count - max_buckets) / 2)
      if (merges <= 0) return
      if (i + 1 === levels.length) levels.push(this.level(i + 1))
      const next = levels[i + 1]!
      const { sums, m2s } = level
      for (let k = 0; k < 2 * merges; k += 2) {
        const gap = (sums[k]! - sums[k + 1]!) / size
        next.sums[next.count] = sums[k]! + sums[k + 1]!
        next.m2s[next.count] = m2s[k]! + m2s[k + 1]! + (gap * gap * size) / 2
        next.count += 1
      }
      level.drop(2 * merges)
    }
  }

  /** True where some cut between two buckets parts the window into means that differ too much. */
  private hasCut(): boolean {
    const { delta, min_window, block } = this.options
    const { width, sum } = this
    const variance = this.m2 / width
    const logTerm = Math.log((2 * Math.log(width)) / delta)
    const mean = sum / width
    // Without its last term and the smallest part the bound is n0 n1 times this, below which no cut need be looked at.
    const least = ((2 * variance * logTerm) / width) * (1 - 1e-9)
    let n0 = 0
    let sum0 = 0
    const { levels } = this
    let size = block * 2 ** (levels.length - 1)
    for (let i = levels.length - 1; i >= 0; i -= 1, size /= 2) {
      const { count, sums } = levels[i]!
      for (let k = 0; k < count; k += 1) {
        n0 += size
        sum0 += sums[k]!
        const n1 = width - n0
        if (n1 < min_window) return false
        if (n0 < min_window) continue
        const excess = sum0 - n0 * mean
        if (excess * excess < least * n0 * n1) continue
        const recip = 1 / (n0 - min_window + 1) + 1 / (n1 - min_window + 1)
        const bound = Math.sqrt(2 * recip * variance * logTerm) + (2 / 3) * logTerm * recip
        if (Math.abs(sum0 / n0 - (sum - sum0) / n1) > bound) return true
      }
    }
    return false
  }

  private dropOldest(): void {
    const top = this.levels.length - 1
    const level = this.levels[top]!
    const oldest = level.sums[0]!
    const oldestM2 = level.m2s[0]!
    level.drop(1)
    const size = this.options.block * 2 ** top
    const rest = this.width - size
    const gap = oldest / size - (this.sum - oldest) / rest
    this.m2 = Math.max(0, this.m2 - oldestM2 - (gap * gap * size * rest) / this.width)
    this.width = rest
    this.sum -= oldest
    while (this.levels.length > 1 && this.levels.at(-1)!.count === 0) this.levels.pop()
  }
}
