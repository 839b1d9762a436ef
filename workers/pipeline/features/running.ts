/** Declared features at work. A result that is no number is filled with the mean of the feature's results so far. */
import { HISTORIES, type History, type HistoryOptions } from './history.ts'
import type { LabelTiming, Running, RunningState } from './table.ts'

/** Sum and count of the numbers so far, which fill what is none. */
class Fallback {
  private count: number
  private sum: number

  constructor([count, sum]: [count: number, sum: number] = [0, 0]) {
    this.count = count
    this.sum = sum
  }

  settle(value: number): number {
    if (!Number.isFinite(value)) return this.count === 0 ? 0 : this.sum / this.count
    this.count += 1
    this.sum += value
    return value
  }

  toJSON(): [number, number] {
    return [this.count, this.sum]
  }
}

/** Of one row's values alone. */
export class Elementwise implements Running {
  private readonly of: (values: Float64Array) => number
  private readonly values: Float64Array
  private readonly fallback: Fallback

  constructor(operands: number, of: (values: Float64Array) => number, state?: RunningState) {
    this.of = of
    this.values = new Float64Array(operands)
    this.fallback = new Fallback(state?.['fallback'] as [number, number] | undefined)
  }

  fill(out: Float64Array, rows: number, operands: readonly Float64Array[]): void {
    const { values, fallback } = this
    for (let row = 0; row < rows; row += 1) {
      for (let i = 0; i < values.length; i += 1) values[i] = operands[i]![row]!
      out[row] = fallback.settle(this.of(values))
    }
  }

  toJSON(): RunningState {
    return { fallback: this.fallback.toJSON() }
  }
}

/** Of the rows before, in the same group; of a target, the rows whose target is known by then. */
export class Past implements Running {
  private readonly start: (state?: number[]) => History
  private readonly labels: LabelTiming | null
  /** By group code + 1; 0 stands for missing. */
  private readonly groups: (History | undefined)[] = []
  private readonly fallback: Fallback
  private rows: number
  /** Values not yet known, oldest first: group code, value. The oldest belongs to row `rows - waiting`. */
  private waiting: [group: number, value: number][]

  constructor(op: string, options: HistoryOptions, labels: LabelTiming | null, state?: RunningState) {
    this.start = (saved) => HISTORIES[op]!(options, saved)
    this.labels = labels
    this.fallback = new Fallback(state?.['fallback'] as [number, number] | undefined)
    this.rows = (state?.['rows'] as number | undefined) ?? 0
    this.waiting = [...((state?.['waiting'] as [number, number][] | undefined) ?? [])]
    const saved = (state?.['groups'] as [number, number[]][] | undefined) ?? []
    for (const [group, history] of saved) this.groups[group] = this.start(history)
  }

  fill(out: Float64Array, rows: number, [values]: readonly Float64Array[], codes: Int32Array | null): void {
    const { labels, fallback } = this
    for (let row = 0; row < rows; row += 1) {
      if (labels !== null && this.rows % labels.batch === 0) this.reveal(labels.delay)
      const group = codes === null ? 0 : codes[row]! + 1
      let history = this.groups[group]
      if (history === undefined) {
        history = this.start()
        this.groups[group] = history
      }
      out[row] = fallback.settle(history.value)
      if (labels === null) history.push(values![row]!)
      else this.waiting.push([group, values![row]!])
      this.rows += 1
    }
  }

  toJSON(): RunningState {
    const groups = this.groups.flatMap((history, group) => (history ? [[group, history.toJSON()]] : []))
    return { fallback: this.fallback.toJSON(), rows: this.rows, waiting: this.waiting, groups }
  }

  private reveal(delay: number): void {
    const known = Math.max(0, this.waiting.length - delay)
    for (const [group, value] of this.waiting.slice(0, known)) this.groups[group]!.push(value)
    if (known > 0) this.waiting = this.waiting.slice(known)
  }
}
