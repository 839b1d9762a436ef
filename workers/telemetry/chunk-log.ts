/**
 * A trial's chunk log, one JSON line a chunk. While chunks are timed only numbers are kept, in a block of fixed size
 * that goes to an unnamed temporary file when it is full; lines are made of them once the timing is over.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { StepReport } from '../contract.ts'
import type { ChunkLogLine } from '../protocol.ts'

/** What the cell measured of one chunk; the report of its step adds the rest. */
export type ChunkNumbers = Omit<ChunkLogLine, 'chunk' | 'rows' | 'bytes' | 'operators_ms' | 'detail'>

const BLOCK_CHUNKS = 1024
/** Texts of `detail` held before a block goes to the file ahead of time, characters. */
const TEXT_LIMIT = 262_144
const FIXED = 8
const LATENCY = 2
/** Operators with a column of their own; further ones are kept as text. */
const OPERATORS = 16
const STRIDE = FIXED + OPERATORS

/** Place of one block in the temporary file. */
interface Spilled {
  chunks: number
  textBytes: number
}

/** The log's disk is at fault, not the workload: a full one is the usual reason. */
export class ChunkLogError extends Error {
  override name = 'ChunkLogError'
  constructor(path: string, cause: Error) {
    super(`cannot write the chunk log ${path}: ${cause.message}`, { cause })
  }
}

export class ChunkLog {
  private readonly path: string
  private readonly numbers = new Float64Array(BLOCK_CHUNKS * STRIDE)
  /** By place in the block: what is not a number, as the inside of a JSON object. */
  private texts: Record<number, string> = {}
  private textLength = 0
  private used = 0
  private readonly operators: string[] = []
  private readonly spilled: Spilled[] = []
  private spill: number | null = null

  /** @throws {ChunkLogError} where the file cannot be written */
  constructor(path: string) {
    this.path = path
    this.writing(() => {
      mkdirSync(dirname(path), { recursive: true })
      closeSync(openSync(path, 'w'))
    })
  }

  /** Memory that the log takes, to be left out of the workload's account. */
  get bytes(): number {
    return this.numbers.byteLength
  }

  /** @throws {ChunkLogError} where the temporary file cannot be written */
  add(chunk: ChunkNumbers, report: StepReport): void {
    if (this.used === BLOCK_CHUNKS || this.textLength > TEXT_LIMIT) this.writing(() => this.spillBlock())
    const at = this.used * STRIDE
    const { numbers } = this
    numbers[at] = report.rows
    numbers[at + 1] = chunk.first_row
    numbers[at + LATENCY] = chunk.latency_ms
    numbers[at + 3] = chunk.service_ms
    numbers[at + 4] = chunk.cpu_ms
    numbers[at + 5] = chunk.heap_mb
    numbers[at + 6] = chunk.external_mb
    numbers[at + 7] = report.bytes ?? Number.NaN
    numbers.fill(Number.NaN, at + FIXED, at + STRIDE)
    let fits = true
    for (const name in report.operators_ms)
      fits = this.addOperator(at, name, report.operators_ms[name]!) && fits
    if (!fits || report.detail !== undefined) this.addText(report, fits)
    this.used++
  }

  /** Adds to the latency of the latest chunk. */
  extendLast(ms: number): void {
    this.numbers[(this.used - 1) * STRIDE + LATENCY]! += ms
  }

  /**
   * Writes the lines.
   * @throws {ChunkLogError} where they cannot be written; the files are closed all the same
   */
  close(): void {
    this.writing(() => this.writeLines())
  }

  private writeLines(): void {
    const file = openSync(this.path, 'w')
    try {
      let chunk = 0
      for (const block of this.readBack()) {
        writeWhole(file, Buffer.from(this.linesOf(block, chunk)))
        chunk += block
      }
    } finally {
      closeSync(file)
      if (this.spill !== null) closeSync(this.spill)
    }
  }

  /** Puts the blocks into memory in turn, the one that is still there last; yields their chunks. */
  private *readBack(): Generator<number> {
    const latest = {
      numbers: this.numbers.slice(0, this.used * STRIDE),
      texts: this.texts,
      chunks: this.used,
    }
    let position = 0
    for (const { chunks, textBytes } of this.spilled) {
      readSync(this.spill!, this.numbers, 0, chunks * STRIDE * 8, position)
      const text = Buffer.alloc(textBytes)
      readSync(this.spill!, text, 0, textBytes, position + chunks * STRIDE * 8)
      this.texts = JSON.parse(text.toString())
      position += chunks * STRIDE * 8 + textBytes
      yield chunks
    }
    this.numbers.set(latest.numbers)
    this.texts = latest.texts
    if (latest.chunks > 0) yield latest.chunks
  }

  private writing<T>(write: () => T): T {
    try {
      return write()
    } catch (error) {
      throw new ChunkLogError(this.path, error as Error)
    }
  }

  private linesOf(chunks: number, firstChunk: number): string {
    let lines = ''
    for (let place = 0; place < chunks; place++) {
      const at = place * STRIDE
      const value = (column: number) => this.numbers[at + column]!
      const line: ChunkLogLine = {
        chunk: firstChunk + place,
        rows: value(0),
        first_row: value(1),
        latency_ms: value(LATENCY),
        service_ms: value(3),
        cpu_ms: value(4),
        heap_mb: value(5),
        external_mb: value(6),
        ...(Number.isNaN(value(7)) ? {} : { bytes: value(7) }),
      }
      const operators = this.operators.flatMap((name, i) => {
        const ms = value(FIXED + i)
        return Number.isNaN(ms) ? [] : [[name, ms] as const]
      })
      if (operators.length > 0) line.operators_ms = Object.fromEntries(operators)
      const text = this.texts[place]
      lines += `${JSON.stringify(text === undefined ? line : { ...line, ...JSON.parse(text) })}\n`
    }
    return lines
  }

  private addOperator(at: number, name: string, ms: number): boolean {
    let column = this.operators.indexOf(name)
    if (column === -1) {
      if (this.operators.length === OPERATORS) return false
      column = this.operators.push(name) - 1
    }
    this.numbers[at + FIXED + column] = ms
    return true
  }

  private addText({ operators_ms, detail }: StepReport, fits: boolean): void {
    const text = JSON.stringify({
      ...(fits ? {} : { operators_ms }),
      ...(detail === undefined ? {} : { detail }),
    })
    this.texts[this.used] = text
    this.textLength += text.length
  }

  private spillBlock(): void {
    this.spill ??= openUnnamed()
    const text = Buffer.from(JSON.stringify(this.texts))
    writeWhole(this.spill, new Uint8Array(this.numbers.buffer, 0, this.used * STRIDE * 8))
    writeWhole(this.spill, text)
    this.spilled.push({ chunks: this.used, textBytes: text.length })
    this.used = 0
    this.texts = {}
    this.textLength = 0
  }
}

/** A file that vanishes with its last user, however that ends. */
function openUnnamed(): number {
  const path = join(tmpdir(), `stint-chunks-${process.pid}-${threadId}`)
  const file = openSync(path, 'w+')
  rmSync(path)
  return file
}

/** A disk that is almost full takes a part. */
function writeWhole(file: number, bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(file, bytes, sent)
}
