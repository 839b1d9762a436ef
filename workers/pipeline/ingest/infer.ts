/** Column types of a CSV that nobody described, from a sample of its rows. */
import type { ColumnKind } from '../../contract.ts'
import type { ColumnSpec } from './columns.ts'
import { type DateFormat, parseDate } from './dates.ts'
import { looseParts, strictNumber } from './decode.ts'

/** Spellings of "no value", beside the empty field. */
export const MISSING: readonly string[] = [
  ...['NA', 'N/A', 'na', 'n/a', '#N/A', 'NaN', 'nan', 'NAN', 'null', 'NULL', 'Null'],
  ...['none', 'None', 'NONE', '?', '-'],
]

/** A column with more distinct values than this may be an identifier or free text... */
const FEW_VALUES = 20
/** ...and is one where more than this share of its values differ. */
const IDENTIFIER_SHARE = 0.5
/** One-hot columns cost memory by their square: beyond this many values a column is dropped unless asked for. */
const MANY_VALUES = 256
/** More ways than this to write around the number, and the column is text that happens to contain numbers. */
const FEW_UNITS = 3

const DATE_FORMATS: readonly DateFormat[] = ['iso', 'mdy4', 'dmy4', 'mdy2']

export interface Inferred {
  name: string
  /** Null: the column is not used, for the reason given. */
  spec: ColumnSpec | null
  note: string | null
}

/** One column's type. `asked` overrides what the values suggest, but not what they can be read as. */
export function inferColumn(name: string, texts: readonly string[], asked: ColumnKind | undefined): Inferred {
  const values = texts.map((text) => text.trim()).filter((text) => text !== '' && !MISSING.includes(text))
  if (asked === 'drop') return { name, spec: null, note: null }
  if (asked === 'category') return { name, spec: category(name), note: null }
  if (asked === 'number') return { name, spec: askedNumber(name, values), note: null }
  if (asked === 'date') {
    return { name, spec: date(name, dateFormats(values)[0] ?? 'iso'), note: null }
  }
  if (values.length === 0) return dropped(name, 'no value in the sample')
  if (values.every((value) => strictNumber(value) !== null)) {
    if (isRowNumber(values)) return dropped(name, 'it counts the rows')
    return { name, spec: strict(name), note: null }
  }
  const formats = dateFormats(values)
  if (formats.length > 0) {
    const ambiguous = formats.includes('mdy4') && formats.includes('dmy4')
    return {
      name,
      spec: date(name, formats[0]!),
      note: ambiguous ? `read ${name} as month/day/year; every date would also fit day/month/year` : null,
    }
  }
  if (isNumberWithUnit(values)) return { name, spec: loose(name), note: null }
  const distinct = new Set(values).size
  if (distinct > FEW_VALUES && distinct > IDENTIFIER_SHARE * values.length) {
    return dropped(name, 'nearly all values distinct')
  }
  if (distinct > MANY_VALUES) return dropped(name, `${distinct} distinct values in the sample`)
  return { name, spec: category(name), note: null }
}

function dropped(name: string, reason: string): Inferred {
  return { name, spec: null, note: `dropped ${name}: ${reason}` }
}

function strict(name: string): ColumnSpec {
  return { name, kind: 'number', missing: MISSING }
}

function loose(name: string): ColumnSpec {
  return { name, kind: 'number', missing: MISSING, loose: true }
}

function category(name: string): ColumnSpec {
  return { name, kind: 'category', missing: MISSING }
}

function date(name: string, format: DateFormat): ColumnSpec {
  return { name, kind: 'date', missing: MISSING, format }
}

function askedNumber(name: string, values: readonly string[]): ColumnSpec {
  return values.every((value) => strictNumber(value) !== null) ? strict(name) : loose(name)
}

/** Forms that every value has, the preferred one first. */
function dateFormats(values: readonly string[]): DateFormat[] {
  return DATE_FORMATS.filter((format) => values.every((value) => parseDate(value, format) !== null))
}

/** Whole numbers that go up by one from row to row. */
function isRowNumber(values: readonly string[]): boolean {
  const first = Number(values[0])
  return (
    values.length > FEW_VALUES &&
    Number.isInteger(first) &&
    values.every((value, i) => Number(value) === first + i)
  )
}

/** `$1,250`, `12 %`, `80 kg`: the same few texts around one number. */
function isNumberWithUnit(values: readonly string[]): boolean {
  const around = new Set<string>()
  for (const value of values) {
    const parts = looseParts(value)
    if (parts === null || /\d/.test(parts.unit)) return false
    around.add(`${parts.before}\n${parts.unit}`)
    if (around.size > FEW_UNITS) return false
  }
  return true
}
