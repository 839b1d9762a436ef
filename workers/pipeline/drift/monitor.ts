/** Watches target, error, features and categories of a stream for drift. */
import type { FeatureBatch } from '../learn/learner.ts'
import { Adwin } from './adwin.ts'
import { CategoricalDrift } from './categorical.ts'
import type { DetectorState } from './detector.ts'
import { KolmogorovSmirnov } from './kolmogorov-smirnov.ts'
import { PageHinkley } from './page-hinkley.ts'
import { Standardiser, type StandardiserState } from './standardiser.ts'

/** Each sixteenth row behind this one is enough for windows, which are many: by row, so never by chunk. */
const EVERY_ROW_UNTIL = 4096
const THEN_EACH = 16
/** Values between two tests of ADWIN, which find a change as surely as more would. */
const CLOCK = { clock: 128 }
/** Many streams are tested many times, so that one test must seldom be wrong. */
const WINDOW = { window: 256, alpha: 1e-5 }
/** Page-Hinkley in standard deviations: a shift of half of one does not matter. */
const SHIFT = { delta: 0.5, threshold: 50, alpha: 1 }

/** Weights of the newest value in the two means that tell the way a stream goes. */
const FAST = 0.05
const SLOW = 0.005

export interface Alarm {
  /** Number of the data row, from 1. */
  row: number
  /** Of the rows with a target, from 0. */
  kept_row: number
  /** `target`, `error`, or the name of a feature or category. */
  stream: string
  detector: string
  /** Where the stream is a number: the way it went of late. */
  direction?: 'up' | 'down'
}

export interface MonitorState {
  scaling: Record<string, StandardiserState>
  detectors: Record<string, Record<string, DetectorState>>
  trends: Record<string, [fast: number, slow: number]>
  counts: AlarmCounts
}

/** By stream and detector. */
export type AlarmCounts = Record<
  string,
  Record<string, { alarms: number; first_row: number; last_row: number }>
>

interface Shape {
  features: readonly string[]
  slots: readonly string[]
  task: 'regression' | 'classification'
}

/** One number a row: its mean and its distribution are watched, in deviations from how it began. */
class NumberStream {
  readonly name: string
  readonly scaling: Standardiser
  readonly adwin: Adwin
  readonly pageHinkley: PageHinkley
  readonly windows: KolmogorovSmirnov
  /** Exponentially weighted means over few and over many values. */
  fast: number
  slow: number

  constructor(name: string, state?: MonitorState) {
    this.name = name
    ;[this.fast, this.slow] = state?.trends[name] ?? [0, 0]
    this.scaling = new Standardiser(state?.scaling[name])
    const saved = state?.detectors[name]
    this.adwin = saved === undefined ? new Adwin(CLOCK) : Adwin.fromJSON(saved['adwin']!)
    this.pageHinkley =
      saved === undefined ? new PageHinkley(SHIFT) : PageHinkley.fromJSON(saved['page_hinkley']!)
    this.windows = windowOf(saved)
  }

  toJSON(): Record<string, DetectorState> {
    const { adwin, pageHinkley, windows } = this
    return { adwin: adwin.toJSON(), page_hinkley: pageHinkley.toJSON(), kolmogorov_smirnov: windows.toJSON() }
  }
}

type Saved = Readonly<Record<string, DetectorState>> | undefined

function windowOf(saved: Saved): KolmogorovSmirnov {
  const state = saved?.['kolmogorov_smirnov']
  return state === undefined ? new KolmogorovSmirnov(WINDOW) : KolmogorovSmirnov.fromJSON(state)
}

function mixOf(saved: Saved): CategoricalDrift {
  const state = saved?.['categorical']
  return state === undefined ? new CategoricalDrift(WINDOW) : CategoricalDrift.fromJSON(state)
}

export class Monitor {
  private readonly task: Shape['task']
  private readonly target: NumberStream | null
  private error: NumberStream
  private readonly featureNames: readonly string[]
  private readonly features: readonly KolmogorovSmirnov[]
  private readonly slotNames: readonly string[]
  private readonly slots: readonly CategoricalDrift[]
  private readonly counts: AlarmCounts
  private alarms: Alarm[] = []
  private readonly numberOf: (row: number) => number

  /** @param numberOf number of the data row, from 1, of the kept row, from 0; asked in rising order */
  constructor({ features, slots, task }: Shape, numberOf: (row: number) => number, state?: MonitorState) {
    this.task = task
    this.numberOf = numberOf
    // A label's mix is watched as a category's is.
    this.target = task === 'regression' ? new NumberStream('target', state) : null
    this.error = new NumberStream('error', state)
    this.featureNames = features
    this.features = features.map((name) => windowOf(state?.detectors[name]))
    this.slotNames = task === 'regression' ? slots : [...slots, 'target']
    this.slots = this.slotNames.map((name) => mixOf(state?.detectors[name]))
    this.counts = structuredClone(state?.counts ?? {})
  }

  /**
   * Takes rows `from` to `to`, in order.
   * @param before rows taken before these, over the whole stream
   * @param predictions `width` numbers a row, the prediction first, those of `from` at row `first`; null where the
   *   rows were not predicted
   */
  observe(
    batch: FeatureBatch,
    from: number,
    to: number,
    before: number,
    predictions: Float64Array | null,
    first = 0,
    width = 1,
  ): void {
    const { dense, hot, target } = batch
    const { features, slots } = this
    for (let row = from; row < to; row += 1) {
      const at = before + row - from
      const windowed = at < EVERY_ROW_UNTIL || at % THEN_EACH === 0
      const actual = target[row]!
      if (this.target !== null) this.watch(this.target, actual, at, windowed)
      if (predictions !== null) {
        const predicted = predictions[(first + row - from) * width]!
        const error = this.task === 'regression' ? Math.abs(actual - predicted) : actual === predicted ? 0 : 1
        this.watch(this.error, error, at, windowed)
      }
      if (!windowed) continue
      for (let j = 0; j < features.length; j += 1) {
        if (features[j]!.add(dense[row * batch.width + j]!)) {
          this.alarm(at, this.featureNames[j]!, 'kolmogorov_smirnov')
        }
      }
      for (let s = 0; s < slots.length; s += 1) {
        const code = s < batch.slots ? hot[row * batch.slots + s]! : actual
        if (slots[s]!.add(code)) this.alarm(at, this.slotNames[s]!, 'categorical')
      }
    }
  }

  /** The alarms since the last call. */
  take(): Alarm[] {
    const { alarms } = this
    this.alarms = []
    return alarms
  }

  /** The error of a learner that starts afresh says nothing about the one before. */
  restartError(): void {
    this.error = new NumberStream(this.error.name)
  }

  summary(): AlarmCounts {
    return this.counts
  }

  toJSON(): MonitorState {
    const scaling: MonitorState['scaling'] = {}
    const detectors: MonitorState['detectors'] = {}
    const trends: MonitorState['trends'] = {}
    for (const stream of [this.target, this.error]) {
      if (stream === null) continue
      scaling[stream.name] = stream.scaling.toJSON()
      trends[stream.name] = [stream.fast, stream.slow]
      detectors[stream.name] = stream.toJSON()
    }
    for (const [j, name] of this.featureNames.entries()) {
      detectors[name] = { kolmogorov_smirnov: this.features[j]!.toJSON() }
    }
    for (const [s, name] of this.slotNames.entries()) {
      detectors[name] = { ...detectors[name], categorical: this.slots[s]!.toJSON() }
    }
    return { scaling, detectors, trends, counts: structuredClone(this.counts) }
  }

  private watch(stream: NumberStream, value: number, at: number, windowed: boolean): void {
    const scaled = stream.scaling.scale(value)
    if (Number.isNaN(scaled)) return
    stream.fast += FAST * (scaled - stream.fast)
    stream.slow += SLOW * (scaled - stream.slow)
    const { name, fast, slow } = stream
    const direction = fast >= slow ? 'up' : 'down'
    if (stream.adwin.add(scaled)) this.alarm(at, name, 'adwin', direction)
    if (stream.pageHinkley.add(scaled)) this.alarm(at, name, 'page_hinkley', direction)
    if (windowed && stream.windows.add(scaled)) this.alarm(at, name, 'kolmogorov_smirnov', direction)
  }

  private alarm(kept: number, stream: string, detector: string, direction?: 'up' | 'down'): void {
    const row = this.numberOf(kept)
    this.alarms.push({ row, kept_row: kept, stream, detector, ...(direction !== undefined && { direction }) })
    this.counts[stream] ??= {}
    const count = this.counts[stream][detector]
    this.counts[stream][detector] = {
      alarms: (count?.alarms ?? 0) + 1,
      first_row: count?.first_row ?? row,
      last_row: row,
    }
  }
}
