/** JSON: one event per line, or a list of them. Fields inside objects are named by their path, as `user.age`. */

import type { ChunkReader, ColumnChunk, ColumnSpec, OpenReader, ReaderOptions } from './columns.ts'
import { DataError } from './columns.ts'
import { columnBuilder, type TextBuilder } from './csv/values.ts'
import { misfit, shortened } from './decode.ts'
import { FlatEvents } from './flat-events.ts'
import { findColumns } from './header.ts'
import { type ByteSource, NotText, openSource } from './sources/bytes.ts'

const FIRST_BUFFER_BYTES = 256 * 1024
const LONGEST_LINE_BYTES = 16 * 1024 * 1024
/** Where they are not known, fields are named by the events at the start: so many of them. */
const NAMING_EVENTS = 1000
/** Events whose fields are found before they are read: few enough that their bytes are still in the processor's cache. */
const BLOCK_EVENTS = 64
const LF = 10
const QUOTE = 34
const COMMA = 44
const BACKSLASH = 92
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125
/** White space, and the bytes of a byte order mark. */
const SPACE_OR_MARK: ReadonlySet<number> = new Set([9, 10, 13, 32, 0xef, 0xbb, 0xbf])
const SHOWN_BYTES = 80

type Event = Record<string, unknown>

/** @throws {DataError} where the data is empty or a spec names a field that is not known */
export const openNdjson: OpenReader = (path, specs, options = {}) =>
  openNdjsonSource(openSource(path, options.encoding), path, specs, options)

/** As `openNdjson`, for bytes from elsewhere; the reader closes the source. */
export async function openNdjsonSource(
  source: ByteSource,
  name: string,
  specs: readonly ColumnSpec[],
  options: ReaderOptions = {},
): Promise<ChunkReader> {
  const lines = new Lines(source, name)
  try {
    const { header, early } =
      options.names === undefined ? await readEarly(lines) : { header: [...options.names], early: [] }
    findColumns(
      header,
      specs.map((spec) => spec.name),
      name,
    )
    return new NdjsonReader(lines, name, header, early, specs, options)
  } catch (error) {
    lines.close()
    throw error
  }
}

/**
 * Every event as its fields' names and texts, where they have any. Closes the source.
 * @throws {DataError} where the data is empty or a line is no event
 */
export async function readEvents(
  source: ByteSource,
  name: string,
  take: (fields: ReadonlyMap<string, string>, line: number) => void,
): Promise<void> {
  const lines = new Lines(source, name)
  let first: Event | null = null
  try {
    let count = 0
    for (;;) {
      const next = lines.ready() ?? (await lines.following())
      if (next === null) break
      count += 1
      if (count === 1) first = next.event
      const fields = new Map<string, string>()
      collectFields(next.event, '', fields)
      take(fields, next.line)
    }
    if (first === null) throw emptyFile(name)
    if (count === 1) refuseWrapped(first, name)
  } finally {
    lines.close()
  }
}

function emptyFile(name: string): DataError {
  return new DataError('the file is empty: expected one JSON object a line', name, 1)
}

/**
 * The only event of a file has a list of objects, as answers of web services and GeoJSON do: the rows are in there.
 * @throws {DataError}
 */
function refuseWrapped(event: Event, name: string): void {
  const lists = Object.entries(event).filter(
    ([, value]) => Array.isArray(value) && value.length > 1 && value.every(isObject),
  )
  if (lists.length === 0) return
  const named = lists.map(([key]) => JSON.stringify(key)).join(', ')
  throw new DataError(
    `the file is one object, and the rows are in its list ${named}: write that list only`,
    name,
    1,
  )
}

interface ReadEvent {
  event: Event
  line: number
  bytes: number
}

async function readEarly(lines: Lines): Promise<{ header: string[]; early: ReadEvent[] }> {
  const early: ReadEvent[] = []
  const names = new Set<string>()
  while (early.length < NAMING_EVENTS) {
    const next = lines.ready() ?? (await lines.following())
    if (next === null) break
    early.push(next)
    collectNames(next.event, '', names)
  }
  if (early.length === 0) throw emptyFile(lines.name)
  if (early.length === 1) refuseWrapped(early[0]!.event, lines.name)
  return { header: [...names], early }
}

function collectNames(event: Event, prefix: string, names: Set<string>): void {
  for (const [key, value] of Object.entries(event)) {
    if (isObject(value)) collectNames(value, `${prefix}${key}.`, names)
    else names.add(prefix + key)
  }
}

/** A field whose own name has a dot goes before one inside an object. */
function collectFields(event: Event, prefix: string, fields: Map<string, string>): void {
  for (const [key, value] of Object.entries(event)) {
    const name = prefix + key
    if (isObject(value)) collectFields(value, `${name}.`, fields)
    else if (prefix === '' || !fields.has(name)) fields.set(name, textOf(value) ?? '')
  }
}

class NdjsonReader implements ChunkReader {
  readonly header: readonly string[]
  private readonly lines: Lines
  private readonly name: string
  private readonly early: ReadEvent[]
  private nextEarly = 0
  private readonly fields: Field[]
  private readonly flat: FlatEvents
  /** Events of which the fields are found and not read yet: starts and ends, a row of them for each event. */
  private readonly ranges: Int32Array
  private readonly found: { from: number; to: number }[]
  private readonly foundLines = new Float64Array(BLOCK_EVENTS)
  private waiting = 0
  private readonly chunk: ColumnChunk = { rows: 0, firstRow: 0, columns: [], bytes: 0 }
  private left: number
  private capacity = 0

  constructor(
    lines: Lines,
    name: string,
    header: readonly string[],
    early: ReadEvent[],
    specs: readonly ColumnSpec[],
    options: ReaderOptions,
  ) {
    this.lines = lines
    this.name = name
    this.header = header
    this.early = early
    this.left = options.rows ?? Number.POSITIVE_INFINITY
    this.fields = specs.map(fieldOf)
    this.flat = new FlatEvents(
      specs,
      this.fields.map(({ direct }) => direct),
    )
    this.ranges = new Int32Array(2 * specs.length * BLOCK_EVENTS)
    this.found = Array.from({ length: BLOCK_EVENTS }, () => ({ from: 0, to: 0 }))
    this.chunk.columns = this.fields.map(({ builder }) => builder.column)
    if (options.markMisfits === true) this.chunk.misfits = []
  }

  async read(rows: number): Promise<ColumnChunk | null> {
    const { chunk, lines } = this
    const wanted = Math.min(rows, this.left)
    if (wanted > this.capacity) {
      for (const { builder } of this.fields) builder.reserve(wanted)
      this.capacity = wanted
    }
    chunk.firstRow += chunk.rows
    chunk.rows = 0
    chunk.bytes = 0
    if (chunk.misfits !== undefined) chunk.misfits.length = 0
    while (chunk.rows + this.waiting < wanted) {
      const early = this.early[this.nextEarly]
      if (early !== undefined) {
        this.nextEarly += 1
        if (this.nextEarly === this.early.length) {
          this.early.length = 0
          this.nextEarly = 0
        }
        this.put(early.event, early.line)
        chunk.bytes += early.bytes
      } else if (lines.find()) {
        this.take()
        chunk.bytes += lines.bytes
      } else {
        this.readFound()
        if (lines.ended) break
        await lines.fill()
      }
    }
    this.readFound()
    this.left -= chunk.rows
    return chunk.rows === 0 ? null : chunk
  }

  close(): void {
    this.lines.close()
  }

  /** The event that was found last. */
  private take(): void {
    const { lines, ranges, fields } = this
    const { from, to } = lines
    if (this.flat.find(lines.buffer, from, to, ranges, 2 * fields.length * this.waiting)) {
      const place = this.found[this.waiting]!
      place.from = from
      place.to = to
      this.foundLines[this.waiting] = lines.line
      this.waiting += 1
      if (this.waiting === BLOCK_EVENTS) this.readFound()
      return
    }
    this.readFound()
    const event = lines.event(from, to, lines.line)
    this.flat.missed(event)
    this.put(event, lines.line)
  }

  /** Reads the fields that were found, column by column. Call it before bytes are moved. */
  private readFound(): void {
    const { chunk, lines, fields, ranges, found, foundLines, waiting } = this
    if (waiting === 0) return
    this.waiting = 0
    const fits = fields.every(
      ({ builder }, i) =>
        builder.append(lines.buffer, ranges, 2 * i, 2 * fields.length, waiting, chunk.rows, foundLines) < 0,
    )
    if (fits) {
      chunk.rows += waiting
      return
    }
    // What does not fit is told event by event.
    for (let i = 0; i < waiting; i += 1) {
      const { from, to } = found[i]!
      this.put(lines.event(from, to, foundLines[i]!), foundLines[i]!)
    }
  }

  private put(event: Event, line: number): void {
    const { chunk, fields } = this
    for (let i = 0; i < fields.length; i += 1) {
      const field = fields[i]!
      const { builder, direct } = field
      const value = valueAt(event, field)
      if (typeof value === 'number' && direct && builder.column.kind === 'number') {
        builder.column.values[chunk.rows] = value
        continue
      }
      const text = typeof value === 'string' ? value : (textOf(value) ?? '')
      if (builder.put(text, chunk.rows)) continue
      const problem = misfit(text, builder.spec)
      if (chunk.misfits === undefined) throw new DataError(problem, this.name, line, builder.spec.name)
      chunk.misfits.push({ row: chunk.rows, column: i, line, problem })
    }
    chunk.rows += 1
  }
}

function takesNumbers({ kind, after, words, unit = '', missing = [] }: ColumnSpec): boolean {
  const numeric = [...missing, ...Object.keys(words ?? {})].some((text) => Number.isFinite(Number(text)))
  return kind === 'number' && after === undefined && unit === '' && !numeric
}

interface Field {
  name: string
  /** Where it lies if it lies inside objects; null: it cannot. */
  path: string[] | null
  /** Every object has something of this name. */
  isInherited: boolean
  /** Whether a JSON number is the value as it is: nothing in the spec gives numbers another meaning. */
  direct: boolean
  builder: TextBuilder
}

function fieldOf(spec: ColumnSpec): Field {
  const { name } = spec
  return {
    name,
    path: name.includes('.') ? name.split('.') : null,
    isInherited: name in Object.prototype,
    direct: takesNumbers(spec),
    builder: columnBuilder(spec, null),
  }
}

/** A field's name may itself have a dot: the whole name is tried first. */
function valueAt(event: Event, { name, path, isInherited }: Field): unknown {
  // JSON has no undefined, so that what is there and is not inherited is the event's own.
  const value = isInherited && !Object.hasOwn(event, name) ? undefined : event[name]
  if (value !== undefined || path === null) return value
  let here: unknown = event
  for (const key of path) here = isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined
  return here
}

/** Null where there is no value; an object's fields have their own names. A list is its JSON. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined || isObject(value)) return null
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function countLines(bytes: Uint8Array, from: number, to: number): number {
  let lines = 0
  for (let at = from; at < to; at += 1) if (bytes[at] === LF) lines += 1
  return lines
}

function isObject(value: unknown): value is Event {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Lines of a byte source that hold events, or elements of a list. Blank lines are skipped. */
class Lines {
  readonly name: string
  private readonly source: ByteSource
  buffer = Buffer.alloc(FIRST_BUFFER_BYTES)
  /** The event that was found last: `buffer[from .. to)`, its first line, and the bytes that it took. */
  from = 0
  to = 0
  line = 0
  bytes = 0
  /** Whether the source has no more. */
  ended = false
  /** What is not looked at yet: `buffer[next .. end)`. */
  private next = 0
  private end = 0
  private skipped = 0
  /** Whether the data is one list of events; null before the first byte that tells. */
  private isList: boolean | null = null
  private readonly list = {
    at: 0,
    depth: 0,
    inString: false,
    escaped: false,
    /** On which the bytes looked at end. */
    line: 0,
    startLine: 1,
    closed: false,
  }

  constructor(source: ByteSource, name: string) {
    this.source = source
    this.name = name
  }

  /** Finds the next event where all of it is there already. */
  find(): boolean {
    if (this.isList !== false && this.startsList()) return this.findElement()
    for (;;) {
      const at = this.buffer.indexOf(LF, this.next)
      const isWhole = at >= 0 && at < this.end
      if (!isWhole && !(this.ended && this.next < this.end)) return false
      this.from = this.next
      this.to = isWhole ? at : this.end
      this.next = isWhole ? at + 1 : this.end
      this.skipped += this.next - this.from
      this.line += 1
      if (this.buffer[this.from] !== OPEN_BRACE && this.text(this.from, this.to) === '') continue
      this.bytes = this.skipped
      this.skipped = 0
      return true
    }
  }

  /**
   * Of a place that was found, as long as no more bytes are asked for.
   * @throws {DataError} where it is no JSON object
   */
  event(from: number, to: number, line: number): Event {
    return this.parse(this.text(from, to), line)
  }

  /** The next event where it is there already. */
  ready(): ReadEvent | null {
    if (!this.find()) return null
    const { from, to, line, bytes } = this
    return { event: this.event(from, to, line), line, bytes }
  }

  /** @throws {DataError} for a line that is no JSON object; an Error where the source cannot be read */
  async following(): Promise<ReadEvent | null> {
    for (;;) {
      const event = this.ready()
      if (event !== null) return event
      if (this.ended) return null
      await this.fill()
    }
  }

  private text(from: number, to: number): string {
    // `trim` takes a byte order mark for white space.
    return this.buffer.toString('utf8', from, to).trim()
  }

  /** Whether the data starts with a bracket; also false while nothing tells. */
  private startsList(): boolean {
    if (this.isList === null) {
      let at = this.next
      while (at < this.end && SPACE_OR_MARK.has(this.buffer[at]!)) at += 1
      if (at === this.end) return false
      this.isList = this.buffer[at] === OPEN_BRACKET
      if (this.isList) {
        this.list.line = this.line + 1 + countLines(this.buffer, this.next, at)
        this.skipped = at + 1 - this.next
        this.next = this.list.at = at + 1
      }
    }
    return this.isList
  }

  /** The next event of the list where all of it is there already. */
  private findElement(): boolean {
    const { list, buffer } = this
    if (list.closed) return false
    for (; list.at < this.end; list.at += 1) {
      const c = buffer[list.at]!
      if (c === LF) list.line += 1
      if (list.inString) {
        if (list.escaped) list.escaped = false
        else if (c === BACKSLASH) list.escaped = true
        else if (c === QUOTE) list.inString = false
      } else if (c === QUOTE) list.inString = true
      else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
        if (list.depth === 0) this.startElement(list.at)
        list.depth += 1
      } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
        if (list.depth > 1) list.depth -= 1
        else if (list.depth === 1) {
          list.depth = 0
          this.endElement()
          return true
        } else {
          if (c !== CLOSE_BRACKET) this.parse(String.fromCharCode(c), list.line)
          // What follows the list is not read.
          list.closed = this.ended = true
          return false
        }
      } else if (list.depth === 0 && !SPACE_OR_MARK.has(c) && c !== COMMA) {
        const text = buffer.toString('utf8', list.at, Math.min(this.end, list.at + SHOWN_BYTES))
        this.parse(text.split(/[,\]\s]/)[0]!, list.line)
      }
    }
    if (this.ended) throw new DataError('the list of events is never closed', this.name, list.startLine)
    return false
  }

  private startElement(at: number): void {
    this.skipped += at - this.next
    this.next = at
    this.list.startLine = this.list.line
  }

  private endElement(): void {
    this.from = this.next
    this.to = this.next = this.list.at = this.list.at + 1
    this.line = this.list.startLine
    this.bytes = this.skipped + this.to - this.from
    this.skipped = 0
  }

  close(): void {
    this.source.close()
  }

  /** Asks for more bytes; moves what was found. */
  async fill(): Promise<void> {
    this.buffer.copyWithin(0, this.next, this.end)
    this.end -= this.next
    this.list.at -= this.next
    this.next = 0
    if (this.end === this.buffer.length) {
      if (this.end >= LONGEST_LINE_BYTES) {
        throw new DataError(`a line of more than ${LONGEST_LINE_BYTES} bytes`, this.name, this.lastLine() + 1)
      }
      const larger = Buffer.alloc(2 * this.buffer.length)
      larger.set(this.buffer)
      this.buffer = larger
    }
    let count: number
    try {
      count = await this.source.read(this.buffer, this.end)
    } catch (error) {
      if (error instanceof NotText) throw error
      throw new Error(`cannot read ${this.name}: ${(error as Error).message}`, { cause: error })
    }
    this.end += count
    if (count === 0) this.ended = true
  }

  private lastLine(): number {
    return this.isList === true ? this.list.line : this.line
  }

  private parse(text: string, line: number): Event {
    let event: unknown
    try {
      event = JSON.parse(text)
    } catch {
      event = null
    }
    if (isObject(event)) return event
    const found = JSON.stringify(shortened(text))
    throw new DataError(
      `expected a JSON object, one per line or all in one list, found ${found}`,
      this.name,
      line,
    )
  }
}
