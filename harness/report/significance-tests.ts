/** `significance_tests.csv`: one row a pair and metric. */
import type { ComparisonRow, OtherTests } from '../analyse/comparison.ts'
import { NO_OTHER_TESTS } from '../analyse/other-tests.ts'
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

const OTHER_TESTS = Object.keys(NO_OTHER_TESTS) as (keyof OtherTests)[]

/**
 * `a` and `b` are the labels; behind what every table has come the ids, the unit, the kinds of warnings, what
 * made the p and corrected it, and the tests beside the leading one. Unknown is empty.
 */
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
    ['test', rows.map((row) => row.test)],
    ['correction', rows.map((row) => (row.p_adjusted === null ? null : row.correction))],
    ['seeds', rows.map((row) => row.seeds?.n)],
    ['hedges_g_ci_low', rows.map((row) => row.hedges_g_low)],
    ['hedges_g_ci_high', rows.map((row) => row.hedges_g_high)],
    ...OTHER_TESTS.map((name) => [name, rows.map((row) => row.other_tests[name])] as const),
  ])
}
