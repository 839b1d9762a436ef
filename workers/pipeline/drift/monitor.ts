/** Watches target, error, features and categories of a stream for drift. */
import type { FeatureBatch } from '../learn/learner.ts'
import { CategoricalDrift } from './categorical.ts'
import type { DetectorState } from './detector.ts'
import { type Direction, NumberStream, type NumberStreamState, type Values } from './number-stream.ts'
import { DRIFT_DEFAULTS, type DriftOptions } from './options.ts'
import type { Strided } from './standardiser.ts'
import { windowedPlaces } from './windows.ts'

export interface Alarm {
  /** Number of the data row, from 1. */
  row: number
  /** Of the rows with a target, from 0. */
  kept_row: number
  /** `target`, `error`, or the name of a feature or category. */
  stream: string
  detector: string
  /** Of target and error: the way they went of late. */
  direction?: Direction
}

/** An alarm as its stream tells it. */
interface Found extends Pick<Alarm, 'stream' | 'detector' | 'direction'> {
  /** Row of the batch. */
  place: number
}

export interface MonitorState {
  target: NumberStreamState | null
  error: NumberStreamState
  /** In the order of the features, and of the categories. */
  features: NumberStreamState[]
  slots: DetectorState[]
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

export class Monitor {
  private readonly task: Shape['task']
  private readonly options: DriftOptions
  private readonly target: NumberStream | null
  private readonly error: NumberStream
  private readonly featureNames: readonly string[]
  private readonly features: readonly NumberStream[]
  private readonly slotNames: readonly string[]
  /** Empty where mixes are not watched. */
  private readonly slots: readonly CategoricalDrift[]
  private readonly counts: Map<string, Map<string, AlarmCount>>
  private alarms: Alarm[] = []
  /** One number a row of a batch that is made here: errors. */
  private room = new Float64Array(0)
  private readonly values: Values = {
    values: new Float64Array(0),
    first: 0,
    step: 1,
    scaled: new Float64Array(0),
    count: 0,
    windowed: new Int32Array(0),
    windows: 0,
  }
  private readonly numberOf: (row: number) => number

  /** @param numberOf number of the data row, from 1, of the kept row, from 0; asked in rising order */
  constructor(
    { features, slots, task }: Shape,
    numberOf: (row: number) => number,
    options: DriftOptions = DRIFT_DEFAULTS,
    state?: MonitorState,
  ) {
    this.task = task
    this.options = options
    this.numberOf = numberOf
    // A label's mix is watched as a category's is.
    this.target = task === 'regression' ? new NumberStream(options, 'own', state?.target ?? undefined) : null
    this.error = new NumberStream(options, 'own', state?.error)
    this.featureNames = features.map(streamName)
    this.features = features.map((_, j) => new NumberStream(options, 'feature', state?.features[j]))
    const slotNames = slots.map(streamName)
    this.slotNames = task === 'regression' ? slotNames : [...slotNames, 'target']
    const watched = options.detectors.includes('categorical') ? this.slotNames : []
    this.slots = watched.map((_, s) => {
      const saved = state?.slots[s]
      return saved === undefined ? new CategoricalDrift(options) : CategoricalDrift.fromJSON(saved)
    })
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
   * @param predictions `width` numbers per row, the prediction first, those of `from` at row `first`; null where the
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
    const { values, features, slots } = this
    this.makeRoom(count)
    values.windows = windowedPlaces(before, count, this.options.stride, values.windowed)
    const found: Found[] = []
    const watch = (name: string, stream: NumberStream, column: Strided) =>
      stream.observe(Object.assign(values, column), (place, detector, direction) =>
        found.push({ place, stream: name, detector, ...(direction && { direction }) }),
      )
    if (this.target !== null) watch('target', this.target, { values: target, first: from, step: 1 })
    if (predictions !== null) {
      const { room } = this
      const regression = this.task === 'regression'
      for (let k = 0; k < count; k += 1) {
        const distance = Math.abs(target[from + k]! - predictions[(first + k) * width]!)
        room[k] = regression ? distance : distance === 0 ? 0 : 1
      }
      watch('error', this.error, { values: room, first: 0, step: 1 })
    }
    for (let j = 0; j < features.length; j += 1) {
      const column = { values: dense, first: from * batch.width + j, step: batch.width }
      watch(this.featureNames[j]!, features[j]!, column)
    }
    for (let s = 0; s < slots.length; s += 1) {
      // The mix of a label's classes comes last.
      const [codes, start, step] =
        s < batch.slots ? [hot, from * batch.slots + s, batch.slots] : [target, from, 1]
      for (let next = 0; next < count; ) {
        const place = slots[s]!.addMany(codes, start, step, next, count)
        if (place < 0) break
        found.push({ place, stream: this.slotNames[s]!, detector: 'categorical' })
        next = place + 1
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
    this.error.restart()
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
      ...this.featureNames.filter((_, j) => !features[j]!.tested),
      ...this.slotNames.filter((_, s) => (slots[s]?.statistic ?? null) === null),
    ]
    // A stream that starts afresh after an alarm was tested before.
    return untested.filter((name) => !this.counts.has(name))
  }

  toJSON(): MonitorState {
    return {
      target: this.target?.toJSON() ?? null,
      error: this.error.toJSON(),
      features: this.features.map((stream) => stream.toJSON()),
      slots: this.slots.map((slot) => slot.toJSON()),
      counts: this.summary(),
    }
  }

  private makeRoom(count: number): void {
    const { values } = this
    values.count = count
    if (this.room.length >= count) return
    this.room = new Float64Array(count)
    values.scaled = new Float64Array(count)
    values.windowed = new Int32Array(count)
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
