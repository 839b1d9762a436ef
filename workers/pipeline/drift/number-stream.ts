/** One number a row: its mean and its distribution are watched, in deviations from how it began. */
import { Adwin } from './adwin.ts'
import type { BulkDetector, DetectorState } from './detector.ts'
import { KolmogorovSmirnov } from './kolmogorov-smirnov.ts'
import { PageHinkley } from './page-hinkley.ts'
import { Standardiser, type StandardiserState } from './standardiser.ts'
import { WINDOW } from './windows.ts'

/** Values between two tests of ADWIN, which find a change as surely as more would. */
const CLOCK = { clock: 128 }
/** Page-Hinkley in standard deviations: a shift of half of one does not matter. */
const SHIFT = { delta: 0.5, threshold: 50, alpha: 1 }

/** Weights of the newest value in the two means that tell the way a stream goes. */
const FAST = 0.05
const SLOW = 0.005

/** The way a stream went of late. */
export type Direction = 'up' | 'down'

export interface NumberStreamState {
  scaling: StandardiserState
  trend: [fast: number, slow: number]
  detectors: Record<string, DetectorState>
}

export class NumberStream {
  private readonly scaling: Standardiser
  private readonly adwin: Adwin
  private readonly pageHinkley: PageHinkley
  private readonly windows: KolmogorovSmirnov
  /** Exponentially weighted means over few and over many values. */
  private fast: number
  private slow: number
  /** By row of a batch: 1 where the stream was going up. */
  private rising = new Uint8Array(0)

  constructor(state?: NumberStreamState) {
    this.scaling = new Standardiser(state?.scaling)
    ;[this.fast, this.slow] = state?.trend ?? [0, 0]
    const saved = state?.detectors
    this.adwin = saved === undefined ? new Adwin(CLOCK) : Adwin.fromJSON(saved['adwin']!)
    this.pageHinkley =
      saved === undefined ? new PageHinkley(SHIFT) : PageHinkley.fromJSON(saved['page_hinkley']!)
    this.windows =
      saved === undefined
        ? new KolmogorovSmirnov(WINDOW)
        : KolmogorovSmirnov.fromJSON(saved['kolmogorov_smirnov']!)
  }

  /**
   * Takes the first `count` values, and scales them in place.
   * @param windowed places of the values that windows take, the first `windows` of it
   * @param alarm told of each alarm, detector by detector, with the place of its value
   */
  observe(
    values: Float64Array,
    count: number,
    windowed: Int32Array,
    windows: number,
    alarm: (place: number, detector: string, direction: Direction) => void,
  ): void {
    this.scaling.scale(values, count)
    this.follow(values, count)
    const tell = (place: number, detector: string) =>
      alarm(place, detector, this.rising[place] === 1 ? 'up' : 'down')
    for (let from = 0; from < count; ) {
      // What sets the scale is NaN, and what a learner gone wild predicts.
      while (from < count && Number.isNaN(values[from]!)) from += 1
      let to = from
      while (to < count && !Number.isNaN(values[to]!)) to += 1
      feed(this.adwin, values, from, to, (place) => tell(place, 'adwin'))
      feed(this.pageHinkley, values, from, to, (place) => tell(place, 'page_hinkley'))
      from = to
    }
    for (let i = 0; i < windows; i += 1) {
      const place = windowed[i]!
      const value = values[place]!
      if (!Number.isNaN(value) && this.windows.add(value)) tell(place, 'kolmogorov_smirnov')
    }
  }

  /** Whether any detector made a test: before that, silence says nothing. */
  get tested(): boolean {
    return this.adwin.tested || this.windows.statistic !== null
  }

  toJSON(): NumberStreamState {
    const { scaling, fast, slow, adwin, pageHinkley, windows } = this
    return {
      scaling: scaling.toJSON(),
      trend: [fast, slow],
      detectors: {
        adwin: adwin.toJSON(),
        page_hinkley: pageHinkley.toJSON(),
        kolmogorov_smirnov: windows.toJSON(),
      },
    }
  }

  private follow(values: Float64Array, count: number): void {
    if (this.rising.length < count) this.rising = new Uint8Array(count)
    const { rising } = this
    let { fast, slow } = this
    for (let i = 0; i < count; i += 1) {
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

function feed(
  detector: BulkDetector,
  values: Float64Array,
  from: number,
  to: number,
  alarm: (place: number) => void,
): void {
  for (let next = from; next < to; ) {
    const place = detector.addMany(values, next, to)
    if (place < 0) return
    alarm(place)
    next = place + 1
  }
}
