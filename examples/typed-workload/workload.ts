/**
 * A workload in TypeScript: `params` have the types that `describe()` says. It finds the most frequent words of a
 * made-up stream within a fixed number of counters (the Space-Saving rule of Metwally, Agrawal and El Abbadi, 2005).
 * Node 22.18 and later load it as it is; for Node 20, compile it to .mjs first.
 */
import { defineWorkload, type OpenWorkload } from 'stint/workload'

export default defineWorkload({
  describe: () => ({
    name: 'frequent-words',
    dataset: 'none',
    params: {
      counters: { type: 'integer', default: 64, minimum: 1, description: 'words that are counted at once' },
      order: {
        type: 'string',
        default: 'mixed',
        values: ['mixed', 'sorted'],
        description: 'how the words arrive',
      },
    },
    metrics: {
      share_found: {
        unit: '',
        direction: 'higher_is_better',
        kind: 'deterministic',
        description: 'share of the ten most frequent words that are among the counted',
      },
    },
    accuracy: 'share_found',
  }),

  open({ params, settings }): OpenWorkload {
    const words = stream(settings.random_seed, params.order)
    const counts = new Map<string, number>()
    const truth = new Map<string, number>()
    let at = 0
    return {
      step({ rows }) {
        if (at === words.length) return null
        const chunk = words.slice(at, at + rows)
        at += chunk.length
        for (const word of chunk) {
          truth.set(word, (truth.get(word) ?? 0) + 1)
          count(counts, word, params.counters)
        }
        return { rows: chunk.length }
      },
      finish() {
        const top = [...truth].sort(([, a], [, b]) => b - a).slice(0, 10)
        const found = top.filter(([word]) => counts.has(word)).length
        return { metrics: { share_found: found / top.length } }
      },
    }
  },
})

/** Words of which the n-th is drawn with a chance of about 1 / n. */
function stream(seed: number, order: 'mixed' | 'sorted'): string[] {
  let state = seed >>> 0
  const words = Array.from({ length: 20_000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return `word-${Math.floor(1000 ** (state / 2 ** 32))}`
  })
  return order === 'sorted' ? words.sort() : words
}

function count(counts: Map<string, number>, word: string, most: number): void {
  const known = counts.get(word)
  if (known !== undefined || counts.size < most) {
    counts.set(word, (known ?? 0) + 1)
    return
  }
  let least = ''
  let leastCount = Number.POSITIVE_INFINITY
  for (const [other, seen] of counts) if (seen < leastCount) [least, leastCount] = [other, seen]
  counts.delete(least)
  counts.set(word, leastCount + 1)
}
