/** All that the pipeline needs to know about a data set before it reads rows. */
import type { ColumnDeclaration } from '../contract.ts'
import type { CategoryRule } from './clean/respelling.ts'
import type { FeatureTable } from './features/table.ts'
import type { ColumnSpec } from './ingest/columns.ts'

export type Task = 'regression' | 'classification'

export interface Plan {
  /** Columns to read; all others are skipped. */
  specs: readonly ColumnSpec[]
  /** A column among the specs, never a feature: numeric, or a category whose codes are the classes. */
  target: string
  task: Task
  categories: Readonly<Record<string, CategoryRule>>
  /** What was declared of columns: how gaps are filled, which values are bad. */
  columns: Readonly<Record<string, ColumnDeclaration>>
  features: FeatureTable
  /** Every column of the file as declared or inferred; null for a preset. */
  schema: Readonly<Record<string, ColumnDeclaration>> | null
  /** What the user should know, such as columns that were dropped. */
  notes: readonly string[]
}

/** `base`: the columns' plain features; `rich`: powers and products as well, where a preset declares them. */
export type FeatureSet = 'base' | 'rich'
