/** Column types of a CSV that nobody described, from a sample of its rows. */

import type { ColumnSpec } from './columns.ts'
import { parseDate } from './dates.ts'
import { type DecoratedNumber, decoratedParts, strictNumber } from './decode.ts'
import { type ColumnDeclaration, type ColumnKind, DATE_FORMATS, type DateFormat } from './types.ts'

/** Spellings of "no value", beside the empty field. */
export const MISSING: readonly string[] = [
  ...['NA', 'N/A', 'na', 'n/a', '#N/A', 'NaN', 'nan', 'NAN', 'null', 'NULL', 'Null'],
  ...['none', 'None', 'NONE', '?', '-'],
]

/** A column with more distinct values than this may be an identifier or free text... */
const FEW_VALUES = 20
/** ...and is one where more than this share of its values differ. */
const IDENTIFIER_SHARE = 0.5
/** One-hot columns cost memory by their square: a column with more values than this is hashed unless asked for. */
const MANY_VALUES = 256

/** Hashed values of a column that has too many values for a one-hot column each. */
export const HASH_BUCKETS = 64

const BOOLEAN_PAIRS: readonly (readonly [no: string, yes: string])[] = [
  ['false', 'true'],
  ['no', 'yes'],
  ['n', 'y'],
  ['f', 't'],
  ['off', 'on'],
]

/** The spellings of each pair that are read as 0 and 1. */
export const BOOLEAN_WORDS: Readonly<Record<string, number>> = Object.fromEntries(
  BOOLEAN_PAIRS.flatMap((pair) =>
    pair.flatMap((word, value) => {
      const capital = word[0]!.toUpperCase() + word.slice(1)
      return [word, capital, word.toUpperCase()].map((spelling) => [spelling, value])
    }),
  ),
)

export interface Inferred {
  /** `drop` where the column is not used, for the reason in the note. */
  declaration: ColumnDeclaration
  note: string | null
}

/**
 * One column's type. `asked` overrides what the values suggest, but not what they can be read as.
 * @param missing spellings that mean no value, beside the empty field
 */
export function inferColumn(
  name: string,
  texts: readonly string[],
  asked: ColumnKind | ColumnDeclaration | undefined,
  missing: readonly string[] = MISSING,
): Inferred {
  const declared = typeof asked === 'string' ? { kind: asked } : asked
  const values = presentValues(texts, declared?.missing ?? missing)
  if (declared === undefined) return guess(name, values)
  return { declaration: completed(declared, values), note: null }
}

/** The trimmed values other than those that mean missing. */
export function presentValues(texts: readonly string[], missing: readonly string[]): string[] {
  return texts.map((text) => text.trim()).filter((text) => text !== '' && !missing.includes(text))
}

/** What the user did not say of a declared column, as far as reading it needs it. */
function completed(declared: ColumnDeclaration, values: readonly string[]): ColumnDeclaration {
  if (declared.kind === 'date' && declared.format === undefined) {
    return { ...declared, format: dateFormats(values)[0] ?? 'iso' }
  }
  if (declared.kind === 'hash') return { buckets: HASH_BUCKETS, ...declared }
  const { kind, loose, after, currency, unit, words = {} } = declared
  const open = [loose, after, currency, unit].every((said) => said === undefined)
  if (kind !== 'number' || !open) return declared
  const numbers = values.filter((value) => !Object.hasOwn(words, value))
  // One odd value among many does not decide: it is an error, or dealt with as the sweep says.
  const plain = numbers.filter((value) => strictNumber(value) !== null).length
  const around = decorationOf(numbers)
  return around === null || around.values <= plain ? declared : { ...declared, ...around.declared }
}

function guess(name: string, values: readonly string[]): Inferred {
  if (values.length === 0) return dropped(name, 'no value in the sample')
  if (values.every((value) => strictNumber(value) !== null)) {
    if (isRowNumber(values)) return dropped(name, 'it counts the rows')
    return plain('number')
  }
  if (isBoolean(values)) return plain('boolean')
  const formats = dateFormats(values)
  if (formats.length > 0) {
    const ambiguous =
      formats.some((format) => format.startsWith('mdy')) && formats.some((format) => format.startsWith('dmy'))
    const [read, other] = formats[0]!.startsWith('d')
      ? ['day/month', 'month/day']
      : ['month/day', 'day/month']
    return {
      declaration: { kind: 'date', format: formats[0]! },
      note: ambiguous ? `read ${name} as ${read}/year; every date would also fit ${other}/year` : null,
    }
  }
  const around = decorationOf(values)
  if (around?.values === values.length) {
    return {
      declaration: { kind: 'number', ...around.declared },
      note: `read ${name} as numbers: ${around.said}`,
    }
  }
  const distinct = new Set(values).size
  if (distinct > FEW_VALUES && distinct > IDENTIFIER_SHARE * values.length) {
    return dropped(name, `nearly all values distinct; dataset.columns.${name}: hash would use it hashed`)
  }
  if (distinct > MANY_VALUES) {
    return {
      declaration: { kind: 'hash', buckets: HASH_BUCKETS },
      note: `hashed ${name} into ${HASH_BUCKETS} values: ${distinct} distinct ones in the sample`,
    }
  }
  return plain('category')
}

function plain(kind: ColumnKind): Inferred {
  return { declaration: { kind }, note: null }
}

function dropped(name: string, reason: string): Inferred {
  return { declaration: { kind: 'drop' }, note: `dropped ${name}: ${reason}` }
}

/** Both words of one pair, in one spelling or another, and nothing else. */
function isBoolean(values: readonly string[]): boolean {
  const words = new Set(values.map((value) => value.toLowerCase()))
  const known = values.every((value) => Object.hasOwn(BOOLEAN_WORDS, value))
  return known && BOOLEAN_PAIRS.some((pair) => [...words].every((word) => pair.includes(word)))
}

/**
 * How a column is read; null for one that is not.
 * @param missing spellings that mean no value, unless the column says its own
 */
export function specOf(
  name: string,
  declaration: ColumnDeclaration,
  missing: readonly string[] = MISSING,
): ColumnSpec | null {
  const { kind, format, loose, currency, unit, after, words, buckets } = declaration
  const base = { name, missing: declaration.missing ?? missing }
  switch (kind) {
    case 'drop':
      return null
    case 'category':
      return { ...base, kind }
    case 'hash':
      return { ...base, kind: 'category', buckets: buckets ?? HASH_BUCKETS }
    case 'date':
      return { ...base, kind, format: format ?? 'iso' }
    case 'boolean':
      return { ...base, kind: 'number', words: words ?? BOOLEAN_WORDS }
    case 'number':
      return {
        ...base,
        kind,
        ...(loose !== undefined && { loose }),
        ...(currency !== undefined && { currency }),
        ...(unit !== undefined && { unit }),
        ...(after !== undefined && { after }),
        ...(words !== undefined && { words }),
      }
  }
}

/** Forms that every value has, the preferred one first. */
function dateFormats(values: readonly string[]): DateFormat[] {
  if (values.length === 0) return []
  const fits = DATE_FORMATS.filter((format) => values.every((value) => parseDate(value, format) !== null))
  // Dots are written where the day comes first.
  const dotted = values.every((value) => value.includes('.'))
  const rank = (format: DateFormat) => (dotted && format.startsWith('mdy') ? 1 : 0)
  return fits.sort((a, b) => rank(a) - rank(b))
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

/** What stands around a column's numbers. */
export interface Decoration {
  declared: Pick<ColumnDeclaration, 'currency' | 'unit'>
  /** How many of the values it fits. */
  values: number
  /** No more than a currency sign, a % and thousands separators: the number is what stands there. */
  simple: boolean
  /** What was left out or given a meaning. */
  said: string
}

/**
 * The one way of writing around the numbers that most values have: `$1,250`, `12 %`, `80 kg`, `(5)`, `1.2M`. Null
 * where no value is such a number, or all are plain ones.
 */
export function decorationOf(values: readonly string[]): Decoration | null {
  const parts = values.map((value) => decoratedParts(value)).filter((one) => one !== null)
  const unit = mostFrequent(parts.map((one) => one.unit))
  const withUnit = parts.filter((one) => one.unit === unit)
  const currency = mostFrequent(withUnit.map((one) => one.currency).filter((sign) => sign !== '')) ?? ''
  // Money has no other unit, and a number without the column's currency sign is still one.
  const fits = withUnit.filter((one) => one.currency === '' || (one.currency === currency && unit === ''))
  if (unit === undefined || fits.length === 0) return null
  const said = sayings(fits, currency, unit)
  if (said.length === 0) return null
  return {
    declared: currency === '' ? { unit } : { currency },
    values: fits.length,
    simple:
      (unit === '' || unit === '%') &&
      !fits.some(({ accounting, multiplier }) => accounting || multiplier !== ''),
    said: said.join(', '),
  }
}

const MULTIPLIED: Readonly<Record<string, string>> = {
  k: 'thousands',
  K: 'thousands',
  M: 'millions',
  G: '10^9',
  B: '10^9',
  T: '10^12',
}

function sayings(parts: readonly DecoratedNumber[], currency: string, unit: string): string[] {
  const letters = new Set(parts.map(({ multiplier }) => multiplier))
  letters.delete('')
  return [
    ...[currency, unit].filter((text) => text !== '').map((text) => `"${text}" left out`),
    ...(parts.some(({ grouped }) => grouped) ? ['commas taken for thousands separators'] : []),
    ...(parts.some(({ accounting }) => accounting) ? ['those as (5) or 5- are negative'] : []),
    ...[...letters].map((letter) => `${letter} taken for ${MULTIPLIED[letter]}`),
  ]
}

/** Of equally frequent texts the first; undefined for none. */
function mostFrequent(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  let best: string | undefined
  for (const [text, count] of counts) if (best === undefined || count > counts.get(best)!) best = text
  return best
}
