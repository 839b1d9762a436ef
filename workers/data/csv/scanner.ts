import { CR, type DialectBytes, LF } from './dialect.ts'
import { Marks } from './marks.ts'

/** What is wrong with the rows' form, and where. */
export interface ScanProblem {
  message: string
  /** Physical line, from 1. */
  line: number
  /** Fields found, where the row has more or fewer than the header. */
  found?: number
}

/** Above this many pending bytes a row is scanned again only after half as much again has come in. */
const RESCAN_FREELY_BYTES = 64 * 1024
/** After a row that is not plain, up to so many rows are taken byte by byte before plain ones are expected again. */
const LARGEST_DETOUR_ROWS = 64

/**
 * Splits bytes into rows and fields, and looks at nothing else. Holds the input buffer: the caller puts bytes in
 * (`room`, `accept`), calls `scan`, and reads `fields` before it puts more in.
 *
 * A row that the buffer does not hold to its end is scanned again from its start when more bytes are there, so a
 * field may be split anywhere. A line feed behind the last byte stops every inner loop: no loop tests for the end.
 *
 * Plain rows, without quotes and of the right width, are cut at marks found four bytes at a time; all others, and
 * all that is broken, are left to a loop that goes byte by byte.
 */
export class Scanner {
  bytes: Buffer
  /** First byte not yet scanned into a row, and the end of the bytes held. */
  position = 0
  end = 0
  ended = false
  /** Physical line at `position`. */
  line = 1
  /** Row-major start and end of each wanted field, in file order. */
  fields = new Int32Array(0)
  /** Line on which each row starts. */
  rowLines = new Float64Array(0)
  /** Bytes of the rows of the last scan, with line ends and the blank lines and comments before each. */
  rowBytes = 0
  /** Set when the bytes after the rows of the last scan do not form a row. */
  problem: ScanProblem | null = null

  readonly #separator: number
  readonly #quote: number
  readonly #comment: number
  /** 1 for bytes that end an unquoted field or may not stand in one; none is above `#top`. */
  readonly #special = new Uint8Array(256)
  readonly #top: number
  readonly #maxRowBytes: number
  readonly #marks: Marks
  /** Among all marks, one at or before the line end before `position`; among the others, one at or before the next. */
  #markBefore = 0
  #nextOther = 0
  /** Rows to take byte by byte after the next that is not plain. */
  #detour = 1
  /** 1 for the file columns to keep. */
  #wanted = new Int8Array(0)
  /** The file columns to keep, ascending. */
  #columns = new Int32Array(0)
  #wantedCount = 0
  /** Bytes that must be pending before a scan is worth while. */
  #needed = 1
  /** Bytes of blank lines and comments since the last row. */
  #skipped = 0

  constructor(dialect: DialectBytes, bufferBytes: number, maxRowBytes: number) {
    this.bytes = Buffer.alloc(bufferBytes + 1)
    this.#marks = new Marks(dialect)
    this.#separator = dialect.separator
    this.#quote = dialect.quote
    this.#comment = dialect.comment
    this.#maxRowBytes = maxRowBytes
    for (const byte of [LF, CR, dialect.separator, dialect.quote]) if (byte >= 0) this.#special[byte] = 1
    this.#top = Math.max(LF, CR, dialect.separator, dialect.quote)
  }

  /** Says which file columns to keep, and how many rows a scan may give at most. */
  want(columns: readonly boolean[], rows: number): void {
    this.#wanted = Int8Array.from(columns, (wanted) => (wanted ? 1 : 0))
    this.#columns = Int32Array.from(columns.flatMap((wanted, column) => (wanted ? column : [])))
    this.#wantedCount = this.#columns.length
    this.fields = new Int32Array(2 * this.#wantedCount * rows)
    this.rowLines = new Float64Array(rows)
  }

  /**
   * Fields in the next row, which stays unscanned; null at the end of the data, or where more bytes are needed
   * (`ended` tells which) or the row is broken (`problem` tells).
   */
  countFields(): number | null {
    this.want([], 1)
    this.scan(1)
    const found = this.problem?.found
    if (found === undefined) return null
    this.problem = null
    return found
  }

  /** Makes room for more bytes behind those not yet scanned; the buffer grows only for a row that fills it. */
  room(): Buffer {
    const pending = this.end - this.position
    if (this.position > 0) {
      this.bytes.copyWithin(0, this.position, this.end)
      this.position = 0
      this.end = pending
    }
    this.#marks.start = this.#marks.end = -1
    if (pending >= this.bytes.length - 1) {
      const larger = Buffer.alloc(2 * this.bytes.length)
      larger.set(this.bytes)
      this.bytes = larger
    }
    return this.bytes.subarray(0, this.bytes.length - 1)
  }

  /** Takes note of `count` bytes put at `end`, 0 for the end of the data. False: more are needed before a scan. */
  accept(count: number): boolean {
    if (count === 0) this.ended = true
    this.end += count
    return this.ended || this.end - this.position >= this.#needed
  }

  /** Skips the mark that some programs put before UTF-8. False: more bytes are needed to tell. */
  skipByteOrderMark(): boolean {
    const [a, b, c] = this.bytes
    if (this.end >= 2 && ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))) {
      this.problem = { message: 'the file is UTF-16; save it as UTF-8', line: 1 }
      return true
    }
    if (this.end < 3 && !this.ended) return false
    if (this.end >= 3 && a === 0xef && b === 0xbb && c === 0xbf) this.position = 3
    return true
  }

  /**
   * Finds up to `limit` rows; fewer where the bytes held have no more whole rows, or `problem` says what is wrong
   * behind them. Blank lines and comment lines are no rows. Zero rows and no problem: put in more, or all is read.
   */
  scan(limit: number): number {
    this.rowBytes = 0
    let rows = 0
    while (this.#marks.usable && rows < limit && this.position < this.end) {
      const plain = this.#scanPlain(rows, limit)
      this.#detour = plain > rows ? 1 : Math.min(2 * this.#detour, LARGEST_DETOUR_ROWS)
      rows = plain
      if (rows === limit) break
      const careful = Math.min(limit, rows + this.#detour)
      rows = this.#scanCarefully(rows, careful)
      if (rows < careful || this.problem !== null) break
    }
    if (!this.#marks.usable) rows = this.#scanCarefully(rows, limit)
    if (this.problem !== null) return rows
    const pending = this.end - this.position
    // One byte more may be the carriage return of the line end.
    if (rows < limit && pending > this.#maxRowBytes + 1) return this.#stop(rows, this.#tooLong(), this.line)
    this.#needed = pending + 1 + (pending > RESCAN_FREELY_BYTES ? pending >> 1 : 0)
    return rows
  }

  /** Takes plain rows from row `rows` on, up to the first that is not plain or not whole; rows so far. */
  #scanPlain(rows: number, limit: number): number {
    const { bytes, end, fields, rowLines } = this
    const marks = this.#marks
    const { places, others } = marks
    const comment = this.#comment
    const columns = this.#columns
    const wantedCount = this.#wantedCount
    const width = this.#wanted.length
    let start = this.position
    let line = this.line
    let o = rows * 2 * wantedCount
    if (start < marks.start || start >= marks.end) this.#findMarks(start)
    // The mark before the row, and the first behind its start that is not a separator: its end, if it is plain.
    let before = this.#markBefore
    let k = this.#nextOther
    while (places[before]! < start - 1) before++
    scanning: while (rows < limit) {
      const { otherCount } = marks
      while (k < otherCount && others[k]! < start) k++
      while (k < otherCount && rows < limit) {
        const place = others[k]!
        const c = bytes[place]!
        let next = place + 1
        let last = before + width
        // Neither the right number of marks, nor these marks alone: wrong width, a quote, or a control character.
        if (places[last] !== place || place === start || bytes[start] === comment) break scanning
        if (c === CR) {
          // A carriage return that no line feed follows within the window is not plain.
          if (k + 1 >= otherCount || others[k + 1] !== next || bytes[next] !== LF) break scanning
          next++
          last++
          k++
        } else if (c !== LF) break scanning
        if (next - start > this.#maxRowBytes) break scanning
        for (let i = 0; i < wantedCount; i++) {
          const mark = before + columns[i]!
          fields[o] = places[mark]! + 1
          fields[o + 1] = places[mark + 1]!
          o += 2
        }
        rowLines[rows++] = line++
        start = next
        before = last
        k++
      }
      if (rows === limit || marks.end === end || marks.start === start) break
      this.#findMarks(start)
      before = k = 0
    }
    this.#markBefore = before
    this.#nextOther = k
    this.rowBytes += start - this.position
    if (start > this.position) {
      this.rowBytes += this.#skipped
      this.#skipped = 0
    }
    this.position = start
    this.line = line
    return rows
  }

  #findMarks(from: number): void {
    this.#marks.find(this.bytes, from, this.end)
    this.#markBefore = this.#nextOther = 0
  }

  /** Takes any rows from row `rows` on, byte by byte; rows so far, fewer than `limit` as `scan` says. */
  #scanCarefully(rows: number, limit: number): number {
    const { bytes, end, fields } = this
    const separator = this.#separator
    const quote = this.#quote
    const comment = this.#comment
    const special = this.#special
    const top = this.#top
    const wanted = this.#wanted
    const width = wanted.length
    const stride = 2 * this.#wantedCount
    let p = this.position
    let line = this.line
    bytes[end] = LF

    scanning: while (rows < limit && p < end) {
      const start = p
      let c = bytes[p]!
      if (c === LF) {
        this.#skip(++p)
        line++
        continue
      }
      if (c === CR && bytes[p + 1] === LF && p + 1 < end) {
        p += 2
        this.#skip(p)
        line++
        continue
      }
      if (c === comment) {
        while (bytes[p] !== LF) p++
        if (p >= end && !this.ended) break
        if (p - start > this.#maxRowBytes) return this.#stop(rows, this.#tooLong(), line)
        p = Math.min(p + 1, end)
        this.#skip(p)
        line++
        continue
      }
      const firstLine = line
      let column = 0
      let o = rows * stride
      let anyDoubled = false
      for (;;) {
        let from = p
        let to: number
        let doubled = false
        if (c === quote) {
          const opened = line
          from = ++p
          for (;;) {
            for (c = bytes[p]!; c !== quote; c = bytes[++p]!) {
              if (c !== LF) continue
              if (p < end) line++
              else if (this.ended)
                return this.#stop(rows, 'the quoted field that starts here is never closed', opened)
              else break scanning
            }
            to = p
            c = bytes[++p]!
            if (c !== quote) break
            doubled = true
            p++
          }
          if (special[c] === 0) {
            return this.#stop(
              rows,
              `expected a separator or a line end after a closing quote, found ${shown(c)}`,
              line,
            )
          }
        } else {
          while (c > top || special[c] === 0) c = bytes[++p]!
          if (c === quote)
            return this.#stop(rows, 'a quote inside a field that does not start with one', line)
          to = p
        }
        if (column < width && wanted[column] === 1) {
          if (doubled) anyDoubled = true
          fields[o] = doubled ? ~from : from
          fields[o + 1] = to
          o += 2
        }
        column++
        if (c !== separator) break
        c = bytes[++p]!
      }
      let next = p + 1
      if (c === CR) {
        if (next >= end && !this.ended) break
        if (next >= end || bytes[next] !== LF) {
          return this.#stop(rows, 'a carriage return without a line feed; end lines with LF or CRLF', line)
        }
        next++
      } else if (p >= end) {
        if (!this.ended) break
        next = end
      }
      if (p - start > this.#maxRowBytes) return this.#stop(rows, this.#tooLong(), firstLine)
      if (column !== width) {
        return this.#stop(
          rows,
          `expected ${width} fields as in the header, found ${column}`,
          firstLine,
          column,
        )
      }
      if (anyDoubled) this.#undouble(rows * stride, o)
      this.rowLines[rows++] = firstLine
      this.rowBytes += next - start + this.#skipped
      this.#skipped = 0
      this.position = p = next
      this.line = ++line
    }
    return rows
  }

  #skip(to: number): void {
    this.#skipped += to - this.position
    this.position = to
    this.line++
  }

  #stop(rows: number, message: string, line: number, found?: number): number {
    this.problem = found === undefined ? { message, line } : { message, line, found }
    return rows
  }

  #tooLong(): string {
    return `a row of more than ${this.#maxRowBytes} bytes; is a quote not closed, or the separator another?`
  }

  /** Takes the second quote out of each doubled pair, in place: a whole row is never scanned again. */
  #undouble(from: number, to: number): void {
    const { bytes, fields } = this
    for (let o = from; o < to; o += 2) {
      if (fields[o]! >= 0) continue
      const start = ~fields[o]!
      const end = fields[o + 1]!
      let kept = start
      for (let p = start; p < end; p++) {
        const byte = bytes[p]!
        bytes[kept++] = byte
        if (byte === this.#quote) p++
      }
      fields[o] = start
      fields[o + 1] = kept
    }
  }
}

function shown(byte: number): string {
  return byte > 32 && byte < 127
    ? `"${String.fromCharCode(byte)}"`
    : `byte 0x${byte.toString(16).padStart(2, '0')}`
}
