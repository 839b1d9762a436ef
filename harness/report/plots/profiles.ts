/** Profiles of hardware, or machines, side by side: a panel per metric, a line for each setting of the other axes. */
import { count, formatMetric } from '../../format.ts'
import type { Metric } from '../../metrics.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import {
  capitalised,
  labelWords,
  metricName,
  metricTitle,
  scalarText,
  settingLabel,
  settingName,
} from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { besidesColour, encodeAxes, levelChannels, levelOf } from './encode.ts'
import { numbersAlong, scaleOver } from './scale.ts'
import { captionView, pictureFrame, pictureSubtitle } from './text.ts'

const ALT = 'Latency, accuracy, throughput and memory of each profile, a line per setting'
const PANEL = { width: 290, height: 260 }
const WIDTH = 2 * PANEL.width + 120
/** With fewer lines than these each has its interval. */
const MOST_INTERVALS = 12
const MANY = 40

export function profilesPlot(model: ReportModel, file: string): Plot {
  const key = ['profile', 'machine'].find((name) => model.axes.includes(name))
  const values =
    key === undefined ? [] : [...new Set(model.scenarios.map(({ point }) => scalarText(point[key])))]
  if (key === undefined || values.length < 2)
    return { file, alt: ALT, skipped: 'neither profiles nor machines are an axis' }
  const metrics = [model.latency, model.accuracy, 'throughput_rows_s', 'peak_memory_mb'].flatMap((name) => {
    const metric = name === null ? undefined : model.metrics.get(name)
    return metric && model.scenarios.some(({ metrics: means }) => means[metric.name]) ? [metric] : []
  })
  if (metrics.length === 0) return { file, alt: ALT, skipped: 'no ok trial' }
  const makeSpec = () => {
    const others = otherAxes(model, key)
    const encoding = encodeAxes(model.scenarios, others, metrics, null)
    const lines = new Set(model.scenarios.map((scenario) => settingOf(scenario, others)))
    const told = lines.size > MANY ? { ...encoding, shape: null } : encoding
    const drawn = model.scenarios.filter((scenario) => metrics.some(({ name }) => scenario.metrics[name]))
    const { color, shape } = levelChannels(told, drawn)
    return {
      ...pictureFrame(ALT, headline(model, key, values, metrics[0]!), pictureSubtitle(model), WIDTH),
      spacing: 24,
      vconcat: [
        {
          columns: 2,
          spacing: 70,
          concat: metrics.map((metric) =>
            panel(metric, { model, key, values, others, color, shape, encoding, lines: lines.size }),
          ),
        },
        captionView(
          [
            `Means over the ok trials${lines.size <= MOST_INTERVALS ? ', with 95% intervals' : ''}; a line joins the same setting of the other axes.${besidesColour(encoding, 'Lines', told.shape !== null)}`,
          ],
          WIDTH,
        ),
      ],
    }
  }
  return drawnBy({ file, alt: ALT }, makeSpec)
}

interface PanelInput {
  model: ReportModel
  key: string
  values: readonly string[]
  others: readonly string[]
  color: Record<string, unknown>
  shape: Record<string, unknown>
  encoding: ReturnType<typeof encodeAxes>
  lines: number
}

function panel(metric: Metric, { model, key, values, others, color, shape, encoding, lines }: PanelInput) {
  const rows = model.scenarios.flatMap((scenario) => {
    const estimate = scenario.metrics[metric.name]
    if (!estimate) return []
    const { value, low, high } = estimate
    return [
      {
        about: scenario.id,
        side: scalarText(scenario.point[key]),
        value,
        low: low ?? value,
        high: high ?? value,
        line: settingOf(scenario, others),
        colour: levelOf(scenario, encoding.colour),
        shape: levelOf(scenario, encoding.shape),
        tip: `${labelWords(scenario.label)}: ${formatMetric(value, metric.unit)}`,
      },
    ]
  })
  const hasIntervals = lines <= MOST_INTERVALS
  const means = rows.map(({ value }) => value)
  const ends = hasIntervals ? rows.flatMap(({ low, high }) => [low, high]) : []
  const log = Math.min(...means) > 0 && Math.max(...means) / Math.min(...means) > 10
  const most = Math.max(...means) * (log ? 2 : 1.3)
  const least = log ? Math.min(...means) / 2 : Math.min(...means) - 0.3 * Math.abs(Math.min(...means))
  const scale = scaleOver([...means, ...ends.filter((end) => end >= least && end <= most)], { log })
  const along = numbersAlong('value', scale, metricTitle(metric))
  const y = { ...along, scale: { ...along.scale, clamp: true } }
  const x = {
    field: 'side',
    type: 'nominal',
    scale: { type: 'point', domain: values, padding: 0.4 },
    axis: {
      title: capitalised(settingName(key)),
      labelAngle: 0,
      labelLimit: PANEL.width / values.length,
      grid: true,
    },
  }
  const opacity = lines > MANY ? 0.35 : 0.85
  return {
    ...PANEL,
    data: { values: rows },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 1.8, opacity },
        encoding: { x, y, color, detail: { field: 'line' } },
      },
      ...(hasIntervals
        ? [
            {
              mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.6 },
              encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
            },
          ]
        : []),
      {
        mark: {
          type: 'point',
          filled: true,
          size: lines > MANY ? 30 : 80,
          opacity,
          stroke: '#ffffff',
          strokeWidth: 1,
        },
        encoding: { x, y, color, shape, tooltip: { field: 'tip' } },
      },
    ],
  }
}

/** What a profile sets is no axis beside it. */
function otherAxes({ scenarios, axes }: ReportModel, key: string): string[] {
  return axes.filter((other) => {
    if (other === key) return false
    const set = new Map<string, string>()
    return !scenarios.every(({ point }) => {
      const [side, value] = [scalarText(point[key]), scalarText(point[other])]
      const known = set.get(side) ?? value
      set.set(side, known)
      return known === value
    })
  })
}

function settingOf({ point }: ScenarioReport, others: readonly string[]): string {
  return JSON.stringify(others.map((key) => scalarText(point[key])))
}

function headline(
  { scenarios }: ReportModel,
  key: string,
  values: readonly string[],
  metric: Metric,
): string {
  const means = values.flatMap((value) => {
    const all = scenarios.flatMap(({ point, metrics }) =>
      scalarText(point[key]) === value ? (metrics[metric.name]?.value ?? []) : [],
    )
    return all.length === 0 ? [] : [{ value, median: all.sort((a, b) => a - b)[(all.length - 1) >> 1]! }]
  })
  const sorted = [...means].sort((a, b) => a.median - b.median)
  const [first, last] = [sorted[0], sorted.at(-1)]
  if (first === undefined || last === undefined || first === last) return count(values.length, key)
  return `${capitalised(metricName(metric.name))}: ${formatMetric(first.median, metric.unit)} on ${label(key, first.value)}, ${formatMetric(last.median, metric.unit)} on ${label(key, last.value)} (medians)`
}

function label(key: string, value: string): string {
  return value === 'none' ? settingLabel(key, null) : value
}
