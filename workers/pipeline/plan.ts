/** All that the pipeline needs to know about a data set before it reads rows. */

import type { ColumnSpec } from '../data/columns.ts'
import type { ColumnDeclaration } from '../data/types.ts'
import type { CategoryRule } from './clean/respelling.ts'
import type { FeatureTable } from './features/table.ts'
import type { Task } from './learn/learner.ts'

export interface Plan {
  /** Columns to read; all others are skipped. */
  specs: readonly ColumnSpec[]
  /** A column among the specs, never a feature: a number, or a category whose values are labels. */
  target: string
  categories: ReadonlyMap<string, CategoryRule>
  /** What was declared of columns: how gaps are filled, which values are bad. */
  columns: ReadonlyMap<string, ColumnDeclaration>
  features: FeatureTable
  /** Every column of the file as declared or inferred; null for a preset. */
  schema: ReadonlyMap<string, ColumnDeclaration> | null
  /** What the user should know, such as columns that were dropped. */
  notes: readonly string[]
}

/** What a preset makes of its columns. */
export type PresetFeatures = Pick<Plan, 'categories' | 'features'>

/** `base`: the columns' plain features; `rich`: powers and products as well, where a preset declares them. */
export type FeatureSet = 'base' | 'rich'

/** Numbers are predicted by regression, labels by classification. */
export function taskOf(plan: Plan): Task {
  const spec = plan.specs.find(({ name }) => name === plan.target)
  return spec?.kind === 'category' ? 'classification' : 'regression'
}
