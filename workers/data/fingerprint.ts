/** What a CSV file is, found in one pass: its hash, its size, its rows and its columns. */

import { DataError } from './columns.ts'
import { parseHeader } from './csv/csv-parse.ts'
import { dialectBytes } from './csv/dialect.ts'
import { openNdjsonSource } from './ndjson.ts'
import { formatOf } from './open.ts'
import { NotText } from './sources/bytes.ts'
import { type HashingSource, hashingSource } from './sources/hashing.ts'
import type { CsvDialect, DataFingerprint, ReadingOptions } from './types.ts'

const READ_BYTES = 1 << 18
const CHUNK_EVENTS = 4096
/** A longer first line is no header: the file is binary, or its lines end in a lone CR. */
const LARGEST_HEADER_BYTES = 1 << 20

const LF = 10
const CR = 13
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/** What is said of how the file is read. */
export type FileToRead = { path: string } & Pick<ReadingOptions, 'format' | 'dialect'>

/**
 * Reads the file once in constant memory, unpacked where it is a `.gz`; hash and size are those of the file as it is.
 * Rows are CSV records after the header, or events; blank lines do not count.
 * @throws {NotText} for bytes that are no text of the file's encoding
 * @throws {DataError} for an empty file, a header without rows, a quoted field that is never closed, or a line that is no event
 * @throws {Error} where the file cannot be read
 */
export async function fingerprintFile(file: FileToRead): Promise<DataFingerprint> {
  const { path } = file
  let source: HashingSource | null = null
  try {
    source = hashingSource(path, file.dialect?.encoding)
    const { rows, columns } =
      formatOf(file) === 'ndjson' ? await countEvents(source, path) : await countRecords(source, file)
    return { ...source.digest(), rows, columns }
  } catch (error) {
    if (
      error instanceof DataError ||
      error instanceof NotText ||
      /^cannot read/.test((error as Error).message)
    )
      throw error
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  } finally {
    source?.close()
  }
}

interface Counted {
  rows: number
  columns: string[]
}

async function countRecords(source: HashingSource, { path, dialect }: FileToRead): Promise<Counted> {
  const scan = new RecordScan(path, dialect ?? {})
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (;;) {
    const count = await source.read(buffer, 0)
    if (count === 0) return scan.end()
    scan.push(buffer.subarray(0, count))
  }
}

async function countEvents(source: HashingSource, path: string): Promise<Counted> {
  const reader = await openNdjsonSource(source, path, [])
  let rows = 0
  for (;;) {
    const chunk = await reader.read(CHUNK_EVENTS)
    if (chunk === null) return { rows, columns: [...reader.header] }
    rows += chunk.rows
  }
}

/** Counts records over parts of a file and keeps the first. */
class RecordScan {
  private readonly path: string
  private records = 0
  private quoted = false
  /** Where a quote opens a field, or opens it again because it was doubled. */
  private mayOpen = true
  /** Bytes of the current line other than its LF. */
  private lineBytes = 0
  private afterCr = false
  private line = 1
  private quoteLine = 1
  private started = false
  private headerParts: Buffer[] | null = []
  private headerBytes = 0
  private columns: string[] = []
  /** Lines before the header that are still to be skipped. */
  private linesToSkip: number

  private readonly dialect: CsvDialect
  private readonly separator: number
  private readonly quote: number
  private readonly comment: number
  /** Within a line that is skipped. */
  private commented = false

  constructor(path: string, dialect: CsvDialect) {
    this.path = path
    this.dialect = dialect
    const { separator, quote, comment } = dialectBytes(dialect)
    this.separator = separator
    this.quote = quote
    this.comment = comment
    this.linesToSkip = dialect.skip_lines ?? 0
  }

  push(part: Buffer): void {
    let rest = !this.started && part.subarray(0, BOM.length).equals(BOM) ? part.subarray(BOM.length) : part
    this.started = true
    for (; this.linesToSkip > 0; this.linesToSkip -= 1) {
      const end = rest.indexOf(LF)
      if (end < 0) return
      rest = rest.subarray(end + 1)
      this.line += 1
    }
    const headerEnd = this.count(rest)
    if (this.headerParts !== null) this.keepHeader(rest.subarray(0, headerEnd))
  }

  /** @throws {DataError} where there is no header, no row, or an open quote */
  end(): { rows: number; columns: string[] } {
    if (this.quoted) {
      throw new DataError('a quoted field is never closed', this.path, this.quoteLine)
    }
    if (this.lineBytes > 0) this.records += 1
    if (this.records === 0) {
      throw new DataError('the file is empty: expected a header line and rows', this.path, 1)
    }
    if (this.headerParts !== null) this.readHeader()
    if (this.dialect.header === false) return { rows: this.records, columns: this.columns }
    if (this.records === 1) {
      throw new DataError(
        'the file has a header and no rows; rows must end in LF or CRLF',
        this.path,
        this.line,
      )
    }
    return { rows: this.records - 1, columns: this.columns }
  }

  /** Counts the part's records; the offset just after the first record of the file, or the part's length. */
  private count(part: Buffer): number {
    let headerEnd = part.length
    const { separator, quote, comment } = this
    let { quoted, mayOpen, lineBytes, afterCr, line, commented } = this
    for (let i = 0; i < part.length; i += 1) {
      const c = part[i]!
      if (commented) {
        if (c !== LF) continue
        line += 1
        commented = false
      } else if (quoted) {
        if (c === quote) {
          quoted = false
          mayOpen = true
        } else if (c === LF) line += 1
      } else if (c === comment && lineBytes === 0) {
        commented = true
      } else if (c === LF) {
        // A CR before the line's end belongs to that end.
        if (lineBytes > (afterCr ? 1 : 0)) {
          this.records += 1
          if (this.records === 1) headerEnd = i + 1
        }
        line += 1
        lineBytes = 0
        mayOpen = true
        afterCr = false
      } else {
        if (c === quote && mayOpen) {
          quoted = true
          this.quoteLine = line
        }
        mayOpen = c === separator
        afterCr = c === CR
        lineBytes += 1
      }
    }
    this.quoted = quoted
    this.commented = commented
    this.mayOpen = mayOpen
    this.lineBytes = lineBytes
    this.afterCr = afterCr
    this.line = line
    return headerEnd
  }

  private keepHeader(part: Buffer): void {
    this.headerParts!.push(Buffer.from(part))
    this.headerBytes += part.length
    if (this.records > 0) this.readHeader()
    else if (this.headerBytes > LARGEST_HEADER_BYTES) {
      throw new DataError(
        `no line ends within the first ${LARGEST_HEADER_BYTES} bytes: expected CSV with lines ending in LF or CRLF`,
        this.path,
        1,
      )
    }
  }

  private readHeader(): void {
    this.columns = parseHeader(Buffer.concat(this.headerParts!), this.path, this.dialect)
    this.headerParts = null
  }
}
