/** The reference reader: csv-parse, one string a field. Slow and right; other readers are tested against it. */
import { pipeline, Readable } from 'node:stream'
import { CsvError, type InfoRecord, type Options, type Parser, parse } from 'csv-parse'
import { parse as parseText } from 'csv-parse/sync'
import type { ChunkReader, ColumnChunk, ColumnSpec, OpenReader, ReaderOptions } from '../columns.ts'
import { DataError } from '../columns.ts'
import { misfit } from '../decode.ts'
import { columnNames, findColumns } from '../header.ts'
import { type ColumnSink, columnSink } from '../sinks.ts'
import { type ByteSource, openSource } from '../sources/bytes.ts'
import type { CsvDialect } from '../types.ts'

/** A longer row is no row: the file is binary, or a quote is not closed. It is never held in memory as a whole. */
const MAX_ROW_BYTES = 16 * 1024 * 1024

/** How CSV is read everywhere in the pipeline: RFC 4180, lines ending in LF or CRLF. */
const CSV_OPTIONS: Options = {
  max_record_size: MAX_ROW_BYTES,
  bom: true,
  skip_empty_lines: true,
  record_delimiter: ['\r\n', '\n'],
  // Widths are held against the header's here, which may be one field short.
  relax_column_count: true,
}

/** A dialect in csv-parse's words. */
function csvOptions({ separator, quote, comment, skip_lines = 0 }: CsvDialect): Options {
  return {
    ...CSV_OPTIONS,
    ...(separator !== undefined && { delimiter: separator }),
    ...(quote !== undefined && { quote, escape: quote }),
    ...(skip_lines > 0 && { from_line: skip_lines + 1 }),
    ...(comment != null && { comment, comment_no_infix: true }),
  }
}

const READ_BYTES = 64 * 1024

interface ParsedRecord {
  record: string[]
  info: InfoRecord
}

/** @throws {DataError} for an empty file, a header without a named column, and what `ChunkReader.read` names */
export const openCsvParse: OpenReader = async (path, specs, options = {}) => {
  const records = new RecordStream(path, options)
  try {
    const first = await records.first()
    const line = startLine(first)
    const { names: header } = columnNames(first.record, options.header)
    const names = specs.map((spec) => spec.name)
    const positions = findColumns(header, names, path, line)
    const waiting = options.header === false ? first : null
    const bytes = waiting === null ? first.info.bytes : 0
    return new CsvParseReader(path, header, records, waiting, specs, positions, options, bytes)
  } catch (error) {
    records.close()
    throw error
  }
}

/**
 * Column names in the text of a header line.
 * @throws {DataError} for a broken quote
 */
export function parseHeader(text: Uint8Array, path: string, dialect: CsvDialect = {}): string[] {
  let records: string[][]
  try {
    records = parseText(text, csvOptions({ ...dialect, skip_lines: 0 }))
  } catch (error) {
    throw readable(error as Error, path)
  }
  return columnNames(records[0]!, dialect.header).names
}

class CsvParseReader implements ChunkReader {
  readonly header: readonly string[]
  private readonly path: string
  private readonly records: RecordStream
  private readonly sinks: ColumnSink[]
  private readonly positions: readonly number[]
  private readonly chunk: ColumnChunk = { rows: 0, firstRow: 0, columns: [], bytes: 0 }
  private left: number
  private capacity = 0
  private bytes: number
  /** The first record, where it is a row. */
  private waiting: ParsedRecord | null

  constructor(
    path: string,
    header: readonly string[],
    records: RecordStream,
    waiting: ParsedRecord | null,
    specs: readonly ColumnSpec[],
    positions: readonly number[],
    options: ReaderOptions,
    headerBytes: number,
  ) {
    this.path = path
    this.header = header
    this.records = records
    this.waiting = waiting
    this.left = options.rows ?? Number.POSITIVE_INFINITY
    this.bytes = headerBytes
    this.positions = positions
    this.sinks = specs.map(columnSink)
    this.chunk.columns = this.sinks.map((sink) => sink.column)
    if (options.markMisfits === true) this.chunk.misfits = []
  }

  async read(rows: number): Promise<ColumnChunk | null> {
    const wanted = Math.min(rows, this.left)
    const { chunk, sinks, positions } = this
    if (chunk.misfits !== undefined) chunk.misfits.length = 0
    if (wanted > this.capacity) {
      for (const sink of sinks) sink.reserve(wanted)
      this.capacity = wanted
    }
    chunk.firstRow += chunk.rows
    chunk.rows = 0
    let end = this.bytes
    while (chunk.rows < wanted) {
      const next = this.waiting ?? this.records.ready() ?? (await this.records.next())
      if (next === null) break
      this.waiting = null
      const { record } = next
      if (record.length !== this.header.length) {
        const found = record.length === 1 ? '1 field' : `${record.length} fields`
        throw new DataError(`the row has ${found}, not as many as the header`, this.path, startLine(next))
      }
      for (let i = 0; i < sinks.length; i += 1) {
        const sink = sinks[i]!
        const text = record[positions[i]!]!
        if (sink.put(text, chunk.rows)) continue
        const problem = misfit(text, sink.spec)
        const line = startLine(next)
        if (chunk.misfits === undefined) throw new DataError(problem, this.path, line, sink.spec.name)
        chunk.misfits.push({ row: chunk.rows, column: i, line, problem })
      }
      end = next.info.bytes
      chunk.rows += 1
    }
    this.left -= chunk.rows
    chunk.bytes = end - this.bytes
    this.bytes = end
    return chunk.rows === 0 ? null : chunk
  }

  close(): void {
    this.records.close()
  }
}

/** csv-parse counts the line on which a record ends; line breaks inside its fields lead back to its start. */
function startLine(parsed: ParsedRecord): number {
  let line = parsed.info.lines
  for (const field of parsed.record) line -= field.split('\n').length - 1
  return line
}

/** Pulls records from the file as they are asked for, with bounded read-ahead. */
class RecordStream {
  private readonly parser: Parser
  private readonly path: string
  private failure: Error | null = null
  private ended = false
  private wake: (() => void) | null = null

  constructor(path: string, dialect: CsvDialect) {
    this.path = path
    this.parser = parse({ ...csvOptions(dialect), info: true })
    const wake = () => this.wake?.()
    this.parser.on('readable', wake)
    this.parser.on('end', () => {
      this.ended = true
      wake()
    })
    const done = (error: NodeJS.ErrnoException | null) => {
      if (error != null) this.failure = error
      wake()
    }
    pipeline(Readable.from(parts(() => openSource(path, dialect.encoding))), this.parser, done)
  }

  /** The next record where one is already parsed. */
  ready(): ParsedRecord | null {
    return this.parser.read() as ParsedRecord | null
  }

  /** @throws {DataError} on a ragged row or a broken quote; an Error where the file cannot be read */
  async next(): Promise<ParsedRecord | null> {
    for (;;) {
      const record = this.ready()
      if (record !== null) return record
      if (this.failure !== null) throw readable(this.failure, this.path)
      if (this.ended) return null
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.wake = null
    }
  }

  /** @throws {DataError} where there is none, and as `next` */
  async first(): Promise<ParsedRecord> {
    const record = await this.next()
    if (record === null) throw new DataError('the file is empty: expected a header line', this.path, 1)
    return record
  }

  close(): void {
    this.parser.destroy()
  }
}

/** A source, opened when it is first asked, as parts of its bytes. */
async function* parts(open: () => ByteSource): AsyncGenerator<Buffer> {
  const source = open()
  try {
    for (;;) {
      const part = Buffer.allocUnsafe(READ_BYTES)
      const count = await source.read(part, 0)
      if (count === 0) return
      yield part.subarray(0, count)
    }
  } finally {
    source.close()
  }
}

/** csv-parse's and the file system's errors in the pipeline's words. */
function readable(error: Error, path: string): Error {
  if (error instanceof CsvError) {
    const line = Number(error['lines'] ?? 1)
    return new DataError(problem(error), path, line)
  }
  return new Error(`cannot read ${path}: ${error.message}`, { cause: error })
}

function problem(error: CsvError): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quoted field is not closed before the end of the file'
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'text after the closing quote of a field: a quote inside a quoted field must be doubled'
    case 'INVALID_OPENING_QUOTE':
      return 'a quote inside an unquoted field: quote the whole field and double the quote'
    case 'CSV_MAX_RECORD_SIZE':
      return `a row of more than ${MAX_ROW_BYTES} bytes; is a quote not closed, or the separator another?`
    default:
      return error.message
  }
}
