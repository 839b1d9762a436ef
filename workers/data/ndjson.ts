/** JSON: one event per line, or a list of them. Fields inside objects are named by their path, as `user.age`. */

import type { ChunkReader, ColumnChunk, ColumnSpec, OpenReader, ReaderOptions } from './columns.ts'
import { DataError } from './columns.ts'
import { misfit, shortened } from './decode.ts'
import { findColumns } from './header.ts'
import { type ColumnSink, columnSink } from './sinks.ts'
import { type ByteSource, NotText, openSource } from './sources/bytes.ts'

const FIRST_BUFFER_BYTES = 256 * 1024
const LONGEST_LINE_BYTES = 16 * 1024 * 1024
/** Where they are not known, fields are named by the events at the start: so many of them. */
const NAMING_EVENTS = 1000
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
  try {
    let any = false
    for (;;) {
      const next = lines.ready() ?? (await lines.next())
      if (next === null) break
      any = true
      const fields = new Map<string, string>()
      collectFields(next.event, '', fields)
      take(fields, next.line)
    }
    if (!any) throw emptyFile(name)
  } finally {
    lines.close()
  }
}

function emptyFile(name: string): DataError {
  return new DataError('the file is empty: expected one JSON object a line', name, 1)
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
    const next = lines.ready() ?? (await lines.next())
    if (next === null) break
    early.push(next)
    collectNames(next.event, '', names)
  }
  if (early.length === 0) throw emptyFile(lines.name)
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
    this.chunk.columns = this.fields.map(({ sink }) => sink.column)
    if (options.markMisfits === true) this.chunk.misfits = []
  }

  async read(rows: number): Promise<ColumnChunk | null> {
    const { chunk } = this
    const wanted = Math.min(rows, this.left)
    if (wanted > this.capacity) {
      for (const { sink } of this.fields) sink.reserve(wanted)
      this.capacity = wanted
    }
    chunk.firstRow += chunk.rows
    chunk.rows = 0
    chunk.bytes = 0
    if (chunk.misfits !== undefined) chunk.misfits.length = 0
    while (chunk.rows < wanted) {
      const next = this.early[this.nextEarly] ?? this.lines.ready() ?? (await this.lines.next())
      if (next === null) break
      if (this.nextEarly < this.early.length) {
        this.nextEarly += 1
        if (this.nextEarly === this.early.length) {
          this.early.length = 0
          this.nextEarly = 0
        }
      }
      this.put(next)
      chunk.bytes += next.bytes
      chunk.rows += 1
    }
    this.left -= chunk.rows
    return chunk.rows === 0 ? null : chunk
  }

  close(): void {
    this.lines.close()
  }

  private put({ event, line }: ReadEvent): void {
    const { chunk, fields } = this
    for (let i = 0; i < fields.length; i += 1) {
      const field = fields[i]!
      const { sink } = field
      const value = valueAt(event, field)
      if (typeof value === 'number' && field.direct && sink.column.kind === 'number') {
        sink.column.values[chunk.rows] = value
        continue
      }
      const text = typeof value === 'string' ? value : (textOf(value) ?? '')
      if (sink.put(text, chunk.rows)) continue
      const problem = misfit(text, sink.spec)
      if (chunk.misfits === undefined) throw new DataError(problem, this.name, line, sink.spec.name)
      chunk.misfits.push({ row: chunk.rows, column: i, line, problem })
    }
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
  sink: ColumnSink
}

function fieldOf(spec: ColumnSpec): Field {
  const { name } = spec
  return {
    name,
    path: name.includes('.') ? name.split('.') : null,
    isInherited: name in Object.prototype,
    direct: takesNumbers(spec),
    sink: columnSink(spec),
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

/** Lines of a byte source, parsed. Blank lines are skipped. */
class Lines {
  readonly name: string
  private readonly source: ByteSource
  private buffer = Buffer.alloc(FIRST_BUFFER_BYTES)
  private from = 0
  private end = 0
  private ended = false
  private line = 0
  private skipped = 0
  /** Whether the data is one list of events; null before the first byte that tells. */
  private isList: boolean | null = null
  private readonly list = {
    at: 0,
    depth: 0,
    inString: false,
    escaped: false,
    startLine: 1,
    closed: false,
  }

  constructor(source: ByteSource, name: string) {
    this.source = source
    this.name = name
  }

  /** The next event where its whole line is there already. */
  ready(): ReadEvent | null {
    if (this.isList !== false && this.startsList()) return this.readyElement()
    for (;;) {
      const at = this.buffer.indexOf(LF, this.from)
      const found = at >= 0 && at < this.end
      if (!found && !(this.ended && this.from < this.end)) return null
      const to = found ? at : this.end
      // `trim` takes a byte order mark for white space.
      const text = this.buffer.toString('utf8', this.from, to).trim()
      const next = found ? at + 1 : this.end
      this.skipped += next - this.from
      this.from = next
      this.line += 1
      if (text === '') continue
      const bytes = this.skipped
      this.skipped = 0
      return { event: this.parse(text, this.line), line: this.line, bytes }
    }
  }

  /** Whether the data starts with a bracket; also false while nothing tells. */
  private startsList(): boolean {
    if (this.isList === null) {
      let at = this.from
      while (at < this.end && SPACE_OR_MARK.has(this.buffer[at]!)) at += 1
      if (at === this.end) return false
      this.isList = this.buffer[at] === OPEN_BRACKET
      if (this.isList) {
        this.line = 1 + countLines(this.buffer, this.from, at)
        this.skipped = at + 1 - this.from
        this.from = this.list.at = at + 1
      }
    }
    return this.isList
  }

  /** The next event of the list where all of it is there already. */
  private readyElement(): ReadEvent | null {
    const { list, buffer } = this
    if (list.closed) return null
    for (; list.at < this.end; list.at += 1) {
      const c = buffer[list.at]!
      if (c === LF) this.line += 1
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
          return this.endElement()
        } else {
          if (c !== CLOSE_BRACKET) this.parse(String.fromCharCode(c), this.line)
          // What follows the list is not read.
          list.closed = this.ended = true
          return null
        }
      } else if (list.depth === 0 && !SPACE_OR_MARK.has(c) && c !== COMMA) {
        const text = buffer.toString('utf8', list.at, Math.min(this.end, list.at + SHOWN_BYTES))
        this.parse(text.split(/[,\]\s]/)[0]!, this.line)
      }
    }
    if (this.ended) throw new DataError('the list of events is never closed', this.name, list.startLine)
    return null
  }

  private startElement(at: number): void {
    this.skipped += at - this.from
    this.from = at
    this.list.startLine = this.line
  }

  private endElement(): ReadEvent {
    const to = this.list.at + 1
    const text = this.buffer.toString('utf8', this.from, to)
    const bytes = this.skipped + to - this.from
    this.skipped = 0
    this.from = this.list.at = to
    const line = this.list.startLine
    return { event: this.parse(text, line), line, bytes }
  }

  /** @throws {DataError} for a line that is no JSON object; an Error where the source cannot be read */
  async next(): Promise<ReadEvent | null> {
    for (;;) {
      const event = this.ready()
      if (event !== null) return event
      if (this.ended) return null
      await this.fill()
    }
  }

  close(): void {
    this.source.close()
  }

  private async fill(): Promise<void> {
    this.buffer.copyWithin(0, this.from, this.end)
    this.end -= this.from
    this.list.at -= this.from
    this.from = 0
    if (this.end === this.buffer.length) {
      if (this.end >= LONGEST_LINE_BYTES) {
        throw new DataError(`a line of more than ${LONGEST_LINE_BYTES} bytes`, this.name, this.line + 1)
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
