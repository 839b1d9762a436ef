/** All values of a file's columns, read once to find their types; the file is hashed meanwhile. */

import { isComplete, MISSING } from './column-spec.ts'
import { type CategoryColumn, DataError, RowWidthError } from './columns.ts'
import { openByteSource } from './csv/reader.ts'
import type { ColumnBuilder } from './csv/values.ts'
import { fingerprintFile } from './fingerprint.ts'
import { type Footer, footerFrom } from './footer.ts'
import { newProfile } from './infer.ts'
import { readEvents } from './ndjson.ts'
import { decimalMark } from './number-writing.ts'
import { formatOf } from './open.ts'
import type { ColumnProfile } from './profile.ts'
import { type HashingSource, hashingSource } from './sources/hashing.ts'
import { type End, MOST_SUMMARY_ROWS, type SummaryRows, summaryRows } from './summary-rows.ts'
import type { DataFingerprint, PreparedDataset } from './types.ts'

/** Rows read at a time; none of their values is kept. */
const CHUNK_ROWS = 4096

export interface Profiled {
  header: readonly string[]
  /** Of the columns whose types are not declared; a target's always. */
  profiles: ReadonlyMap<string, ColumnProfile>
  fingerprint: DataFingerprint
  /** What follows the table, which is left out. */
  footer: Footer | null
  /** Rows at the end that sum up the others; where they are left out, the profiles are without them. */
  summary: (SummaryRows & { leftOut: boolean }) | null
}

/** Rows of the fingerprint that are no data. */
export function rowsLeftOut({ footer, summary }: Pick<Profiled, 'footer' | 'summary'>): number {
  return (footer?.rows ?? 0) + (summary?.leftOut === true ? summary.rows : 0)
}

type FileToProfile = Pick<
  PreparedDataset,
  'path' | 'format' | 'dialect' | 'columns' | 'missing' | 'target'
> & {
  /** The first rows to be used; null or absent for all. */
  rows?: number | null
}

/**
 * @throws {DataError} as the readers do
 * @throws {NotText} for bytes that are no text of the file's encoding
 * @throws {Error} where the file cannot be read
 */
export async function profileFile(file: FileToProfile): Promise<Profiled> {
  if (formatOf(file) === 'ndjson') return profileNdjson(file)
  const { ends, ...found } = await profileTable(file)
  const { profiles, fingerprint, footer } = found
  const { separator = ',', decimal = decimalMark(profiles.values(), separator) } = file.dialect ?? {}
  const summary = summaryRows(profiles, ends, decimal)
  if (summary === null) return { ...found, summary }
  const others = fingerprint.rows - rowsLeftOut({ footer, summary: null }) - summary.rows
  // Who says how many rows are to be used says so of these as well.
  const leftOut = summary.sure && (file.rows ?? 0) <= others
  if (!leftOut) return { ...found, summary: { ...summary, leftOut } }
  const { ends: _, ...without } = await profileCsv(file, others)
  return { ...without, fingerprint, footer, summary: { ...summary, leftOut } }
}

type Table = Omit<Profiled, 'summary'> & { ends: ReadonlyMap<string, readonly End[]> }

/** The rows of the file, without a footer. */
async function profileTable(file: FileToProfile): Promise<Table> {
  try {
    return { ...(await profileCsv(file, Number.POSITIVE_INFINITY)), footer: null }
  } catch (error) {
    if (!(error instanceof RowWidthError) || error.rowsBefore === 0) throw error
    const { line, width, rowsBefore } = error
    // Nobody asks for what follows the rows that are to be used.
    const isUnused = file.rows != null && file.rows <= rowsBefore
    const footer = isUnused ? null : await footerFrom(file, line, width)
    if (footer === null && !isUnused) throw error
    const found = await profileCsv(file, rowsBefore)
    return { ...found, fingerprint: await fingerprintFile(file), footer }
  }
}

function open({ path, dialect }: FileToProfile): HashingSource {
  try {
    return hashingSource(path, dialect?.encoding)
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** Makes the profiles of columns, and keeps them. */
function profiler(file: FileToProfile) {
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
  return { profiles, profileOf }
}

/** @param most rows are read at most; the fingerprint is of the file only where there are no more */
async function profileCsv(file: FileToProfile, most: number): Promise<Omit<Table, 'footer'>> {
  const { path, dialect = {} } = file
  const { profiles, profileOf } = profiler(file)
  const ends = new Map<string, End[]>()
  const source = open(file)
  const reader = await openByteSource(
    source,
    path,
    (header) =>
      header.map((name) => {
        const last: End[] = []
        ends.set(name, last)
        return profiling(name, profileOf(name), last)
      }),
    { ...dialect, rows: most },
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
    const fingerprint = { ...source.digest(), rows, columns: [...header] }
    return { header, profiles, fingerprint, ends }
  } finally {
    await reader.close()
  }
}

/** Takes fields as a reader's columns do, and keeps no value but the last ones, the last one first. */
function profiling(name: string, profile: ColumnProfile | null, last: End[]): ColumnBuilder {
  const column: CategoryColumn = { kind: 'category', name, codes: new Int32Array(0), dictionary: [] }
  return {
    spec: { name, kind: 'category' },
    column,
    reserve: () => {},
    append(bytes, fields, at, stride, rows, _to, lines) {
      if (profile !== null) {
        for (let row = 0, o = at; row < rows; row += 1, o += stride) {
          profile.add(bytes, fields[o]!, fields[o + 1]!, lines[row]!)
        }
      }
      for (let row = Math.max(0, rows - MOST_SUMMARY_ROWS); row < rows; row += 1) {
        const o = at + row * stride
        const end = Math.min(fields[o + 1]!, fields[o]! + LONGEST_END)
        last.unshift({ text: bytes.toString('utf8', fields[o]!, end).trim(), line: lines[row]! })
      }
      last.length = Math.min(last.length, MOST_SUMMARY_ROWS)
      return -1
    },
  }
}

/** Bytes of a field of the last rows that are kept: what sums up has a short name. */
const LONGEST_END = 100

async function profileNdjson(file: FileToProfile): Promise<Profiled> {
  const source = open(file)
  const { profiles, profileOf } = profiler(file)
  const { header, rows } = await profileEvents(source, file.path, profileOf)
  const fingerprint = { ...source.digest(), rows, columns: [...header] }
  return { header, profiles, fingerprint, footer: null, summary: null }
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
