/** A CSV's header line, and errors that help to name its columns. */
import { DataError } from './columns.ts'
import { byLikeness, nearest } from './nearest.ts'
import type { Header } from './types.ts'

/** Names of a table's columns, each different from all others. */
export interface ColumnNames {
  names: string[]
  /** What was changed, for a note: `"x" is now "x_2" (column 3)`. */
  renamed: string[]
}

/** What a column of row names is called, as R writes them without a name in the header. */
const ROW_NAMES = 'row_names'

/**
 * Names from the first record, which holds them unless `header` says otherwise: a second column of a name gets a number,
 * and one without a name that of its place.
 */
export function columnNames(record: readonly string[], header: Header = true): ColumnNames {
  if (header === false) return { names: record.map((_, i) => placeName(i)), renamed: [] }
  const given = record.map((name) => name.trim())
  if (header === 'row_names') given.unshift(ROW_NAMES)
  const taken = new Set(given)
  const used = new Set<string>()
  const renamed: string[] = []
  const names = given.map((name, i) => {
    if (name !== '' && !used.has(name)) {
      used.add(name)
      return name
    }
    const base = name === '' ? placeName(i) : name
    let free = name === '' && !taken.has(base) && !used.has(base) ? base : ''
    for (let n = 2; free === ''; n += 1) if (!taken.has(`${base}_${n}`)) free = `${base}_${n}`
    taken.add(free)
    used.add(free)
    renamed.push(`column ${i + 1}, ${name === '' ? 'which has no name' : `a second "${name}"`}, is "${free}"`)
    return free
  })
  return { names, renamed }
}

function placeName(index: number): string {
  return `column_${index + 1}`
}

/**
 * Positions of the named columns.
 * @throws {DataError} naming the first one that is absent, the nearest name, and the columns present
 */
export function findColumns(
  header: readonly string[],
  names: readonly string[],
  file: string,
  line = 1,
): number[] {
  const places = new Map(header.map((name, at) => [name, at]))
  return names.map((name) => {
    const at = places.get(name)
    if (at === undefined)
      throw new DataError(`no column "${name}"${suggest(name, header)}${alignedHint(header)}`, file, line)
    return at
  })
}

/** Tables that are aligned by spaces have them in runs, which separate nothing here. */
function alignedHint(header: readonly string[]): string {
  const [only = ''] = header
  if (header.length > 1 || !/\S {2,}\S/.test(only)) return ''
  return '. Several spaces in a row separate nothing: write one separator, such as a comma, between columns'
}

/** A table may have thousands; then those most like the name are listed. */
const MOST_LISTED = 20

/** `; did you mean "x"? Columns: ...` */
export function suggest(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  const question = near === null ? '.' : `; did you mean "${near}"?`
  if (names.length <= MOST_LISTED) return `${question} Columns: ${names.join(', ')}`
  const listed = byLikeness(name, names).slice(0, MOST_LISTED)
  return `${question} Columns: ${listed.map((one) => one.name).join(', ')} and ${names.length - MOST_LISTED} more`
}
