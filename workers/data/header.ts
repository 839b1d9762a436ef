/** A CSV's header line, and errors that help to name its columns. */
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

/** `; did you mean "x"? Columns: ...` */
export function suggest(name: string, names: readonly string[]): string {
  const near = nearestName(name, names)
  const question = near === null ? '' : `; did you mean "${near}"?`
  return `${question === '' ? '.' : question} Columns: ${names.join(', ')}`
}

/** The closest name within a third of the length in edits, case aside; null where none is that close. */
export function nearestName(name: string, names: readonly string[]): string | null {
  let best: string | null = null
  let fewest = Math.max(2, Math.ceil(name.length / 3)) + 1
  for (const other of names) {
    const edits = editDistance(name.toLowerCase(), other.toLowerCase())
    if (edits < fewest) {
      fewest = edits
      best = other
    }
  }
  return best
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
