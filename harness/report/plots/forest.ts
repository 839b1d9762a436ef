/** Which comparisons a forest plot shows, and where its rows stand. */

import { type ComparisonRow, isSignificant, type Verdict } from '../../analyse/comparison.ts'
import { formatNumber } from '../../format.ts'
import {
  adjustedPText,
  capitalised,
  type Line,
  metricName,
  plain,
  type RatioStyle,
  ratioStyle,
  ratioText,
} from '../text/words.ts'
import { textWidth } from './measure.ts'
import { ellipsis } from './text.ts'
import { FONT_SIZE } from './theme.ts'

export const MOST_ROWS = 40
const ROW = 25
/** The column of pairs is as wide as its longest text, within these. */
const PAIR_WIDTH = { least: 260, most: 460 }

const VERDICT_COLOURS: Record<Verdict, string> = {
  slower: '#d55e00',
  worse: '#d55e00',
  faster: '#0072b2',
  better: '#0072b2',
  higher: '#aa4499',
  lower: '#aa4499',
  equivalent: '#3d454f',
  undecided: '#9aa2ab',
  not_tested: '#9aa2ab',
}

/** Rows under a head for each metric; y in px from the top. */
export function layOut(lines: readonly Line[], alpha: number) {
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
    for (const { row, pair } of group) {
      placed.push(line(row, y + ROW / 2, plain(pair), pairWidth, style, alpha))
      y += ROW
    }
    y += ROW * 0.4
  }
  return { heads, rows: placed, height: Math.round(y), pairWidth }
}

function line(row: ComparisonRow, y: number, pair: string, width: number, style: RatioStyle, alpha: number) {
  const told = row.verdict === 'equivalent' || isSignificant(row, alpha)
  return {
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
export function largestEffects(candidates: readonly ComparisonRow[]): Set<ComparisonRow> {
  const sorted = [...candidates].sort((a, b) => effect(b) - effect(a))
  const metrics = [...new Set(candidates.map((row) => row.metric))]
  const share = Math.floor(MOST_ROWS / metrics.length)
  const shown = new Set(
    metrics.flatMap((metric) => sorted.filter((row) => row.metric === metric).slice(0, share)),
  )
  for (const row of sorted) {
    if (shown.size >= MOST_ROWS) break
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
