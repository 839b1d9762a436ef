/**
 * When events arrive: from a seed, block by block, so that a long trial holds no list of all of them. The same seed
 * gives the same times on every machine; they are fixed before the clock starts and never move.
 */
import { Random } from '../data/presets/random.ts'
import type { ArrivalSpec } from '../protocol/trial-spec.ts'

export interface Arrivals {
  /**
   * Writes the next arrival times into `out`, ms from the start of the clock, in order.
   * @returns how many; fewer than there is room for only at the end of the schedule
   */
  draw(out: Float64Array): number
}

const { exp, floor, log, max } = Math
const TWO_32 = 2 ** 32

/**
 * The schedule of one trial, from its beginning.
 * @param trace times as recorded, ms from the first of them; only for the pattern `trace`
 */
export function arrivalsOf(spec: ArrivalSpec, seed: number, trace: Arrivals | null = null): Arrivals {
  switch (spec.pattern) {
    case 'constant':
      return new Constant(spec.rate)
    case 'poisson':
      return new Poisson(spec.rate, seed)
    case 'bursts':
      return new Bursts(spec, seed)
    case 'trace':
      if (trace === null) throw new Error('a trace needs its recorded times')
      return new Trace(trace, spec.speed)
  }
}

/** Event i arrives at i / rate, without a drift. */
class Constant implements Arrivals {
  private readonly rate: number
  private next = 0

  constructor(rate: number) {
    this.rate = rate
  }

  draw(out: Float64Array): number {
    for (let i = 0; i < out.length; i++) out[i] = (this.next++ * 1000) / this.rate
    return out.length
  }
}

// Layers of equal area under exp(-x), the lowest with the tail from TAIL on (G. Marsaglia and W. W. Tsang, "The ziggurat
// method for generating random variables", 2000): almost every draw is one multiplication and one comparison.
const LAYERS = 256
const TAIL = 7.69711747013105
const AREA = 0.003949659822581557
/** Right ends of the layers from the lowest up, and the density there; the lowest is as wide as its area asks. */
const ends = new Float64Array(LAYERS + 1)
const heights = new Float64Array(LAYERS + 1)
ends[0] = AREA / exp(-TAIL)
ends[1] = TAIL
for (let i = 2; i < LAYERS; i++) ends[i] = -log(AREA / ends[i - 1]! + exp(-ends[i - 1]!))
for (let i = 0; i <= LAYERS; i++) heights[i] = exp(-ends[i]!)

/** Exponential gaps with mean 1; a draw is never 0 and never infinite. */
class Exponential {
  private readonly random: Random

  constructor(seed: number) {
    this.random = new Random(seed)
  }

  gap(): number {
    // What is beyond the tail's begin is exponential again.
    for (let beyond = 0; ; ) {
      const bits = this.random.bits()
      const layer = bits & (LAYERS - 1)
      const x = ((bits >>> 0) + 0.5) * (ends[layer]! / TWO_32)
      if (x < ends[layer + 1]!) return beyond + x
      if (layer === 0) beyond += TAIL
      else {
        const low = heights[layer]!
        if (low + this.random.uniform() * (heights[layer + 1]! - low) < exp(-x)) return beyond + x
      }
    }
  }
}

class Poisson implements Arrivals {
  private readonly exponential: Exponential
  private readonly meanGapMs: number
  private at = 0

  constructor(rate: number, seed: number) {
    this.exponential = new Exponential(seed)
    this.meanGapMs = 1000 / rate
  }

  draw(out: Float64Array): number {
    const { exponential, meanGapMs } = this
    let { at } = this
    for (let i = 0; i < out.length; i++) {
      at += exponential.gap() * meanGapMs
      out[i] = at
    }
    this.at = at
    return out.length
  }
}

/**
 * A Poisson process whose rate is high in the first part of each period and low in the rest. Events of a process with
 * rate 1 are placed where the expected number of events so far reaches their time (time rescaling).
 */
class Bursts implements Arrivals {
  private readonly exponential: Exponential
  private readonly periodMs: number
  private readonly onMs: number
  /** Expected events of a period, and of its burst. */
  private readonly perPeriod: number
  private readonly perBurst: number
  private expected = 0
  private last = 0

  constructor({ rate, duty, factor, period_ms }: Extract<ArrivalSpec, { pattern: 'bursts' }>, seed: number) {
    this.exponential = new Exponential(seed)
    this.periodMs = period_ms
    this.onMs = period_ms * duty
    this.perPeriod = (rate * period_ms) / 1000
    this.perBurst = this.perPeriod * duty * factor
  }

  draw(out: Float64Array): number {
    for (let i = 0; i < out.length; i++) {
      this.expected += this.exponential.gap()
      // The two parts of a period may meet one rounding apart.
      this.last = max(this.last, this.timeOf(this.expected))
      out[i] = this.last
    }
    return out.length
  }

  private timeOf(expected: number): number {
    const { periodMs, onMs, perPeriod, perBurst } = this
    const period = floor(expected / perPeriod)
    const within = expected - period * perPeriod
    const inPeriod =
      within < perBurst || perBurst >= perPeriod
        ? (within / perBurst) * onMs
        : onMs + ((within - perBurst) / (perPeriod - perBurst)) * (periodMs - onMs)
    return period * periodMs + inPeriod
  }
}

class Trace implements Arrivals {
  private readonly recorded: Arrivals
  private readonly speed: number

  constructor(recorded: Arrivals, speed: number) {
    this.recorded = recorded
    this.speed = speed
  }

  draw(out: Float64Array): number {
    const drawn = this.recorded.draw(out)
    for (let i = 0; i < drawn; i++) out[i]! /= this.speed
    return drawn
  }
}
