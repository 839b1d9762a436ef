/** How a column's numbers are written: the decimal mark, and what stands around them. */

import { specOf } from './column-spec.ts'
import type { ColumnSpec } from './columns.ts'
import { type DecoratedNumber, decodeNumber, decoratedParts, withPoint } from './decode.ts'
import { type ColumnProfile, type Fit, mostOdd, type Reading } from './profile.ts'
import type { ColumnDeclaration, DecimalMark } from './types.ts'

/** How a column's numbers are written, as well as that can be said. */
export interface NumberReading {
  declared: Pick<ColumnDeclaration, 'currency' | 'unit' | 'decimal'>
  fit: Fit
  /** No more than a decimal comma, a currency sign, a % and thousands separators. */
  simple: boolean
  /** What was left out or given a meaning; '' for nothing. */
  said: string
}

export function bestNumber(
  profile: ColumnProfile,
  decimal: DecimalMark,
  words: Readonly<Record<string, number>>,
  only: boolean,
  most = mostOdd(profile),
): NumberReading {
  const marks: DecimalMark[] = only ? [decimal] : decimal === ',' ? [',', '.'] : ['.', ',']
  const all = marks.flatMap((mark) => numberReadings(profile, mark, words, most))
  let best = all[0]!
  for (const one of all) if (one.fit.misfits < best.fit.misfits) best = one
  return best
}

/**
 * How a column's numbers are written; null where it has none.
 * @param others so many values may be something else, beside the usual share
 */
export function numberSpec(profile: ColumnProfile, decimal: DecimalMark, others: number): ColumnSpec | null {
  const most = mostOdd(profile) + others
  const { declared, fit } = bestNumber(profile, decimal, {}, false, most)
  return fit.misfits <= most && fit.misfits < profile.present
    ? specOf(profile.name, { kind: 'number', ...declared })
    : null
}

function numberReadings(
  profile: ColumnProfile,
  decimal: DecimalMark,
  words: Readonly<Record<string, number>>,
  most: number,
): NumberReading[] {
  const { numbers } = profile
  const texts = profile.spellings().map(({ text }) => text)
  const comma = decimal === ','
  const fitOf = (declared: NumberReading['declared'], strictMisfits: number): Fit => {
    const spec = specOf('', { kind: 'number', ...declared, words }, [])!
    const fit = profile.fitOf(numberReading(spec), most)
    return { ...fit, misfits: fit.misfits + strictMisfits }
  }
  const plainMisfits = comma ? numbers.withPoint + numbers.likeThousands : 0
  // A file with decimal commas may have columns without one.
  const needed = comma && (texts.some((text) => text.includes(',')) || numbers.likeThousands > 0)
  const said = needed ? { decimal } : {}
  const plain = { declared: said, fit: fitOf(said, plainMisfits), simple: true, said: '' }
  const around = decorationOf(comma ? texts.map(withPoint) : texts, most)
  const grouped = comma && numbers.likeThousands > 0
  if (around === null && !grouped) return [plain]
  const declared = { ...(around?.declared ?? { unit: '' }), ...said }
  const strict = around?.declared.unit ? numbers.count : comma ? numbers.withPoint : 0
  const dots = comma ? (around?.said ?? '').replace('commas taken', 'points taken') : around?.said
  return [
    plain,
    {
      declared,
      fit: fitOf(declared, strict),
      simple: around?.simple ?? true,
      said: dots || 'points taken for thousands separators',
    },
  ]
}

export function numberReading(spec: ColumnSpec): Reading {
  return { spec, fits: (text) => decodeNumber(text, spec) !== null }
}

/** Readings of the numbers among a column's spellings: with a decimal comma, and with what stands around them. */
export function likelyNumbers(texts: readonly string[]): Reading[] {
  return [
    { decimal: ',' as const },
    decorationOf(texts)?.declared ?? null,
    { ...(decorationOf(texts.map(withPoint))?.declared ?? { unit: '' }), decimal: ',' as const },
  ]
    .filter((declared) => declared !== null)
    .map((declared) => numberReading(specOf('', { kind: 'number', ...declared }, [])!))
}

/**
 * The decimal mark of a table: a comma where some column has only such numbers, and none has a point.
 * @param separator of the file; where it is a semicolon, a comma that may be either is no thousands separator
 */
export function decimalMark(profiles: Iterable<ColumnProfile>, separator: string): DecimalMark {
  let commas = 0
  for (const profile of profiles) {
    const most = mostOdd(profile)
    if (profile.present === 0) continue
    if (profile.numbers.count >= profile.present - most) {
      if (profile.numbers.withPoint > 0) return '.'
      continue
    }
    if (!profile.spellings().some(({ text }) => /\d,\d/.test(text))) continue
    const fits = (mark: DecimalMark) =>
      numberReadings(profile, mark, {}, most).some(({ fit }) => fit.misfits <= most)
    if (fits(',') && (separator === ';' || !fits('.'))) commas += 1
  }
  return commas > 0 ? ',' : '.'
}

/** What stands around a column's numbers. */
interface Decoration {
  declared: Pick<ColumnDeclaration, 'currency' | 'unit'>
  /** How many of the values it fits. */
  values: number
  /** No more than a currency sign, its parentheses, a % and thousands separators: the number is what stands there. */
  simple: boolean
  /** What was left out or given a meaning. */
  said: string
}

/**
 * The one way of writing around the numbers that most values have: `$1,250`, `12 %`, `80 kg`, `(5)`, `1.2M`. Null
 * where no value is such a number, or all are plain ones.
 * @param most null as well where more values are none
 */
function decorationOf(values: readonly string[], most = Number.POSITIVE_INFINITY): Decoration | null {
  const parts: DecoratedNumber[] = []
  let others = 0
  for (const value of values) {
    const one = decoratedParts(value)
    if (one !== null) parts.push(one)
    else if (++others > most) return null
  }
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
      // Money that is owed is often in parentheses, and still no more than money.
      !fits.some(({ accounting, multiplier }) => (accounting && currency === '') || multiplier !== ''),
    said: said.join(', '),
  }
}

const MARK_NAMES: ReadonlyMap<string, string> = new Map([
  [',', 'commas'],
  ["'", 'apostrophes'],
  ['\u2019', 'apostrophes'],
])

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
    ...[...new Set(parts.map(({ grouped }) => grouped))]
      .filter((mark) => mark !== '')
      .map((mark) => `${MARK_NAMES.get(mark) ?? 'spaces'} taken for thousands separators`),
    ...(parts.some(({ marked }) => marked) ? ['footnote marks left out'] : []),
    ...(parts.some(({ centless }) => centless) ? ['a dash for cents is none'] : []),
    ...(parts.some(({ typographic }) => typographic) ? ['\u2212 taken for a minus sign'] : []),
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
