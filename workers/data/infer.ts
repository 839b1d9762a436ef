/** Column types of data that nobody described, from all of its values. */

import { BOOLEAN_PAIRS, BOOLEAN_WORDS, declarationOf, HASH_BUCKETS, isOpen } from './column-spec.ts'
import type { ColumnSpec } from './columns.ts'
import { parseDate } from './dates.ts'
import { shortened } from './decode.ts'
import { bestNumber, likelyNumbers, type NumberReading, numberReading } from './number-writing.ts'
import {
  ColumnProfile,
  FEW_VALUES,
  type Fit,
  mostOdd,
  ODD_SHARE,
  type Reading,
  type Spelling,
} from './profile.ts'
import {
  type ColumnDeclaration,
  type ColumnKind,
  DATE_FORMATS,
  type DateFormat,
  type DecimalMark,
} from './types.ts'
import { flow, key } from './yaml-text.ts'

/** A column of more than FEW_VALUES distinct values is an identifier or free text where more than this share of its values differ. */
const IDENTIFIER_SHARE = 0.5
/** One-hot columns cost memory by their square: a column with more values than this is hashed unless asked for. */
const MANY_VALUES = 256

export interface Inferred {
  /** `drop` where the column is not used, for the reason in the note. */
  declaration: ColumnDeclaration
  note: string | null
  /** How a column that is dropped would be used if there were no other. */
  otherwise?: ColumnDeclaration
}

/** A profile to be filled with the values of a column. */
export function newProfile(
  name: string,
  asked: ColumnKind | ColumnDeclaration | undefined,
  missing: ReadonlySet<string>,
): ColumnProfile {
  const own = typeof asked === 'object' ? asked.missing : undefined
  return new ColumnProfile(name, own === undefined ? missing : new Set(own), candidates)
}

/**
 * One column's type. `asked` overrides what the values suggest, but not what they can be read as.
 * @param decimal the decimal mark of the file
 */
export function inferColumn(
  profile: ColumnProfile,
  asked: ColumnKind | ColumnDeclaration | undefined,
  decimal: DecimalMark = '.',
): Inferred {
  if (asked === undefined) return guess(profile, decimal)
  return { declaration: completed(declarationOf(asked), profile, decimal), note: null }
}

/** What the user did not say of a declared column, as far as reading it needs it. */
function completed(
  declared: ColumnDeclaration,
  profile: ColumnProfile,
  decimal: DecimalMark,
): ColumnDeclaration {
  if (declared.kind === 'date') {
    const best = bestDate(profile)
    const format = declared.format ?? best?.format ?? 'iso'
    const hours = declared.hours ?? hasHours(profile, format)
    return { ...declared, format, ...(hours && { hours }) }
  }
  if (declared.kind === 'hash') return { buckets: HASH_BUCKETS, ...declared }
  if (declared.kind !== 'number' || !isOpen(declared)) return declared
  const { words = {} } = declared
  // One odd value among many does not decide: it is an error, or dealt with as the sweep says.
  const read = bestNumber(
    profile,
    declared.decimal ?? decimal,
    words,
    declared.decimal !== undefined,
    Number.POSITIVE_INFINITY,
  )
  return { ...declared, ...read.declared }
}

/** The dates that a column's values are, where few are none. */
function bestDate(profile: ColumnProfile): { format: DateFormat; fit: Fit; others: DateFormat[] } | null {
  const { count, compactDates, compactMonths } = profile.numbers
  const fits = DATE_FORMATS.map((format) => {
    const fit = profile.fitOf(dateReading(format), mostOdd(profile))
    // Eight digits, or six, are more often a number: all of them must be dates.
    const compact = format === 'ymd' ? compactDates : format === 'ym' ? compactMonths : 0
    const numbers = compact === count ? 0 : count
    const misfits = fit.misfits + numbers
    return { format, fit: { ...fit, misfits } }
  }).filter(({ fit }) => profile.present > 0 && fit.misfits <= mostOdd(profile))
  if (fits.length === 0) return null
  const least = Math.min(...fits.map(({ fit }) => fit.misfits))
  // Dots are written where the day comes first.
  const dotted = profile.spellings().every(({ text }) => text.includes('.'))
  const rank = (format: DateFormat) => (dotted && format.startsWith('mdy') ? 1 : 0)
  const best = fits.filter(({ fit }) => fit.misfits === least).sort((a, b) => rank(a.format) - rank(b.format))
  const [first, ...others] = best
  return { ...first!, others: others.map(({ format }) => format) }
}

function dateReading(format: DateFormat): Reading {
  return {
    spec: { name: '', kind: 'date', format },
    // Most texts are no date, which a digit tells sooner.
    fits: (text) => /\d/.test(text) && parseDate(text, format) !== null,
  }
}

function hasHours(profile: ColumnProfile, format: DateFormat): boolean {
  return profile.spellings().some(({ text }) => {
    const day = parseDate(text, format)
    return day !== null && day !== Math.floor(day)
  })
}

/** What a column may be, to be held against the values that are not remembered. */
function candidates(profile: ColumnProfile): Reading[] {
  const texts = profile.spellings().map(({ text }) => text)
  // What is remembered is no plain number, and neither is what is not: that reading is known without a look.
  const likely = [...likelyNumbers(texts), ...DATE_FORMATS.map(dateReading)]
  return likely.filter((reading) => texts.some((text) => reading.fits(text)))
}

/** A column whose name ends so identifies what its row is about. */
const IDENTIFIER = /(?:^|[\s_.-])(?:ids?|uid|uuid|guid|pk|ssn|isbn|ean)$|^(?:index|idx|key)$/i
const POSTAL = /(?:^|[\s_.-])(?:zip|zip[\s_.-]?codes?|post[\s_.-]?codes?|postal[\s_.-]?codes?|plz)$/i
/** The same as the end of a name without separators. */
const CAMEL_IDENTIFIER = /[a-z](?:Id|ID)$/
const CAMEL_POSTAL = /[a-z](?:Zip|ZipCode|PostCode|PostalCode)$/
/** So many digits, the same in all values, which all differ, are an identifier whatever its name... */
const LONG_IDENTIFIER = 9
/** ...unless they are seconds since 1970, or thousandths. */
const EPOCH_SECONDS = [0.5e9, 2.5e9] as const
const MILLISECONDS = 1000
const LEAST_CODE_DIGITS = 3

/** Why numbers are names and not quantities; null where they are quantities. */
function codeReason(profile: ColumnProfile): string | null {
  const { name, numbers, present, distinct } = profile
  if (!numbers.whole || numbers.min < 0) return null
  // Years go up by one as well, and start elsewhere.
  if (present > FEW_VALUES && numbers.counting && (numbers.min <= 1 || isIdentifierName(name))) return COUNTS
  const fixed = numbers.shortest === numbers.longest
  if ((POSTAL.test(name) || CAMEL_POSTAL.test(name)) && numbers.longest >= LEAST_CODE_DIGITS)
    return 'its numbers are postal codes'
  if (numbers.zeroed > 0 && fixed && numbers.longest >= LEAST_CODE_DIGITS) {
    return 'its numbers are codes of one length, some with zeros in front'
  }
  if (isIdentifierName(name) && distinct > 2) {
    return 'its name and its whole numbers are those of an identifier'
  }
  const epoch = [1, MILLISECONDS].some(
    (unit) => numbers.min > EPOCH_SECONDS[0] * unit && numbers.max < EPOCH_SECONDS[1] * unit,
  )
  const all = present > FEW_VALUES && distinct >= (1 - ODD_SHARE) * present
  if (all && fixed && numbers.longest >= LONG_IDENTIFIER && !epoch) {
    return `its numbers of ${numbers.longest} digits all differ, as identifiers do`
  }
  return null
}

function isIdentifierName(name: string): boolean {
  return IDENTIFIER.test(name) || CAMEL_IDENTIFIER.test(name)
}

function guess(profile: ColumnProfile, decimal: DecimalMark): Inferred {
  const { name, present, numbers, distinct } = profile
  const most = mostOdd(profile)
  if (present === 0) return dropped(name, `none of its ${profile.rows} rows has a value`)
  if (numbers.count >= present - most && numbers.compactDates === numbers.count) {
    const fit = profile.fitOf(dateReading('ymd'))
    return { declaration: { kind: 'date', format: 'ymd' }, note: oddNote(name, 'dates', fit) }
  }
  if (numbers.count >= present - most && numbers.compactMonths === numbers.count) {
    const odd = oddText(profile.fitOf(dateReading('ym')))
    const other = `dataset.columns: { ${key(name)}: number } would read numbers`
    const said = ['six digits taken for year and month', ...(odd === '' ? [] : [odd]), other]
    return { declaration: { kind: 'date', format: 'ym' }, note: `read ${name} as dates: ${said.join('; ')}` }
  }
  const date = bestDate(profile)
  if (date !== null) return dated(profile, date)
  const read = bestNumber(profile, decimal, {}, false)
  if (read.fit.misfits <= most) {
    const reason = read.said === '' && read.declared.decimal === undefined ? codeReason(profile) : null
    if (reason !== null) return coded(profile, reason)
    return { declaration: { kind: 'number', ...read.declared }, note: numberNote(name, read, decimal) }
  }
  if (isBoolean(profile)) return plain('boolean')
  // Tells what keeps a column from being one of numbers.
  const nearly =
    numbers.count > MOSTLY_NUMBERS * present
      ? `; ${percent(numbers.count / present)} of its values are numbers, and others are not, such as ${listed(profile.spellings())}`
      : ''
  if (distinct > FEW_VALUES && distinct > IDENTIFIER_SHARE * present) {
    const examples = nearly === '' ? `, such as ${listed(profile.spellings())}` : nearly
    const ways = nearly === '' ? `{ ${key(name)}: hash }` : `{ ${key(name)}: number } with bad_values: impute`
    const reason = `${distinct} of ${present} values differ${examples}; dataset.columns: ${ways} would use it`
    return { ...dropped(name, reason), otherwise: { kind: 'hash', buckets: HASH_BUCKETS } }
  }
  if (distinct > MANY_VALUES) {
    return {
      declaration: { kind: 'hash', buckets: HASH_BUCKETS },
      note: `hashed ${name} into ${HASH_BUCKETS} values: it has ${distinct} distinct ones${nearly}`,
    }
  }
  if (nearly === '') return plain('category')
  return { declaration: { kind: 'category' }, note: `read ${name} as a category${nearly}` }
}

/** Above this share of numbers a note says why a column is not one of numbers. */
const MOSTLY_NUMBERS = 0.5

function dated(
  profile: ColumnProfile,
  { format, fit, others }: { format: DateFormat; fit: Fit; others: DateFormat[] },
): Inferred {
  const { name } = profile
  const dayFirst = (one: DateFormat) => one.startsWith('dmy')
  const other = others.find((one) => /^[dm]{2}y/.test(one) && dayFirst(one) !== dayFirst(format))
  const [read, swapped] = dayFirst(format) ? ['day/month', 'month/day'] : ['month/day', 'day/month']
  const hours = hasHours(profile, format)
  const said = [
    ...(other === undefined
      ? []
      : [
          `read ${name} as ${read}/year; every date would also fit ${swapped}/year: dataset.columns: { ${key(name)}: { kind: date, format: ${other} } } would read it so`,
        ]),
    ...(fit.misfits === 0 ? [] : [oddNote(name, 'dates', fit)!]),
  ]
  return {
    declaration: { kind: 'date', format, ...(hours && { hours }) },
    note: said.length === 0 ? null : said.join('; '),
  }
}

function numberNote(what: string, read: NumberReading, decimal: DecimalMark): string | null {
  const mark = read.declared.decimal === ',' && decimal === '.' ? 'a comma taken for the decimal mark' : ''
  const said = [mark, read.said, oddText(read.fit)].filter((text) => text !== '').join('; ')
  return said === '' ? null : `read ${what} as numbers: ${said}`
}

function coded(profile: ColumnProfile, reason: string): Inferred {
  const { name, distinct, present } = profile
  if (reason !== COUNTS && distinct <= FEW_VALUES && distinct <= IDENTIFIER_SHARE * present)
    return { declaration: { kind: 'category' }, note: `read ${name} as a category: ${reason}` }
  const otherwise: ColumnDeclaration =
    reason === COUNTS ? { kind: 'number' } : { kind: 'hash', buckets: HASH_BUCKETS }
  const ways = `dataset.columns: { ${key(name)}: ${otherwise.kind} } would use it`
  return { ...dropped(name, `${reason}; ${ways}`), otherwise }
}

const COUNTS = 'it counts the rows'

function oddNote(name: string, what: string, fit: Fit): string | null {
  return fit.misfits === 0 ? null : `read ${name} as ${what}: ${oddText(fit)}`
}

function oddText({ misfits, odd }: Fit): string {
  if (misfits === 0) return ''
  const which = misfits === 1 ? '1 value is none' : `${misfits} values are none`
  return `${which}, ${misfits > odd.length ? 'such as ' : ''}${listed(odd)}`
}

/** The values that are bad under a spec, where there are others beside the one that is named already; '' for none. */
export function misfitsOf(profile: ColumnProfile, spec: ColumnSpec): string {
  const reading =
    spec.kind === 'date'
      ? dateReading(spec.format ?? 'iso')
      : spec.kind === 'number'
        ? numberReading(spec)
        : null
  if (reading === null) return ''
  const { misfits, odd } = profile.fitOf(reading)
  return misfits < 2 ? '' : `; ${misfits} of the ${profile.present} values do not fit: ${listed(odd)}`
}

/** `"a" (line 5), "b" (line 9)`. */
export function listed(spellings: readonly Spelling[]): string {
  return spellings
    .slice(0, LISTED)
    .map(({ text, line }) => `${JSON.stringify(shortened(text))} (line ${line})`)
    .join(', ')
}

const LISTED = 3

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`
}

function plain(kind: ColumnKind): Inferred {
  return { declaration: { kind }, note: null }
}

function dropped(name: string, reason: string): Inferred {
  return { declaration: { kind: 'drop' }, note: `dropped ${name}: ${reason}` }
}

/** Both words of one pair, in one spelling or another, or 0 and 1 beside them, and nothing else. */
function isBoolean(profile: ColumnProfile): boolean {
  return profile.complete && areZeroOrOne(profile) && areBooleans(profile.spellings())
}

/** There are words, and all are of one pair. */
function areBooleans(spellings: readonly Pick<Spelling, 'text'>[]): boolean {
  const words = new Set(spellings.map(({ text }) => text.toLowerCase()))
  return (
    spellings.length > 0 &&
    areBooleanWords(spellings) &&
    BOOLEAN_PAIRS.some((pair) => [...words].every((word) => pair.includes(word)))
  )
}

function areBooleanWords(spellings: readonly Pick<Spelling, 'text'>[]): boolean {
  return spellings.every(({ text }) => Object.hasOwn(BOOLEAN_WORDS, text))
}

/**
 * What a target's values say of it, where nobody did.
 * @throws {Error} where they are dates, or nearly all of them differ and are no numbers
 */
export function guessTarget(profile: ColumnProfile, decimal: DecimalMark): Inferred {
  const { name, numbers, present } = profile
  const most = mostOdd(profile)
  if (isZeroOrOne(profile)) {
    return {
      declaration: { kind: 'category' },
      note: `read the target ${name} as labels (classification): it is 0 or 1; if it is a number, say dataset.columns: { ${key(name)}: number }`,
    }
  }
  if (isOneOfTwo(profile) && areLabels(numbers)) {
    const { min, max } = numbers
    return {
      declaration: { kind: 'category' },
      note: `read the target ${name} as labels (classification): it is only ${min} or ${max}; if it is a number, say dataset.columns: { ${key(name)}: number }`,
    }
  }
  const read = bestNumber(profile, decimal, {}, false)
  if (read.fit.misfits <= most && read.simple) {
    const two = isOneOfTwo(profile)
      ? `the target ${name} is only ${numbers.min} or ${numbers.max}; if these are labels, say dataset.columns: { ${key(name)}: category }`
      : null
    const note = numberNote(`the target ${name}`, read, decimal) ?? two
    return { declaration: { kind: 'number', ...read.declared }, note }
  }
  const spellings = profile.spellings()
  const date = numbers.count === 0 ? bestDate(profile) : null
  if (date !== null) {
    throw new Error(
      `the target "${name}" holds dates, such as ${listed(spellings.slice(0, 1))}, and a date cannot be predicted; predict a number, such as the days until it, or say dataset.columns: { ${key(name)}: category } if each is a label`,
    )
  }
  const truths = areBooleanWords(spellings) && areZeroOrOne(profile)
  const words = new Set(spellings.map(({ text }) => text.toLowerCase()))
  const folds = truths && words.size < spellings.length
  const mixed = truths && (numbers.count > 0 || !areBooleans(spellings))
  const found = listed(spellings.slice(0, 1))
  const declared = flow({ kind: 'number', ...read.declared })
  const otherwise =
    read.fit.misfits <= most
      ? `; if it is one, say dataset.columns: { ${key(name)}: ${declared} }`
      : numbers.count > MOSTLY_NUMBERS * present
        ? `; ${percent(numbers.count / present)} of its values are: dataset.columns: { ${key(name)}: number } reads it as numbers, and bad_values says what becomes of the others`
        : ''
  if (profile.distinct > FEW_VALUES && profile.distinct > IDENTIFIER_SHARE * present) {
    const ways =
      otherwise || `; if it is a number, say dataset.columns: { ${key(name)}: { kind: number, loose: true } }`
    throw new Error(
      `the target "${name}" is no plain number, and as labels it has nothing to learn: ${profile.distinct} of ${present} values differ, such as ${listed(spellings)}${ways}; dataset.columns: { ${key(name)}: category } takes each for a label`,
    )
  }
  return {
    declaration: { kind: 'category', ...(folds && { ignore_case: true }) },
    note: `read the target ${name} as labels (classification): ${found} is no plain number${otherwise}${folds ? '; spellings that differ in capitals are one label' : ''}${mixed ? mixedLabels([...words], numbers.count > 0) : ''}`,
  }
}

/** Yes and no in several ways are as many labels, which is seldom what is meant. */
function mixedLabels(words: readonly string[], withNumbers: boolean): string {
  const labels = [...words.map((word) => JSON.stringify(word)), ...(withNumbers ? ['0 or 1'] : [])]
  return `; ${labels.join(', ')} are labels of their own: if some mean the same, write one pair of words only`
}

/** One apart, or one more and one less than nothing: as two labels are often written. */
function areLabels({ min, max }: ColumnProfile['numbers']): boolean {
  return max - min === 1 || (min === -1 && max === 1)
}

/** Two whole numbers and no others. */
function isOneOfTwo({ numbers, present, distinct }: ColumnProfile): boolean {
  const { count, whole, withPoint, likeThousands, zeroed } = numbers
  const plainly = whole && withPoint + likeThousands + zeroed === 0
  return count === present && present > FEW_VALUES && distinct === 2 && plainly
}

/** The numbers 0 and 1, or one of them, each in one spelling: the usual labels of two classes. */
function isZeroOrOne(profile: ColumnProfile): boolean {
  return profile.numbers.count === profile.present && profile.present > 0 && areZeroOrOne(profile)
}

/** No number is anything else; there may be none. */
function areZeroOrOne({ numbers }: ColumnProfile): boolean {
  const { count, min, max, whole, shortest, longest } = numbers
  return count === 0 || (whole && min >= 0 && max <= 1 && shortest === longest)
}
