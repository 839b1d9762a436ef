/** What all values of one column are like, in bounded memory: what its type is inferred from. */
import type { ColumnSpec } from './columns.ts'
import { ByteTable } from './csv/byte-table.ts'
import { parseDecimal, parseShort } from './csv/decimal.ts'
import { fastPath } from './csv/fast-path.ts'
import { daysFromCivil } from './dates.ts'
import { strictNumber } from './decode.ts'
import { hashBytes } from './hash.ts'

/** Spellings that are no plain numbers are remembered up to this many, and up to so many bytes. */
const REMEMBERED_SPELLINGS = 4096
const REMEMBERED_BYTES = 1 << 18
const LEAST_BYTES_LEFT = 256
/** A longer field of free text is not looked up as a missing value. */
const LONGEST_MISSING = 12
/** A reading is given up once so many values do not fit it, and they are more than a tenth. */
const HOPELESS_MISFITS = 10_000
const HOPELESS_SHARE = 0.1
/** Values that do not fit a reading are kept for its note up to this many. */
const KEPT_ODD = 3

const ZERO = 48
const NINE = 57
const SPACE = 32
const POINT = 46

/** A value of a column as it stands in the file. */
export interface Spelling {
  text: string
  count: number
  /** Physical line of the first one. */
  line: number
}

/** One way to read a column's text. */
export interface Reading {
  spec: ColumnSpec
  fits(text: string): boolean
}

/** How well a reading fits a column. */
export interface Fit {
  misfits: number
  /** The first few. */
  odd: Spelling[]
}

/** Plain numbers of a column. */
export interface NumberFacts {
  count: number
  sum: number
  min: number
  max: number
  /** All are whole. */
  whole: boolean
  /** How many have a decimal point, other than those next. */
  withPoint: number
  /** How many have a point before their last three digits, as thousands are written where a comma is the decimal mark. */
  likeThousands: number
  /** All are whole and each is one more than the one before. */
  counting: boolean
  /** How many are whole numbers that begin with a zero, and have more digits. */
  zeroed: number
  /** Shortest and longest, in bytes. */
  shortest: number
  longest: number
  /** How many are eight digits that a calendar has as year, month and day. */
  compactDates: number
  /** How many are six digits that a calendar has as year and month. */
  compactMonths: number
}

const FIRST_COMPACT_DATE = 1800_01_01
const LAST_COMPACT_DATE = 2100_12_31
const FIRST_COMPACT_MONTH = 1800_01
const LAST_COMPACT_MONTH = 2100_12

export class ColumnProfile {
  readonly name: string
  /** All values, the empty ones too. */
  rows = 0
  /** Physical line of the first of them. */
  firstLine = 0
  /** Empty, or spelled as missing. */
  missing = 0
  readonly numbers: NumberFacts = {
    count: 0,
    sum: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    whole: true,
    withPoint: 0,
    likeThousands: 0,
    counting: true,
    zeroed: 0,
    shortest: Number.POSITIVE_INFINITY,
    longest: 0,
    compactDates: 0,
    compactMonths: 0,
  }
  /** Values other than plain numbers that were not remembered. */
  private unremembered = 0
  /** Spellings that mean missing and are numbers. */
  private readonly missingNumbers: ReadonlySet<number>
  private readonly missingTexts: ReadonlySet<string>
  private readonly distinctValues = new DistinctCount()
  private previous = Number.NaN
  /** Made when the first value comes that is no plain number. */
  private table: ByteTable | null = null
  private readonly texts: string[] = []
  private readonly counts: number[] = []
  private readonly lines: number[] = []
  private bytesLeft = REMEMBERED_BYTES
  /** Readings that are held against what is not remembered, and how they fit it. */
  private live: { reading: Reading; fit: Fit; quick: QuickCheck }[] | null = null
  private readonly readings: (profile: ColumnProfile) => readonly Reading[]

  /**
   * @param missing spellings that mean no value, beside the empty field
   * @param readings what the column may be, from what was seen so far
   */
  constructor(
    name: string,
    missing: ReadonlySet<string>,
    readings: (profile: ColumnProfile) => readonly Reading[],
  ) {
    this.name = name
    this.missingTexts = missing
    this.readings = readings
    this.missingNumbers = numbersAmong(missing)
  }

  /** Values that are there. */
  get present(): number {
    return this.rows - this.missing
  }

  /** Distinct values; estimated where they are many. */
  get distinct(): number {
    return this.distinctValues.count
  }

  private get full(): boolean {
    return this.texts.length === REMEMBERED_SPELLINGS || this.bytesLeft < LEAST_BYTES_LEFT
  }

  /** All values but plain numbers are in `spellings()`. */
  get complete(): boolean {
    return this.unremembered === 0
  }

  /** Remembered values that are no plain numbers, in order of first appearance. */
  spellings(): Spelling[] {
    return this.texts
      .map((text, i) => ({ text, count: this.counts[i]!, line: this.lines[i]! }))
      .filter(({ count }) => count !== MEANS_MISSING)
  }

  /**
   * How well a reading fits all values other than plain numbers.
   * @param most beyond so many misfits, how many there are does not matter
   */
  fitOf(reading: Reading, most = Number.POSITIVE_INFINITY): Fit {
    const fit: Fit = { misfits: 0, odd: [] }
    for (let i = 0; i < this.texts.length; i += 1) {
      const count = this.counts[i]!
      if (count === MEANS_MISSING || reading.fits(this.texts[i]!)) continue
      addOdd(fit, { text: this.texts[i]!, count, line: this.lines[i]! })
      if (fit.misfits > most) return fit
    }
    if (this.complete) return fit
    const live = this.live?.find((one) => same(one.reading.spec, reading.spec))
    if (live === undefined) fit.misfits += this.unremembered
    else {
      fit.misfits += live.fit.misfits
      fit.odd = [...fit.odd, ...live.fit.odd].slice(0, KEPT_ODD)
    }
    return fit
  }

  /** Takes the field `bytes[start .. end)`, which starts on that line. */
  add(bytes: Buffer, start: number, end: number, line: number): void {
    if (this.rows === 0) this.firstLine = line
    this.rows += 1
    let from = start
    let to = end
    while (from < to && bytes[from]! <= SPACE) from += 1
    while (from < to && bytes[to - 1]! <= SPACE) to -= 1
    if (from === to) {
      this.missing += 1
      return
    }
    let value = parseShort(bytes, from, to)
    if (value < 0) value = parseDecimal(bytes, from, to)
    // Both are NaN for what they cannot tell.
    if (!Number.isNaN(value)) this.addNumber(value, bytes, from, to)
    else this.addOther(bytes, from, to, line)
  }

  /** Rows of a record in which the column does not occur. */
  addMissing(rows: number): void {
    this.rows += rows
    this.missing += rows
  }

  private addNumber(value: number, bytes: Buffer, start: number, end: number): void {
    if (this.missingNumbers.size > 0 && this.missingNumbers.has(value)) {
      if (this.missingTexts.has(bytes.toString('latin1', start, end))) {
        this.missing += 1
        return
      }
    }
    const facts = this.numbers
    facts.count += 1
    facts.sum += value
    if (value < facts.min) facts.min = value
    if (value > facts.max) facts.max = value
    const length = end - start
    if (length < facts.shortest) facts.shortest = length
    if (length > facts.longest) facts.longest = length
    // What an exponent makes so large is a quantity, and no identifier with as many digits.
    const whole = Math.floor(value) === value && (value <= Number.MAX_SAFE_INTEGER || value < 10 ** length)
    if (whole) {
      if (facts.counting && facts.count > 1 && value !== this.previous + 1) facts.counting = false
      this.previous = value
      const next = length > 1 ? bytes[start + 1]! : 0
      if (bytes[start] === ZERO && next >= ZERO && next <= NINE) facts.zeroed += 1
      if (value >= FIRST_COMPACT_DATE && value <= LAST_COMPACT_DATE && length === 8) {
        const day = value % 100
        const month = ((value - day) / 100) % 100
        if (daysFromCivil(Math.floor(value / 10_000), month, day) !== null) facts.compactDates += 1
      }
      if (value >= FIRST_COMPACT_MONTH && value <= LAST_COMPACT_MONTH && length === 6) {
        const month = value % 100
        if (month >= 1 && month <= 12) facts.compactMonths += 1
      }
    } else {
      facts.counting = false
      facts.whole = false
    }
    if (length > 4 && length <= 8 && bytes[end - 4] === POINT && bytes[start] !== ZERO)
      facts.likeThousands += 1
    else if (!whole || (length > 2 && (bytes[end - 2] === POINT || bytes[end - 3] === POINT)))
      facts.withPoint += 1
    this.distinctValues.addNumber(value)
  }

  private addOther(bytes: Buffer, start: number, end: number, line: number): void {
    // Nothing is looked up where all readings fit at a glance, or none is left: then it is no missing value either.
    if (this.isPlain(bytes, start, end)) {
      this.unremembered += 1
      this.distinctValues.addHash(hashBytes(bytes, start, end))
      return
    }
    this.table ??= new ByteTable()
    const known = this.table.find(bytes, start, end)
    if (known < 0) this.addNew(bytes, start, end, line)
    else if (this.counts[known] === MEANS_MISSING) this.missing += 1
    else this.counts[known]! += 1
  }

  private isPlain(bytes: Buffer, start: number, end: number): boolean {
    const { live } = this
    if (live === null || !this.full) return false
    if (live.length === 0) return end - start > LONGEST_MISSING
    for (const { quick } of live) if (!quick(bytes, start, end)) return false
    return true
  }

  private addNew(bytes: Buffer, start: number, end: number, line: number): void {
    const text = bytes.toString('utf8', start, end).trim()
    const value = strictNumber(text)
    if (value !== null) {
      this.addNumber(value, bytes, start, end)
      return
    }
    const isMissing = text === '' || this.missingTexts.has(text)
    if (isMissing) this.missing += 1
    else this.distinctValues.addHash(hashBytes(bytes, start, end))
    const length = end - start
    if (!this.full && length <= this.bytesLeft) {
      this.bytesLeft -= length
      this.table!.add(length)
      this.texts.push(text)
      this.counts.push(isMissing ? MEANS_MISSING : 1)
      this.lines.push(line)
    } else if (!isMissing) this.addUnremembered({ text, count: 1, line })
  }

  private addUnremembered(spelling: Spelling): void {
    this.unremembered += 1
    this.live ??= this.readings(this).map((reading) => ({
      reading,
      fit: { misfits: 0, odd: [] },
      quick: quickCheck(reading.spec),
    }))
    let hopeless = false
    for (const { reading, fit } of this.live) {
      if (reading.fits(spelling.text)) continue
      addOdd(fit, spelling)
      if (fit.misfits > HOPELESS_MISFITS && fit.misfits > HOPELESS_SHARE * this.present) hopeless = true
    }
    if (hopeless) {
      this.live = this.live.filter(
        ({ fit }) => fit.misfits <= HOPELESS_MISFITS || fit.misfits <= HOPELESS_SHARE * this.present,
      )
    }
  }
}

/** True where a field fits a reading; false says nothing. */
type QuickCheck = (bytes: Buffer, start: number, end: number) => boolean

const FIELD = new Int32Array(2)
const VALUE = new Float64Array(1)
const ODD = new Int32Array(1)

function quickCheck(spec: ColumnSpec): QuickCheck {
  const fast = fastPath(spec)
  return (bytes, start, end) => {
    FIELD[0] = start
    FIELD[1] = end
    return fast(bytes, FIELD, 0, 2, 1, VALUE, 0, ODD) === 0
  }
}

/** In place of a count. */
const MEANS_MISSING = -1

function addOdd(fit: Fit, spelling: Spelling): void {
  fit.misfits += spelling.count
  if (fit.odd.length < KEPT_ODD) fit.odd.push(spelling)
}

function same(a: ColumnSpec, b: ColumnSpec): boolean {
  return (
    a.kind === b.kind &&
    a.format === b.format &&
    a.currency === b.currency &&
    a.unit === b.unit &&
    a.decimal === b.decimal
  )
}

/** Texts that are numbers, as numbers; found once for each set. */
const NUMBERS = new WeakMap<ReadonlySet<string>, ReadonlySet<number>>()

function numbersAmong(texts: ReadonlySet<string>): ReadonlySet<number> {
  let numbers = NUMBERS.get(texts)
  if (numbers === undefined) {
    numbers = new Set([...texts].map(strictNumber).filter((value) => value !== null))
    NUMBERS.set(texts, numbers)
  }
  return numbers
}

/** Distinct values are counted exactly up to this many. */
const EXACT_DISTINCT = 4096
const ALL_HASHES = 2 ** 32

/**
 * How many distinct values there are, from the hashes that lie below a limit, which falls as they become many
 * (adaptive sampling; Flajolet, "On adaptive sampling", 1990). Off by some 2% above `EXACT_DISTINCT`.
 */
class DistinctCount {
  private limit = ALL_HASHES
  private kept: Set<number> | null = null
  private last = Number.NaN
  private static readonly value = new Float64Array(1)
  private static readonly words = new Int32Array(DistinctCount.value.buffer)

  get count(): number {
    return Math.round(((this.kept?.size ?? 0) * ALL_HASHES) / this.limit)
  }

  addNumber(value: number): void {
    if (value === this.last) return
    this.last = value
    // Both zeros are one value.
    DistinctCount.value[0] = value + 0
    let h = Math.imul(DistinctCount.words[0]!, 0x85ebca6b) ^ Math.imul(DistinctCount.words[1]!, 0x9e3779b1)
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    this.addHash(h ^ (h >>> 16))
  }

  addHash(hash: number): void {
    if (hash >>> 0 >= this.limit) return
    this.kept ??= new Set()
    this.kept.add(hash | 0)
    if (this.kept.size <= EXACT_DISTINCT) return
    this.limit /= 2
    for (const one of this.kept) if (one >>> 0 >= this.limit) this.kept.delete(one)
  }
}

/** A column with at most so many distinct values is no identifier, and too short for its first value to be a unit. */
export const FEW_VALUES = 20
/** At most so many of a column's values, as a share, may not fit its type: they are bad values. */
export const ODD_SHARE = 0.01

/**
 * How many of a column's values may not fit its type: beside that share the column's own name, where files were put together
 * with their headers, and in a longer column its first value, which may be its unit.
 */
export function mostOdd(profile: ColumnProfile): number {
  const { name, present, firstLine } = profile
  let header = 0
  for (const { text, count, line } of profile.spellings())
    if (text === name) header += count
    else if (line === firstLine && present > FEW_VALUES) header += 1
  return ODD_SHARE * present + header
}
