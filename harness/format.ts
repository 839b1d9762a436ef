/**
 * Text for numbers, counts, shares, durations and lists, the same in every report, message and picture.
 * Each value is rounded first and its form chosen after, so that 9.996 is `10.0`, and 119.6 s is `2 min`.
 */
import { plain } from '../workers/data/plain-text.ts'

const LOCALE = 'en-US'
/** Smaller, or from the second on larger numbers are written with an exponent. */
const EXPONENT_BELOW = 0.001
const EXPONENT_FROM = 1e15

/** Making a formatter takes longer than thousands of uses of it. */
const formatters = new Map<string, Intl.NumberFormat>()

function formatter(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const known = formatters.get(key)
  if (known !== undefined) return known
  const made = new Intl.NumberFormat(LOCALE, options)
  formatters.set(key, made)
  return made
}

/**
 * Rounded to significant digits, but never to less than a whole number; thousands grouped.
 * @param digits trailing zeros count and are kept: `2.50`
 * @returns an em dash where the number is not finite
 */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return '—'
  if (value === 0) return '0'
  const size = Math.abs(Number(value.toPrecision(digits)))
  if (size < EXPONENT_BELOW || size >= EXPONENT_FROM) return value.toExponential(digits - 1)
  return formatter(`number ${digits}`, {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
    maximumFractionDigits: 0,
    roundingPriority: 'morePrecision',
  }).format(value)
}

/** A value of a metric: three significant digits and the unit; an em dash where the value is unknown. */
export function formatMetric(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '—'
  const digits = formatNumber(value)
  return unit === '' ? digits : `${digits} ${unit}`
}

/**
 * A share as a percentage: `2%`, `0.5%`, `12.3%`. Only 1 is `100%`: what is nearly all keeps the digits that tell.
 * @param digits significant ones at most
 */
export function formatShare(share: number, digits = 3): string {
  if (!Number.isFinite(share)) return '—'
  const rest = 1 - share
  if (rest <= 0 || rest >= 0.01) {
    return formatter(`share ${digits}`, {
      style: 'percent',
      maximumSignificantDigits: digits,
      maximumFractionDigits: 0,
      roundingPriority: 'morePrecision',
    }).format(share)
  }
  // Two digits of what is missing.
  const decimals = 1 - Math.floor(Math.log10(100 * rest))
  return formatter(`near all ${decimals}`, { style: 'percent', maximumFractionDigits: decimals }).format(
    share,
  )
}

/** A p-value: `0.034`, and no more precise than a p-value can be near its ends. */
export function formatP(p: number | null): string {
  if (p === null) return '—'
  if (p > 0.999 && p < 1) return '> 0.999'
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** `0.25 s`, `45 s`, `1 min 5 s`, `2 min`, `3 h 10 min`, `2 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 10) {
    const precise = formatter('seconds', { maximumSignificantDigits: 2, maximumFractionDigits: 20 })
    return `${precise.format(seconds)} s`
  }
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return inTwoUnits(whole, 60, 'min', 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 24 * 60) return inTwoUnits(minutes, 60, 'h', 'min')
  return inTwoUnits(Math.round(seconds / 3600), 24, 'd', 'h')
}

function inTwoUnits(amount: number, size: number, large: string, small: string): string {
  const rest = amount % size
  return `${Math.floor(amount / size)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}

/** `1 trial`, `2 trials`, `10,000 trials`. */
export function count(n: number, noun: string): string {
  return `${wholeNumber(n)} ${noun}${n === 1 ? '' : 's'}`
}

/** Thousands grouped: `10,000`. */
export function wholeNumber(n: number): string {
  return formatter('whole', { maximumFractionDigits: 0 }).format(n)
}

const LIST_TYPES = { and: 'conjunction', or: 'disjunction' } as const
const lists: Partial<Record<keyof typeof LIST_TYPES, Intl.ListFormat>> = {}

/**
 * `a`, `a and b`, `a, b and c`, or `a, b and 3 more`.
 * @param most of them named
 */
export function list(
  items: readonly string[],
  word: 'and' | 'or' = 'and',
  most = Number.POSITIVE_INFINITY,
): string {
  // To name one more takes no more room than to say that there is one more.
  const left = items.length > most + 1 ? items.length - most : 0
  const named = left === 0 ? items : items.slice(0, most)
  lists[word] ??= new Intl.ListFormat('en-GB', { type: LIST_TYPES[word] })
  return lists[word].format(left === 0 ? named : [...named, `${wholeNumber(left)} more`])
}

export { csvLine } from '../workers/data/csv-text.ts'
export { plain }

/** Colours, and the end of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what may stay.
const COLOUR = /(\u001b\[(?:0|1|2|31|32)m|\n)/

/**
 * Lines for a terminal, as all that is printed goes through: what may come from a user, data or a workload steers nothing,
 * and what Stint paints stays painted.
 */
export function printable(text: string): string {
  return text
    .split(COLOUR)
    .map((part, i) => (i % 2 === 1 ? part : plain(part)))
    .join('')
}
