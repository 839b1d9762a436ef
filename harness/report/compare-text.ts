/** A comparison of runs for a terminal and as Markdown; its CSV is that of any significance table. */
import type { ComparisonRow } from '../analyse/comparison.ts'
import { formatMetric } from '../metrics.ts'
import type { ComparisonLine, RunComparison } from './compare.ts'
import { adjustedPText, findingsHeadline, isSignificant } from './findings.ts'
import { escaped, markdownTable } from './markdown.ts'
import { OTHER_TESTS_TITLE, otherTestsTable } from './other-tests.ts'
import { paint, type TerminalCell, type TerminalOptions, terminalTable, wrapped } from './terminal-table.ts'
import { CORRECTIONS, capitalised, metricName, ratioText } from './words.ts'

interface Column {
  head: string
  numeric: boolean
  /** In a narrow terminal the highest goes first; 0 stays. */
  expendable: number
  cell(line: ComparisonLine): TerminalCell
}

/** The sides and the scenario are told where they vary from row to row. */
function columnsFor({ lines, alpha, correction }: RunComparison): Column[] {
  const varies = (pick: (line: ComparisonLine) => string) => new Set(lines.map(pick)).size > 1
  const text = (head: string, pick: (line: ComparisonLine) => string): Column => ({
    head,
    numeric: false,
    expendable: 0,
    cell: (line) => ({ text: pick(line) }),
  })
  const number = (head: string, expendable: number, pick: (row: ComparisonRow) => string): Column => ({
    head,
    numeric: true,
    expendable,
    cell: ({ row }) => ({ text: pick(row) }),
  })
  return [
    text('metric', ({ row }) => metricName(row.metric)),
    ...(varies(({ scenario }) => scenario) ? [text('scenario', ({ scenario }) => scenario)] : []),
    ...(varies(({ a }) => a) ? [text('a (reference)', ({ a }) => a)] : []),
    ...(varies(({ b }) => b) ? [text('b', ({ b }) => b)] : []),
    number('mean a', 3, (row) => formatMetric(row.mean_a, row.unit)),
    number('mean b', 2, (row) => formatMetric(row.mean_b, row.unit)),
    number('ratio b / a', 0, (row) => ratioText(row.ratio, row.ratio_ci_low, row.ratio_ci_high)),
    number(`p (${CORRECTIONS[correction].short})`, 1, adjustedPText),
    { head: 'verdict', numeric: false, expendable: 0, cell: ({ row }) => verdictCell(row, alpha) },
  ]
}

/** Several lines without a final newline. */
export function comparisonText(comparison: RunComparison, options: TerminalOptions): string {
  const { colour, width } = options
  const rows = comparison.lines.map(({ row }) => row)
  const lines = [paint(comparison.title, 'strong', colour), '']
  for (const { level, text } of comparison.notices) {
    const tone = level === 'problem' ? 'bad' : undefined
    lines.push(
      ...wrapped(`${level === 'problem' ? '!' : '-'} ${text}`, width, '  ').map((line) =>
        paint(line, tone, colour),
      ),
    )
  }
  if (rows.length > 0) {
    const columns = columnsFor(comparison).map(({ head, numeric, expendable, cell }) => ({
      head,
      align: numeric ? ('right' as const) : ('left' as const),
      expendable,
      cells: comparison.lines.map(cell),
    }))
    lines.push('', ...terminalTable(columns, options))
  }
  lines.push('', ...wrapped(findingsHeadline(rows, comparison.alpha), width))
  return lines.join('\n')
}

export function comparisonMarkdown(comparison: RunComparison): string {
  const lines = [`# ${escaped(comparison.title)}`, '']
  for (const { level, text } of comparison.notices) {
    lines.push(level === 'problem' ? `- **${escaped(text)}**` : `- ${escaped(text)}`)
  }
  const rows = comparison.lines.map(({ row }) => row)
  lines.push('', escaped(findingsHeadline(rows, comparison.alpha)), '')
  if (rows.length > 0) {
    const columns = columnsFor(comparison)
    lines.push(
      ...markdownTable({
        head: columns.map(({ head }) => capitalised(head)),
        numeric: columns.map(({ numeric }) => numeric),
        rows: comparison.lines.map((line) => columns.map(({ cell }) => ({ text: cell(line).text }))),
      }),
    )
    const others = otherTestsTable(
      comparison.lines.map(({ row, ...about }) => ({ row, pair: pairWords(about) })),
      comparison,
    )
    if (others)
      lines.push('', `## ${OTHER_TESTS_TITLE}`, '', ...markdownTable(others.table), '', escaped(others.note))
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function pairWords({ scenario, a, b }: Omit<ComparisonLine, 'row'>): string {
  return `${b} against ${a}${scenario === '' ? '' : `, ${scenario}`}`
}

function verdictCell(row: ComparisonRow, alpha: number): TerminalCell {
  const text = row.verdict.replace('_', ' ')
  if (!isSignificant(row, alpha)) return { text, tone: 'quiet' }
  return { text, tone: row.verdict === 'slower' || row.verdict === 'worse' ? 'bad' : 'good' }
}
