/** Scores over rows: as a curve of few points, over all rows so far and over the last ones, at fixed row numbers. */
import type { FeatureBatch, Learner } from '../learn/learner.ts'
import type { RingState } from './ring.ts'
import type { Reasons, Scores, Summary, WindowScores } from './scores.ts'

/** Columns of equal length; `rows` counts the rows scored. */
export type CurveColumns = { rows: number[] } & Record<string, (number | null)[]>

/** The windowed scores as of a row. */
export interface WindowReading {
  /** Rows scored when it was taken. */
  rows: number
  /** The window's length, in rows. */
  window: number
  scores: Summary
}

export interface CurveOptions {
  /** At most so many points; 0 for none. */
  points: number
  /** Rows a point at first: doubled, with every second point dropped, when the points are used up. */
  stride: number
  /** Rows of the window; 0 for none. */
  window: number
}

export interface CurvedScoresState {
  scores: unknown
  window: RingState | null
  reading: WindowReading | null
  stride: number
  columns: CurveColumns
}

/** Scores that also keep a curve. What it shows depends only on row numbers, never on batches or chunks. */
export class CurvedScores implements Scores {
  readonly width: number
  /** The last reading of the window: one every half window. */
  reading: WindowReading | null = null
  /** Those over all rows. */
  readonly scores: Scores
  private readonly window: WindowScores | null
  private readonly options: CurveOptions
  /** Rows between readings of the window. */
  private readonly pace: number
  private stride: number
  private columns: CurveColumns = { rows: [] }
  private nextPoint: number
  private nextReading: number
  /** The nearer of the two. */
  private nextMark: number
  private count: number

  constructor(
    scores: Scores,
    window: WindowScores | null,
    options: CurveOptions,
    state?: Omit<CurvedScoresState, 'scores' | 'window'>,
  ) {
    this.scores = scores
    this.width = scores.width
    this.window = window
    this.options = options
    this.pace = Math.max(1, Math.floor(options.window / 2))
    this.stride = state?.stride ?? Math.max(1, options.stride)
    this.columns = state?.columns ?? { rows: [] }
    this.reading = state?.reading ?? null
    this.count = scores.n
    this.nextPoint = options.points > 0 ? after(this.count, this.stride) : Number.POSITIVE_INFINITY
    this.nextReading = window === null ? Number.POSITIVE_INFINITY : after(this.count, this.pace)
    this.nextMark = Math.min(this.nextPoint, this.nextReading)
  }

  get n(): number {
    return this.count
  }

  predict(
    learner: Learner,
    batch: FeatureBatch,
    from: number,
    to: number,
    out: Float64Array,
    learned: number,
  ): void {
    this.scores.predict(learner, batch, from, to, out, learned)
  }

  add(targets: Float64Array, from: number, to: number, predictions: Float64Array, at: number): void {
    let start = from
    let first = at
    while (to - start >= this.nextMark - this.count) {
      const end = start + this.nextMark - this.count
      this.addPlain(targets, start, end, predictions, first)
      first += (end - start) * this.width
      start = end
      this.mark()
    }
    if (start < to) this.addPlain(targets, start, to, predictions, first)
  }

  summary(): Summary {
    return this.scores.summary()
  }

  reasons(): Reasons {
    return this.scores.reasons()
  }

  brief(): Summary {
    return this.scores.brief()
  }

  /** The curve up to now, its last point at the last row; null where none was asked for. */
  curve(): CurveColumns | null {
    if (this.options.points === 0) return null
    const columns: CurveColumns = { rows: [] }
    for (const [name, values] of Object.entries(this.columns)) columns[name] = [...values]
    if (this.count > 0 && columns.rows.at(-1) !== this.count) this.addPoint(columns)
    return columns
  }

  toJSON(): CurvedScoresState {
    return {
      scores: this.scores.toJSON(),
      window: this.window?.toJSON() ?? null,
      reading: this.reading,
      stride: this.stride,
      columns: this.columns,
    }
  }

  private addPlain(
    targets: Float64Array,
    from: number,
    to: number,
    predictions: Float64Array,
    at: number,
  ): void {
    this.scores.add(targets, from, to, predictions, at)
    if (this.window !== null) this.window.add(targets, from, to, predictions, at)
    this.count += to - from
  }

  private mark(): void {
    if (this.count === this.nextReading) {
      this.reading = { rows: this.count, window: this.options.window, scores: this.window!.brief() }
      this.nextReading += this.pace
    }
    if (this.count === this.nextPoint) {
      this.addPoint(this.columns)
      // One place is left for the last row.
      if (this.columns.rows.length > this.options.points - 1) this.thin()
      this.nextPoint = after(this.count, this.stride)
    }
    this.nextMark = Math.min(this.nextPoint, this.nextReading)
  }

  private addPoint(columns: CurveColumns): void {
    columns.rows.push(this.count)
    append(columns, '', this.scores.brief())
    if (this.window !== null) append(columns, 'window_', this.window.summary())
  }

  /** Keeps the points at multiples of twice the stride. */
  private thin(): void {
    this.stride *= 2
    const { rows } = this.columns
    const kept = rows.map((row) => row % this.stride === 0)
    for (const [name, values] of Object.entries(this.columns)) {
      this.columns[name] = values.filter((_, i) => kept[i])
    }
  }
}

/** The first multiple of `stride` above `count`. */
function after(count: number, stride: number): number {
  return (Math.floor(count / stride) + 1) * stride
}

function append(columns: CurveColumns, prefix: string, values: Summary): void {
  for (const name of Object.keys(values)) {
    const column = prefix + name
    columns[column] ??= []
    columns[column].push(values[name] ?? null)
  }
}
