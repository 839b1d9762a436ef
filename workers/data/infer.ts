/** Column types of data that nobody described, from all of its values. */

import type { ColumnSpec } from './columns.ts'
import { parseDate } from './dates.ts'
import { type DecoratedNumber, decodeNumber, decoratedParts, shortened, withPoint } from './decode.ts'
import { ColumnProfile, type Fit, type Reading, type Spelling } from './profile.ts'
import {
  type ColumnDeclaration,
  type ColumnKind,
  DATE_FORMATS,
  type DateFormat,
  type DecimalMark,
} from './types.ts'
import { flow, key } from './yaml-text.ts'

/** Spellings of "no value", beside the empty field: those that pandas, R, SAS, SQL, spreadsheets and people write. */
export const MISSING: readonly string[] = [
  ...['NA', 'N/A', 'na', 'n/a', 'N.A.', 'n.a.', '#N/A', '#N/A N/A', '#NA', '<NA>', '<na>', 'NaT'],
  ...['NaN', 'nan', 'NAN', '-NaN', '-nan', '1.#IND', '-1.#IND', '1.#QNAN', '-1.#QNAN', '#NULL!'],
  ...['null', 'NULL', 'Null', '(null)', '(NULL)', '[NULL]', '<null>', '<NULL>', '\\N'],
  ...['missing', 'Missing', 'MISSING', 'undefined', 'no data', 'No data', 'nodata'],
  ...[
    'not available',
    'Not available',
    'Not Available',
    'not applicable',
    'Not applicable',
    'Not Applicable',
  ],
  ...['#N/A!', '+NaN', '+nan', 'NaN()', '1.#QNAN0', 'nan(ind)', '-nan(ind)', '1.#IND00', '-1.#IND00'],
  ...['none', 'None', 'NONE', 'nil', '?', '-', '--', '---', '.', '..', '...', '._'],
  ...Array.from({ length: 26 }, (_, i) => `.${String.fromCharCode('A'.charCodeAt(0) + i)}`),
]

/** At most so many of a column's values, as a share, may not fit its type: they are bad values. */
const ODD_SHARE = 0.01
/**
 * How many of a column's values may not fit its type: beside that share the column's own name, where files were put together
 * with their headers, and in a longer column its first value, which may be its unit.
 */
function mostOdd(profile: ColumnProfile): number {
  const { name, present, firstLine } = profile
  let header = 0
  for (const { text, count, line } of profile.spellings())
    if (text === name) header += count
    else if (line === firstLine && present > FEW_VALUES) header += 1
  return ODD_SHARE * present + header
}

/** A column with more distinct values than this may be an identifier or free text... */
const FEW_VALUES = 20
/** ...and is one where more than this share of its values differ. */
const IDENTIFIER_SHARE = 0.5
/** One-hot columns cost memory by their square: a column with more values than this is hashed unless asked for. */
const MANY_VALUES = 256

/** Hashed values of a column that has too many values for a one-hot column each. */
const HASH_BUCKETS = 64

const BOOLEAN_PAIRS: readonly (readonly [no: string, yes: string])[] = [
  ['false', 'true'],
  ['no', 'yes'],
  ['n', 'y'],
  ['f', 't'],
  ['off', 'on'],
  ['nein', 'ja'],
  ['nej', 'ja'],
  ['nee', 'ja'],
  ['falsch', 'wahr'],
  ['non', 'oui'],
  ['faux', 'vrai'],
  ['no', 'sí'],
  ['no', 'si'],
  ['não', 'sim'],
  ['nie', 'tak'],
  ['нет', 'да'],
  ['✗', '✓'],
]

/** The spellings of each pair that are read as 0 and 1. */
const BOOLEAN_WORDS: Readonly<Record<string, number>> = Object.fromEntries(
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

/** True where what is declared leaves nothing to be found in the column's values. */
export function isComplete(asked: ColumnKind | ColumnDeclaration | undefined): boolean {
  if (asked === undefined) return false
  const { kind, format, hours, ...rest } = declarationOf(asked)
  if (kind === 'date') return format !== undefined && hours !== undefined
  return kind !== 'number' || !isOpen(rest)
}

function declarationOf(asked: ColumnKind | ColumnDeclaration): ColumnDeclaration {
  return typeof asked === 'string' ? { kind: asked } : asked
}

/** Nothing is said of what stands around a number. */
function isOpen({ loose, after, currency, unit }: Partial<ColumnDeclaration>): boolean {
  return [loose, after, currency, unit].every((said) => said === undefined)
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

/** How a column's numbers are written, as well as that can be said. */
interface NumberReading {
  declared: Pick<ColumnDeclaration, 'currency' | 'unit' | 'decimal'>
  fit: Fit
  /** No more than a decimal comma, a currency sign, a % and thousands separators. */
  simple: boolean
  /** What was left out or given a meaning; '' for nothing. */
  said: string
}

function bestNumber(
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

function numberReading(spec: ColumnSpec): Reading {
  return { spec, fits: (text) => decodeNumber(text, spec) !== null }
}

/** What a column may be, to be held against the values that are not remembered. */
function candidates(profile: ColumnProfile): Reading[] {
  const texts = profile.spellings().map(({ text }) => text)
  const numbers = [
    { decimal: ',' as const },
    decorationOf(texts)?.declared ?? null,
    { ...(decorationOf(texts.map(withPoint))?.declared ?? { unit: '' }), decimal: ',' as const },
  ]
    .filter((declared) => declared !== null)
    .map((declared) => numberReading(specOf('', { kind: 'number', ...declared }, [])!))
  // What is remembered is no plain number, and neither is what is not: that reading is known without a look.
  const likely = [...numbers, ...DATE_FORMATS.map(dateReading)]
  return likely.filter((reading) => texts.some((text) => reading.fits(text)))
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

/** Both words of one pair, in one spelling or another, and nothing else. */
function isBoolean(profile: ColumnProfile): boolean {
  return profile.complete && profile.numbers.count === 0 && areBooleans(profile.spellings())
}

function areBooleans(spellings: readonly Pick<Spelling, 'text'>[]): boolean {
  const words = new Set(spellings.map(({ text }) => text.toLowerCase()))
  const known = spellings.every(({ text }) => Object.hasOwn(BOOLEAN_WORDS, text))
  return known && BOOLEAN_PAIRS.some((pair) => [...words].every((word) => pair.includes(word)))
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
  const folds =
    areBooleans(spellings) &&
    numbers.count === 0 &&
    new Set(spellings.map(({ text }) => text.toLowerCase())).size < spellings.length
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
    note: `read the target ${name} as labels (classification): ${found} is no plain number${otherwise}${folds ? '; spellings that differ in capitals are one label' : ''}`,
  }
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
function isZeroOrOne({ numbers, present }: ColumnProfile): boolean {
  const { count, min, max, whole, shortest, longest } = numbers
  return count === present && present > 0 && whole && min >= 0 && max <= 1 && shortest === longest
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
  const { kind, format, loose, currency, unit, decimal, after, words, buckets, ignore_case } = declaration
  const base = { name, missing: declaration.missing ?? missing }
  switch (kind) {
    case 'drop':
      return null
    case 'category':
      return { ...base, kind, ...(ignore_case === true && { ignoreCase: true }) }
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
        ...(decimal !== undefined && { decimal }),
        ...(after !== undefined && { after }),
        ...(words !== undefined && { words }),
      }
  }
}

/** What stands around a column's numbers. */
export interface Decoration {
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
