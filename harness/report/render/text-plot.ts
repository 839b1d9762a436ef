/** A plot of points in characters, for a terminal whose size is known: what colour would say, a mark says. */
import stringWidth from 'fast-string-width'
import type { TextAxis, TextPlot } from '../section.ts'
import { plain } from '../words.ts'

/** Smaller, and no point is where it belongs. */
const LEAST = { width: 40, height: 24 }
const MOST_COLUMNS = 72
const MOST_ROWS = 12
/** Of the terminal's rows. */
const SHARE = 1 / 3
/** Later ones are written over earlier ones. */
const MARKS = { other: '·', front: '*', recommended: '>' } as const

/** Lines no wider than the terminal; none where it is too small, or its size is not known. */
export function textPlotLines(
  plot: TextPlot,
  { width, height }: { width: number; height?: number },
  cut: (text: string, width: number) => string,
): string[] {
  if (height === undefined || height < LEAST.height || width < LEAST.width) return []
  const rows = Math.min(MOST_ROWS, Math.floor(height * SHARE))
  const labels = labelRows(plot.y, rows)
  const margin = Math.max(...labels.map((label) => stringWidth(label)))
  const columns = Math.min(MOST_COLUMNS, width - margin - 3)
  const cells = Array.from({ length: rows }, () => new Array<string>(columns).fill(' '))
  for (const kind of ['other', 'front', 'recommended'] as const)
    for (const point of plot.points)
      if (point.kind === kind)
        cells[rows - 1 - cellOf(plot.y, point.y, rows)]![cellOf(plot.x, point.x, columns)] = MARKS[kind]
  const indent = ' '.repeat(margin + 1)
  const body = cells.map((row, i) => {
    const label = labels[i]!
    const edge = label === '' ? '│' : '┤'
    return `${' '.repeat(margin - stringWidth(label))}${label} ${edge}${row.join('')}`.trimEnd()
  })
  const { axis, text } = ticksBelow(plot.x, columns)
  return [
    cut(plain(plot.y.title), width),
    ...body,
    `${indent}└${axis}`,
    `${indent} ${text}`.trimEnd(),
    cut(`${indent} ${plain(plot.x.title)}`, width),
    '',
  ]
}

function cellOf({ domain: [low, high], isLog }: TextAxis, value: number, cells: number): number {
  const share = isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
  return Math.min(cells - 1, Math.max(0, Math.floor(share * cells)))
}

/** A label for each row that a tick lies in, and none for the others. */
function labelRows(axis: TextAxis, rows: number): string[] {
  const labels = new Array<string>(rows).fill('')
  for (const { value, text } of axis.ticks) labels[rows - 1 - cellOf(axis, value, rows)] = text
  return labels
}

/** Those that would touch the one before are left out. */
function ticksBelow(axis: TextAxis, columns: number): { axis: string; text: string } {
  const line = new Array<string>(columns).fill('─')
  let text = ''
  for (const tick of axis.ticks) {
    const at = cellOf(axis, tick.value, columns)
    const from = Math.max(0, at - Math.floor((stringWidth(tick.text) - 1) / 2))
    const start = text === '' ? from : Math.max(from, stringWidth(text) + 2)
    if (start !== from || from + stringWidth(tick.text) > columns) continue
    text = text + ' '.repeat(from - stringWidth(text)) + tick.text
    line[at] = '┬'
  }
  return { axis: line.join(''), text }
}
