/** The table of secondary tests, and what each of them says. */

import type { ComparisonRow } from '../../analyse/comparison.ts'
import { count, formatNumber, formatP, formatShare } from '../../format.ts'
import { type Block, type Cell, columnsOf, type Table } from '../section.ts'
import { amountText, capitalised, type Line, metricName, ratioText } from '../words.ts'

interface TestColumn {
  head: string
  cell(row: ComparisonRow): Cell
  /** What the column says, for the note below the table. */
  says?: string
}

/**
 * Rows without a test have nothing to stand beside, and a column without a value in any row is left out; no block
 * where no row has a test.
 * @param file that holds every row, so that a page may cut the table short
 */
export function secondaryTests(
  lines: readonly Line[],
  settings: { alpha: number; margin: number },
  file?: string,
): Block[] {
  const tested = lines.filter(({ row }) => row.test !== null && row.test !== 'exact')
  if (tested.length === 0) return []
  const known = ({ cell }: TestColumn) => tested.some(({ row }) => cell(row).value !== null)
  const columns = columnsFor(tested, settings).filter(known)
  const exact = lines.filter(({ row }) => row.test === 'exact').length
  const notes = [
    `p as each test gives it, uncorrected; intervals at ${formatShare(1 - settings.alpha)}.`,
    ...columns.flatMap(({ says }) => says ?? []),
    ...(exact === 0
      ? []
      : [
          `${count(exact, 'comparison')} of deterministic or constant values ${exact === 1 ? 'was' : 'were'} made exactly, without a test.`,
        ]),
  ]
  const table: Table = {
    columns: columnsOf(tested, [
      { head: 'Metric', type: 'text', cell: ({ row }) => ({ text: capitalised(metricName(row.metric)) }) },
      { head: 'Pair', type: 'text', cell: ({ pair }) => ({ text: pair }) },
      ...columns.map(({ head, cell }) => ({
        head,
        type: 'number' as const,
        cell: ({ row }: Line) => cell(row),
      })),
    ]),
    note: notes.join(' '),
    about: tested.map(({ about }) => about),
    ...(file !== undefined && { file }),
  }
  return [{ kind: 'details', title: 'Secondary tests', blocks: [{ kind: 'table', table }] }]
}

function columnsFor(
  lines: readonly { row: ComparisonRow }[],
  { alpha, margin }: { alpha: number; margin: number },
): TestColumn[] {
  const has = (test: ComparisonRow['test']) => lines.some(({ row }) => row.test === test)
  const primary = [
    ...(has('paired_by_seed') ? ['the paired t-test over seeds'] : []),
    ...(has('paired_by_round') ? ['the paired t-test over rounds, each on one machine'] : []),
  ]
  if (primary.length === 0 || has('welch')) primary.push("Welch's test")
  return [
    {
      head: 'Primary p',
      cell: ({ p }) => pCell(p),
      says: `Primary: ${primary.join(', or ')}, on which the verdicts rest.`,
    },
    {
      head: 'By round p',
      cell: ({ secondary_tests: tests }) => pCell(tests.paired_p),
      says: 'By round: the paired t-test of trials of the same round.',
    },
    {
      head: 'By round, ratio',
      cell: ({ secondary_tests: tests }) =>
        ratioCell(tests.paired_ratio, tests.paired_ratio_ci_low, tests.paired_ratio_ci_high),
    },
    {
      head: 'Mann-Whitney p',
      cell: ({ secondary_tests: tests }) =>
        pCell(tests.mann_whitney_p, tests.mann_whitney_method === 'normal' ? '~' : ''),
      says: 'Mann-Whitney: by ranks only; exact for few values without ties (marked ~ where approximate).',
    },
    {
      head: 'Medians, ratio',
      cell: ({ secondary_tests: tests }) =>
        ratioCell(tests.median_ratio, tests.median_ratio_ci_low, tests.median_ratio_ci_high),
      says: 'Medians: ratio of medians with its BCa bootstrap interval.',
    },
    {
      head: 'Equivalence p',
      cell: ({ secondary_tests: tests }) => pCell(tests.equivalence_p),
      says: `Equivalence: two one-sided tests; below ${alpha} the sides are the same within ${formatShare(margin)}.`,
    },
    {
      head: 'Could have shown',
      cell: ({ secondary_tests: { smallest_change: change }, compared_by }) =>
        change === null
          ? pCell(null)
          : { text: compared_by === 'ratio' ? changeText(change) : amountText(change), value: change },
      says: 'Could have shown: the smallest change that the primary test finds four times in five with this many values and this noise.',
    },
  ]
}

function pCell(p: number | null, mark = ''): Cell {
  return p === null ? { text: '—', value: null, tone: 'quiet' } : { text: mark + formatP(p), value: p }
}

function ratioCell(ratio: number | null, low: number | null, high: number | null): Cell {
  return ratio === null
    ? { text: '—', value: null, tone: 'quiet' }
    : { text: ratioText(ratio, low, high), value: ratio }
}

function changeText(share: number): string {
  return share >= 1 ? `${formatNumber(1 + share)}×` : formatShare(share)
}
