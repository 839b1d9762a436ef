/** What a field's text means under its spec. Every reader must give these values, whatever path it takes. */
import type { DateFormat } from '../../contract.ts'
import type { ColumnSpec } from './columns.ts'
import { parseDate } from './dates.ts'

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
  return spec.loose === true ? looseNumber(part) : strictNumber(part)
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
  return isMissing(whole, spec) ? null : whole
}

/** What was expected of a field that does not fit, for the error. */
export function misfit(text: string, spec: ColumnSpec): string {
  const found = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)
  if (spec.kind === 'date') return `expected a date of the form ${FORMS[dateFormat(spec)]}, found ${found}`
  const after = spec.after === undefined ? '' : ` after ${JSON.stringify(spec.after)}`
  return `expected a number${after}, found ${found}`
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

/**
 * Text before the first number; the number with thousands separators; what follows. The group of three digits
 * must end there, and nothing that follows may continue the number, so `1,5`, `1.234.567` and `12 345` fit nothing.
 */
const LOOSE =
  /^(\D*?)((?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\d]|[.,\s]\s*\d)(.*)$/s

/** The parts of a number in a field such as `$1,250.00 p.a.`; null where there is none. */
export function looseParts(part: string): { before: string; value: number; unit: string } | null {
  const m = LOOSE.exec(part)
  if (m === null) return null
  const before = m[1]!.trim()
  const size = Number(m[2]!.replaceAll(',', ''))
  if (!Number.isFinite(size)) return null
  // A minus sign counts directly before the number, or before the currency sign.
  const negative = m[1]!.endsWith('-') || before.startsWith('-')
  return { before: before.replace(/^-|-$/, ''), value: negative ? -size : size, unit: m[3]!.trim() }
}

function looseNumber(part: string): number | null {
  return looseParts(part)?.value ?? null
}
