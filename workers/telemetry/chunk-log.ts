/**
 * A trial's chunk log, one JSON line per chunk. While chunks are timed only numbers are kept, in a block of fixed size
 * that goes to an unnamed temporary file when it is full; lines are made of them once the timing is over.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ChunkLogLine } from '../protocol/trial-result.ts'
import { checkedBytes, checkedPart, checkOperatorMs, plain } from '../untrusted.ts'
import type { StepReport } from '../workload.ts'
import { close, open, read } from './clock.ts'
import { openUnnamed, writeWhole } from './unnamed-file.ts'

/** What the worker measured of one chunk; the report of its step adds the rest. */
type ChunkNumbers = Omit<ChunkLogLine, 'chunk' | 'bytes' | 'operators_ms' | 'detail' | 'gc_ms' | 'slow'>

/** What is known of the chunks of an open loop once the last has ended. */
export interface OpenLoopMarks {
  /** Chunks with such a latency are slow, ms. */
  slowFrom: number
  /** The backlog is logged once in so many ms. */
  backlogEveryMs: number
  /** Garbage collections in order: start, ms from the start of the clock, and duration, in turns. */
  collections: ArrayLike<number>
}

// Taken before a workload can replace them.
const { parse, stringify } = JSON
const { create, hasOwn } = Object

const BLOCK_CHUNKS = 1024
/** Room for the texts of a block; one that needs more goes to the file ahead of time. */
const TEXT_BYTES = 256 * 1024
/** Most bytes that a character of a text takes. */
const CHARACTER_BYTES = 3
/** Lines are written this much at a time. */
const OUTPUT_BYTES = 64 * 1024
/** The first columns, in their order. */
const FIXED_NAMES = [
  'rows',
  'first_row',
  'latency_ms',
  'service_ms',
  'cpu_ms',
  'heap_mb',
  'external_mb',
  'bytes',
  'start_ms',
  'arrived_ms',
  'backlog_rows',
  'throttled_ms',
] as const satisfies (keyof ChunkLogLine)[]
const FIXED = FIXED_NAMES.length
const LATENCY = FIXED_NAMES.indexOf('latency_ms')
const START = FIXED_NAMES.indexOf('start_ms')
const BACKLOG = FIXED_NAMES.indexOf('backlog_rows')
/** Numbers of the steps' reports with a column of their own; what holds further ones is kept as text. */
const REPORTED = 24
const STRIDE = FIXED + REPORTED

/** Place of one block in the temporary file. */
interface Spilled {
  chunks: number
  textBytes: number
}

/** The log's disk is at fault, not the workload: a full one is the usual reason. */
class ChunkLogError extends Error {
  override name = 'ChunkLogError'
  constructor(path: string, cause: Error) {
    super(`cannot write the chunk log ${path}: ${cause.message}`, { cause })
  }
}

export class ChunkLog {
  private readonly path: string
  private readonly numbers = new Float64Array(BLOCK_CHUNKS * STRIDE)
  /** What is not a number, as JSON objects one after the other: as bytes, of which the collector knows nothing. */
  private texts = Buffer.alloc(TEXT_BYTES)
  /** Where the text of each chunk ends; empty ones are none. */
  private readonly textEnds = new Int32Array(BLOCK_CHUNKS)
  private textBytes = 0
  private used = 0
  private readonly reported = new ReportNumbers(REPORTED)
  private readonly spilled: Spilled[] = []
  private spill: number | null = null
  private marker: Marker | null = null

  /** @throws {ChunkLogError} where the file cannot be written */
  constructor(path: string) {
    this.path = path
    this.writing(() => {
      mkdirSync(dirname(path), { recursive: true })
      close(open(path, 'w'))
    })
  }

  /** Memory that the log takes, to be left out of the workload's account. */
  get bytes(): number {
    return this.numbers.byteLength + this.textEnds.byteLength + this.texts.length
  }

  /** @throws {ChunkLogError} where the temporary file cannot be written, and WorkloadError for a report that is no plain data */
  add(chunk: ChunkNumbers, report: StepReport): void {
    if (this.used === BLOCK_CHUNKS) this.writing(() => this.spillBlock())
    const at = this.used * STRIDE
    const { numbers } = this
    numbers[at] = chunk.rows
    numbers[at + 1] = chunk.first_row
    numbers[at + LATENCY] = chunk.latency_ms
    numbers[at + 3] = chunk.service_ms
    numbers[at + 4] = chunk.cpu_ms
    numbers[at + 5] = chunk.heap_mb
    numbers[at + 6] = chunk.external_mb
    numbers[at + 7] = checkedBytes(report)
    numbers[at + START] = chunk.start_ms ?? Number.NaN
    numbers[at + START + 1] = chunk.arrived_ms ?? Number.NaN
    numbers[at + BACKLOG] = chunk.backlog_rows ?? Number.NaN
    numbers[at + BACKLOG + 1] = chunk.throttled_ms ?? Number.NaN
    const rest = this.reported.take(report, numbers, at + FIXED)
    if (rest !== null) this.addText(rest)
    this.textEnds[this.used++] = this.textBytes
  }

  /** Adds to the latency of the latest chunk. */
  extendLast(ms: number): void {
    this.numbers[(this.used - 1) * STRIDE + LATENCY]! += ms
  }

  /**
   * Writes the lines.
   * @param marks of an open loop that came to its end
   * @throws {ChunkLogError} where they cannot be written; the files are closed all the same
   */
  close(marks: OpenLoopMarks | null = null): void {
    this.marker = marks === null ? null : new Marker(marks)
    this.writing(() => this.writeLines())
  }

  private writeLines(): void {
    const file = open(this.path, 'w')
    try {
      const output = new Output(file)
      let chunk = 0
      for (const block of this.readBack()) {
        this.writeBlock(output, block, chunk)
        chunk += block
      }
      output.flush()
    } finally {
      close(file)
      if (this.spill !== null) close(this.spill)
    }
  }

  /** Puts the blocks into memory in turn, the one that is still there last; yields their chunks. */
  private *readBack(): Generator<number> {
    const { used } = this
    if (this.spilled.length > 0 && used > 0) this.spillBlock()
    let position = 0
    for (const { chunks, textBytes } of this.spilled) {
      const parts = this.partsOf(chunks, textBytes)
      for (const part of parts) {
        read(this.spill!, part, 0, part.length, position)
        position += part.length
      }
      yield chunks
    }
    if (this.used > 0) yield this.used
  }

  private writing<T>(write: () => T): T {
    try {
      return write()
    } catch (error) {
      throw new ChunkLogError(this.path, error as Error)
    }
  }

  private writeBlock(output: Output, chunks: number, firstChunk: number): void {
    let textBegin = 0
    for (let place = 0; place < chunks; place++) {
      const textEnd = this.textEnds[place]!
      const line = this.lineOf(place, firstChunk + place)
      if (textEnd > textBegin) {
        const rest: Reported = parse(this.texts.toString('utf8', textBegin, textEnd))
        output.write(`${stringify(plain(joined(parse(line), rest), 'the line', true))}\n`)
      } else output.write(`${line}\n`)
      textBegin = textEnd
    }
  }

  private lineOf(place: number, chunk: number): string {
    const at = place * STRIDE
    let line = `{"chunk":${chunk}`
    const { marker, numbers } = this
    const start = numbers[at + START]!
    if (marker !== null && !marker.takesBacklog(start)) numbers[at + BACKLOG] = Number.NaN
    for (const [column, name] of FIXED_NAMES.entries()) {
      const value = numbers[at + column]!
      if (!Number.isNaN(value)) line += `,"${name}":${stringify(value)}`
    }
    if (marker !== null) line += marker.membersOf(start, numbers[at + LATENCY]!)
    const reported = this.reported.json(this.numbers, at + FIXED)
    return reported === '' ? `${line}}` : `${line},${reported}}`
  }

  /** Of the chunk at `used`, whose numbers stand already. */
  private addText(rest: Reported): void {
    // A copy without prototypes: what a workload may have put into them is not called.
    const text = stringify(plain(rest, 'step()', true))
    const most = CHARACTER_BYTES * text.length
    if (this.textBytes + most > this.texts.length && this.used > 0) {
      const at = this.used * STRIDE
      this.writing(() => this.spillBlock())
      this.numbers.copyWithin(0, at, at + STRIDE)
    }
    if (most > this.texts.length) this.texts = Buffer.alloc(most)
    this.textBytes += this.texts.write(text, this.textBytes)
  }

  private spillBlock(): void {
    this.spill ??= openUnnamed('chunks')
    for (const part of this.partsOf(this.used, this.textBytes)) writeWhole(this.spill, part)
    this.spilled.push({ chunks: this.used, textBytes: this.textBytes })
    this.used = 0
    this.textBytes = 0
  }

  /** A block as it stands in memory, and in the file. */
  private partsOf(chunks: number, textBytes: number): Uint8Array[] {
    return [
      new Uint8Array(this.numbers.buffer, 0, chunks * STRIDE * 8),
      new Uint8Array(this.textEnds.buffer, 0, chunks * 4),
      this.texts.subarray(0, textBytes),
    ]
  }
}

/** Lays what was known at the end beside the chunks of an open loop, which it is asked about in their order. */
class Marker {
  private readonly marks: OpenLoopMarks
  private slot = -1
  private collection = 0

  constructor(marks: OpenLoopMarks) {
    this.marks = marks
  }

  takesBacklog(start: number): boolean {
    const slot = Math.floor(start / this.marks.backlogEveryMs)
    if (slot === this.slot) return false
    this.slot = slot
    return true
  }

  /** Further members of the line of one chunk. */
  membersOf(start: number, latency: number): string {
    const { collections, slowFrom } = this.marks
    let pause = 0
    for (; this.collection + 1 < collections.length; this.collection += 2) {
      const began = collections[this.collection]!
      if (began >= start + latency) break
      if (began >= start) pause += collections[this.collection + 1]!
    }
    const collected = pause > 0 ? `,"gc_ms":${stringify(pause)}` : ''
    return latency >= slowFrom ? `${collected},"slow":true` : collected
  }
}

/** Gathers lines into writes of some size. */
class Output {
  private readonly file: number
  private buffer = Buffer.alloc(OUTPUT_BYTES)
  private used = 0

  constructor(file: number) {
    this.file = file
  }

  write(line: string): void {
    const most = CHARACTER_BYTES * line.length
    if (this.used + most > this.buffer.length) this.flush()
    if (most > this.buffer.length) this.buffer = Buffer.alloc(most)
    this.used += this.buffer.write(line, this.used)
  }

  flush(): void {
    writeWhole(this.file, this.buffer.subarray(0, this.used))
    this.used = 0
  }
}

// ---------------------------------------------------------------- numbers

// The numbers in the reports of steps, each kept in a column: writing JSON within a chunk's time costs ten times as much.

const PARTS = ['operators_ms', 'detail'] as const
/** What lies deeper is left over. */
const DEEPEST = 4

/** What a report holds besides its rows and bytes. */
type Reported = Pick<StepReport, 'operators_ms' | 'detail'>

/** A column, or a further level of names. */
type Columns = Map<string, number | Columns>

/** Stands for null and for numbers that JSON writes as null; NaN stands for what a report does not have. */
const NULL = Number.POSITIVE_INFINITY

class ReportNumbers {
  /** Columns there are at most; what holds numbers beyond them is left over. */
  readonly width: number
  private readonly columns = { operators_ms: new Map() as Columns, detail: new Map() as Columns }
  private used = 0

  constructor(width: number) {
    this.width = width
  }

  /**
   * Puts the report's numbers into `out[at .. at + width)`.
   * @returns what is left over: entries that are or hold anything else; null where there are none
   * @throws {WorkloadError} where a part is no object, or the time of an operator no number
   */
  take(report: Reported, out: Float64Array, at: number): Reported | null {
    out.fill(Number.NaN, at, at + this.width)
    let rest: Reported | null = null
    for (const part of PARTS) {
      const given = checkedPart(report, part)
      for (const name in given) {
        if (!hasOwn(given, name)) continue
        const value = given[name]
        if (part === 'operators_ms') checkOperatorMs(value, name)
        if (this.keep(this.columns[part], name, value, out, at, 1)) continue
        rest ??= {}
        const left: Record<string, unknown> = rest[part] ?? create(null)
        left[name] = value
        rest[part] = left as Record<string, number>
      }
    }
    return rest
  }

  /** The kept numbers as members of a JSON object, `"operators_ms":{...},"detail":{...}`, without those that are empty. */
  json(from: Float64Array, at: number): string {
    const { operators_ms, detail } = this.columns
    const parts = [memberOf('operators_ms', operators_ms, from, at), memberOf('detail', detail, from, at)]
    return parts.filter((part) => part !== '').join()
  }

  private keep(
    level: Columns,
    name: string,
    value: unknown,
    out: Float64Array,
    at: number,
    depth: number,
  ): boolean {
    const known = level.get(name)
    if (typeof value === 'number' || value === null) {
      if (known instanceof Map || (known === undefined && this.used === this.width)) return false
      const column = known ?? this.used++
      if (known === undefined) level.set(name, column)
      out[at + column] = value === null || !Number.isFinite(value) ? NULL : value
      return true
    }
    const isObject = typeof value === 'object' && !Array.isArray(value)
    if (!isObject || typeof known === 'number' || depth === DEEPEST) return false
    if (known === undefined && this.used === this.width) return false
    const below = known ?? (new Map() as Columns)
    if (known === undefined) level.set(name, below)
    let any = false
    for (const key in value) {
      any = this.keep(below, key, (value as Record<string, unknown>)[key], out, at, depth + 1)
      if (!any) break
    }
    // All of an object or nothing, and an empty one would be lost.
    if (!any) clear(below, out, at)
    return any
  }
}

function clear(level: Columns, out: Float64Array, at: number): void {
  for (const column of level.values()) {
    if (column instanceof Map) clear(column, out, at)
    else out[at + column] = Number.NaN
  }
}

/**
 * Put together as text, and numbers by JSON: objects, and the strings that `${value}` keeps for the next time, would
 * outlive the line, and the heap would grow with the log.
 */
function memberOf(name: string, column: number | Columns, from: Float64Array, at: number): string {
  if (column instanceof Map) {
    let inside = ''
    for (const [below, next] of column) {
      const member = memberOf(below, next, from, at)
      if (member !== '') inside += inside === '' ? member : `,${member}`
    }
    return inside === '' ? '' : `${stringify(name)}:{${inside}}`
  }
  const value = from[at + column]!
  return Number.isNaN(value) ? '' : `${stringify(name)}:${value === NULL ? 'null' : stringify(value)}`
}

/** A report's numbers, read back, with what was left over. */
function joined<T extends Reported>(numbers: T, rest: Reported): T {
  const { operators_ms, detail } = rest
  return {
    ...numbers,
    ...(operators_ms && { operators_ms: { ...numbers.operators_ms, ...operators_ms } }),
    ...(detail && { detail: { ...numbers.detail, ...detail } }),
  }
}
