/** A CSV's header line, and errors that help to name its columns. */
import leven from 'leven'
import { DataError } from './columns.ts'

/** @throws {DataError} where two columns share a name */
export function checkHeader(header: readonly string[], file: string, line: number): void {
  const seen = new Set<string>()
  for (const name of header) {
    if (seen.has(name)) {
      throw new DataError(`the header names "${name}" twice: rename one of the two columns`, file, line)
    }
    seen.add(name)
  }
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
  return names.map((name) => {
    const at = header.indexOf(name)
    if (at < 0) throw new DataError(`no column "${name}"${suggest(name, header)}`, file, line)
    return at
  })
}

/** A table may have thousands; then those most like the name are listed. */
const MOST_LISTED = 20

/** `; did you mean "x"? Columns: ...` */
export function suggest(name: string, names: readonly string[]): string {
  const near = nearestName(name, names)
  const question = near === null ? '.' : `; did you mean "${near}"?`
  if (names.length <= MOST_LISTED) return `${question} Columns: ${names.join(', ')}`
  const listed = byLikeness(name, names).slice(0, MOST_LISTED)
  return `${question} Columns: ${listed.map((one) => one.name).join(', ')} and ${names.length - MOST_LISTED} more`
}

/** The closest name within a third of the length in edits, case aside; null where none is that close. */
export function nearestName(name: string, names: readonly string[]): string | null {
  const most = Math.max(2, Math.ceil(name.length / 3))
  const first = byLikeness(name, names)[0]
  return first !== undefined && first.edits <= most ? first.name : null
}

function byLikeness(name: string, names: readonly string[]): { name: string; edits: number }[] {
  return names
    .map((other) => ({ name: other, edits: leven(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
}
