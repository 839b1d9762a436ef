/** What each axis explains of each metric: bars with their intervals, a panel per metric. */
import type { Plot } from '../section.ts'
import { effectName, effectRows, shareText } from '../sections/sensitivity.ts'
import type { ReportModel } from '../types.ts'
import { capitalised, metricName } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { captionLayer, ellipsis, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, GRID, INK, MUTED, palette } from './theme.ts'

const ALT = 'Share of the variance of each metric that each axis explains'
const PANEL = 250
const ROW = 34
/** A picture is no flat strip. */
const LEAST_HEIGHT = 280
/** Effects with a row of their own. */
const MOST_ROWS = 14
const MOST_LABEL = 260

export function sensitivityPlot(model: ReportModel, file: string): Plot {
  const { sensitivity } = model
  if (sensitivity === null) return { file, alt: ALT, skipped: 'fewer than two axes vary' }
  const makeSpec = () => {
    const rows = effectRows(model).slice(0, MOST_ROWS)
    const names = rows.map(({ axes }) => ellipsis(effectName(axes), FONT_SIZE.tick, MOST_LABEL))
    const height = Math.max(LEAST_HEIGHT, rows.length * ROW)
    const colour = palette(1)[0]!
    const label = Math.max(...names.map((name) => textWidth(name, FONT_SIZE.tick)))
    const width = label + sensitivity.metrics.length * (PANEL + 40)
    const caption = captionLayer(captionOf(model), height + 76, Math.max(width - label, 420))
    const y = (first: boolean) => ({
      field: 'effect',
      type: 'nominal',
      sort: null,
      scale: { domain: names, paddingInner: 0.4, paddingOuter: 0.3 },
      axis: first
        ? {
            title: null,
            labelLimit: MOST_LABEL + 20,
            labelColor: INK,
            grid: false,
            labelFontSize: FONT_SIZE.tick,
          }
        : null,
    })
    return {
      ...pictureFrame(
        ALT,
        'How much of each metric the axes explain',
        pictureSubtitle(model),
        Math.max(width, 700),
      ),
      spacing: 40,
      bounds: 'flush',
      hconcat: sensitivity.metrics.map(({ metric }, i) => {
        const values = rows.flatMap(({ shares }, k) => {
          const effect = shares[i]
          if (!effect) return []
          const { share, low, high } = effect
          const spread = low !== null && high !== null && high > low
          return [
            {
              effect: names[k],
              share,
              low: spread ? Math.max(0, low) : share,
              high: spread ? high : share,
              text: shareText(share),
            },
          ]
        })
        const x = {
          field: 'share',
          type: 'quantitative',
          scale: { domain: [0, 1.12], nice: false },
          axis: {
            title: `Share of ${metricName(metric)}`,
            values: [0, 0.25, 0.5, 0.75, 1],
            format: '.0%',
            gridColor: GRID,
          },
        }
        return {
          name: `panel_${i}`,
          width: PANEL,
          height,
          data: { values },
          layer: [
            {
              name: `bars_${i}`,
              mark: { type: 'bar', color: colour, opacity: 0.85, size: 20 },
              encoding: {
                x,
                y: y(i === 0),
                tooltip: [
                  { field: 'effect', title: 'Axis' },
                  { field: 'text', title: capitalised(metricName(metric)) },
                ],
              },
            },
            {
              name: `interval_${i}`,
              mark: { type: 'rule', color: INK, strokeWidth: 1.5 },
              encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y: y(i === 0) },
            },
            {
              name: `text_marks_${i}`,
              mark: { type: 'text', align: 'left', dx: 7, color: MUTED, fontSize: FONT_SIZE.caption },
              encoding: { x: { ...x, field: 'high' }, y: y(i === 0), text: { field: 'text' } },
            },
            ...(i === 0 ? [caption] : []),
          ],
        }
      }),
    }
  }
  return drawnBy({ file, alt: ALT }, makeSpec)
}

function captionOf(model: ReportModel): string[] {
  const { metrics } = model.sensitivity!
  const left = effectRows(model).length - MOST_ROWS
  return [
    `Omega squared with its 95% interval${metrics.some(({ exact }) => exact) ? '; a metric without noise has none' : ''}. Two names: what both do together beyond what each does.`,
    ...(left > 0 ? [`${left} weaker effects stand in sensitivity.csv.`] : []),
  ]
}
