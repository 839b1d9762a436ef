/** Computes features from clean chunks, a column at a time, into reused buffers. */
import type { CategoryColumn, ColumnChunk } from '../../data/columns.ts'
import type { WorkloadSettings } from '../../workload.ts'
import type { PipelineParams } from '../describe.ts'
import type { Plan } from '../plan.ts'
import { usesTarget } from './declared.ts'
import { ONE_HOT_BOUNDS, type OneHotBounds, OneHotIndex, type OneHotState } from './one-hot.ts'
import type { RowBuffer } from './row-buffer.ts'
import type { FeatureTable, Formula, LabelTiming, Running, RunningState } from './table.ts'

/** Rows of features written at once: few enough that they stay in the processor's first cache. */
const BLOCK_ROWS = 128

/** A formula with its operands as positions among the vectors. */
interface Step {
  formula: Formula
  a: number
  b: number
  c: number
  out: number
}

/** A declared feature with its operands as positions among the vectors. */
interface DeclaredStep {
  name: string
  running: Running
  of: number[]
  /** Place of the grouping column among the chunk's, or -1. */
  by: number
  out: number
}

export interface EngineerState {
  one_hot: OneHotState
  /** By name of the declared feature. */
  declared: Record<string, RunningState>
}

interface EngineerOptions {
  bounds?: OneHotBounds
  /** When targets are known; needed where a declared feature is made of earlier targets. */
  labels?: LabelTiming
}

export class FeatureEngineer {
  readonly oneHot: OneHotIndex
  private readonly table: FeatureTable
  private readonly target: string
  /** Columns of the chunk, then results of formulas. */
  private readonly vectors: Float64Array[] = []
  private steps: Step[] | null = null
  private denseAt: number[] = []
  private slotAt: number[] = []
  private targetAt = -1
  /** Rows for which the formulas' vectors have room. */
  private room = 0

  private declared: DeclaredStep[] = []
  private readonly state: EngineerState | undefined
  private readonly labels: LabelTiming

  constructor(table: FeatureTable, target: string, state?: EngineerState, options: EngineerOptions = {}) {
    this.table = table
    this.target = target
    this.state = state
    this.labels = options.labels ?? { batch: 1, delay: 0 }
    this.oneHot = new OneHotIndex(table.slots, state?.one_hot, options.bounds ?? ONE_HOT_BOUNDS)
  }

  /** Appends the chunk's rows to the buffer. All chunks must have the same columns in the same order. */
  append(chunk: ColumnChunk, buffer: RowBuffer): void {
    this.steps ??= this.plan(chunk)
    const { rows, columns } = chunk
    const { vectors } = this
    for (let i = 0; i < columns.length; i += 1) {
      const column = columns[i]!
      if (column.kind !== 'category') vectors[i] = column.values
    }
    if (rows > this.room) {
      for (let i = columns.length; i < vectors.length; i += 1) vectors[i] = new Float64Array(rows)
      this.room = rows
    }
    for (const { formula, a, b, c, out } of this.steps) {
      formula.fill(vectors[out]!, rows, vectors[a]!, vectors[b]!, vectors[c]!)
    }
    for (const { running, of, by, out } of this.declared) {
      const groups = by < 0 ? null : (columns[by] as CategoryColumn).codes
      running.fill(
        vectors[out]!,
        rows,
        of.map((at) => vectors[at]!),
        groups,
      )
    }
    buffer.reserve(rows)
    this.writeDense(buffer, rows)
    this.writeHot(buffer, columns, rows)
    const { batch } = buffer
    batch.target.set(vectors[this.targetAt]!.subarray(0, rows), batch.rows)
    batch.rows += rows
  }

  toJSON(): EngineerState {
    const declared =
      this.steps === null && this.state !== undefined
        ? this.state.declared
        : Object.fromEntries(this.declared.map(({ name, running }) => [name, running.toJSON()]))
    return { one_hot: this.oneHot.toJSON(), declared }
  }

  private plan(chunk: ColumnChunk): Step[] {
    const position = new Map<string, number>()
    for (const [i, { name, kind }] of chunk.columns.entries()) {
      if (kind !== 'category') position.set(name, i)
      this.vectors.push(new Float64Array(0))
    }
    const find = (name: string) => {
      const at = position.get(name)
      if (at === undefined) throw new RangeError(`feature table: no number column or formula "${name}"`)
      return at
    }
    const steps = this.table.formulas.map((formula) => {
      const [a, b, c] = formula.from.map((name) => find(name!))
      const out = this.vectors.push(new Float64Array(0)) - 1
      position.set(formula.name, out)
      // Operands that a formula does not name are never read.
      return { formula, a: a!, b: b ?? a!, c: c ?? a!, out }
    })
    const category = (name: string) =>
      chunk.columns.findIndex((column) => column.name === name && column.kind === 'category')
    const saved = new Map(Object.entries(this.state?.declared ?? {}))
    for (const feature of this.table.declared ?? []) {
      const of = feature.of.map(find)
      const out = this.vectors.push(new Float64Array(0)) - 1
      position.set(feature.name, out)
      const labels = feature.of.includes(this.target) ? this.labels : null
      const running = feature.start(labels, saved.get(feature.name))
      const by = feature.by === null ? -1 : category(feature.by)
      if (feature.by !== null && by < 0)
        throw new RangeError(`feature table: no category column "${feature.by}"`)
      this.declared.push({ name: feature.name, running, of, by, out })
    }
    this.denseAt = this.table.dense.map(find)
    this.targetAt = find(this.target)
    this.slotAt = this.table.slots.map((name) => {
      const at = category(name)
      if (at < 0) throw new RangeError(`feature table: no category column "${name}"`)
      return at
    })
    return steps
  }

  private writeDense(buffer: RowBuffer, rows: number): void {
    const { dense, width, rows: waiting } = buffer.batch
    for (let first = 0; first < rows; first += BLOCK_ROWS) {
      const end = Math.min(rows, first + BLOCK_ROWS)
      for (let j = 0; j < width; j += 1) {
        const vector = this.vectors[this.denseAt[j]!]!
        for (let row = first, at = (waiting + first) * width + j; row < end; row += 1, at += width) {
          dense[at] = vector[row]!
        }
      }
    }
  }

  /** Row by row over all slots, so that the order of new indexes does not depend on the chunk size. */
  private writeHot(buffer: RowBuffer, columns: ColumnChunk['columns'], rows: number): void {
    const { hot, slots, rows: waiting } = buffer.batch
    const { oneHot } = this
    const sources = this.slotAt.map((at) => columns[at] as CategoryColumn)
    const codes = sources.map((column) => column.codes)
    const tables = sources.map((column, s) => oneHot.table(s, column.dictionary.length))
    let at = waiting * slots
    for (let row = 0; row < rows; row += 1) {
      for (let s = 0; s < slots; s += 1) {
        const code = codes[s]![row]!
        let index = -1
        if (code >= 0) {
          index = tables[s]![code]!
          if (index < 0) index = oneHot.meet(s, code, sources[s]!.dictionary)
        }
        hot[at] = index
        at += 1
      }
      buffer.hotSizes[waiting + row] = oneHot.size
    }
  }
}

// ---------------------------------------------------------------- how features are made under these parameters and settings

/**
 * Declared features of earlier targets see those that are known when a batch is predicted, and no others.
 * @throws {Error} where the settings leave open when that is
 */
export function engineerOptions(
  plan: Plan,
  params: PipelineParams,
  settings: WorkloadSettings,
): EngineerOptions {
  const { max_categories, hash_buckets, label_delay, adaptive_batch_resize } = params
  const { mode, batch_size } = settings
  if (usesTarget(plan) && (mode === 'batch' || adaptive_batch_resize)) {
    const open = mode === 'batch' ? 'mode: batch' : 'adaptive_batch_resize'
    throw new Error(
      `dataset.features made of earlier targets hang on when those are known, which ${open} leaves open: use mode: streaming with a fixed batch_size`,
    )
  }
  return { bounds: { max_categories, hash_buckets }, labels: { batch: batch_size, delay: label_delay } }
}
