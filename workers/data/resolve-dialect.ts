/** How a file is written, settled before it is read as a whole. */
import { DataError } from './columns.ts'
import { HEAD_BYTES, sniffFile, textOf } from './csv/sniff.ts'
import { columnNames } from './header.ts'
import { formatOf } from './open.ts'
import { headOf, NotText } from './sources/bytes.ts'
import { isMostlyUtf8 } from './sources/encoding.ts'
import type { CsvDialect, DataFormat } from './types.ts'

interface FileAsAsked {
  path: string
  format?: DataFormat
  dialect?: CsvDialect
  target: string | null
  columns: Readonly<Record<string, unknown>>
}

export interface Resolved<T> {
  /** With the whole dialect. */
  dataset: T
  /** Names of a CSV's columns; empty for events. */
  names: string[]
  notes: string[]
}

/**
 * Finds what the user does not say of how the file is written, and does `read` with it. A file whose first bytes are
 * UTF-8, and later ones are not, is read again as Windows-1252.
 * @throws {DataError} for NUL bytes, and for bytes that are not of the encoding that was asked for
 * @throws {Error} where the file cannot be read
 */
export async function readResolved<T extends FileAsAsked, R>(
  asked: T,
  read: (resolved: Resolved<T>) => Promise<R>,
): Promise<R> {
  const { path } = asked
  const resolved = await resolve(asked)
  try {
    return await read(resolved)
  } catch (error) {
    if (!(error instanceof NotText)) throw error
    if (error.kind === 'nul') {
      throw new DataError(
        'a NUL byte, which no text has: the file is damaged, or is no CSV or JSON; if it is UTF-16, set dataset.encoding to utf-16le or utf-16be',
        path,
        error.linesBefore + 1,
      )
    }
    const from = `from line ${error.linesBefore + 1} on`
    if (asked.dialect?.encoding === undefined && isMostlyUtf8((await headOf(path, HEAD_BYTES)).head)) {
      throw new DataError(
        `bytes that are no UTF-8, somewhere ${from}, though other text of the file is: mend them, or set dataset.encoding to windows-1252 if all of it is that`,
        path,
        error.linesBefore + 1,
      )
    }
    if (asked.dialect?.encoding !== undefined) {
      throw new DataError(
        `bytes that are no UTF-8, somewhere ${from}; if the file is Latin-1, set dataset.encoding to windows-1252`,
        path,
        error.linesBefore + 1,
      )
    }
    const latin = { ...asked, dialect: { ...asked.dialect, encoding: 'windows-1252' as const } }
    const again = await resolve(latin)
    return read({
      ...again,
      notes: [
        ...again.notes,
        `read ${path} as { encoding: windows-1252 }: it has bytes that are no UTF-8 ${from}`,
      ],
    })
  }
}

async function resolve<T extends FileAsAsked>(asked: T): Promise<Resolved<T>> {
  const { path, dialect = {}, target, columns } = asked
  try {
    if (formatOf(asked) === 'ndjson') {
      const { encoding } = await textOf(path, dialect.encoding)
      const notes =
        encoding === 'utf-8' || dialect.encoding !== undefined
          ? []
          : [
              `read ${path} as { encoding: ${encoding} }, found in its first lines; set under dataset what differs`,
            ]
      return { dataset: { ...asked, dialect: { ...dialect, encoding } }, names: [], notes }
    }
    const known = [...(target === null ? [] : [target]), ...Object.keys(columns)]
    const found = await sniffFile(path, dialect, known)
    const { names, renamed } = columnNames(found.first, found.dialect.header)
    const notes: string[] = []
    if (found.said.length > 0) {
      notes.push(
        `read ${path} as { ${found.said.join(', ')} }, found in its first lines; set under dataset what differs`,
      )
    }
    if (renamed.length > 0) {
      const more = renamed.length > MOST_RENAMED ? ` and ${renamed.length - MOST_RENAMED} more` : ''
      notes.push(`columns of ${path}: ${renamed.slice(0, MOST_RENAMED).join('; ')}${more}`)
    }
    return { dataset: { ...asked, dialect: found.dialect }, names, notes }
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

const MOST_RENAMED = 5
