/** All values of a file's columns, read once to find their types; the file is hashed meanwhile. */
import { type CategoryColumn, DataError } from './columns.ts'
import { openByteSource } from './csv/reader.ts'
import type { ColumnBuilder } from './csv/values.ts'
import { isComplete, MISSING, newProfile } from './infer.ts'
import { readEvents } from './ndjson.ts'
import { formatOf } from './open.ts'
import type { ColumnProfile } from './profile.ts'
import { type HashingSource, hashingSource } from './sources/bytes.ts'
import type { DataFingerprint, PreparedDataset } from './types.ts'

/** Rows read at a time; none of their values is kept. */
const CHUNK_ROWS = 4096

export interface Profiled {
  header: readonly string[]
  /** Of the columns whose types are not declared; a target's always. */
  profiles: ReadonlyMap<string, ColumnProfile>
  fingerprint: DataFingerprint
}

type FileToProfile = Pick<PreparedDataset, 'path' | 'format' | 'dialect' | 'columns' | 'missing' | 'target'>

/**
 * @throws {DataError} as the readers do
 * @throws {NotText} for bytes that are no text of the file's encoding
 * @throws {Error} where the file cannot be read
 */
export async function profileFile(file: FileToProfile): Promise<Profiled> {
  const { path, dialect = {} } = file
  let source: HashingSource
  try {
    source = hashingSource(path, dialect.encoding)
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  const columns = new Map(Object.entries(file.columns))
  const missing = new Set([...MISSING, ...(file.missing ?? [])])
  const profiles = new Map<string, ColumnProfile>()
  const profileOf = (name: string): ColumnProfile | null => {
    const asked = columns.get(name)
    if (isComplete(asked) && name !== file.target) return null
    const profile = newProfile(name, asked, missing)
    profiles.set(name, profile)
    return profile
  }
  if (formatOf(file) === 'ndjson') {
    const { header, rows } = await profileEvents(source, path, profileOf)
    return { header, profiles, fingerprint: { ...source.digest(), rows, columns: [...header] } }
  }
  const reader = await openByteSource(
    source,
    path,
    (header) =>
      header
        .map(profileOf)
        .filter((profile) => profile !== null)
        .map(profiling),
    dialect,
  )
  try {
    let rows = 0
    for (;;) {
      const chunk = await reader.read(CHUNK_ROWS)
      if (chunk === null) break
      rows += chunk.rows
    }
    const { header } = reader
    if (rows === 0) {
      throw new DataError('the file has a header and no rows; rows must end in LF or CRLF', path, 1)
    }
    return { header, profiles, fingerprint: { ...source.digest(), rows, columns: [...header] } }
  } finally {
    await reader.close()
  }
}

/** Takes fields as a reader's columns do, and keeps no value. */
function profiling(profile: ColumnProfile): ColumnBuilder {
  const { name } = profile
  const column: CategoryColumn = { kind: 'category', name, codes: new Int32Array(0), dictionary: [] }
  return {
    spec: { name, kind: 'category' },
    column,
    reserve: () => {},
    append(bytes, fields, at, stride, rows, _to, lines) {
      for (let row = 0, o = at; row < rows; row += 1, o += stride) {
        profile.add(bytes, fields[o]!, fields[o + 1]!, lines[row]!)
      }
      return -1
    },
  }
}

async function profileEvents(
  source: HashingSource,
  path: string,
  profileOf: (name: string) => ColumnProfile | null,
): Promise<{ header: string[]; rows: number }> {
  const known = new Map<string, ColumnProfile | null>()
  let rows = 0
  await readEvents(source, path, (event, line) => {
    for (const [name, text] of event) {
      let profile = known.get(name)
      if (profile === undefined) {
        profile = profileOf(name)
        known.set(name, profile)
      }
      if (profile === null) continue
      // Rows before this one did not have the field.
      if (profile.rows < rows) profile.addMissing(rows - profile.rows)
      const bytes = Buffer.from(text)
      profile.add(bytes, 0, bytes.length, line)
    }
    rows += 1
  })
  for (const profile of known.values()) profile?.addMissing(rows - profile.rows)
  return { header: [...known.keys()], rows }
}
