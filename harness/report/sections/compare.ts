/** What is said of a comparison of runs. */

import { type ComparisonRow, isRegression, isSignificant } from '../../analyse/comparison.ts'
import { count, formatMetric, list } from '../../format.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import type { ComparisonLine, RunComparison } from '../compare.ts'
import { exploreBy } from '../page.ts'
import { PLOTS } from '../plots/names.ts'
import type { Forest } from '../plots/significance.ts'
import type { Explore, Plot } from '../section.ts'
import { type Cell, type Check, type ColumnOf, columnsOf, type Report } from '../section.ts'
import { comparisonTable } from '../tables.ts'
import {
  adjustedPText,
  CORRECTIONS,
  itemId,
  type Line,
  labelWords,
  metricName,
  plain,
  sizeText,
} from '../words.ts'
import { findingsHeadline, rangeText } from './findings.ts'
import { secondaryTests } from './secondary-tests.ts'

const TABLE = 'significance_tests.csv'
const PICTURES = Object.keys(PLOTS.compare).map((name) => `${name}.png`)

/** @param pictures of it, for pages; those that are skipped count only where there is no other */
export function compareReport(comparison: RunComparison, pictures: readonly Plot[] = []): Report {
  const drawn = pictures.filter(({ skipped }) => skipped === undefined)
  const { title, notices, lines, alpha } = comparison
  const rows = lines.map(({ row }) => row)
  return {
    kind: 'compare',
    title,
    subtitle: '',
    answer: compareAnswer(comparison),
    sections: [
      { id: 'short', title: 'In short', blocks: [{ kind: 'text', text: findingsHeadline(rows, alpha) }] },
      { id: 'notices', title: 'What to know first', blocks: [{ kind: 'notices', notices }] },
      {
        id: 'comparisons',
        title: 'What differs',
        blocks:
          lines.length === 0
            ? []
            : [
                {
                  kind: 'table',
                  table: {
                    columns: columnsOf(lines, columnsFor(comparison)),
                    about: lines.map((line) => [lineId(line)]),
                    first: rows.flatMap((row, i) => (isSignificant(row, alpha) ? [i] : [])),
                  },
                },
                ...(drawn.length > 0 ? drawn : pictures.slice(0, 1)).map(
                  (plot) => ({ kind: 'picture', plot }) as const,
                ),
                ...secondaryTests(pairsOf(comparison), comparison),
              ],
      },
    ],
    tables: [comparisonTable(rows, TABLE)],
    pictureFiles: PICTURES,
    checks: lines.map((line) => checkOf(line, alpha)),
    data: {
      ...comparison,
      lines: lines.map(({ words: _, ...line }) => line),
      recommendation: compareAnswer(comparison).text,
    },
    footer: `Written by Stint ${STINT_VERSION}. Every number was measured in these runs; a dash means unknown.`,
    file: 'compare',
    source: null,
    elapsed_s: null,
    page: { explore: explored(lines) },
  }
}

function lineId({ row, scenario, a, b }: ComparisonLine): string {
  return itemId(row.metric, scenario, a, b)
}

/** Comparisons, by what they are of. */
function explored(lines: readonly ComparisonLine[]): Explore {
  const items = lines.map((line) => ({
    ...line,
    id: lineId(line),
    label: `${metricName(line.row.metric)}, ${pairWords(line)}`,
  }))
  return exploreBy('comparison', items, [
    { key: 'metric', title: 'Metric', of: ({ row }) => metricName(row.metric) },
    { key: 'scenario', title: 'Scenario', of: ({ words }) => words },
    { key: 'a', title: 'Reference', of: (line) => sidesOf(line).a },
    { key: 'b', title: 'Compared', of: (line) => sidesOf(line).b },
    { key: 'verdict', title: 'Verdict', of: ({ row }) => row.verdict.replace('_', ' ') },
  ])
}

// ---------------------------------------------------------------- which side to use

/** Sides of which the first line speaks. */
const MOST_SIDES = 3

/** Which side to use, and why: one sentence for each that was compared with the reference. */
export function compareAnswer({ lines, alpha }: RunComparison): Report['answer'] {
  const sides = new Map<string, { a: string; b: string; rows: ComparisonRow[] }>()
  for (const { sides: pair, row } of lines) {
    const key = JSON.stringify(pair)
    const side = sides.get(key) ?? { ...pair, rows: [] }
    side.rows.push(row)
    sides.set(key, side)
  }
  if (sides.size === 0) return { text: 'There was nothing to compare.', tone: 'bad' }
  const said = [...sides.values()].slice(0, MOST_SIDES).map((side) => sideAnswer(side, alpha))
  const left = sides.size - said.length
  const more = left > 0 ? ` ${count(left, 'more side')} below.` : ''
  const tones = new Set(said.map(({ tone }) => tone))
  return {
    text: said.map(({ text }) => text).join(' ') + more,
    tone: tones.size === 1 ? said[0]!.tone : 'quiet',
  }
}

function sideAnswer(
  { a, b, rows }: { a: string; b: string; rows: readonly ComparisonRow[] },
  alpha: number,
): Report['answer'] {
  const claimed = rows.filter((row) => isSignificant(row, alpha))
  const worse = claimed.filter(({ verdict }) => isRegression(verdict))
  const better = claimed.filter(({ verdict }) => verdict === 'faster' || verdict === 'better')
  const [won, lost] = [byMetric(better, rows), byMetric(worse, rows)]
  if (won !== '' && lost !== '')
    return { text: `No side to recommend: ${b} against ${a} has ${won}; but ${lost}.`, tone: 'quiet' }
  if (won !== '') return { text: `Use ${b} instead of ${a}: ${won}; nothing is worse.`, tone: 'good' }
  if (lost !== '') return { text: `Use ${a}, not ${b}: ${lost}; nothing is better.`, tone: 'bad' }
  const alike = rows.filter(({ verdict }) => verdict === 'equivalent').length
  return alike === rows.length
    ? { text: `Use either ${a} or ${b}: they are equivalent within the margin.`, tone: 'quiet' }
    : {
        text: `No side to recommend: ${b} cannot be told from ${a} (${alike} of ${count(rows.length, 'comparison')} equivalent, the others undecided).`,
        tone: 'quiet',
      }
}

/** `faster mean chunk latency (0.50×, in 4 of 6 scenarios), better R² (+0.02)`; empty for no rows. */
function byMetric(rows: readonly ComparisonRow[], all: readonly ComparisonRow[]): string {
  const metrics = [...new Set(rows.map(({ metric }) => metric))]
  return list(
    metrics.map((metric) => {
      const found = rows.filter((row) => row.metric === metric)
      const total = all.filter((row) => row.metric === metric).length
      const where = total === 1 ? '' : `, in ${found.length} of ${count(total, 'pair')}`
      return `${found[0]!.verdict} ${metricName(metric)} (${rangeText(found)}${where})`
    }),
  )
}

/** The sides and the scenario are named where they vary from row to row. */
function columnsFor({ lines, alpha, correction }: RunComparison): ColumnOf<ComparisonLine>[] {
  const varies = (pick: (line: ComparisonLine) => string) => new Set(lines.map(pick)).size > 1
  const text = (head: string, pick: (line: ComparisonLine) => string): ColumnOf<ComparisonLine> => ({
    head,
    short: head.toLowerCase(),
    type: 'text',
    cell: (line) => ({ text: pick(line) }),
  })
  const number = (
    head: string,
    expendable: number,
    pick: (row: ComparisonRow) => string,
  ): ColumnOf<ComparisonLine> => ({
    head,
    short: head.toLowerCase(),
    type: 'number',
    expendable,
    cell: ({ row }) => ({ text: pick(row) }),
  })
  return [
    text('Metric', ({ row }) => metricName(row.metric)),
    ...(varies(({ words }) => words) ? [text('Scenario', ({ words }) => words)] : []),
    ...(varies(({ a }) => a) ? [text('a (reference)', (line) => sidesOf(line).a)] : []),
    ...(varies(({ b }) => b) ? [text('b', (line) => sidesOf(line).b)] : []),
    number('Mean a', 3, (row) => formatMetric(row.mean_a, row.unit)),
    number('Mean b', 2, (row) => formatMetric(row.mean_b, row.unit)),
    {
      ...sizeHead(lines.map(({ row }) => row)),
      type: 'number',
      cell: ({ row }) => ({ text: sizeText(row), value: row.ratio ?? row.difference }),
    },
    {
      ...number(`p (${CORRECTIONS[correction].short})`, 1, adjustedPText),
      short: `p (${CORRECTIONS[correction].short})`,
    },
    { head: 'Verdict', short: 'verdict', type: 'text', cell: ({ row }) => verdictCell(row, alpha) },
  ]
}

function sizeHead(rows: readonly ComparisonRow[]): { head: string; short: string } {
  const differences = rows.some(({ compared_by }) => compared_by === 'difference')
  const head = differences ? 'Ratio b / a, or b − a' : 'Ratio b / a'
  return { head, short: head.toLowerCase() }
}

/** What its picture shows. */
export function forestOf(comparison: RunComparison): Forest {
  const { title, alpha, margin, correction } = comparison
  const lines = pairsOf(comparison)
  // The title names the only two that are compared, for which there is no room in each line.
  const isOne = new Set(lines.map(({ change }) => change)).size === 1
  return {
    subtitle: plain(title),
    lines: lines.map((line) => (isOne && line.shared !== '' ? { ...line, pair: line.shared } : line)),
    settings: { alpha, margin, correction },
  }
}

function pairsOf({ lines }: RunComparison): Line[] {
  return lines.map((line) => ({
    row: line.row,
    pair: pairWords(line),
    change: changeWords(line),
    shared: line.words,
    about: [lineId(line)],
  }))
}

/** What people call the sides: runs by their names, scenarios in words. */
function sidesOf({ scenario, a, b }: ComparisonLine): { a: string; b: string } {
  return scenario === '' ? { a: labelWords(a), b: labelWords(b) } : { a, b }
}

function changeWords(line: ComparisonLine): string {
  const { a, b } = sidesOf(line)
  return `${b} against ${a}`
}

function pairWords(line: ComparisonLine): string {
  return line.words === '' ? changeWords(line) : `${changeWords(line)}, ${line.words}`
}

function verdictCell(row: ComparisonRow, alpha: number): Cell {
  const text = row.verdict.replace('_', ' ')
  if (!isSignificant(row, alpha)) return { text, tone: 'quiet' }
  return { text, tone: isRegression(row.verdict) ? 'bad' : 'good' }
}

function checkOf(line: ComparisonLine, alpha: number): Check {
  const { row, scenario } = line
  const { verdict } = row
  const state =
    verdict === 'not_tested'
      ? 'skipped'
      : isSignificant(row, alpha)
        ? isRegression(verdict)
          ? 'failed'
          : 'passed'
        : verdict === 'equivalent'
          ? 'passed'
          : 'undecided'
  const size = row.difference === null ? '' : `, ${sizeText(row)}`
  return {
    suite: scenario === '' ? `${line.b} against ${line.a}` : scenario,
    name: scenario === '' ? metricName(row.metric) : `${metricName(row.metric)}, ${line.b} against ${line.a}`,
    state,
    message: `${metricName(row.metric)}, ${pairWords(line)}: ${verdict.replace('_', ' ')}${size}`,
  }
}
