/** Effect sizes with their intervals: a forest of pairs, grouped by metric. */

import { type ComparisonRow, isSignificant, type Verdict } from '../../analyse/comparison.ts'
import { count, formatNumber, formatShare } from '../../format.ts'
import type { Correction } from '../../sweep/types.ts'
import type { Plot } from '../section.ts'
import {
  adjustedPText,
  CORRECTIONS,
  capitalised,
  type Line,
  metricName,
  plain,
  type RatioStyle,
  ratioStyle,
  ratioText,
} from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { linearTicks } from './scale.ts'
import { captionLayer, ellipsis, pictureFrame, textWidth } from './text.ts'
import { FONT_SIZE, GRID, INK, MUTED } from './theme.ts'

const ALT = 'Ratio of each pair with its interval, adjusted p, effect size and verdict'
const PLOT_WIDTH = 280

export interface Forest {
  subtitle: string
  lines: readonly Line[]
  settings: { alpha: number; margin: number; correction: Correction }
}

export function significancePlot(forest: Forest, file: string): Plot {
  const base = { file, alt: ALT }
  const comparisons = forest.lines.map(({ row }) => row)
  if (comparisons.length === 0) return { ...base, skipped: 'no pair of scenarios is compared' }
  const drawable = comparisons.filter((row) => row.ratio !== null && row.ratio > 0)
  if (drawable.length === 0)
    return { ...base, skipped: 'no pair has a ratio: too few ok trials, or means at zero' }
  const constant = metricsWithoutChange(comparisons)
  const candidates = drawable.filter((row) => !constant.includes(row.metric))
  if (candidates.length === 0) {
    return { ...base, skipped: 'no compared metric differs between any two scenarios' }
  }
  const shown = largestEffects(candidates)
  const lines = forest.lines.filter(({ row }) => shown.has(row))
  return drawnBy(base, () => specOf(forest, lines, candidates.length - lines.length, constant))
}

function specOf(forest: Forest, shown: readonly Line[], left: number, constant: string[]) {
  const rows = shown.map(({ row }) => row)
  const lines = layOut(shown, forest.settings.alpha)
  const { height, pairWidth } = lines
  const { margin, alpha, correction } = forest.settings
  const domain = domainOf(rows, margin)
  const narrow = domain[1] < 2 && domain[0] > 0.5
  const x = {
    field: 'ratio',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: {
      title: narrow ? 'Change against the reference, log scale' : 'Ratio to the reference, log scale',
      values: narrow ? changeTicks(domain) : ratioTicks(domain),
      labelExpr: narrow
        ? "datum.value == 1 ? 'same' : format(datum.value - 1, '+.2~%')"
        : "format(datum.value, '~g') + '×'",
      grid: true,
      labelOverlap: 'greedy',
    },
  }
  const y = { field: 'y', type: 'quantitative', scale: null }
  const colour = { field: 'colour', type: 'nominal', scale: null }
  const text = (name: string, field: string, left: number, mark: Record<string, unknown> = {}) => ({
    name,
    data: { values: lines.rows },
    mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: FONT_SIZE.label, color: INK, ...mark },
    encoding: { x: { value: left }, y, text: { field } },
  })
  const interval = `ratio, ${formatShare(1 - alpha)} interval`
  const columns = columnsOf(lines.rows, {
    ratio_text: interval,
    p: `p (${CORRECTIONS[correction].short})`,
    g: 'g',
    verdict: 'verdict',
  })
  const fullWidth = pairWidth + columns.end
  return {
    // From the left edge of the pairs' names, not of the plot.
    ...pictureFrame(ALT, headline(forest.lines), forest.subtitle, fullWidth, { frame: 'bounds', offset: 30 }),
    width: PLOT_WIDTH,
    height,
    layer: [
      {
        name: 'margin',
        data: { values: [{ low: 1 - margin, high: 1 + margin }] },
        mark: { type: 'rect', color: GRID, opacity: 0.9 },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' } },
      },
      {
        name: 'same',
        data: { values: [{ ratio: 1 }] },
        mark: { type: 'rule', stroke: MUTED, strokeWidth: 1.2 },
        encoding: { x },
      },
      {
        name: 'interval',
        data: { values: lines.rows.filter((row) => row.low !== null && row.high !== null) },
        mark: { type: 'rule', strokeWidth: 2.4 },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, color: colour },
      },
      {
        name: 'ratio',
        data: { values: lines.rows },
        mark: { type: 'point', filled: true, size: 80, opacity: 1, stroke: '#ffffff', strokeWidth: 1 },
        encoding: { x, y, color: colour, tooltip: { field: 'tip' } },
      },
      {
        name: 'metric',
        data: { values: lines.heads },
        mark: {
          type: 'text',
          align: 'left',
          baseline: 'middle',
          fontSize: FONT_SIZE.tick,
          fontWeight: 600,
          color: INK,
        },
        encoding: { x: { value: -pairWidth }, y, text: { field: 'text' } },
      },
      text('pair', 'pair', -pairWidth),
      text('ratio_text', 'ratio_text', columns.left.ratio_text),
      text('p', 'p', columns.left.p),
      text('g', 'g', columns.left.g),
      {
        ...text('verdict', 'verdict', columns.left.verdict, { fontWeight: 600 }),
        encoding: { x: { value: columns.left.verdict }, y, text: { field: 'verdict' }, color: colour },
      },
      {
        name: 'column',
        data: { values: columns.heads },
        mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: FONT_SIZE.caption, color: MUTED },
        encoding: {
          x: { field: 'x', type: 'quantitative', scale: null },
          y: { value: -12 },
          text: { field: 'label' },
        },
      },
      shifted(captionLayer(captionOf(forest, left, constant), height + 76, fullWidth), -pairWidth),
    ],
  }
}

/** How many differ is said where the picture stands. */
function headline(lines: readonly Line[]): string {
  const metrics = new Set(lines.map(({ row }) => row.metric)).size
  return `${count(lines.length, 'comparison')} of ${count(metrics, 'metric')}, each with its interval`
}

function captionOf({ lines, settings }: Forest, left: number, constant: string[]): string[] {
  const { margin, correction } = settings
  const test = lines.some(({ row }) => row.seeds)
    ? 'Scenarios are compared by the paired t-test, one value per seed'
    : lines.some(({ row }) => row.test === 'paired_by_round')
      ? 'Scenarios that several machines ran are compared by the paired t-test, one value per round'
      : "Trials are compared by Welch's test, one value per trial"
  return [
    `${test}; p is adjusted by ${CORRECTIONS[correction].name} over the pairs of a metric. Grey band: the margin of ±${formatShare(margin)} that does not matter. Grey verdicts are not significant. "exact": deterministic or constant values, compared without a test.`,
    ...(left > 0
      ? [
          `The ${MOST_FOREST_ROWS} largest effects are shown; ${count(left, 'more comparison')} in significance_tests.csv.`,
        ]
      : []),
    ...byDifference(lines, constant),
    ...(constant.length > 0 ? [`No difference in any pair: ${constant.map(metricName).join(', ')}.`] : []),
  ]
}

/** What has no ratio is named, so that nobody takes it for equal. */
function byDifference(lines: readonly Line[], constant: readonly string[]): string[] {
  const rows = lines.map(({ row }) => row).filter(({ compared_by }) => compared_by === 'difference')
  const names = [...new Set(rows.map(({ metric }) => metric))].filter((name) => !constant.includes(name))
  return names.length === 0
    ? []
    : [
        `Compared by difference, since a ratio would say nothing, and not drawn: ${names.map(metricName).join(', ')}.`,
      ]
}

/** Metrics whose every pair is exactly alike: a line of text says it better than dots at 1. */
function metricsWithoutChange(rows: readonly ComparisonRow[]): string[] {
  return [...new Set(rows.map((row) => row.metric))].filter((metric) =>
    rows.every((row) => row.metric !== metric || row.difference === 0 || row.difference === null),
  )
}

function domainOf(rows: readonly ComparisonRow[], margin: number): [number, number] {
  const ends = rows
    .flatMap((row) => [row.ratio, row.ratio_ci_low, row.ratio_ci_high])
    .filter((value) => value !== null && value > 0)
    .map((value) => Math.log(value as number))
  const low = Math.min(0, Math.log(1 - margin), ...ends)
  const high = Math.max(0, Math.log(1 + margin), ...ends)
  const air = (high - low) * 0.06 + 0.005
  return [Math.exp(low - air), Math.exp(high + air)]
}

function ratioTicks([low, high]: [number, number]): number[] {
  const base = high / low > 200 ? 10 : 2
  const logBase = (value: number) => Math.log(value) / Math.log(base)
  const ticks: number[] = []
  for (let power = Math.ceil(logBase(low)); power <= logBase(high); power++) ticks.push(base ** power)
  return ticks
}

function changeTicks([low, high]: [number, number]): number[] {
  return linearTicks([low - 1, high - 1]).map((change) => 1 + change)
}

type Column = 'ratio_text' | 'p' | 'g' | 'verdict'

/** Left edges of the columns right of the plot, each as wide as its longest text: the wider a picture, the smaller it is shown. */
function columnsOf(rows: readonly Record<Column, string>[], heads: Record<Column, string>) {
  let end = PLOT_WIDTH + 22
  const left = { ratio_text: 0, p: 0, g: 0, verdict: 0 }
  for (const name of Object.keys(left) as Column[]) {
    const weight = name === 'verdict' ? 600 : 400
    const widths = rows.map((row) => textWidth(row[name], FONT_SIZE.label, weight))
    left[name] = end
    end += Math.ceil(Math.max(...widths, textWidth(heads[name], FONT_SIZE.caption))) + 18
  }
  const names = Object.keys(left) as Column[]
  return { left, end, heads: names.map((name) => ({ x: left[name], label: heads[name] })) }
}

function shifted(layer: ReturnType<typeof captionLayer>, x: number) {
  return { ...layer, encoding: { ...layer.encoding, x: { value: x } } }
}

// ---------------------------------------------------------------- which comparisons a forest plot shows, and where its rows stand

export const MOST_FOREST_ROWS = 30
const ROW = 24
/** The column of pairs is as wide as its longest text, within these. */
const PAIR_WIDTH = { least: 200, most: 420 }

const VERDICT_COLOURS: Record<Verdict, string> = {
  slower: '#d55e00',
  worse: '#d55e00',
  faster: '#0072b2',
  better: '#0072b2',
  higher: '#aa4499',
  lower: '#aa4499',
  equivalent: '#3d454f',
  undecided: '#6b747f',
  not_tested: '#6b747f',
}

/** Rows under a head for each metric; y in px from the top. */
function layOut(lines: readonly Line[], alpha: number) {
  const longest = Math.max(...lines.map(({ pair }) => textWidth(pair, FONT_SIZE.label))) + 24
  const pairWidth = Math.round(Math.min(Math.max(longest, PAIR_WIDTH.least), PAIR_WIDTH.most))
  const heads: { y: number; text: string }[] = []
  const placed: ReturnType<typeof line>[] = []
  let y = 0
  for (const metric of new Set(lines.map(({ row }) => row.metric))) {
    heads.push({ y: y + ROW / 2, text: capitalised(metricName(metric)) })
    y += ROW
    const group = lines.filter(({ row }) => row.metric === metric)
    const style = ratioStyle(group.flatMap(({ row }) => [row.ratio, row.ratio_ci_low, row.ratio_ci_high]))
    for (const { row, pair, about } of group) {
      placed.push(line(row, about, y + ROW / 2, plain(pair), pairWidth, style, alpha))
      y += ROW
    }
    y += ROW * 0.4
  }
  return { heads, rows: placed, height: Math.round(y), pairWidth }
}

function line(
  row: ComparisonRow,
  about: string[],
  y: number,
  pair: string,
  width: number,
  style: RatioStyle,
  alpha: number,
) {
  const told = row.verdict === 'equivalent' || isSignificant(row, alpha)
  return {
    about,
    y,
    pair: ellipsis(pair, FONT_SIZE.label, width - 16),
    tip: pair,
    ratio: row.ratio,
    low: row.ratio_ci_low !== null && row.ratio_ci_low > 0 ? row.ratio_ci_low : null,
    high: row.ratio_ci_high,
    ratio_text: ratioText(row.ratio, row.ratio_ci_low, row.ratio_ci_high, style),
    p: adjustedPText(row),
    g: row.hedges_g === null ? '—' : effectText(row.hedges_g),
    verdict: row.verdict.replace('_', ' '),
    colour: VERDICT_COLOURS[told ? row.verdict : 'undecided'],
  }
}

/** Each metric its share of the rows, then the largest of all the rest. */
function largestEffects(candidates: readonly ComparisonRow[]): Set<ComparisonRow> {
  const sorted = [...candidates].sort((a, b) => effect(b) - effect(a))
  const metrics = [...new Set(candidates.map((row) => row.metric))]
  const share = Math.floor(MOST_FOREST_ROWS / metrics.length)
  const shown = new Set(
    metrics.flatMap((metric) => sorted.filter((row) => row.metric === metric).slice(0, share)),
  )
  for (const row of sorted) {
    if (shown.size >= MOST_FOREST_ROWS) break
    shown.add(row)
  }
  return shown
}

function effect(row: ComparisonRow): number {
  return Math.abs(Math.log(row.ratio!))
}

/** Two decimals, so that a tiny effect is no longer than a large one: the column has room for five digits. */
function effectText(g: number): string {
  const size = Math.abs(g)
  const digits = size < 99.95 ? size.toFixed(size < 9.995 ? 2 : 1) : formatNumber(Math.round(size))
  return g < 0 && Number(size.toFixed(2)) > 0 ? `−${digits}` : digits
}
