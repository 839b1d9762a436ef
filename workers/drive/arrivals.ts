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
      return new Poisson(1000 / spec.rate, seed)
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
/** Of 32 random bits. */
const scales = ends.map((end) => end / TWO_32)
/** Random bits that are drawn at once. */
const BITS = 512

/** Exponential gaps, none of which is 0 or infinite. */
class Poisson implements Arrivals {
  private readonly meanGap: number
  private readonly random: Random
  private readonly bits = new Int32Array(BITS)
  private place = BITS
  private at = 0

  constructor(meanGap: number, seed: number) {
    this.meanGap = meanGap
    this.random = new Random(seed)
  }

  draw(out: Float64Array): number {
    const { bits, meanGap, random } = this
    let { at } = this
    // Known to be a whole number, it stays in a register.
    let place = this.place | 0
    for (let i = 0; i < out.length; i++) {
      if (place === BITS) {
        random.fill(bits)
        place = 0
      }
      const drawn = bits[place++]!
      const layer = drawn & (LAYERS - 1)
      let gap = ((drawn >>> 0) + 0.5) * scales[layer]!
      if (gap >= ends[layer + 1]!) {
        this.place = place
        gap = this.outside(layer, gap)
        place = this.place | 0
      }
      at += gap * meanGap
      out[i] = at
    }
    this.at = at
    this.place = place
    return out.length
  }

  /** What becomes of a draw right of the part of its layer that is under the curve as a whole. */
  private outside(layer: number, x: number): number {
    // What is beyond the tail's begin is exponential again.
    for (let beyond = 0; ; ) {
      if (x < ends[layer + 1]!) return beyond + x
      if (layer === 0) beyond += TAIL
      else {
        const low = heights[layer]!
        const share = (this.nextBits() >>> 0) / TWO_32
        if (low + share * (heights[layer + 1]! - low) < exp(-x)) return beyond + x
      }
      const drawn = this.nextBits()
      layer = drawn & (LAYERS - 1)
      x = ((drawn >>> 0) + 0.5) * scales[layer]!
    }
  }

  private nextBits(): number {
    if (this.place === BITS) {
      this.random.fill(this.bits)
      this.place = 0
    }
    return this.bits[this.place++]!
  }
}

/**
 * A Poisson process whose rate is high in the first part of each period and low in the rest. Events of a process with
 * rate 1 are placed where the expected number of events so far reaches their time (time rescaling).
 */
class Bursts implements Arrivals {
  private readonly expected: Poisson
  private readonly periodMs: number
  private readonly onMs: number
  /** Expected events of a period, and of its burst. */
  private readonly perPeriod: number
  private readonly perBurst: number
  private last = 0

  constructor({ rate, duty, factor, period_ms }: Extract<ArrivalSpec, { pattern: 'bursts' }>, seed: number) {
    this.expected = new Poisson(1, seed)
    this.periodMs = period_ms
    this.onMs = period_ms * duty
    this.perPeriod = (rate * period_ms) / 1000
    this.perBurst = this.perPeriod * duty * factor
  }

  draw(out: Float64Array): number {
    this.expected.draw(out)
    for (let i = 0; i < out.length; i++) {
      // The two parts of a period may meet one rounding apart.
      this.last = max(this.last, this.timeOf(out[i]!))
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
