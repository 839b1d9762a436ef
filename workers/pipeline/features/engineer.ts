/** Computes features from clean chunks, a column at a time, into reused buffers. */
import type { CategoryColumn, ColumnChunk } from '../../data/columns.ts'
import { isKernelArray, type Kernels, newFloats, type Pointer } from '../../kernels.ts'
import type { WorkloadSettings } from '../../workload.ts'
import type { PipelineParams } from '../describe.ts'
import type { Plan } from '../plan.ts'
import { usesTarget } from './declared.ts'
import { ONE_HOT_BOUNDS, type OneHotBounds, OneHotIndex, type OneHotState } from './one-hot.ts'
import type { RowBuffer } from './row-buffer.ts'
import type { FeatureTable, Formula, LabelTiming, Running, RunningState } from './table.ts'

/** Rows of features written at once: few enough that they stay in the processor's first cache. */
const BLOCK_ROWS = 128

const FLOAT_BYTES = 8
const INT_BYTES = 4

/** A formula with its operands as positions among the vectors. */
interface Step {
  formula: Formula
  a: number
  b: number
  c: number
  out: number
  /** The formula's table, in the kernels' memory. */
  table: Pointer
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
  /** What computes; null or absent: JavaScript. */
  kernels?: Kernels | null
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
  private readonly kernels: Kernels | null
  private readonly pointerRoom: [Int32Array?, Int32Array?] = []
  /** By column: a copy in the kernels' memory, where the reader put it elsewhere. */
  private readonly copies: Float64Array[] = []

  constructor(table: FeatureTable, target: string, state?: EngineerState, options: EngineerOptions = {}) {
    this.table = table
    this.target = target
    this.state = state
    this.labels = options.labels ?? { batch: 1, delay: 0 }
    this.kernels = options.kernels ?? null
    const bounds = options.bounds ?? ONE_HOT_BOUNDS
    this.oneHot = new OneHotIndex(table.slots, state?.one_hot, bounds, this.kernels)
  }

  /** Appends the chunk's rows to the buffer. All chunks must have the same columns in the same order. */
  append(chunk: ColumnChunk, buffer: RowBuffer): void {
    this.steps ??= this.plan(chunk)
    const { rows, columns } = chunk
    const { vectors } = this
    for (let i = 0; i < columns.length; i += 1) {
      const column = columns[i]!
      if (column.kind !== 'category') vectors[i] = this.reachable(i, column.values, rows)
    }
    if (rows > this.room) {
      for (let i = columns.length; i < vectors.length; i += 1) {
        this.kernels?.free(vectors[i]!)
        vectors[i] = newFloats(this.kernels, rows)
      }
      this.room = rows
    }
    for (const step of this.steps) this.compute(step, rows)
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

  /** A column where the kernels can reach it. */
  private reachable(i: number, values: Float64Array, rows: number): Float64Array {
    const { kernels, copies } = this
    if (kernels === null || isKernelArray(values)) return values
    let copy = copies[i]
    if (copy === undefined || copy.length < rows) {
      if (copy !== undefined) kernels.free(copy)
      copy = kernels.floats(rows)
      copies[i] = copy
    }
    copy.set(values.subarray(0, rows))
    return copy
  }

  private compute({ formula: { fill }, a, b, c, out, table }: Step, rows: number): void {
    const { vectors, kernels } = this
    const result = vectors[out]!
    if (kernels !== null && fill.wasm !== undefined) {
      const [p, q] = [vectors[a]!.byteOffset, vectors[b]!.byteOffset]
      const done = fill.wasm(kernels.run, result.byteOffset, rows, p, q, table)
      if (done === undefined || done === rows) return
    }
    fill.js(result, rows, vectors[a]!, vectors[b]!, vectors[c]!)
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
      return { formula, a: a!, b: b ?? a!, c: c ?? a!, out, table: this.tableOf(formula) }
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

  private tableOf({ fill: { table } }: Formula): Pointer {
    const { kernels } = this
    if (kernels === null || table === undefined) return 0
    const copy = kernels.floats(table.length)
    copy.set(table)
    return copy.byteOffset
  }

  private writeDense(buffer: RowBuffer, rows: number): void {
    const { dense, width, rows: waiting } = buffer.batch
    const { kernels } = this
    if (kernels !== null) {
      const columns = this.pointers(kernels, 0, width)
      for (let j = 0; j < width; j += 1) columns[j] = this.vectors[this.denseAt[j]!]!.byteOffset
      const to = dense.byteOffset + FLOAT_BYTES * waiting * width
      kernels.run.toRows(columns.byteOffset, width, rows, to)
      return
    }
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
    const writeRow = (row: number) => {
      let at = (waiting + row) * slots
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
    const { kernels } = this
    if (kernels === null || !codes.every(isKernelArray)) {
      for (let row = 0; row < rows; row += 1) writeRow(row)
      return
    }
    const pointers = this.pointers(kernels, 1, 2 * slots)
    for (let s = 0; s < slots; s += 1) {
      pointers[s] = codes[s]!.byteOffset
      pointers[slots + s] = tables[s]!.byteOffset
    }
    const [from, to] = [pointers.byteOffset, pointers.byteOffset + INT_BYTES * slots]
    const out = hot.byteOffset + INT_BYTES * waiting * slots
    const sizes = buffer.hotSizes.byteOffset + INT_BYTES * waiting
    for (let row = 0; row < rows; row += 1) {
      row = kernels.run.oneHot(from, to, slots, row, rows, out, sizes, oneHot.size)
      if (row < rows) writeRow(row)
    }
  }

  /** Room for pointers, for one of two uses. */
  private pointers(kernels: Kernels, use: 0 | 1, length: number): Int32Array {
    this.pointerRoom[use] ??= kernels.ints(length)
    return this.pointerRoom[use]
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
