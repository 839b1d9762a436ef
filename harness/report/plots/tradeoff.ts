/** Cost against quality: a point per scenario, its intervals, and the front that nothing beats on both. */

import { formatMetric, formatNumber } from '../../format.ts'
import { capitalised, metricName, metricTitle } from '../text/words.ts'
import type { ReportModel } from '../types.ts'
import { levelChannels, levelOf } from './encode.ts'
import { type Point, pointsOf } from './front.ts'
import { type FrontLabel, labelFront } from './front-labels.ts'
import type { Plot } from './plot.ts'
import { type PlotScale, tickLabel } from './scale.ts'
import { captionLayer, pictureSubtitle, wrap } from './text.ts'
import { config, FONT_SIZE, INK, MUTED, REFERENCE } from './theme.ts'
import { clamp, HEIGHT, layOut, type Picture, WIDTH } from './tradeoff-layout.ts'
import { captionOf, headline } from './tradeoff-words.ts'

const CAPTION_Y = HEIGHT + 78
const TEXT_WIDTH = WIDTH + 120
const POINT_SIZE = { few: 130, many: 36 }

/** @param against which front: latency or memory */
export function tradeoffPlot(model: ReportModel, against: 'latency' | 'memory', file: string): Plot {
  const costName = against === 'latency' ? model.latency : 'peak_memory_mb'
  const alt = `${capitalised(metricName(costName))} against accuracy, a point per scenario`
  const cost = model.metrics.get(costName)
  if (!cost) return { file, alt, skipped: `nothing measured ${metricName(costName)}` }
  if (model.accuracy === null) return { file, alt, skipped: 'the workload names no accuracy metric' }
  const accuracy = model.metrics.get(model.accuracy)
  if (!accuracy)
    return { file, alt, skipped: `the workload does not declare its accuracy metric ${model.accuracy}` }
  const points = pointsOf(model.scenarios, cost.name, accuracy.name, (scenario) => scenario.front[against])
  if (points.length === 0) {
    return {
      file,
      alt,
      skipped: `no ok trial knows both ${metricName(cost.name)} and ${metricName(accuracy.name)}`,
    }
  }
  const picture = layOut(model, points, cost, accuracy)
  return { file, alt, spec: specOf(model, picture, alt) }
}

function specOf(model: ReportModel, picture: Picture, alt: string) {
  const { points, front, cost, accuracy, encoding, xs, ys, shown, intervals } = picture
  // The front is drawn last, over the others.
  const rows = points.map((point) => row(point, picture)).sort((a, b) => Number(a.front) - Number(b.front))
  const labels = labelFront(picture)
  const channels = levelChannels(encoding)
  // In the page, a click on a legend dims the others; in the picture all are shown.
  const picked = [
    ...(encoding.colour ? [{ name: 'pick_colour', field: 'colour' }] : []),
    ...(encoding.shape ? [{ name: 'pick_shape', field: 'shape' }] : []),
  ]
  const size = intervals ? POINT_SIZE.few : POINT_SIZE.many
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: vegaScale(xs),
    axis: {
      title: metricTitle(cost) + (xs.type === 'log' ? ', log scale' : ''),
      values: xs.ticks,
      labelExpr: tickLabel(xs),
    },
  }
  const y = {
    field: 'y',
    type: 'quantitative',
    scale: vegaScale(ys),
    axis: { title: metricTitle(accuracy), values: ys.ticks, labelExpr: tickLabel(ys) },
  }
  const rule = { type: 'rule', strokeWidth: 1.6, opacity: 0.55 }
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: alt,
    width: WIDTH,
    height: HEIGHT,
    config: config(),
    title: {
      text: wrap(headline(picture).replace(/-(?=\d)/g, '−'), FONT_SIZE.title, 600, TEXT_WIDTH),
      subtitle: wrap(pictureSubtitle(model), FONT_SIZE.subtitle, 400, TEXT_WIDTH),
    },
    layer: [
      {
        name: 'reference',
        data: { values: shown },
        mark: { type: 'rule', strokeDash: [6, 5], stroke: REFERENCE, strokeWidth: 1.5 },
        encoding: { y: { ...y, field: 'value' } },
      },
      {
        name: 'reference_text',
        data: { values: shown },
        mark: {
          type: 'text',
          align: 'left',
          baseline: 'bottom',
          dy: -5,
          color: MUTED,
          fontSize: FONT_SIZE.label,
        },
        encoding: { x: { value: 4 }, y: { ...y, field: 'value' }, text: { field: 'text' } },
      },
      {
        name: 'front',
        data: { values: front.map((point) => ({ x: point.x.value, y: point.y.value })) },
        mark: { type: 'line', interpolate: 'step-after', stroke: REFERENCE, strokeWidth: 2, opacity: 0.75 },
        encoding: { x, y, order: { field: 'x', type: 'quantitative' } },
      },
      {
        name: 'interval_x',
        data: { values: intervals ? rows.filter((entry) => entry.xhigh !== null) : [] },
        mark: rule,
        encoding: { x: { ...x, field: 'xlow' }, x2: { field: 'xhigh' }, y, color: channels.color },
      },
      {
        name: 'interval_y',
        data: { values: intervals ? rows.filter((entry) => entry.yhigh !== null) : [] },
        mark: rule,
        encoding: { x, y: { ...y, field: 'ylow' }, y2: { field: 'yhigh' }, color: channels.color },
      },
      {
        name: 'points',
        params: picked.map(({ name, field }) => ({
          name,
          select: { type: 'point', fields: [field] },
          bind: 'legend',
        })),
        data: { values: rows },
        mark: { type: 'point', filled: true, stroke: '#ffffff', strokeWidth: intervals ? 1.2 : 0.5 },
        encoding: {
          x,
          y,
          color: channels.color,
          shape: channels.shape,
          size: { condition: { test: 'datum.front', value: size * 1.5 }, value: size },
          opacity: opacityOf(picked, intervals ? 0.75 : 0.45),
          tooltip: Object.keys(rows[0]!.tip).map((field) => ({ field: `tip['${field}']`, title: field })),
        },
      },
      {
        name: 'leader',
        data: { values: labels.flatMap(({ leader }) => (leader ? [leader] : [])) },
        mark: { type: 'rule', stroke: REFERENCE, strokeWidth: 1 },
        encoding: { x: pixel('x0'), x2: { field: 'x1' }, y: pixel('y0'), y2: { field: 'y1' } },
      },
      // Under the letters a white outline, so that grid and lines do not run through them.
      labelLayer('halo', labels, { stroke: '#ffffff', strokeWidth: 4, strokeJoin: 'round', fill: '#ffffff' }),
      labelLayer('label', labels, { fill: INK }),
      captionLayer(captionOf(model, picture), CAPTION_Y, TEXT_WIDTH),
    ],
  }
}

function opacityOf(picked: readonly { name: string }[], others: number) {
  const chosen = picked.map(({ name }) => ({ param: name }))
  return {
    condition: [
      { test: { and: [...chosen, 'datum.front'] }, value: 1 },
      ...(chosen.length > 0 ? [{ test: { and: chosen }, value: others }] : []),
    ],
    value: chosen.length > 0 ? 0.06 : others,
  }
}

function pixel(field: string) {
  return { field, type: 'quantitative', scale: null }
}

function labelLayer(name: string, labels: FrontLabel[], mark: Record<string, unknown>) {
  return {
    name,
    data: { values: labels },
    mark: { type: 'text', align: 'center', baseline: 'middle', fontSize: FONT_SIZE.label, ...mark },
    encoding: { x: pixel('x'), y: pixel('y'), text: { field: 'text' } },
  }
}

function row({ scenario, x, y, front }: Point, { xs, ys, cost, accuracy, encoding }: Picture) {
  const within = (value: number, { domain }: PlotScale) => clamp(value, ...domain)
  const range = (estimate: Point['x'], scale: PlotScale) => {
    if (estimate.low === null || estimate.high === null || !(estimate.high > estimate.low))
      return [null, null]
    return [within(estimate.low, scale), within(estimate.high, scale)]
  }
  const [xlow, xhigh] = range(x, xs)
  const [ylow, yhigh] = range(y, ys)
  return {
    x: x.value,
    xlow,
    xhigh,
    y: y.value,
    ylow,
    yhigh,
    front,
    colour: levelOf(scenario, encoding.colour),
    shape: levelOf(scenario, encoding.shape),
    tip: {
      Scenario: scenario.label,
      [capitalised(metricName(cost.name))]: withInterval(x, cost.unit),
      [capitalised(metricName(accuracy.name))]: withInterval(y, accuracy.unit),
      'Ok trials': scenario.outcomes.ok,
    },
  }
}

function withInterval({ value, low, high }: Point['x'], unit: string): string {
  const middle = formatMetric(value, unit)
  if (low === null || high === null || low === high) return middle
  return `${middle} [${formatNumber(low)}, ${formatNumber(high)}]`
}

function vegaScale({ type, domain }: PlotScale) {
  return type === 'log' ? { type, domain, nice: false } : { type, domain, nice: false, zero: false }
}
