/** A data set's lines as events: each record of a CSV, its header first, or each JSON object, as bytes without a line end. */
import { dialectBytes } from '../data/csv/dialect.ts'
import { formatOf } from '../data/open.ts'
import { readResolved } from '../data/resolve-dialect.ts'
import { openSource } from '../data/sources/bytes.ts'
import type { ByteSource } from '../data/sources/source.ts'
import type { CsvDialect, DataFormat, PreparedDataset } from '../data/types.ts'

const FIRST_BUFFER_BYTES = 256 * 1024
const LONGEST_RECORD_BYTES = 16 * 1024 * 1024
const LF = 10
const CR = 13
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

export interface DataToSend {
  /** A file, packed or not, or `-` for standard input, which must be in UTF-8 with commas. */
  path: string
  format?: DataFormat
}

/** How a file is written is found as for a run. */
export async function openRecords(data: DataToSend): Promise<Records> {
  if (data.path === '-') return new Records(openSource('-'), 'standard input', data.format ?? 'csv', {})
  const asked: DataToSend & { dialect?: CsvDialect } = data
  return await readResolved({ ...asked, target: null, columns: {} }, async ({ dataset }) => {
    const { path, dialect = {} } = dataset
    return new Records(openSource(path, dialect.encoding), path, formatOf(dataset), dialect)
  })
}

/** Of data whose dialect is known. */
export function recordsOf(data: PreparedDataset): Records {
  const { path, dialect = {} } = data
  return new Records(openSource(path, dialect.encoding), path, formatOf(data), dialect)
}

export class Records {
  /** Whether the first record names the columns. */
  readonly hasHeader: boolean
  private readonly source: ByteSource
  private readonly name: string
  private readonly quote: number
  private readonly comment: number
  private linesToSkip: number
  private buffer = Buffer.alloc(FIRST_BUFFER_BYTES)
  private from = 0
  /** Up to here the record that begins at `from` was looked at. */
  private at = 0
  private end = 0
  private quoted = false
  private ended = false
  private begun = false

  constructor(source: ByteSource, name: string, format: DataFormat, dialect: CsvDialect) {
    this.source = source
    this.name = name
    const { quote, comment } = dialectBytes(dialect)
    const isCsv = format === 'csv'
    this.hasHeader = isCsv && dialect.header !== false
    this.quote = isCsv ? quote : -1
    this.comment = isCsv ? comment : -1
    this.linesToSkip = isCsv ? (dialect.skip_lines ?? 0) : 0
  }

  /** The next record where it is there already, copied: it stays valid. */
  ready(): Buffer | null {
    const record = this.find()
    return record === null ? null : Buffer.from(record)
  }

  /** The next record; null at the end. */
  async next(): Promise<Buffer | null> {
    for (;;) {
      const record = this.ready()
      if (record !== null || this.ended) return record
      await this.fill()
    }
  }

  close(): void {
    this.source.close()
  }

  private find(): Buffer | null {
    for (;;) {
      const end = this.endOfRecord()
      if (end === null) return null
      const start = this.from
      const text = this.buffer.subarray(start, end > start && this.buffer[end - 1] === CR ? end - 1 : end)
      this.from = this.at = Math.min(end + 1, this.end)
      if (this.linesToSkip > 0) this.linesToSkip -= 1
      else if (text.length > 0 && text[0] !== this.comment) return text
    }
  }

  /** Where the line end of the record is, or the end of the data; null where that has not come. */
  private endOfRecord(): number | null {
    const { buffer, quote } = this
    for (; this.at < this.end; this.at += 1) {
      const c = buffer[this.at]!
      if (c === quote) this.quoted = !this.quoted
      else if (c === LF && !this.quoted) return this.at
    }
    return this.ended && this.from < this.end ? this.end : null
  }

  private async fill(): Promise<void> {
    this.buffer.copyWithin(0, this.from, this.end)
    this.end -= this.from
    this.at -= this.from
    this.from = 0
    if (this.end === this.buffer.length) {
      if (this.end >= LONGEST_RECORD_BYTES)
        throw new Error(`${this.name}: a record of more than ${LONGEST_RECORD_BYTES} bytes`)
      const larger = Buffer.alloc(2 * this.buffer.length)
      larger.set(this.buffer)
      this.buffer = larger
    }
    const count = await this.source.read(this.buffer, this.end)
    this.end += count
    if (count === 0) this.ended = true
    if (this.begun || (this.end < BOM.length && !this.ended)) return
    this.begun = true
    if (this.buffer.subarray(0, BOM.length).equals(BOM)) this.from = this.at = BOM.length
  }
}
