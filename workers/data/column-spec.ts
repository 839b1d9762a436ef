/** What a column's declaration means to a reader. */
import type { ColumnSpec } from './columns.ts'
import type { ColumnDeclaration, ColumnKind } from './types.ts'

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

/** Hashed values of a column that has too many values for a one-hot column each. */
export const HASH_BUCKETS = 64

export const BOOLEAN_PAIRS: readonly (readonly [no: string, yes: string])[] = [
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
export const BOOLEAN_WORDS: Readonly<Record<string, number>> = Object.fromEntries(
  BOOLEAN_PAIRS.flatMap((pair) =>
    pair.flatMap((word, value) => {
      const capital = word[0]!.toUpperCase() + word.slice(1)
      return [word, capital, word.toUpperCase()].map((spelling) => [spelling, value])
    }),
  ),
)

/** True where what is declared leaves nothing to be found in the column's values. */
export function isComplete(asked: ColumnKind | ColumnDeclaration | undefined): boolean {
  if (asked === undefined) return false
  const { kind, format, hours, ...rest } = declarationOf(asked)
  if (kind === 'date') return format !== undefined && hours !== undefined
  return kind !== 'number' || !isOpen(rest)
}

export function declarationOf(asked: ColumnKind | ColumnDeclaration): ColumnDeclaration {
  return typeof asked === 'string' ? { kind: asked } : asked
}

/** Nothing is said of what stands around a number. */
export function isOpen({ loose, after, currency, unit }: Partial<ColumnDeclaration>): boolean {
  return [loose, after, currency, unit].every((said) => said === undefined)
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
