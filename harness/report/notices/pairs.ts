/** What the significance table warns of, one notice a kind. */
import type { ComparisonRow } from '../../analyse/comparison.ts'
import { formatWarning, type Warning } from '../../analyse/warnings.ts'
import { count } from '../../format.ts'
import type { Notice } from '../section.ts'
import { capitalised, metricName, plain } from '../text/words.ts'

/** Expected of most pairs; said once in the text around the table. */
const SAID_ELSEWHERE: readonly Warning['kind'][] = ['deterministic']

/**
 * Each kind with an example, since a grid repeats itself.
 * @param known kinds that the reader knows of already
 */
export function pairNotices(
  rows: readonly ComparisonRow[],
  known: readonly Warning['kind'][] = [],
): Notice[] {
  const byKind = new Map<Warning['kind'], { pairs: number; first: string }>()
  for (const row of rows) {
    for (const kind of new Set(row.warnings.map((warning) => warning.kind))) {
      if (SAID_ELSEWHERE.includes(kind) || known.includes(kind)) continue
      const seen = byKind.get(kind)
      if (seen) seen.pairs++
      else {
        const warning = row.warnings.find((candidate) => candidate.kind === kind)!
        const where = `${capitalised(metricName(row.metric))}, ${row.a_label} (a) against ${row.b_label} (b)`
        byKind.set(kind, { pairs: 1, first: plain(`${where}: ${formatWarning(warning)}`) })
      }
    }
  }
  return [...byKind.values()].map(({ pairs, first }) => ({
    level: 'note',
    text: pairs === 1 ? first : `${first} The same holds for ${count(pairs - 1, 'more comparison')}.`,
  }))
}
