/** One number per row: its mean and its distribution are watched, in deviations from how it began. */
import { Adwin } from './adwin.ts'
import type { DetectorState } from './detector.ts'
import { KolmogorovSmirnov } from './kolmogorov-smirnov.ts'
import type { DriftOptions } from './options.ts'
import { PageHinkley } from './page-hinkley.ts'
import { Standardiser, type StandardiserState, type Strided } from './standardiser.ts'

/** Values between two tests of ADWIN, which find a change as surely as more would. */
const CLOCK = 128
/** Streams are many: what ADWIN takes of them is summed by blocks, and cuts fall between these. */
const BLOCK = 32

/** Weights of the newest value in the two means that tell the way a stream goes. */
const FAST = 0.05
const SLOW = 0.005

/** The way a stream went of late. */
export type Direction = 'up' | 'down'

/** Rows of a batch: one number of each, and room for as many. */
export interface Values extends Strided {
  scaled: Float64Array
  count: number
  /** Places that windows take, the first `windows` of it. */
  windowed: Int32Array
  windows: number
}

export interface NumberStreamState {
  scaling: StandardiserState
  trend: [fast: number, slow: number]
  adwin: DetectorState | null
  page_hinkley: DetectorState | null
  kolmogorov_smirnov: DetectorState | null
}

/** An alarm, with the place of its value. */
interface Found {
  place: number
  detector: string
}

/**
 * The first detector to hold that the stream has changed ends it for all: what comes after is a new stream, with a scale
 * and a reference of its own, so that one change gives one alarm.
 */
export class NumberStream {
  private readonly options: DriftOptions
  private readonly kind: 'own' | 'feature'
  private scaling!: Standardiser
  private adwin!: Adwin | null
  private pageHinkley!: PageHinkley | null
  private windows!: KolmogorovSmirnov | null
  /** Exponentially weighted means over few and over many values. */
  private fast!: number
  private slow!: number
  /** By row of a batch: 1 where the stream was going up. */
  private rising = new Uint8Array(0)

  /** @param kind `own`: the target or the error, of which the direction is told and Page-Hinkley watches as well */
  constructor(options: DriftOptions, kind: 'own' | 'feature', state?: NumberStreamState) {
    this.options = options
    this.kind = kind
    this.restart()
    if (state === undefined) return
    this.scaling = new Standardiser(state.scaling)
    ;[this.fast, this.slow] = state.trend
    this.adwin = state.adwin && Adwin.fromJSON(state.adwin)
    this.pageHinkley = state.page_hinkley && PageHinkley.fromJSON(state.page_hinkley)
    this.windows = state.kolmogorov_smirnov && KolmogorovSmirnov.fromJSON(state.kolmogorov_smirnov)
  }

  /** Forgets everything: what comes next is another stream. */
  restart(): void {
    const { detectors, delta, shift, threshold, window, alpha } = this.options
    const own = this.kind === 'own'
    this.scaling = new Standardiser()
    this.fast = 0
    this.slow = 0
    this.adwin = detectors.includes('adwin') ? new Adwin({ delta, clock: CLOCK, block: BLOCK }) : null
    this.pageHinkley =
      own && detectors.includes('page_hinkley')
        ? new PageHinkley({ delta: shift, threshold, alpha: 1 })
        : null
    this.windows = detectors.includes('kolmogorov_smirnov') ? new KolmogorovSmirnov({ window, alpha }) : null
  }

  /** @param alarm told of each alarm, in the order of the rows */
  observe(
    values: Values,
    alarm: (place: number, detector: string, direction: Direction | undefined) => void,
  ): void {
    const { scaled, count } = values
    const own = this.kind === 'own'
    for (let from = 0; from < count; ) {
      const { start, gaps } = this.scaling.scale(values, scaled, from, count)
      if (own) this.follow(scaled, start, count)
      const found = gaps ? this.firstAlarmAmongGaps(values, start) : this.firstAlarm(values, start, count)
      if (found === null) return
      const { place, detector } = found
      alarm(place, detector, own ? (this.rising[place] === 1 ? 'up' : 'down') : undefined)
      this.restart()
      from = place + 1
    }
  }

  /** Whether any detector made a test: before that, silence says nothing. */
  get tested(): boolean {
    const { adwin, pageHinkley, windows } = this
    return adwin?.tested === true || pageHinkley?.tested === true || (windows?.statistic ?? null) !== null
  }

  toJSON(): NumberStreamState {
    const { scaling, fast, slow, adwin, pageHinkley, windows } = this
    return {
      scaling: scaling.toJSON(),
      trend: [fast, slow],
      adwin: adwin?.toJSON() ?? null,
      page_hinkley: pageHinkley?.toJSON() ?? null,
      kolmogorov_smirnov: windows?.toJSON() ?? null,
    }
  }

  /** What a learner gone wild predicts is NaN, and no value. */
  private firstAlarmAmongGaps(values: Values, start: number): Found | null {
    const { scaled, count } = values
    for (let from = start; from < count; ) {
      while (from < count && Number.isNaN(scaled[from]!)) from += 1
      let to = from
      while (to < count && !Number.isNaN(scaled[to]!)) to += 1
      const found = this.firstAlarm(values, from, to)
      if (found !== null) return found
      from = to
    }
    return null
  }

  /** Each detector takes the values up to the first alarm of those before it: after that it starts afresh anyway. */
  private firstAlarm({ scaled, windowed, windows }: Values, from: number, to: number): Found | null {
    let found: Found | null = null
    let end = to
    for (const [detector, bulk] of [
      ['adwin', this.adwin],
      ['page_hinkley', this.pageHinkley],
    ] as const) {
      const place = bulk === null ? -1 : bulk.addMany(scaled, from, end)
      if (place < 0) continue
      found = { place, detector }
      end = place
    }
    for (let i = 0; this.windows !== null && i < windows; i += 1) {
      const place = windowed[i]!
      if (place < from || place >= end) continue
      if (this.windows.add(scaled[place]!)) return { place, detector: 'kolmogorov_smirnov' }
    }
    return found
  }

  private follow(values: Float64Array, from: number, to: number): void {
    if (this.rising.length < to) this.rising = new Uint8Array(to)
    const { rising } = this
    let { fast, slow } = this
    for (let i = from; i < to; i += 1) {
      const value = values[i]!
      if (Number.isNaN(value)) continue
      fast += FAST * (value - fast)
      slow += SLOW * (value - slow)
      rising[i] = fast >= slow ? 1 : 0
    }
    this.fast = fast
    this.slow = slow
  }
}
