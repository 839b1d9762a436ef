/** The valid name that a mistyped one most likely meant. */

/** Edits (insert, delete, replace, swap neighbours) from `a` to `b`; the restricted Damerau-Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) best = Math.min(best, beforeLast[column - 2]! + 1)
      current.push(best)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}

/** A word shorter than this is part of too many names to hint at one. */
const SHORTEST_PART = 4

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '')

/** The nearest candidate within a third of the name's length, else one that contains it as a word, else null. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = plain(name)
  const limit = Math.max(1, Math.floor(wanted.length / 3))
  let best: string | null = null
  let bestDistance = limit + 1
  let containing: string | null = null
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
    if (wanted.length >= SHORTEST_PART && candidate.split(/[_.]/).includes(name.toLowerCase()))
      containing ??= candidate
  }
  return best ?? containing
}
