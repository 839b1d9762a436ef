/**
 * The pipeline's hot path in WebAssembly: kernels, compiled from `kernels/` by AssemblyScript, and the memory that they
 * share with JavaScript. Every kernel has a reference in JavaScript that gives the same bits and runs where there are none.
 */
import { readFileSync } from 'node:fs'

/** What is used of the runtime's global object; the language's own types leave it out. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: unknown }
  Memory: new (options: { initial: number; maximum: number; shared: true }) => WasmMemory
}

interface WasmMemory {
  readonly buffer: SharedArrayBuffer
  grow(pages: number): number
}

/** A place in the memory, in bytes. */
export type Pointer = number

/** What `kernels/index.ts` exports, which says what each does. */
export interface KernelFunctions {
  heapBase(): Pointer
  split(
    state: Pointer,
    bytes: Pointer,
    places: Pointer,
    others: Pointer,
    columns: Pointer,
    fields: Pointer,
    lines: Pointer,
    line: number,
    rows: number,
    limit: number,
  ): number
  numbers: FieldKernel
  looseNumbers: FieldKernel
  numbersAfter(...args: [...FieldArguments, text: Pointer, length: number, loose: number]): number
  decoratedNumbers(
    ...args: [...FieldArguments, currency: Pointer, currencyLength: number, unit: Pointer, unitLength: number]
  ): number
  dates(...args: [...FieldArguments, format: number]): number
  months(out: Pointer, rows: number, days: Pointer): number
  year: ColumnKernel
  month: ColumnKernel
  minus: ColumnKernel
  times: ColumnKernel
  plus(out: Pointer, rows: number, a: Pointer, constant: number): void
  bodyMassIndex: ColumnKernel
  decade: ColumnKernel
  rookie(out: Pointer, rows: number, experience: Pointer, pick: Pointer, picks: number, seasons: number): void
  lookUp(out: Pointer, rows: number, places: Pointer, table: Pointer, last: number): number
  firstGap(values: Pointer, rows: number): number
  fillMeans(a: Pointer, b: Pointer, c: Pointer, d: Pointer, rows: number, states: Pointer): void
  respell(codes: Pointer, from: number, rows: number, table: Pointer): number
  toRows(columns: Pointer, width: number, rows: number, out: Pointer): void
  oneHot(
    codes: Pointer,
    tables: Pointer,
    slots: number,
    from: number,
    rows: number,
    out: Pointer,
    sizes: Pointer,
    size: number,
  ): number
  learnScale(
    x: Pointer,
    rows: number,
    width: number,
    before: number,
    mean: Pointer,
    squares: Pointer,
    room: Pointer,
  ): void
  standardise(x: Pointer, rows: number, width: number, mean: Pointer, inverse: Pointer, out: Pointer): void
  scaleTargets(values: Pointer, rows: number, mean: number, deviation: number, out: Pointer): void
  unscale(values: Pointer, rows: number, mean: number, deviation: number): void
  clip(values: Pointer, rows: number, lowest: number, highest: number): void
  margins(
    x: Pointer,
    hot: Pointer,
    rows: number,
    width: number,
    slots: number,
    dense: Pointer,
    hotWeights: Pointer,
    known: number,
    denseScale: number,
    hotScale: number,
    intercept: number,
    out: Pointer,
  ): void
  addMoments(
    x: Pointer,
    targets: Pointer,
    rows: number,
    width: number,
    mean: Pointer,
    products: Pointer,
    deltas: Pointer,
    total: number,
    weight: number,
  ): number
  addGroups(
    x: Pointer,
    targets: Pointer,
    hot: Pointer,
    rows: number,
    width: number,
    slots: number,
    used: number,
    weight: number,
    weights: Pointer,
    slotOf: Pointer,
    means: Pointer,
    pairs: Pointer,
  ): number
  ridgePredictions(
    x: Pointer,
    hot: Pointer,
    rows: number,
    width: number,
    slots: number,
    offset: number,
    centre: Pointer,
    dense: Pointer,
    hotWeights: Pointer,
    known: number,
    lowest: number,
    highest: number,
    out: Pointer,
  ): void
  sgdSteps(
    x: Pointer,
    hot: Pointer,
    targets: Pointer,
    rows: number,
    width: number,
    slots: number,
    dense: Pointer,
    denseLength: number,
    hotWeights: Pointer,
    hotLength: number,
    state: Pointer,
    t: number,
    eta0: number,
    power: number,
    l2: number,
  ): number
  addKey(table: Pointer, start: Pointer, end: Pointer, code: number): void
  placeKeys(table: Pointer, buckets: Pointer, count: number): void
  categories(
    table: Pointer,
    bytes: Pointer,
    fields: Pointer,
    stride: number,
    from: number,
    rows: number,
    out: Pointer,
  ): number
}

/** `out`, the rows and the operands. */
type ColumnKernel = (out: Pointer, rows: number, a: Pointer, b: Pointer) => void

type FieldArguments = [
  bytes: Pointer,
  fields: Pointer,
  stride: number,
  rows: number,
  out: Pointer,
  odd: Pointer,
]
type FieldKernel = (...args: FieldArguments) => number

const PAGE_BYTES = 65_536
/** 4 GB: all that a pointer of 32 bits can name. */
const MOST_PAGES = 65_536
/** Arrays begin at multiples of it, and kernels may read so many bytes after the end of one. */
const ALIGNMENT = 64
const FIRST_SCRATCH = 1024

/** Beside the compiled sources, or in the build of the sources that run. */
const FILES = ['./kernels.wasm', '../build/workers/kernels.wasm']

let compiled: object | null = null
/** Why there are no kernels, once that is known. */
let missing: string | null = null
/** Bytes of all memories of this thread. */
let memoryBytes = 0
/** The last one that was closed: a run that follows, as the real one follows its warm-up, takes it over. */
let idle: Kernels | null = null
const lost = new FinalizationRegistry<{ bytes: number }>((held) => {
  memoryBytes -= held.bytes
})

/** Memory of the kernels of this thread, bytes: V8 counts none of it as external memory, since it can be shared. */
export function kernelBytes(): number {
  return memoryBytes
}

/** Why `openKernels` gives none. */
export function whyNoKernels(): string {
  return missing ?? ''
}

/** Kernels with an empty memory; null where this machine cannot run them, and `whyNoKernels` says why. */
export function openKernels(): Kernels | null {
  if (idle !== null) {
    const kernels = idle
    idle = null
    return kernels
  }
  compiled ??= compile()
  if (compiled === null) return null
  try {
    return new Kernels(compiled)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    missing = 'no address space for the memory of WebAssembly'
    return null
  }
}

function compile(): object | null {
  if (missing !== null) return null
  if (typeof WebAssembly === 'undefined') {
    missing = 'this Node has no WebAssembly'
    return null
  }
  const bytes = readBinary()
  if (bytes === null) missing = 'kernels.wasm is missing: npm run build makes it'
  else if (!WebAssembly.validate(bytes)) missing = 'no vectors in WebAssembly on this machine'
  return bytes === null || missing !== null ? null : new WebAssembly.Module(bytes)
}

function readBinary(): Uint8Array | null {
  for (const file of FILES) {
    try {
      return readFileSync(new URL(file, import.meta.url))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return null
}

interface Gap {
  at: Pointer
  size: number
}

/**
 * Kernels and their memory. Arrays made here are typed arrays like any other, whose `byteOffset` is the pointer that
 * kernels take. The memory is of the kind that threads can share, which only one thread uses here: its arrays stay
 * valid when it grows, where those of other memories would lose their bytes.
 */
export class Kernels {
  readonly run: KernelFunctions
  private readonly memory: WasmMemory
  private readonly held: { bytes: number }
  private readonly start: Pointer
  private end: Pointer
  /** Memory from here on was never used, so it is 0. */
  private fresh: Pointer
  private buffer: SharedArrayBuffer
  private gaps: Gap[] = []
  private readonly sizes = new Map<Pointer, number>()
  private room: Float64Array | null = null

  constructor(module: object) {
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true })
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } })
    this.run = exports as KernelFunctions
    this.buffer = this.memory.buffer
    this.held = { bytes: this.buffer.byteLength }
    memoryBytes += this.held.bytes
    lost.register(this, this.held)
    this.start = this.end = this.fresh = aligned(this.run.heapBase())
  }

  /** An array of zeros. @throws {RangeError} where there is no memory left */
  floats(length: number): Float64Array {
    const at = this.take(8 * length)
    return new Float64Array(this.buffer, at, length)
  }

  ints(length: number): Int32Array {
    const at = this.take(4 * length)
    return new Int32Array(this.buffer, at, length)
  }

  bytes(length: number): Buffer {
    const at = this.take(length)
    return Buffer.from(this.buffer as unknown as ArrayBuffer, at, length)
  }

  /** Room for at least so many numbers, of any value, until the next call. */
  scratch(length: number): Float64Array {
    if (this.room === null || this.room.length < length) {
      if (this.room !== null) this.free(this.room)
      this.room = this.floats(Math.max(length, FIRST_SCRATCH))
    }
    return this.room
  }

  /** Gives an array's room back; nothing may use it any more. */
  free({ byteOffset: at }: Float64Array | Int32Array | Uint8Array): void {
    const size = this.sizes.get(at)
    if (size === undefined) return
    this.sizes.delete(at)
    this.gaps.push({ at, size })
    this.joinGaps()
  }

  /** Gives all room back. What was made here must not be used any more. */
  close(): void {
    this.sizes.clear()
    this.gaps = []
    this.room = null
    this.end = this.start
    if (idle === null) idle = this
  }

  private take(bytes: number): Pointer {
    // Kernels may read on after the end.
    const size = aligned(bytes) + ALIGNMENT
    const i = this.gaps.findIndex((gap) => gap.size >= size)
    let at = this.end
    if (i < 0) {
      this.end += size
      this.reach(this.end)
    } else {
      const gap = this.gaps[i]!
      at = gap.at
      gap.at += size
      gap.size -= size
      if (gap.size === 0) this.gaps.splice(i, 1)
    }
    this.sizes.set(at, size)
    const used = Math.min(at + size, this.fresh)
    if (used > at) new Uint8Array(this.buffer, at, used - at).fill(0)
    this.fresh = Math.max(this.fresh, at + size)
    return at
  }

  private reach(end: Pointer): void {
    const lacking = end - this.buffer.byteLength
    if (lacking <= 0) return
    const pages = Math.ceil(lacking / PAGE_BYTES)
    try {
      this.memory.grow(pages)
    } catch (error) {
      throw new RangeError(`no memory left for ${pages * PAGE_BYTES} bytes more`, { cause: error })
    }
    this.buffer = this.memory.buffer
    this.held.bytes += pages * PAGE_BYTES
    memoryBytes += pages * PAGE_BYTES
  }

  private joinGaps(): void {
    const joined: Gap[] = []
    for (const gap of this.gaps.sort((a, b) => a.at - b.at)) {
      const before = joined.at(-1)
      if (before !== undefined && before.at + before.size === gap.at) before.size += gap.size
      else joined.push(gap)
    }
    const last = joined.at(-1)
    if (last !== undefined && last.at + last.size === this.end) {
      this.end = last.at
      joined.pop()
    }
    this.gaps = joined
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}

/** Below so many rows the way to a kernel costs more than it gains. */
const FEWEST_ROWS = 16

/** The kernels for rows whose arrays lie in their memory, where there are enough of them; null for none. */
export function kernelsFor(batch: { kernels?: Kernels | null }, rows: number): Kernels | null {
  return rows < FEWEST_ROWS ? null : (batch.kernels ?? null)
}

/** True for an array that kernels made. */
export function isKernelArray({ buffer }: Float64Array | Int32Array): boolean {
  return buffer instanceof SharedArrayBuffer
}

/** Zeros, in the kernels' memory where there are kernels. */
export function newFloats(kernels: Kernels | null, length: number): Float64Array {
  return kernels === null ? new Float64Array(length) : kernels.floats(length)
}

export function newInts(kernels: Kernels | null, length: number): Int32Array {
  return kernels === null ? new Int32Array(length) : kernels.ints(length)
}

export function newBytes(kernels: Kernels | null, length: number): Buffer {
  return kernels === null ? Buffer.alloc(length) : kernels.bytes(length)
}
