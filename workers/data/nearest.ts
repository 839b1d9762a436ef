/** Which of many names was meant by one that is none of them? */
import leven from 'leven'

/** A word shorter than this is part of too many names to hint at one. */
const SHORTEST_WORD = 4
/** The same for the first letters of a name. */
const SHORTEST_BEGINNING = 3

/** How much a name resembles one that was given. */
export interface Likeness {
  name: string
  /** Edits from what was given to the whole name. */
  whole: number
  /** To its beginning, whatever follows. */
  beginning: number
  /** Whether what was given is one of its words. */
  holds: boolean
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '')

/** All names, from the one that most resembles `name` on; in the order given where they do alike. */
export function byLikeness(name: string, names: Iterable<string>): Likeness[] {
  const wanted = plain(name)
  const word = name.toLowerCase()
  return Array.from(names, (other) => {
    const whole = leven(wanted, plain(other))
    const beginning = editsToBeginning(wanted, plain(other))
    const holds = wanted.length >= SHORTEST_WORD && other.split(/[_.]/).includes(word)
    return { name: other, whole, beginning, holds }
  }).sort((a, b) => editsOf(a) - editsOf(b) || a.whole - b.whole)
}

const editsOf = ({ whole, beginning }: Likeness): number => Math.min(whole, beginning)

/** Infinity where what was given is too short to tell, or no beginning is near. */
function editsToBeginning(wanted: string, other: string): number {
  if (wanted.length < SHORTEST_BEGINNING) return Number.POSITIVE_INFINITY
  const most = mostOfBeginning(wanted)
  let fewest = Number.POSITIVE_INFINITY
  // Another length takes more edits.
  for (let end = wanted.length - most; end <= wanted.length + most && end < other.length; end += 1)
    fewest = Math.min(fewest, leven(wanted, other.slice(0, end)))
  return fewest
}

const mostOfBeginning = (wanted: string): number => Math.floor(wanted.length / 3)

/**
 * The name that is nearest within a third of the length, the whole of it or its beginning; else one that contains
 * `name` as a word, else null.
 */
export function nearest(name: string, names: Iterable<string>): string | null {
  const wanted = plain(name)
  // Two letters that changed places are two edits, also in a short name.
  const most = Math.min(Math.max(2, Math.floor(wanted.length / 3)), wanted.length - 1)
  const all = byLikeness(name, names)
  const near = all.find(({ whole, beginning }) => whole <= most || beginning <= mostOfBeginning(wanted))
  return (near ?? all.find(({ holds }) => holds))?.name ?? null
}
