/** What to say of a name that is none: the one that was most likely meant, and a few like it. */
import leven from 'leven'
import { UserError } from './user-error.ts'

/** A word shorter than this is part of too many names to hint at one. */
const SHORTEST_PART = 4
/** More names than this are not read. */
const MOST_LISTED = 8
const MOST_NEAREST = 3

/** Where all of them are found. */
export const METRICS_LISTED = 'docs/reference/metrics.md describes those that every run has'
export const PIPELINE_LISTED = 'docs/reference/pipeline.md describes all'

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '')

/** All names, from the one that most resembles `name` on; in the order given where they do alike. */
function byLikeness(
  name: string,
  names: Iterable<string>,
): { name: string; edits: number; holds: boolean }[] {
  const wanted = plain(name)
  return [...names]
    .map((other) => ({
      name: other,
      edits: leven(wanted, plain(other)),
      holds: wanted.length >= SHORTEST_PART && other.split(/[_.]/).includes(name.toLowerCase()),
    }))
    .sort((a, b) => a.edits - b.edits)
}

/** The nearest name within a third of the length, else one that contains `name` as a word, else null. */
export function nearest(name: string, names: Iterable<string>): string | null {
  const { length } = plain(name)
  // Two letters that changed places are two edits, also in a short name.
  const limit = Math.min(Math.max(2, Math.floor(length / 3)), length - 1)
  const all = byLikeness(name, names)
  const found = all[0] !== undefined && all[0].edits <= limit ? all[0] : all.find(({ holds }) => holds)
  return found?.name ?? null
}

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
