import { type Kernels, newBytes, newFloats, newInts } from '../../kernels.ts'
import { CR, type DialectBytes, LF } from './dialect.ts'

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

/** Places in the state of the kernel that cuts plain rows, and what it keeps beside it, as `kernels/split.ts` has them. */
const [SEPARATOR, QUOTE, COMMENT, MOST_BYTES, WIDTH, WANTED, POSITION, END, WINDOW_START, WINDOW_END] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
]
const STATE_SIZE = 13
const WINDOW_BYTES = 8 * 1024
/** The places before and after all others, and three that may be written after the last. */
const FURTHER_PLACES = 5
/** What lines between a header and its rows are drawn of, and how long they are at least. */
const DRAWN: readonly number[] = [...Buffer.from('-=+| ')]
const LEAST_DRAWN = 3

/**
 * Splits bytes into rows and fields, and looks at nothing else. Holds the input buffer: the caller puts bytes in
 * (`room`, `accept`), calls `scan`, and reads `fields` before it puts more in.
 *
 * A row that the buffer does not hold to its end is scanned again from its start when more bytes are there, so a
 * field may be split anywhere. A line feed after the last byte stops every inner loop: no loop tests for the end.
 *
 * Plain rows, of the right width and with simple quotes at most, are cut by a kernel at marks that it finds many bytes at a time, as
 * in "Parsing Gigabytes of JSON per Second" (Langdale and Lemire, 2019); all others, and all that is broken, are left to
 * a loop that goes byte by byte. Without kernels that loop takes all rows.
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
  fields = new Int32Array(0) as Int32Array
  /** Line on which each row starts. */
  rowLines = new Float64Array(0) as Float64Array
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
  /** In whose memory all that is scanned lies. */
  readonly #kernels: Kernels | null
  /** The state of the kernel, and the marks in its window: all of them, and those that are not separators. */
  readonly #state: Int32Array | null
  readonly #places: Int32Array
  readonly #others: Int32Array
  /** Rows to take byte by byte after the next that is not plain. */
  #detour = 1
  /** 1 for the file columns to keep. */
  #wanted = new Int8Array(0)
  /** The file columns to keep, ascending. */
  #columns = new Int32Array(0) as Int32Array
  #wantedCount = 0
  /** Bytes that must be pending before a scan is worth while. */
  #needed = 1
  /** Bytes of blank lines and comments since the last row. */
  #skipped = 0

  constructor(dialect: DialectBytes, bufferBytes: number, maxRowBytes: number, kernels: Kernels | null) {
    this.#kernels = kernels
    this.bytes = newBytes(kernels, bufferBytes + 1)
    this.#state = kernels === null ? null : kernels.ints(STATE_SIZE)
    this.#places = newInts(kernels, kernels === null ? 0 : WINDOW_BYTES + FURTHER_PLACES)
    this.#others = newInts(kernels, kernels === null ? 0 : WINDOW_BYTES)
    this.#separator = dialect.separator
    this.#quote = dialect.quote
    this.#comment = dialect.comment
    this.#maxRowBytes = maxRowBytes
    for (const byte of [LF, CR, dialect.separator, dialect.quote]) if (byte >= 0) this.#special[byte] = 1
    this.#top = Math.max(LF, CR, dialect.separator, dialect.quote)
    const state = this.#state
    if (state === null) return
    state[SEPARATOR] = dialect.separator
    // A dialect without quotes looks for line feeds twice.
    state[QUOTE] = dialect.quote < 0 ? LF : dialect.quote
    state[COMMENT] = dialect.comment
    // A row never passes what the buffer holds, which has a pointer of 32 bits.
    state[MOST_BYTES] = Math.min(maxRowBytes, 2 ** 31 - 1)
    this.#forgetMarks()
  }

  #forgetMarks(): void {
    const state = this.#state
    if (state !== null) state[WINDOW_START] = state[WINDOW_END] = -1
  }

  /** Says which file columns to keep, and how many rows a scan may give at most. */
  want(columns: readonly boolean[], rows: number): void {
    this.#wanted = Int8Array.from(columns, (wanted) => (wanted ? 1 : 0))
    const kept = columns.flatMap((wanted, column) => (wanted ? column : []))
    this.#wantedCount = kept.length
    const kernels = this.#kernels
    for (const old of [this.#columns, this.fields, this.rowLines]) kernels?.free(old)
    this.#columns = newInts(kernels, kept.length)
    this.#columns.set(kept)
    this.fields = newInts(kernels, 2 * kept.length * rows)
    this.rowLines = newFloats(kernels, rows)
    if (this.#state === null) return
    this.#state[WIDTH] = columns.length
    this.#state[WANTED] = kept.length
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

  /** Makes room for more bytes after those not yet scanned; the buffer grows only for a row that fills it. */
  room(): Buffer {
    const pending = this.end - this.position
    if (this.position > 0) {
      this.bytes.copyWithin(0, this.position, this.end)
      this.position = 0
      this.end = pending
    }
    this.#forgetMarks()
    if (pending >= this.bytes.length - 1) {
      const larger = newBytes(this.#kernels, 2 * this.bytes.length)
      larger.set(this.bytes)
      this.#kernels?.free(this.bytes)
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
    if (this.end < 3 && !this.ended) return false
    if (this.end >= 3 && a === 0xef && b === 0xbb && c === 0xbf) this.position = 3
    return true
  }

  /** Skips the line at `position`, whatever it holds. False: more bytes are needed, or there is none. */
  skipLine(): boolean {
    const at = this.bytes.subarray(0, this.end).indexOf(LF, this.position)
    if (at < 0) return false
    this.#skip(at + 1)
    return true
  }

  /**
   * Finds up to `limit` rows; fewer where the bytes held have no more whole rows, or `problem` says what is wrong
   * after them. Blank lines and comment lines are no rows. Zero rows and no problem: put in more, or all is read.
   */
  scan(limit: number): number {
    this.rowBytes = 0
    let rows = 0
    const kernels = this.#kernels
    const state = this.#state
    while (kernels !== null && state !== null && rows < limit && this.position < this.end) {
      const plain = this.#scanPlain(kernels, state, rows, limit)
      this.#detour = plain > rows ? 1 : Math.min(2 * this.#detour, LARGEST_DETOUR_ROWS)
      rows = plain
      if (rows === limit) break
      const careful = Math.min(limit, rows + this.#detour)
      rows = this.#scanCarefully(rows, careful)
      if (rows < careful || this.problem !== null) break
    }
    if (kernels === null) rows = this.#scanCarefully(rows, limit)
    if (this.problem !== null) return rows
    const pending = this.end - this.position
    // One byte more may be the carriage return of the line end.
    if (rows < limit && pending > this.#maxRowBytes + 1) return this.#stop(rows, this.#tooLong(), this.line)
    this.#needed = pending + 1 + (pending > RESCAN_FREELY_BYTES ? pending >> 1 : 0)
    return rows
  }

  /** Takes plain rows from row `rows` on, up to the first that is not plain or not whole; rows so far. */
  #scanPlain({ run }: Kernels, state: Int32Array, rows: number, limit: number): number {
    const start = this.position
    state[POSITION] = start
    state[END] = this.end
    const plain = run.split(
      state.byteOffset,
      this.bytes.byteOffset,
      this.#places.byteOffset,
      this.#others.byteOffset,
      this.#columns.byteOffset,
      this.fields.byteOffset,
      this.rowLines.byteOffset,
      this.line,
      rows,
      limit,
    )
    if (plain === rows) return rows
    this.position = state[POSITION]!
    this.rowBytes += this.position - start + this.#skipped
    this.#skipped = 0
    this.line += plain - rows
    return plain
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
          `expected ${width} fields as in the header, found ${column}${this.#commentHint(start, column)}`,
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

  /** A line of one field that is drawn, or begins with a sign, is more likely no row than one cut short. */
  #commentHint(start: number, fields: number): string {
    if (this.#isDrawn(start))
      return '; this line is drawn, as database clients do on a screen: have the table written as CSV'
    const sign = String.fromCharCode(this.bytes[start]!)
    if (fields > 1 || this.#comment >= 0 || !'#%;!'.includes(sign)) return ''
    return `; if lines that begin with ${sign} are comments, set dataset.comment to ${JSON.stringify(sign)}`
  }

  #isDrawn(start: number): boolean {
    const { bytes, end } = this
    let at = start
    while (at < end && DRAWN.includes(bytes[at]!)) at++
    return at - start >= LEAST_DRAWN && (at === end || bytes[at] === LF || bytes[at] === CR)
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
