/** Every comparison as a cell: where there are too many for a forest of intervals. */
import { type ComparisonRow, isSignificant } from '../../analyse/comparison.ts'
import { count, formatP, wholeNumber } from '../../format.ts'
import type { Plot } from '../section.ts'
import { capitalised, type Line, metricName, plain, sizeText } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { type Forest, MOST_FOREST_ROWS } from './significance.ts'
import { captionView, ellipsis, pictureFrame, textWidth, wrap } from './text.ts'
import { FONT_SIZE, INK } from './theme.ts'

const ALT = 'Verdict of every comparison, a cell for each, by metric'
const CELL = { width: 58, least: 3, most: 20 }
/** All rows together, px. */
const HEIGHT = 800
const MOST_LABEL = 300
/** More columns than these are rows. */
const MOST_COLUMNS = 6
const READABLE = 14
/** From here on a change for better or worse is a large one, as a factor. */
const LARGE = 1.5

const CLASSES = {
  'worse, by half or more': '#a63c00',
  worse: '#f0a05a',
  'higher or lower': '#cc79a7',
  undecided: '#d3d8de',
  'same within the margin': '#8a929c',
  better: '#7fbfe6',
  'better, by half or more': '#005c94',
} as const
type Class = keyof typeof CLASSES

export function significanceMap({ subtitle, lines: pairs, settings }: Forest, file: string): Plot {
  if (pairs.length === 0) return { file, alt: ALT, skipped: 'no pair of scenarios is compared' }
  if (pairs.length <= MOST_FOREST_ROWS)
    return {
      file,
      alt: ALT,
      skipped: `the picture "significance" has room for all ${count(pairs.length, 'comparison')}`,
    }
  const makeSpec = () => {
    const changes = [...new Set(pairs.map(({ change }) => change))]
    const isGrid = changes.length <= MOST_COLUMNS && pairs.some(({ shared }) => shared !== '')
    const metrics = [...new Set(pairs.map(({ row }) => row.metric))]
    const rowOf = (pair: Line) => (isGrid ? pair.shared || 'all' : pair.pair)
    const rows = [...new Set(pairs.map(rowOf))]
    const height = Math.max(CELL.least, Math.min(CELL.most, Math.floor(HEIGHT / rows.length))) * rows.length
    const isLabelled = height / rows.length >= READABLE
    const texts = new Map(rows.map((row) => [row, ellipsis(plain(row), FONT_SIZE.caption, MOST_LABEL)]))
    const columns = isGrid ? changes : ['']
    const width = Math.max(CELL.width * columns.length, 100)
    const cell = width / columns.length - 6
    const heads = columns.map((column) => wrap(plain(column), FONT_SIZE.caption, 400, cell))
    // Level where every word has room in its cell.
    const isLevel = heads.flat().every((line) => textWidth(line, FONT_SIZE.caption) <= cell)
    const labels = isLabelled
      ? Math.max(...[...texts.values()].map((text) => textWidth(text, FONT_SIZE.caption)))
      : 0
    const whole = labels + metrics.length * (width + 30)
    const known = Object.keys(CLASSES) as Class[]
    const classes = pairs.map(({ row }) => classOf(row, settings.alpha))
    const used = known.filter((name) => classes.includes(name))
    return {
      ...pictureFrame(ALT, headline(classes), subtitle, Math.max(whole, 640)),
      spacing: 20,
      vconcat: [
        {
          spacing: 24,
          hconcat: metrics.map((metric, i) => ({
            title: {
              text: wrap(capitalised(metricName(metric)), FONT_SIZE.axisTitle, 600, width),
              fontSize: FONT_SIZE.axisTitle,
              color: INK,
              offset: 8,
            },
            width,
            height,
            data: {
              values: pairs.flatMap((pair, k) =>
                pair.row.metric === metric
                  ? [
                      {
                        about: pair.about,
                        ...{ row: rowOf(pair), column: isGrid ? pair.change : '', class: classes[k] },
                        tip: `${pair.pair}: ${sizeText(pair.row)}, p ${formatP(pair.row.p_adjusted)}, ${pair.row.verdict.replace('_', ' ')}`,
                      },
                    ]
                  : [],
              ),
            },
            mark: { type: 'rect', ...(height / rows.length > 6 && { stroke: '#ffffff', strokeWidth: 1 }) },
            encoding: {
              x: {
                field: 'column',
                type: 'nominal',
                sort: null,
                scale: { domain: columns },
                axis: isGrid
                  ? {
                      title: null,
                      orient: 'bottom',
                      ...(isLevel
                        ? {
                            labelAngle: 0,
                            labelOverlap: false,
                            labelExpr: `${JSON.stringify(Object.fromEntries(columns.map((column, k) => [column, heads[k]])))}[datum.value]`,
                          }
                        : { labelAngle: -35 }),
                      labelFontSize: FONT_SIZE.caption,
                      labelLimit: 160,
                      domain: false,
                      ticks: false,
                    }
                  : null,
              },
              y: {
                field: 'row',
                type: 'nominal',
                sort: null,
                scale: { domain: rows },
                axis:
                  i > 0 || !isLabelled
                    ? null
                    : {
                        title: null,
                        labelFontSize: FONT_SIZE.caption,
                        labelLimit: MOST_LABEL + 10,
                        labelExpr: `${JSON.stringify(Object.fromEntries(texts))}[datum.value]`,
                      },
              },
              color: {
                field: 'class',
                type: 'nominal',
                scale: { domain: used, range: used.map((name) => CLASSES[name]) },
                legend: { title: 'Compared', symbolType: 'square' },
              },
              tooltip: { field: 'tip' },
            },
          })),
        },
        captionView(captionOf(settings, rows.length, isGrid, isLabelled), Math.max(whole, 640)),
      ],
    }
  }
  return drawnBy({ file, alt: ALT }, makeSpec)
}

function classOf(row: ComparisonRow, alpha: number): Class {
  const { verdict, ratio } = row
  if (verdict === 'equivalent') return 'same within the margin'
  if (!isSignificant(row, alpha)) return 'undecided'
  const isLarge = ratio !== null && ratio > 0 && Math.max(ratio, 1 / ratio) >= LARGE
  switch (verdict) {
    case 'slower':
    case 'worse':
      return isLarge ? 'worse, by half or more' : 'worse'
    case 'faster':
    case 'better':
      return isLarge ? 'better, by half or more' : 'better'
    case 'higher':
    case 'lower':
      return 'higher or lower'
    default:
      return 'undecided'
  }
}

function headline(classes: readonly Class[]): string {
  const worse = classes.filter((name) => name.startsWith('worse')).length
  const better = classes.filter((name) => name.startsWith('better')).length
  return `Of ${count(classes.length, 'comparison')}, ${wholeNumber(worse)} are for the worse and ${wholeNumber(better)} for the better`
}

function captionOf(
  { alpha }: Forest['settings'],
  rows: number,
  isGrid: boolean,
  isLabelled: boolean,
): string[] {
  return [
    `Against the reference; coloured where the difference is significant at ${alpha} after the correction, beyond the margin.${isGrid ? ' Columns: what was changed; rows: what both sides share.' : ''}`,
    ...(isLabelled
      ? []
      : [
          `${wholeNumber(rows)} rows in the order of the grid, without room for their names: significance_tests.csv has them.`,
        ]),
  ]
}
