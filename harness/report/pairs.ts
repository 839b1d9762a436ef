/** What the two sides of a comparison are called, along the axes of the sweep. */
import type { ComparisonRow } from '../analyse/comparison.ts'
import { membersOf } from '../analyse/seeds.ts'
import type { ReportModel } from './types.ts'
import { pairText, plain } from './words.ts'

type Named = Pick<ReportModel, 'scenarios' | 'axes'>

/** What differs between the sides, and what they share; a seed that was pooled is neither. */
export function pairOf(
  { scenarios, axes }: Named,
  row: Pick<ComparisonRow, 'a' | 'b' | 'a_label' | 'b_label' | 'seeds'>,
): { change: string; shared: string } {
  const flatOf = (id: string) => scenarios.find((scenario) => scenario.id === membersOf(id)[0])?.flat
  const [a, b] = [flatOf(row.a), flatOf(row.b)]
  if (!a || !b) return { change: plain(`${row.b_label} against ${row.a_label}`), shared: '' }
  return pairText(
    a,
    b,
    axes.filter((key) => !row.seeds?.keys.includes(key)),
  )
}
