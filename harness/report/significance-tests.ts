/** `significance_tests.csv`: one row a pair and metric. */
import type { ComparisonRow } from '../analyse/comparison.ts'
import { toCsv } from './csv.ts'

const COLUMNS = [
  'n_a',
  'n_b',
  'mean_a',
  'mean_b',
  'difference',
  'ratio',
  'ratio_ci_low',
  'ratio_ci_high',
  't',
  'df',
  'p',
  'p_adjusted',
  'hedges_g',
  'verdict',
] as const

/** `a` and `b` are the labels; the ids, the unit and the kinds of warnings come last. */
export function significanceTestsCsv(rows: readonly ComparisonRow[]): string {
  return toCsv([
    ['metric', rows.map((row) => row.metric)],
    ['a', rows.map((row) => row.a_label)],
    ['b', rows.map((row) => row.b_label)],
    ...COLUMNS.map((name) => [name, rows.map((row) => row[name])] as const),
    ['unit', rows.map((row) => row.unit)],
    ['scenario_a', rows.map((row) => row.a)],
    ['scenario_b', rows.map((row) => row.b)],
    ['warnings', rows.map((row) => row.warnings.map(({ kind }) => kind).join(';'))],
  ])
}
