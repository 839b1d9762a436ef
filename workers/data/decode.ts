/** What a field's text means under its spec. Every reader must give these values, whatever path it takes. */

import type { ColumnSpec } from './columns.ts'
import { parseDate } from './dates.ts'
import type { DateFormat } from './types.ts'

/** NaN where missing; null where the text does not fit the spec. */
export function decodeNumber(text: string, spec: ColumnSpec): number | null {
  const whole = text.trim()
  if (isMissing(whole, spec)) return Number.NaN
  const words = spec.words
  if (words !== undefined && Object.hasOwn(words, whole)) return words[whole]!
  let part = whole
  if (spec.after !== undefined) {
    const at = text.lastIndexOf(spec.after)
    if (at < 0) return null
    part = text.slice(at + spec.after.length).trim()
    if (part === '') return null
  }
  if (spec.decimal === ',') part = withPoint(part)
  if (spec.loose === true) return looseNumber(part)
  return isDecorated(spec) ? decoratedNumber(part, spec) : strictNumber(part)
}

/** The same number with a decimal point and commas between thousands. */
export function withPoint(text: string): string {
  return text.replace(/[.,]/g, (mark) => (mark === ',' ? '.' : ','))
}

/** Whether numbers may have a currency sign, a unit or separators about them, all of which the spec names. */
export function isDecorated({ currency, unit }: Pick<ColumnSpec, 'currency' | 'unit'>): boolean {
  return currency !== undefined || unit !== undefined
}

/** Days since 1970-01-01; NaN where missing; null where the text is not a date of the spec's form. */
export function decodeDate(text: string, spec: ColumnSpec): number | null {
  const whole = text.trim()
  if (isMissing(whole, spec)) return Number.NaN
  return parseDate(whole, dateFormat(spec))
}

/** The trimmed value; null where missing. */
export function decodeCategory(text: string, spec: ColumnSpec): string | null {
  const whole = text.trim()
  if (isMissing(whole, spec)) return null
  return spec.ignoreCase === true ? whole.toLowerCase() : whole
}

/** What was expected of a field that does not fit, for the error. */
export function misfit(text: string, spec: ColumnSpec): string {
  const found = JSON.stringify(shortened(text))
  if (spec.kind === 'date') return `expected a date of the form ${FORMS[dateFormat(spec)]}, found ${found}`
  const after = spec.after === undefined ? '' : ` after ${JSON.stringify(spec.after)}`
  const sign = spec.currency ? ` with or without ${spec.currency}` : ''
  const unit = spec.unit ? ` in ${spec.unit}` : ''
  const comma = spec.decimal === ',' ? ' with a decimal comma' : ''
  return `expected a number${comma}${after}${sign}${unit}, found ${found}`
}

export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** Date columns that name no form are ISO 8601. */
export function dateFormat(spec: ColumnSpec): DateFormat {
  return spec.format ?? 'iso'
}

const FORMS: Record<DateFormat, string> = {
  iso: 'YYYY-MM-DD',
  mdy2: 'MM/DD/YY',
  mdy4: 'MM/DD/YYYY',
  dmy4: 'DD/MM/YYYY',
  dmy2: 'DD/MM/YY',
  ymd: 'YYYY/MM/DD',
  month_name: 'Jan 1 2000',
  ym: 'YYYY-MM',
  time: 'HH:MM:SS',
}

function isMissing(whole: string, spec: ColumnSpec): boolean {
  return whole === '' || spec.missing?.includes(whole) === true
}

/** Without it `0x1F`, an identifier more often than a number, would be read as 31. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** `Number()` of trimmed decimal text; null for all else, and where the value is not finite. */
export function strictNumber(part: string): number | null {
  const value = DECIMAL.test(part) ? Number(part) : Number.NaN
  return Number.isFinite(value) ? value : null
}

/** What may stand between thousands: a comma, an apostrophe or a space, narrow or not. */
const GROUP_MARK = "[,'\u2019 \u00a0\u2009\u202f]"
/** Digits with or without thousands separators: the first of several groups does not start with a zero. */
const DIGITS = String.raw`(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)|\d+)`
/** The same with any one mark between thousands, or with commas between lakhs and crores as well: `12,34,567`. */
const GROUPED = String.raw`(?:[1-9]\d{0,2}(?<mark>${GROUP_MARK})\d{3}(?:\k<mark>\d{3})*(?!\d)|[1-9]\d?(?:,\d{2})+,\d{3}(?!\d)|\d+)`
const NUMBER = String.raw`(?:${DIGITS}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?`
const SIGN = '[+\\-\u2212]?'

/** Multipliers, where only one of these letters follows a number. */
const MULTIPLIERS: ReadonlyMap<string, number> = new Map([
  ['k', 1e3],
  ['K', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['B', 1e9],
  ['T', 1e12],
])

/** A currency before a number: its sign, a country's letters before that, or its code. */
const CURRENCY = String.raw`(?:[A-Z]{1,3}\p{Sc}|\p{Sc}|(?:${[
  ...[
    'AED',
    'ARS',
    'AUD',
    'BGN',
    'BRL',
    'CAD',
    'CHF',
    'CLP',
    'CNY',
    'COP',
    'CZK',
    'DKK',
    'EGP',
    'EUR',
    'GBP',
  ],
  ...[
    'HKD',
    'HUF',
    'IDR',
    'ILS',
    'INR',
    'ISK',
    'JPY',
    'KES',
    'KRW',
    'MAD',
    'MXN',
    'MYR',
    'NGN',
    'NOK',
    'NZD',
  ],
  ...[
    'PEN',
    'PHP',
    'PKR',
    'PLN',
    'RON',
    'RSD',
    'RUB',
    'SAR',
    'SEK',
    'SGD',
    'THB',
    'TRY',
    'TWD',
    'UAH',
    'USD',
  ],
  ...['VND', 'ZAR', 'Fr\\.', 'SFr\\.', 'Rs\\.?', 'kr\\.?', 'Kč', 'zł'],
].join('|')}))`

/** Stands where the cents would: `Fr. 5.-`, `5,– €`, `5.--`. */
const NO_CENTS = '[-\u2013\u2014]{1,2}'

/** A sign, a currency sign, a sign, the number, what follows it, a minus at the end. */
const DECORATED = new RegExp(
  String.raw`^(${SIGN})\s*(${CURRENCY}?)\s*(${SIGN})(?=[\d.])((?:${GROUPED}(?:\.(?:\d+|(?<cents>${NO_CENTS}))?)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*(-?)$`,
  'su',
)
/** A negative number as accountants write it. */
const ENCLOSED = new RegExp(String.raw`^(${CURRENCY}?)\s*\((.*)\)$`, 'su')
const UNIT = /^[\p{L}°%‰"'′″²³][\p{L}°%‰²³/·.*^ -]*$/u
const MULTIPLIER_AND_CURRENCY = /^([kKMGBT]?)\s*(\p{Sc}?)$/u

/** A number and all that is written around it. */
export interface DecoratedNumber {
  value: number
  /** '' for none. */
  currency: string
  unit: string
  /** A letter such as K for thousands, which is counted in `value`. */
  multiplier: string
  /** Negative by parentheses around it or a minus sign after it. */
  accounting: boolean
  /** With the minus sign of typesetting, U+2212. */
  typographic: boolean
  /** What stands between thousands; '' for nothing. */
  grouped: string
  /** With marks of a footnote after it. */
  marked: boolean
  /** With a dash in place of cents. */
  centless: boolean
}

/** Marks that send the reader to a footnote: `[2]`, `[a]`, `*`, a dagger. */
const MARKS = /(?:\s?\[\w{1,3}\]|\s?[*†‡§])+$/u

function withoutMarks(text: string): string {
  // Few texts end so, which their last character tells sooner.
  return /[\]*†‡§]$/u.test(text) ? text.replace(MARKS, '') : text
}

/**
 * Null where the text is anything else than one number with one sign, currency sign, unit or multiplier at most.
 * @param unit one that is known, which may then be any text
 */
export function decoratedParts(given: string, unit = ''): DecoratedNumber | null {
  // Most texts are no number, which a digit tells sooner.
  if (!/\d/.test(given)) return null
  const text = unit !== '' && given.endsWith(unit) ? given : withoutMarks(given)
  const enclosed = ENCLOSED.exec(text)
  const m = DECORATED.exec(enclosed === null ? text : enclosed[1]! + enclosed[2]!.trim())
  if (m === null) return null
  const [, first, currencyBefore, second, written, mark = '', cents = '', rest, last] =
    m as unknown as string[]
  const signs = [first, second, last].filter((sign) => sign !== '')
  if (signs.length + (enclosed === null ? 0 : 1) > 1) return null
  const counted = unit !== '' && rest === unit ? null : MULTIPLIER_AND_CURRENCY.exec(rest!)
  if (counted === null && rest !== unit && !UNIT.test(rest!)) return null
  const [, multiplier, currencyAfter] = counted ?? ['', '', '']
  if (currencyBefore !== '' && currencyAfter !== '') return null
  const digits = cents === '' ? written! : written!.slice(0, -cents.length)
  const grouped = mark === '' && digits.includes(',') ? ',' : mark
  const size = Number(digits.replaceAll(grouped, '')) * (MULTIPLIERS.get(multiplier!) ?? 1)
  if (!Number.isFinite(size)) return null
  const accounting = enclosed !== null || last !== ''
  return {
    value: accounting || (signs.length > 0 && signs[0] !== '+') ? -size : size,
    currency: currencyBefore! + currencyAfter!,
    unit: counted === null ? rest! : '',
    multiplier: multiplier!,
    accounting,
    grouped,
    marked: text !== given,
    centless: cents !== '',
    typographic: signs[0] === '\u2212',
  }
}

/** Stands for a currency sign of any form. */
const ANY_CURRENCY = '\u00a4'

/** The unit stands at every number or at none; a currency sign may be left out. */
function decoratedNumber(part: string, { currency = '', unit = '' }: ColumnSpec): number | null {
  const parts = decoratedParts(currency === '' ? part : part.replace(currency, ANY_CURRENCY), unit)
  if (parts === null || parts.unit !== unit) return null
  return parts.currency === '' || (currency !== '' && parts.currency === ANY_CURRENCY) ? parts.value : null
}

/** Text before the first number; the number; what follows. */
const LOOSE = new RegExp(String.raw`^(\D*?)(${NUMBER})(.*)$`, 's')
/** What may not stand before a number: it makes it a bound, a fraction or an error value. */
const BOUND = /[<>=≤≥≠≈~±/(]/
/** What may not follow a number, since the number goes on, or another does: `1,5`, `1.234.567`, `12 345`, `6-9`, `1/2`, `13:45`. */
const GOES_ON = /^(?:\d|[.,]\s*\d|\s+\d|\s*[-–+*/:^×]\s*\d)/

/** The number in any text, as `loose` asks for; null where it would not be what the text means. */
function looseNumber(part: string): number | null {
  const parts = decoratedParts(part)
  if (parts !== null && (parts.grouped === '' || parts.grouped === ',')) return parts.value
  const m = LOOSE.exec(part)
  if (m === null || BOUND.test(m[1]!) || GOES_ON.test(m[3]!)) return null
  const before = m[1]!.trim()
  const unit = m[3]!.trim()
  const size = Number(m[2]!.replaceAll(',', '')) * (MULTIPLIERS.get(unit) ?? 1)
  if (!Number.isFinite(size) || unit.endsWith('-')) return null
  // A minus sign counts directly before the number, or before the currency sign.
  return m[1]!.endsWith('-') || before.startsWith('-') ? -size : size
}
