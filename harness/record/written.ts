/** Which files Stint wrote, by their content: those it may renew, and no other is replaced unasked. */
import { createHash } from 'node:crypto'
import { appendFileSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { devNull, homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { UserError } from '../user-error.ts'
import { writeAtomically } from './atomic.ts'

/** A hash and its newline. */
const LINE_BYTES = 65
/** The record keeps the newest half once it holds so many lines: a year of a busy machine. */
const MOST_LINES = 100_000

/**
 * `$XDG_CACHE_HOME/stint`, or the same below `~/.cache`: what may be deleted at any time. Null where this user has no
 * home: a folder that anybody may write to would be no place for it.
 */
export function userCache(): string | null {
  const named = process.env['XDG_CACHE_HOME']
  if (named) return join(named, 'stint')
  try {
    return join(homedir(), '.cache', 'stint')
  } catch {
    return null
  }
}

/** The record of files that have a place of the user's own; without a home, one that never holds anything. */
export function userRecord(): string {
  return join(userCache() ?? devNull, 'written')
}

/**
 * @param record of what was written there
 * @throws {UserError} where a file is there that the record does not know: another program's, or one that was changed since
 */
export function refuseForeign(path: string, record: string): void {
  if (isReplaceable(path, record)) return
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true
  throw new UserError(
    isFile
      ? `${path}: is there, and is not as Stint wrote it`
      : `${path}: is there, and is no file that Stint wrote`,
    isFile ? 'name another file, remove it, or say --overwrite' : 'name another file; - is stdout',
  )
}

/** Whether nothing is there, or nothing that is lost with it, or what Stint wrote. */
export function isReplaceable(path: string, record: string): boolean {
  const entry = lstatSync(path, { throwIfNoEntry: false })
  if (entry === undefined) return true
  if (!entry.isFile()) return false
  return entry.size === 0 || hashesIn(record).has(hashOf(readFileSync(path)))
}

/** To be called before the file is there, so that a crash between the two leaves no file that nobody knows. */
export function recordWritten(content: string | Uint8Array, record: string): void {
  const line = `${hashOf(content)}\n`
  try {
    mkdirSync(dirname(record), { recursive: true })
    appendFileSync(record, line)
    if (statSync(record).size <= MOST_LINES * LINE_BYTES) return
    const lines = readFileSync(record, 'utf8').split('\n').slice(0, -1)
    writeAtomically(
      record,
      lines
        .slice(-MOST_LINES / 2)
        .map((kept) => `${kept}\n`)
        .join(''),
    )
  } catch {
    // Without a record the next writer asks for --overwrite, and nothing is lost.
  }
}

function hashesIn(record: string): Set<string> {
  try {
    return new Set(readFileSync(record, 'utf8').split('\n'))
  } catch {
    return new Set()
  }
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
