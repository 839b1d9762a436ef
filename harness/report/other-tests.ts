/** The table of tests beside the leading one, and what each of them says. */
import type { ComparisonRow } from '../analyse/comparison.ts'
import { formatNumber } from '../metrics.ts'
import type { Cell, Table } from './content-blocks.ts'
import { count, metricName, pText, ratioText } from './words.ts'

export const OTHER_TESTS_TITLE = 'Other tests'

/** Rows without a test have nothing to stand beside; null where none has one. */
export function otherTestsTable(
  lines: readonly { pair: string; row: ComparisonRow }[],
  { alpha, margin }: { alpha: number; margin: number },
): { table: Table; note: string } | null {
  const tested = lines.filter(({ row }) => row.test === 'welch' || row.test === 'paired_by_seed')
  if (tested.length === 0) return null
  const bySeed = tested.some(({ row }) => row.test === 'paired_by_seed')
  const exact = lines.filter(({ row }) => row.test === 'exact').length
  const percent = (share: number) => `${Number((share * 100).toPrecision(6))}%`
  const notes = [
    `p as each test gives it, uncorrected; intervals at ${percent(1 - alpha)}.`,
    bySeed
      ? 'Leading: the paired t-test over seeds, which the verdicts rest on; tests that need independent or shuffled trials have no value there.'
      : "Leading: Welch's test, which the verdicts rest on.",
    'By round: the paired t-test of trials of the same round.',
    'Mann-Whitney: ranks alone, exact for few values without ties (marked ~ where approximate).',
    'Medians: ratio of medians with its BCa bootstrap interval, from five values a side.',
    `Equivalence: two one-sided tests; below ${alpha} the sides are the same within ${percent(margin)}.`,
    'Could have shown: the smallest change that the leading test finds four times in five with this many values and this noise.',
    ...(exact === 0
      ? []
      : [
          `${count(exact, 'comparison')} of deterministic or constant values ${exact === 1 ? 'was' : 'were'} made exactly, without a test.`,
        ]),
  ]
  return {
    table: {
      head: [
        'Metric',
        'Pair',
        'Leading p',
        'By round p',
        'By round, ratio',
        'Mann-Whitney p',
        'Medians, ratio',
        'Equivalence p',
        'Could have shown',
      ],
      numeric: [false, false, true, true, true, true, true, true, true],
      rows: tested.map(({ pair, row }) => [
        { text: metricName(row.metric) },
        { text: pair },
        ...cellsOf(row),
      ]),
    },
    note: notes.join(' '),
  }
}

function cellsOf({ p, other_tests: tests }: ComparisonRow): Cell[] {
  const approximate = tests.mann_whitney_method === 'normal' ? '~' : ''
  return [
    pCell(p),
    pCell(tests.paired_p),
    ratioCell(tests.paired_ratio, tests.paired_ratio_ci_low, tests.paired_ratio_ci_high),
    pCell(tests.mann_whitney_p, approximate),
    ratioCell(tests.median_ratio, tests.median_ratio_ci_low, tests.median_ratio_ci_high),
    pCell(tests.equivalence_p),
    tests.smallest_change === null
      ? pCell(null)
      : { text: changeText(tests.smallest_change), value: tests.smallest_change },
  ]
}

function pCell(p: number | null, mark = ''): Cell {
  return p === null ? { text: '—', value: null, tone: 'quiet' } : { text: mark + pText(p), value: p }
}

function ratioCell(ratio: number | null, low: number | null, high: number | null): Cell {
  return ratio === null
    ? { text: '—', value: null, tone: 'quiet' }
    : { text: ratioText(ratio, low, high), value: ratio }
}

function changeText(share: number): string {
  return share >= 1 ? `${formatNumber(1 + share)}×` : `${formatNumber(share * 100)}%`
}
