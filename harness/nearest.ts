/** What to say of a name that is none: the one that was most likely meant, and a few like it. */
import { byLikeness, nearest } from '../workers/data/nearest.ts'
import { UserError } from './user-error.ts'

/** More names than this are not read. */
const MOST_LISTED = 8
const MOST_NEAREST = 3

/** Where all of them are found. */
export const METRICS_LISTED = 'docs/reference/metrics.md describes those that every run has'
export const PIPELINE_LISTED = 'docs/reference/pipeline.md describes all'

/** `; did you mean "chunk_size"?`, or nothing. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const guess = nearest(name, names)
  return guess === null ? '' : `; did you mean "${guess}"?`
}

/**
 * The names where they are few, else the three nearest and where all are found.
 * @param what they are: `metrics`, `keys allowed here`
 * @param reference such as `"stint schema" describes all`
 */
export function namesHint(
  what: string,
  name: string,
  names: Iterable<string>,
  reference: string | null = null,
): string {
  const listed = [...names]
  if (listed.length <= MOST_LISTED) return `${what}: ${listed.join(', ')}`
  const three = byLikeness(name, listed)
    .sort((a, b) => Number(b.holds) - Number(a.holds))
    .slice(0, MOST_NEAREST)
    .map((one) => one.name)
  const where = reference === null ? '' : `; ${reference}`
  return `nearest of ${listed.length} ${what}: ${three.join(', ')}${where}`
}

/**
 * @param noun of the names
 * @param option that gives them
 * @throws {UserError} for the first of `names` that is none of `known`
 */
export function refuseUnknown(
  noun: string,
  names: readonly string[],
  known: Iterable<string>,
  reference: string | null = null,
  option = `--${noun}`,
): void {
  const listed = new Set(known)
  const unknown = names.find((name) => !listed.has(name))
  if (unknown === undefined) return
  throw new UserError(
    `${option} ${unknown}: no such ${noun}${didYouMean(unknown, listed)}`,
    namesHint(`${noun}s`, unknown, listed, reference),
  )
}
