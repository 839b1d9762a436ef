/** Watches target, error, features and categories of a stream for drift. */
import type { FeatureBatch } from '../learn/learner.ts'
import { Adwin } from './adwin.ts'
import { CategoricalDrift } from './categorical.ts'
import type { DetectorState, DriftDetector } from './detector.ts'
import { KolmogorovSmirnov } from './kolmogorov-smirnov.ts'
import { PageHinkley } from './page-hinkley.ts'
import { detectorFromJSON } from './registry.ts'
import { Standardiser, type StandardiserState } from './standardiser.ts'

/** Each eighth row behind this one is enough for features, whose windows are many: by row, so never by chunk. */
const EVERY_ROW_UNTIL = 4096
const THEN_EACH = 8
/** Many streams are tested many times, so that one test must seldom be wrong. */
const WINDOW = { window: 256, alpha: 1e-5 }
/** Page-Hinkley in standard deviations: a shift of a quarter does not matter. */
const SHIFT = { delta: 0.25, threshold: 25, alpha: 1 }

export interface Alarm {
  /** Of the rows with a target, from 0. */
  row: number
  /** `target`, `error`, or the name of a feature or category. */
  stream: string
  detector: string
}

export interface MonitorState {
  scaling: Record<string, StandardiserState>
  detectors: Record<string, Record<string, DetectorState>>
  counts: AlarmCounts
}

/** By stream and detector. */
export type AlarmCounts = Record<string, Record<string, { alarms: number; first_row: number; last_row: number }>>

interface Shape {
  features: readonly string[]
  slots: readonly string[]
  task: 'regression' | 'classification'
}

/** One number a row: its mean and its distribution are watched, in deviations from how it began. */
class NumberStream {
  readonly name: string
  readonly scaling: Standardiser
  readonly detectors: [string, DriftDetector][]

  constructor(name: string, state?: MonitorState) {
    this.name = name
    this.scaling = new Standardiser(state?.scaling[name])
    const saved = state?.detectors[name]
    this.detectors = [
      ['adwin', restored(saved, 'adwin') ?? new Adwin()],
      ['page_hinkley', restored(saved, 'page_hinkley') ?? new PageHinkley(SHIFT)],
      ['kolmogorov_smirnov', restored(saved, 'kolmogorov_smirnov') ?? new KolmogorovSmirnov(WINDOW)],
    ]
  }
}

export class Monitor {
  private readonly task: Shape['task']
  private readonly target: NumberStream | null
  private readonly error: NumberStream
  private readonly features: [string, DriftDetector][]
  private readonly slots: [string, DriftDetector][]
  private readonly counts: AlarmCounts
  private alarms: Alarm[] = []

  constructor({ features, slots, task }: Shape, state?: MonitorState) {
    this.task = task
    // A label's mix is watched as a category's is.
    this.target = task === 'regression' ? new NumberStream('target', state) : null
    this.error = new NumberStream('error', state)
    const window = (name: string): [string, DriftDetector] => [
      name,
      restored(state?.detectors[name], 'kolmogorov_smirnov') ?? new KolmogorovSmirnov(WINDOW),
    ]
    const mix = (name: string): [string, DriftDetector] => [
      name,
      restored(state?.detectors[name], 'categorical') ?? new CategoricalDrift(WINDOW),
    ]
    this.features = features.map(window)
    this.slots = (task === 'regression' ? slots : [...slots, 'target']).map(mix)
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
    for (let row = from; row < to; row += 1) {
      const at = before + row - from
      const actual = target[row]!
      if (this.target !== null) this.watch(this.target, actual, at)
      if (predictions !== null) {
        const predicted = predictions[(first + row - from) * width]!
        const error =
          this.task === 'regression' ? Math.abs(actual - predicted) : actual === predicted ? 0 : 1
        this.watch(this.error, error, at)
      }
      if (at >= EVERY_ROW_UNTIL && at % THEN_EACH !== 0) continue
      const { features, slots } = this
      for (let j = 0; j < features.length; j += 1) {
        const [name, detector] = features[j]!
        if (detector.add(dense[row * batch.width + j]!)) this.alarm(at, name, 'kolmogorov_smirnov')
      }
      for (let s = 0; s < slots.length; s += 1) {
        const [name, detector] = slots[s]!
        const code = s < batch.slots ? hot[row * batch.slots + s]! : actual
        if (detector.add(code)) this.alarm(at, name, 'categorical')
      }
    }
  }

  /** The alarms since the last call. */
  take(): Alarm[] {
    const { alarms } = this
    this.alarms = []
    return alarms
  }

  summary(): AlarmCounts {
    return this.counts
  }

  toJSON(): MonitorState {
    const scaling: MonitorState['scaling'] = {}
    const detectors: MonitorState['detectors'] = {}
    for (const stream of [this.target, this.error]) {
      if (stream === null) continue
      scaling[stream.name] = stream.scaling.toJSON()
      detectors[stream.name] = Object.fromEntries(
        stream.detectors.map(([name, detector]) => [name, detector.toJSON()]),
      )
    }
    for (const [name, detector] of this.features) detectors[name] = { kolmogorov_smirnov: detector.toJSON() }
    for (const [name, detector] of this.slots) detectors[name] = { categorical: detector.toJSON() }
    return { scaling, detectors, counts: structuredClone(this.counts) }
  }

  private watch(stream: NumberStream, value: number, at: number): void {
    const scaled = stream.scaling.scale(value)
    if (Number.isNaN(scaled)) return
    for (const [name, detector] of stream.detectors) {
      if (detector.add(scaled)) this.alarm(at, stream.name, name)
    }
  }

  private alarm(row: number, stream: string, detector: string): void {
    this.alarms.push({ row, stream, detector })
    this.counts[stream] ??= {}
    const count = this.counts[stream][detector]
    this.counts[stream][detector] = {
      alarms: (count?.alarms ?? 0) + 1,
      first_row: count?.first_row ?? row,
      last_row: row,
    }
  }
}

function restored(
  saved: Readonly<Record<string, DetectorState>> | undefined,
  name: string,
): DriftDetector | undefined {
  const state = saved?.[name]
  return state === undefined ? undefined : detectorFromJSON(state)
}
