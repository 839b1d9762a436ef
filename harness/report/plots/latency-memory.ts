/** Latency against memory, a point per scenario, its accuracy as the colour: all three that a constraint trades. */

import { count, formatMetric } from '../../format.ts'
import type { Metric } from '../../metrics.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { capitalised, metricName, metricTitle, settingLabel } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { LABEL_LINE, labelLayers, placeLabels } from './labels.ts'
import { numbersAlong, type PlotScale, position, scaleOver } from './scale.ts'
import { captionLayer, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, SHAPES } from './theme.ts'
import { perRowText } from './tradeoff.ts'
import { extent, HEIGHT, type Point, pointsOf, WIDTH } from './tradeoff-layout.ts'

const MEMORY = 'peak_memory_mb'
const CAPTION_Y = HEIGHT + 78
const TEXT_WIDTH = WIDTH + 120
const POINT_SIZE = 190
const POINT_RADIUS = 9
/** With more points than this, labels would cover each other. */
const MAX_LABELS = 24

export function latencyMemoryPlot(model: ReportModel, file: string): Plot {
  const alt = 'Latency against memory, a point per scenario, accuracy as its colour'
  const latency = model.metrics.get(model.latency)
  const memory = model.metrics.get(MEMORY)
  const accuracy = model.accuracy === null ? undefined : model.metrics.get(model.accuracy)
  if (!latency || !memory) return { file, alt, skipped: 'latency or memory was not measured' }
  if (!accuracy) return { file, alt, skipped: 'the workload declares no accuracy metric' }
  const points = pointsOf(model.scenarios, latency.name, memory.name, () => false).filter(
    ({ scenario }) => scenario.metrics[accuracy.name],
  )
  if (points.length === 0) {
    return { file, alt, skipped: 'no ok trial knows latency, memory and accuracy' }
  }
  return drawnBy({ file, alt }, () => specOf(model, points, { latency, memory, accuracy }, alt))
}

interface Metrics {
  latency: Metric
  memory: Metric
  accuracy: Metric
}

function specOf(model: ReportModel, points: Point[], { latency, memory, accuracy }: Metrics, alt: string) {
  const xs = scaleOver(points.flatMap(({ x }) => positive(extent(x), x.value)))
  const ys = scaleOver(points.flatMap(({ y }) => positive(extent(y), y.value)))
  const modes = [...new Set(points.map(({ scenario }) => String(scenario.point['mode'])))].sort()
  const rows = points.map(({ scenario, x, y }) => ({
    about: scenario.id,
    x: x.value,
    y: y.value,
    xlow: ends(x, xs)[0],
    xhigh: ends(x, xs)[1],
    ylow: ends(y, ys)[0],
    yhigh: ends(y, ys)[1],
    accuracy: scenario.metrics[accuracy.name]!.value,
    mode: String(scenario.point['mode']),
  }))
  const labels = labelsOf(model, points, xs, ys)
  const x = numbersAlong('x', xs, metricTitle(latency))
  const y = numbersAlong('y', ys, metricTitle(memory))
  const rule = { type: 'rule', stroke: '#8a929c', strokeWidth: 1.4, opacity: 0.7 }
  return {
    ...pictureFrame(alt, headline(rows, accuracy), pictureSubtitle(model), TEXT_WIDTH),
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: rows },
        mark: rule,
        encoding: { x: { ...x, field: 'xlow' }, x2: { field: 'xhigh' }, y },
      },
      {
        data: { values: rows },
        mark: rule,
        encoding: { x, y: { ...y, field: 'ylow' }, y2: { field: 'yhigh' } },
      },
      {
        data: { values: rows },
        mark: {
          type: 'point',
          filled: true,
          stroke: '#ffffff',
          strokeWidth: 1.2,
          size: POINT_SIZE,
          opacity: 1,
        },
        encoding: {
          x,
          y,
          color: {
            field: 'accuracy',
            type: 'quantitative',
            scale: { scheme: 'viridis', reverse: true, ...accuracyDomain(rows) },
            legend: { title: capitalised(metricName(accuracy.name)), format: '.2f' },
          },
          shape: {
            field: 'mode',
            type: 'nominal',
            scale: { domain: modes, range: SHAPES.slice(0, modes.length) },
            legend: modes.length > 1 ? { title: 'Mode', symbolFillColor: '#5b6470' } : null,
          },
        },
      },
      ...labelLayers(labels),
      captionLayer(captionOf(model, points), CAPTION_Y, TEXT_WIDTH),
    ],
  }
}

/** Ends of the interval within the scale; the value itself where there is none. */
function ends({ value, low, high }: Point['x'], scale: PlotScale): [number, number] {
  return [Math.max(low ?? value, scale.domain[0]), high ?? value]
}

/** An interval may reach below zero, where nothing can be. */
function positive(ends: readonly number[], value: number): number[] {
  return ends.map((end) => (value > 0 ? Math.max(end, value / 2) : end))
}

/** Colours need a range, also where all scenarios are equally accurate. */
function accuracyDomain(rows: readonly { accuracy: number }[]): { domain?: [number, number] } {
  const values = rows.map(({ accuracy }) => accuracy)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return high > low ? {} : { domain: [low - 0.05, high + 0.05] }
}

function labelsOf(model: ReportModel, points: readonly Point[], xs: PlotScale, ys: PlotScale) {
  if (points.length > MAX_LABELS) return []
  const keys = model.axes.filter((key) => key !== 'mode' && varies(model.scenarios, key))
  const anchors = points.map(({ scenario, x, y }) => {
    const text = keys.map((key) => settingLabel(key, scenario.point[key])).join(' · ')
    return {
      about: scenario.id,
      text,
      x: position(xs, x.value) * WIDTH,
      y: (1 - position(ys, y.value)) * HEIGHT,
      width: textWidth(text, FONT_SIZE.label),
      height: LABEL_LINE,
    }
  })
  const obstacles = anchors.flatMap(({ x, y }, i) => {
    const [xlow, xhigh] = ends(points[i]!.x, xs)
    const [ylow, yhigh] = ends(points[i]!.y, ys)
    return [
      { x0: x - POINT_RADIUS, x1: x + POINT_RADIUS, y0: y - POINT_RADIUS, y1: y + POINT_RADIUS },
      { x0: position(xs, xlow) * WIDTH, x1: position(xs, xhigh) * WIDTH, y0: y - 1, y1: y + 1 },
      { x0: x - 1, x1: x + 1, y0: (1 - position(ys, yhigh)) * HEIGHT, y1: (1 - position(ys, ylow)) * HEIGHT },
    ]
  })
  const bounds = { x0: 0, x1: WIDTH + 14, y0: -4, y1: HEIGHT - 2 }
  const named = anchors.filter(({ text }) => text !== '')
  const places = placeLabels(named, obstacles, bounds)
  return named.flatMap(({ about, text }, i) => {
    const place = places[i]
    return place ? [{ about, x: place.x, y: place.y, text }] : []
  })
}

function varies(scenarios: readonly ScenarioReport[], key: string): boolean {
  return new Set(scenarios.map(({ point }) => point[key])).size > 1
}

function headline(rows: readonly { accuracy: number; mode: string }[], accuracy: Metric): string {
  const best = rows.reduce((a, b) => {
    const better =
      accuracy.direction === 'lower_is_better' ? b.accuracy < a.accuracy : b.accuracy > a.accuracy
    return better ? b : a
  })
  const score = `${metricName(accuracy.name)} ${formatMetric(best.accuracy, accuracy.unit)}`
  return `Latency, memory and accuracy: the best is ${score}, in ${best.mode} mode`.replace(/-(?=\d)/g, '−')
}

function captionOf(model: ReportModel, points: readonly Point[]): string[] {
  const missing = model.scenarios.length - points.length
  return [
    'Points: means over the ok trials of a scenario; bars: 95% confidence intervals where there are several trials.',
    ...perRowText(model),
    ...(missing > 0 ? [`${count(missing, 'scenario')} without a usable trial not shown.`] : []),
  ]
}
