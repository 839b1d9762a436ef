/** How a CSV that nobody described is written, told from its first bytes: encoding, separator, quotes, header. */
import { DataError } from '../columns.ts'
import { parseDate } from '../dates.ts'
import { strictNumber } from '../decode.ts'
import { headOf } from '../sources/bytes.ts'
import { encodingOf, inUtf8 } from '../sources/encoding.ts'
import { type CsvDialect, DATE_FORMATS, type Encoding, type Header } from '../types.ts'

/** Of a file, to tell how it is written. */
export const HEAD_BYTES = 128 * 1024
/** Records looked at. */
const MOST_RECORDS = 200
/** Lines before the header that may be skipped. */
const MOST_SKIPPED = 50
/** The preferred one first; a space only where nothing else separates. */
const SEPARATORS = [',', '\t', ';', '|', ' '] as const
/** Records of one width, as a share of all, that make a table. */
const LEAST_ALIKE = 0.8
/** Cells of the first record that come again below in their columns, as a share, where it is a row as they are. */
const SAME_AS_BELOW = 0.8
/** Cells below the first one that are numbers, as a share, where the column is one of numbers. */
const MOSTLY = 0.9
/** Successive whole numbers at the start of a table name columns, as years do. */
const LEAST_SUCCESSIVE = 3

export interface Sniffed {
  /** With the encoding, the separator, the quote, the header and the lines to skip, as asked or as found. */
  dialect: CsvDialect
  /** The first record, trimmed: names, unless the header is `false`. */
  first: string[]
  /** What was found that is not the rule, for a note: `separator: ";"`. */
  said: string[]
}

/**
 * @param asked what the user says, which is not looked for
 * @param known columns that the user names: a record that holds one of them is the header
 * @throws {Error} where the file cannot be read
 */
export async function sniffFile(path: string, asked: CsvDialect, known: readonly string[]): Promise<Sniffed> {
  const { encoding, text, whole } = await textOf(path, asked.encoding)
  if (text.includes('\r') && !text.includes('\n')) {
    throw new DataError('lines end in CR only: convert the file, so that they end in LF or CRLF', path, 1)
  }
  const found = sniffText(text, whole, asked, known)
  const unlike = encoding !== 'utf-8' && asked.encoding === undefined
  return {
    ...found,
    dialect: { ...found.dialect, encoding },
    said: [...(unlike ? [`encoding: ${encoding}`] : []), ...found.said],
  }
}

/**
 * The encoding of a file, and text from its start.
 * @throws {Error} where the file cannot be read
 */
export async function textOf(
  path: string,
  asked: Encoding | undefined,
): Promise<{ encoding: Encoding; text: string; whole: boolean }> {
  const { head, whole } = await headOf(path, HEAD_BYTES)
  refuseOtherFormats(head, path)
  const encoding = asked ?? encodingOf(head, whole)
  let left: Buffer = head
  const source = inUtf8(
    {
      read(into, offset) {
        const count = Math.min(left.length, into.length - offset)
        into.set(left.subarray(0, count), offset)
        left = left.subarray(count)
        return count
      },
      close: () => {},
    },
    encoding,
  )
  const utf8 = Buffer.alloc(4 * HEAD_BYTES)
  let end = 0
  for (;;) {
    const count = source.read(utf8, end) as number
    if (count === 0) break
    end += count
  }
  return { encoding, text: utf8.toString('utf8', 0, end).replace(/^\uFEFF/, ''), whole }
}

/** How files begin that are no text, and what to do with them. */
const OTHER_FORMATS: readonly [begins: string, what: string][] = [
  ['\u00ff\u00fe\0\0', 'is UTF-32: save it as UTF-8'],
  ['\0\0\u00fe\u00ff', 'is UTF-32: save it as UTF-8'],
  ['\u001f\u008b', 'is compressed by gzip: give it a name that ends in .gz'],
  ['PK\u0003\u0004', 'is a ZIP archive or a spreadsheet (XLSX, ODS): unpack it, or save the sheet as CSV'],
  ['\u00d0\u00cf\u0011\u00e0', 'is a spreadsheet (XLS): save the sheet as CSV'],
  ['PAR1', 'is a Parquet file: convert it to CSV or NDJSON'],
  ['ARROW1', 'is an Arrow file: convert it to CSV or NDJSON'],
  ['SQLite format 3', 'is an SQLite database: export the table as CSV'],
  ['\u0089HDF', 'is an HDF5 file: convert it to CSV or NDJSON'],
  ['\u0093NUMPY', 'is a NumPy array: save it as CSV, with a header'],
  ['Obj\u0001', 'is an Avro file: convert it to CSV or NDJSON'],
  ['%PDF', 'is a PDF document: a table of it as CSV can be read'],
  ['BZh', 'is compressed by bzip2: unpack it, or compress it by gzip'],
  ['\u00fd7zXZ', 'is compressed by xz: unpack it, or compress it by gzip'],
  ['\u0028\u00b5\u002f\u00fd', 'is compressed by zstd: unpack it, or compress it by gzip'],
]

/** The same of texts that are no table, after a byte order mark. */
const OTHER_TEXTS: readonly [begins: RegExp, what: string][] = [
  [/^\s*<(?:!doctype\s+html|html)\b/i, 'is a web page, not the table: see what the download gave'],
  [/^\s*<\?xml\b/i, 'is XML: convert it to CSV or NDJSON'],
  [
    /^\s*(?:%.*\r?\n\s*)*@relation\s/i,
    'is in the ARFF format: write the names of its @attribute lines, separated by commas, before the lines that follow @data, and those alone',
  ],
  [
    /^[+-]?\d+(?:\.\d+)? [01]:[\d.eE+-]+ \d+:[\d.eE+-]+(?: \d+:[\d.eE+-]+)* ?\r?\n/,
    'is in the LIBSVM format (place:value): convert it to CSV with a column for each place',
  ],
]

function refuseOtherFormats(head: Buffer, path: string): void {
  const begin = head.toString('latin1', 0, 16)
  const text = head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '')
  const [, what] =
    OTHER_FORMATS.find(([begins]) => begin.startsWith(begins)) ??
    OTHER_TEXTS.find(([begins]) => begins.test(text)) ??
    []
  if (what !== undefined) throw new DataError(`the file ${what}`, path, 1)
}

interface Candidate {
  separator: string
  quote: string | null
  records: Records
  /** The most frequent width. */
  width: number
  /** Which of several fits better; 0 for no table. */
  score: number
}

/** @param whole the text is the whole file */
function sniffText(text: string, whole: boolean, asked: CsvDialect, known: readonly string[] = []): Sniffed {
  const stated = /^sep=(.)\r?\n/i.exec(text)
  const separators = asked.separator ?? stated?.[1]
  const quotes = asked.quote === undefined ? ['"', ...(text.includes("'") ? ["'"] : []), null] : [asked.quote]
  const asIs = asked.skip_lines ?? (stated === null ? 0 : 1)
  const body = withoutLines(text, asIs)
  let best: Candidate | null = null
  for (const separator of separators === undefined ? SEPARATORS : [separators]) {
    for (const quote of quotes) {
      if (quote === separator || asked.comment === separator) continue
      if (quote === null && asked.quote === undefined && areQuotesUsed(body, separator)) continue
      const one = candidate(body, whole, separator, quote, asked)
      // Quotes are taken away only where they speak against a table.
      if (best === null || one.score > best.score) best = one
    }
  }
  const table = best !== null && best.score > 0 ? best : null
  const separator = table?.separator ?? separators ?? ','
  const quote = table === null ? (asked.quote === undefined ? '"' : asked.quote) : table.quote
  const records = (table ?? candidate(body, whole, separator, quote, asked)).records
  const start = table === null || asked.skip_lines !== undefined ? 0 : startOf(records, table.width, known)
  const rows = records.cells.slice(start)
  const first = rows[0] ?? []
  const header = asked.header ?? headerOf(rows, known)
  const skip_lines = asIs + (start === 0 ? 0 : records.lines[start]!)
  const dialect: CsvDialect = {
    ...asked,
    ...{ separator, quote, header },
    ...(skip_lines > 0 && { skip_lines }),
  }
  return { dialect, first, said: sayings(dialect, asked) }
}

/**
 * Whether fields are quoted, or one is opened and never closed: then a broken quote is an error, and no reason to take
 * all quotes for text.
 */
function areQuotesUsed(text: string, separator: string): boolean {
  const edge = separator === '\t' ? '\\t' : `\\${separator}`
  if (new RegExp(`(?:^|[${edge}\n])"(?:[^"]|"")*"(?=[${edge}\r\n]|$)`).test(text)) return true
  const opening = text.match(new RegExp(`(?:^|[${edge}\n])"`, 'g'))?.length ?? 0
  return opening > 0 && opening === text.split('"').length - 1
}

/** What was found and is not the rule, as YAML. */
function sayings(found: CsvDialect, asked: CsvDialect): string[] {
  const { separator, quote, header, skip_lines = 0 } = found
  const unlike: (keyof CsvDialect | false)[] = [
    separator !== ',' && 'separator',
    quote !== '"' && 'quote',
    skip_lines > 0 && 'skip_lines',
    header !== true && 'header',
  ]
  return unlike
    .filter((name) => name !== false && asked[name] === undefined)
    .map((name) => `${name}: ${JSON.stringify(found[name as keyof CsvDialect])}`)
}

function withoutLines(text: string, lines: number): string {
  let from = 0
  for (let i = 0; i < lines; i += 1) {
    const at = text.indexOf('\n', from)
    if (at < 0) return ''
    from = at + 1
  }
  return text.slice(from)
}

interface Records {
  cells: string[][]
  /** Lines before each record. */
  lines: number[]
  /** Quotes that stand where none may. */
  broken: number
}

/** Records of the text, as far as whole ones are there; more lenient than the readers. */
function split(
  text: string,
  whole: boolean,
  separator: string,
  quote: string | null,
  comment: string | null | undefined,
): Records {
  const found: Records = { cells: [], lines: [], broken: 0 }
  let at = 0
  let line = 0
  while (at < text.length && found.cells.length < MOST_RECORDS) {
    const start = line
    const lineEnd = text.indexOf('\n', at)
    const blank = text.slice(at, lineEnd < 0 ? text.length : lineEnd)
    if (blank === '' || blank === '\r' || (comment != null && blank.startsWith(comment))) {
      if (lineEnd < 0) break
      at = lineEnd + 1
      line += 1
      continue
    }
    const cells: string[] = []
    for (;;) {
      let value = ''
      if (quote !== null && text[at] === quote) {
        at += 1
        for (;;) {
          const close = text.indexOf(quote, at)
          if (close < 0) {
            // Cut off, or never closed.
            if (whole) found.broken += 1
            return found
          }
          const part = text.slice(at, close)
          value += part
          line += part.split('\n').length - 1
          at = close + 1
          if (text[at] !== quote) break
          value += quote
          at += 1
        }
      }
      let end = at
      while (end < text.length && text[end] !== separator && text[end] !== '\n') end += 1
      if (end === text.length && !whole) return found
      const rest = text.slice(at, end).replace(/\r$/, '')
      if (quote !== null && (rest.includes(quote) || (value !== '' && rest !== ''))) found.broken += 1
      cells.push((value + rest).trim())
      at = end + 1
      if (text[end] !== separator) break
    }
    line += 1
    found.cells.push(cells)
    found.lines.push(start)
  }
  return found
}

function candidate(
  text: string,
  whole: boolean,
  separator: string,
  quote: string | null,
  asked: CsvDialect,
): Candidate {
  const records = split(text, whole, separator, quote, asked.comment)
  const widths = new Map<number, number>()
  for (const { length } of records.cells) widths.set(length, (widths.get(length) ?? 0) + 1)
  let width = 0
  let count = 0
  for (const [one, times] of widths)
    if (times > count || (times === count && one > width)) [width, count] = [one, times]
  const none = { separator, quote, records, width, score: 0 }
  if (width < 2) return none
  const start = startOf(records, width, [])
  const rest = records.cells.slice(start)
  const alike = rest.filter(({ length }, i) => length === width || (i === 0 && length === width - 1)).length
  const consistent = alike / rest.length
  if (consistent < LEAST_ALIKE || records.broken > 0.1 * rest.length) return none
  // A cell that another separator would cut is probably cut wrongly, unless it is a number with a decimal comma.
  let clean = 0
  let all = 0
  let fenced = 0
  for (const record of rest) {
    for (const cell of record) {
      all += 1
      if (isClean(cell, separator)) clean += 1
      if (/^'.*'$|^".*"$/s.test(cell)) fenced += 1
    }
  }
  const skipped = start / (records.cells.length + 1)
  const penalty = (separator === ' ' ? 0.25 : 0) + records.broken / rest.length + fenced / all + skipped / 10
  return { ...none, score: Math.max(1e-9, consistent * (clean / all) - penalty) }
}

function isClean(cell: string, separator: string): boolean {
  if (/[\t;|]/.test(cell)) return false
  if (separator === ' ') return true
  return !cell.includes(',') || /^[^,]*\d,\d[^,]*$/.test(cell) || /, /.test(cell) || /\d,\d{3}/.test(cell)
}

/** The first record that belongs to the table; those before are titles and the like. */
function startOf({ cells }: Records, width: number, known: readonly string[]): number {
  const named = cells.slice(0, MOST_SKIPPED).findIndex((record) => holds(record, known))
  if (named >= 0) return named
  const first = cells.findIndex(({ length }) => length === width)
  if (first <= 0 || first > MOST_SKIPPED) return 0
  // A header may be one field short, as R writes it: then what follows it is no header.
  const short = cells[first - 1]!
  if (first === 1 && short.length === width - 1 && !isHeaderOver(cells[1]!, cells.slice(2))) return 0
  return first
}

function holds(record: readonly string[], known: readonly string[]): boolean {
  return known.some((name) => record.includes(name))
}

function headerOf(rows: readonly string[][], known: readonly string[]): Header {
  const [first, second] = rows
  if (first === undefined) return true
  const below = rows.slice(1)
  // A separator at the end of every row but the header makes a field more, too.
  const oneShort = second !== undefined && below.every(({ length }) => length === first.length + 1)
  if (oneShort && below.some((record) => record.at(-1) !== '')) return 'row_names'
  if (holds(first, known) || below.length === 0) return true
  if (isHeaderOver(first, below)) return true
  if (first.some(isNumber)) return successive(first)
  return !sameAsBelow(first, below)
}

const isNumber = (cell: string): boolean => strictNumber(cell) !== null || /^[+-]?\d+,\d+$/.test(cell)
const isValue = (cell: string): boolean =>
  isNumber(cell) || (/\d/.test(cell) && DATE_FORMATS.some((format) => parseDate(cell, format) !== null))

/** A text stands over numbers or dates in some column. */
function isHeaderOver(first: readonly string[], below: readonly string[][]): boolean {
  return first.some((cell, i) => {
    if (cell === '' || isValue(cell)) return false
    const values = below.map((record) => record[i] ?? '').filter((value) => value !== '')
    // A column where what comes first comes again is one of texts.
    if (values.length === 0 || values.includes(cell)) return false
    return values.filter(isValue).length >= MOSTLY * values.length
  })
}

/** Whole numbers that go up by one, as in the names of years. */
function successive(first: readonly string[]): boolean {
  const numbers = first.filter(isNumber).map(Number)
  return (
    numbers.length >= LEAST_SUCCESSIVE &&
    numbers.every((value, i) => Number.isInteger(value) && value === numbers[0]! + i)
  )
}

function sameAsBelow(first: readonly string[], below: readonly string[][]): boolean {
  if (below.length < 2) return false
  const again = first.filter((cell, i) => below.some((record) => record[i] === cell)).length
  return again >= SAME_AS_BELOW * first.length
}
