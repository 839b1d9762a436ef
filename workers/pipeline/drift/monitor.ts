/** Watches target, error, features and categories of a stream for drift. */
import type { FeatureBatch } from '../learn/learner.ts'
import { CategoricalDrift } from './categorical.ts'
import type { DetectorState } from './detector.ts'
import { KolmogorovSmirnov } from './kolmogorov-smirnov.ts'
import { type Direction, NumberStream } from './number-stream.ts'
import type { StandardiserState } from './standardiser.ts'
import { WINDOW, windowedPlaces } from './windows.ts'

export interface Alarm {
  /** Number of the data row, from 1. */
  row: number
  /** Of the rows with a target, from 0. */
  kept_row: number
  /** `target`, `error`, or the name of a feature or category. */
  stream: string
  detector: string
  /** Where the stream is a number: the way it went of late. */
  direction?: Direction
}

/** An alarm as its stream tells it. */
interface Found extends Pick<Alarm, 'stream' | 'detector' | 'direction'> {
  /** Row of the batch. */
  place: number
}

export interface MonitorState {
  scaling: Record<string, StandardiserState>
  detectors: Record<string, Record<string, DetectorState>>
  trends: Record<string, [fast: number, slow: number]>
  counts: AlarmCounts
}

/** By stream and detector. */
export type AlarmCounts = Record<string, Record<string, AlarmCount>>

interface AlarmCount {
  alarms: number
  first_row: number
  last_row: number
}

interface Shape {
  features: readonly string[]
  slots: readonly string[]
  task: 'regression' | 'classification'
}

/** Columns may be called as the streams are that every run has. */
function streamName(column: string): string {
  return column === 'target' || column === 'error' ? `column ${column}` : column
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

function streamOf(name: 'target' | 'error', state: MonitorState | undefined): NumberStream {
  const scaling = state?.scaling[name]
  const trend = state?.trends[name]
  const detectors = state?.detectors[name]
  return new NumberStream(scaling && trend && detectors && { scaling, trend, detectors })
}

export class Monitor {
  private readonly task: Shape['task']
  private readonly target: NumberStream | null
  private error: NumberStream
  private readonly featureNames: readonly string[]
  private readonly features: readonly KolmogorovSmirnov[]
  private readonly slotNames: readonly string[]
  private readonly slots: readonly CategoricalDrift[]
  private readonly counts: Map<string, Map<string, AlarmCount>>
  private alarms: Alarm[] = []
  /** One number a row of a batch. */
  private room = new Float64Array(0)
  /** Rows of a batch that windows take. */
  private windowed = new Int32Array(0)
  private readonly numberOf: (row: number) => number

  /** @param numberOf number of the data row, from 1, of the kept row, from 0; asked in rising order */
  constructor({ features, slots, task }: Shape, numberOf: (row: number) => number, state?: MonitorState) {
    this.task = task
    this.numberOf = numberOf
    // A label's mix is watched as a category's is.
    this.target = task === 'regression' ? streamOf('target', state) : null
    this.error = streamOf('error', state)
    const saved = new Map(Object.entries(state?.detectors ?? {}))
    this.featureNames = features.map(streamName)
    this.features = this.featureNames.map((name) => windowOf(saved.get(name)))
    const slotNames = slots.map(streamName)
    this.slotNames = task === 'regression' ? slotNames : [...slotNames, 'target']
    this.slots = this.slotNames.map((name) => mixOf(saved.get(name)))
    this.counts = new Map(
      Object.entries(state?.counts ?? {}).map(([stream, counts]) => [
        stream,
        new Map(Object.entries(counts)),
      ]),
    )
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
    const count = to - from
    if (this.room.length < count) {
      this.room = new Float64Array(count)
      this.windowed = new Int32Array(count)
    }
    const { room, windowed } = this
    const windows = windowedPlaces(before, count, windowed)
    const found: Found[] = []
    const watch = (name: string, stream: NumberStream) =>
      stream.observe(room, count, windowed, windows, (place, detector, direction) =>
        found.push({ place, stream: name, detector, direction }),
      )
    if (this.target !== null) {
      for (let k = 0; k < count; k += 1) room[k] = target[from + k]!
      watch('target', this.target)
    }
    if (predictions !== null) {
      const regression = this.task === 'regression'
      for (let k = 0; k < count; k += 1) {
        const distance = Math.abs(target[from + k]! - predictions[(first + k) * width]!)
        room[k] = regression ? distance : distance === 0 ? 0 : 1
      }
      watch('error', this.error)
    }
    const { features, slots } = this
    for (let i = 0; i < windows; i += 1) {
      const place = windowed[i]!
      const row = from + place
      for (let j = 0; j < features.length; j += 1) {
        if (!features[j]!.add(dense[row * batch.width + j]!)) continue
        found.push({ place, stream: this.featureNames[j]!, detector: 'kolmogorov_smirnov' })
      }
      for (let s = 0; s < slots.length; s += 1) {
        const code = s < batch.slots ? hot[row * batch.slots + s]! : target[row]!
        if (slots[s]!.add(code)) found.push({ place, stream: this.slotNames[s]!, detector: 'categorical' })
      }
    }
    // Row by row, as they are told; within a row in the order of the streams.
    if (found.length > 1) found.sort((a, b) => a.place - b.place)
    for (const { place, ...alarm } of found) this.alarm(before + place, alarm)
  }

  /** The alarms since the last call. */
  take(): Alarm[] {
    const { alarms } = this
    this.alarms = []
    return alarms
  }

  /** The error of a learner that starts afresh says nothing about the one before. */
  restartError(): void {
    this.error = new NumberStream()
  }

  summary(): AlarmCounts {
    return Object.fromEntries(
      [...this.counts].map(([stream, counts]) => [stream, Object.fromEntries(counts)]),
    )
  }

  /** Streams that were too short for a test, so that the absence of alarms says nothing about them. */
  untested(): string[] {
    const { target, error, features, slots } = this
    const untested = [
      ...(target === null || target.tested ? [] : ['target']),
      ...(error.tested ? [] : ['error']),
      ...this.featureNames.filter((_, j) => features[j]!.statistic === null),
      ...this.slotNames.filter((_, s) => slots[s]!.statistic === null),
    ]
    // A stream that starts afresh after an alarm was tested before.
    return untested.filter((name) => !this.counts.has(name))
  }

  toJSON(): MonitorState {
    const scaling: MonitorState['scaling'] = {}
    const trends: MonitorState['trends'] = {}
    const detectors = new Map<string, Record<string, DetectorState>>()
    const streams = { ...(this.target !== null && { target: this.target }), error: this.error }
    for (const [name, stream] of Object.entries(streams)) {
      const state = stream.toJSON()
      scaling[name] = state.scaling
      trends[name] = state.trend
      detectors.set(name, state.detectors)
    }
    for (const [j, name] of this.featureNames.entries()) {
      detectors.set(name, { kolmogorov_smirnov: this.features[j]!.toJSON() })
    }
    for (const [s, name] of this.slotNames.entries()) {
      detectors.set(name, { ...detectors.get(name), categorical: this.slots[s]!.toJSON() })
    }
    return { scaling, detectors: Object.fromEntries(detectors), trends, counts: this.summary() }
  }

  private alarm(kept: number, alarm: Omit<Found, 'place'>): void {
    const row = this.numberOf(kept)
    this.alarms.push({ row, kept_row: kept, ...alarm })
    const { stream, detector } = alarm
    const counts = this.counts.get(stream) ?? new Map<string, AlarmCount>()
    this.counts.set(stream, counts)
    const { alarms = 0, first_row = row } = counts.get(detector) ?? {}
    counts.set(detector, { alarms: alarms + 1, first_row, last_row: row })
  }
}
