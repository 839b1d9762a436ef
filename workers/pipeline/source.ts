/** What a CSV file is, found in one pass: its hash, its size, its rows and its columns. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { DataFingerprint } from '../contract.ts'
import { DataError } from './ingest/columns.ts'
import { parseHeader } from './ingest/csv-parse.ts'

const READ_BYTES = 1 << 18
/** A longer first line is no header: the file is binary, or its lines end in CR alone. */
const LARGEST_HEADER_BYTES = 1 << 20

const LF = 10
const CR = 13
const QUOTE = 34
const COMMA = 44
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Reads the file once in constant memory. Rows are RFC 4180 records after the header; blank lines do not count.
 * @throws {DataError} for an empty file, a header without rows, or a quoted field that is never closed
 * @throws {Error} where the file cannot be read
 */
export async function fingerprintCsv(path: string): Promise<DataFingerprint> {
  const hash = createHash('sha256')
  const scan = new RecordScan(path)
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  const file = await open(path, 'r').catch((error: Error) => {
    throw new Error(`cannot read ${path}: ${error.message}`, { cause: error })
  })
  let bytes = 0
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES)
      if (bytesRead === 0) break
      const part = buffer.subarray(0, bytesRead)
      hash.update(part)
      scan.push(part)
      bytes += bytesRead
    }
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  } finally {
    await file.close()
  }
  const { rows, columns } = scan.end()
  return { sha256: hash.digest('hex'), bytes, rows, columns }
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

  constructor(path: string) {
    this.path = path
  }

  push(part: Buffer): void {
    const rest = !this.started && part.subarray(0, BOM.length).equals(BOM) ? part.subarray(BOM.length) : part
    this.started = true
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
    if (this.records === 1) {
      throw new DataError(
        'the file has a header and no rows; rows must end in LF or CRLF',
        this.path,
        this.line,
      )
    }
    return { rows: this.records - 1, columns: this.columns }
  }

  /** Counts the part's records; the offset just behind the first record of the file, or the part's length. */
  private count(part: Buffer): number {
    let headerEnd = part.length
    let { quoted, mayOpen, lineBytes, afterCr, line } = this
    for (let i = 0; i < part.length; i += 1) {
      const c = part[i]!
      if (quoted) {
        if (c === QUOTE) {
          quoted = false
          mayOpen = true
        } else if (c === LF) line += 1
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
        if (c === QUOTE && mayOpen) {
          quoted = true
          this.quoteLine = line
        }
        mayOpen = c === COMMA
        afterCr = c === CR
        lineBytes += 1
      }
    }
    this.quoted = quoted
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
    this.columns = parseHeader(Buffer.concat(this.headerParts!), this.path)
    this.headerParts = null
  }
}
