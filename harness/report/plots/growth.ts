/** Latency, time and memory against the rows of the data, with the fit that the report states. */
import { type Growth, growthLevels, ROWS_AXIS } from '../../analyse/growth.ts'
import { formatNumber } from '../../format.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { labelWords, metricName, metricTitle, settingTitle } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { besidesColour, encodeAxes, levelChannels, levelOf } from './encode.ts'
import { numbersAlong, scaleOfLevels, scaleOver } from './scale.ts'
import { captionView, pictureFrame, pictureSubtitle } from './text.ts'

const ALT = 'Latency, time and memory against the rows of the data, with their fitted growth'
const PANEL = { width: 300, height: 280 }
const MOST_BANDS = 8
const MANY = 40

export function growthPlot(model: ReportModel, file: string): Plot {
  const { growth } = model
  if (!model.axes.includes(ROWS_AXIS)) return { file, alt: ALT, skipped: `${ROWS_AXIS} is no axis` }
  if (growth.length === 0) return { file, alt: ALT, skipped: 'too few trials for a fit' }
  const makeSpec = () => {
    const metrics = growth.flatMap(({ metric }) => model.metrics.get(metric) ?? [])
    const others = model.axes.filter((key) => key !== ROWS_AXIS)
    const encoding = encodeAxes(model.scenarios, others, metrics, null)
    const isMany = model.scenarios.length > MANY * 2
    const told = isMany ? { ...encoding, shape: null } : encoding
    const channels = levelChannels(
      told,
      model.scenarios.filter((scenario) => metrics.some(({ name }) => isDrawn(scenario, name))),
    )
    const columns = Math.min(3, growth.length)
    const textWidth = Math.max(columns * PANEL.width + (columns - 1) * 70, 640)
    return {
      ...pictureFrame(ALT, 'Growth over the rows of the data', pictureSubtitle(model), textWidth),
      spacing: 24,
      vconcat: [
        { columns, spacing: 60, concat: growth.map((one) => panel(model, one, channels, encoding)) },
        captionView(
          [
            `Points: means over the ok trials. Lines: rows to the power that was fitted to all trials: ${growth.map(({ metric, power, low, high }) => `${metricName(metric)} ${power.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`).join('; ')}, with a level for each setting.${growth.some(({ settings }) => settings <= MOST_BANDS) ? ' Bands: the 95% interval of the power.' : ''}${besidesColour(encoding, 'Points', told.shape !== null)}`,
          ],
          textWidth,
        ),
      ],
    }
  }
  return drawnBy({ file, alt: ALT }, makeSpec)
}

/** On logarithmic scales. */
function isDrawn({ point, metrics }: ScenarioReport, metric: string): boolean {
  const [rows, value] = [point[ROWS_AXIS], metrics[metric]?.value]
  return typeof rows === 'number' && rows > 1 && value !== undefined && value > 0
}

function panel(
  model: ReportModel,
  growth: Growth,
  { color, shape }: ReturnType<typeof levelChannels>,
  encoding: ReturnType<typeof encodeAxes>,
) {
  const metric = model.metrics.get(growth.metric)!
  const points = model.scenarios.flatMap((scenario) => {
    if (!isDrawn(scenario, metric.name)) return []
    const rows = scenario.point[ROWS_AXIS] as number
    const { value } = scenario.metrics[metric.name]!
    const tip = `${labelWords(scenario.label)}: ${formatNumber(value)} ${metric.unit}`
    const levels = { colour: levelOf(scenario, encoding.colour), shape: levelOf(scenario, encoding.shape) }
    return [{ about: scenario.id, rows, value, tip, ...levels }]
  })
  const { least, most } = growth.rows
  const trials = [...model.trialsOf.values()].flat()
  const levels = growthLevels({ trials, scenarios: model.manifest.sweep.scenarios, axes: model.axes, metric })
  const lines = levels.flatMap(({ scenario, log_rows, log_value }, line) => {
    const of = model.scenarios.find(({ id }) => id === scenario)!
    const at = (rows: number, power: number) => Math.exp(log_value + power * (Math.log(rows) - log_rows))
    const middle = Math.exp(log_rows)
    return [least, middle, most].map((rows) => ({
      ...{ rows, line, value: at(rows, growth.power), colour: levelOf(of, encoding.colour) },
      low: Math.min(at(rows, growth.low), at(rows, growth.high)),
      high: Math.max(at(rows, growth.low), at(rows, growth.high)),
    }))
  })
  const xs = scaleOfLevels([least, ...points.map(({ rows }) => rows), most], { air: 0.05, log: true })
  const ys = scaleOver(
    [...points, ...lines].map(({ value }) => value),
    { log: true, air: 0.1 },
  )
  const along = numbersAlong('rows', xs, settingTitle(ROWS_AXIS))
  const x = { ...along, axis: { ...along.axis, labelOverlap: 'greedy' } }
  const across = numbersAlong('value', ys, metricTitle(metric))
  const y = { ...across, scale: { ...across.scale, clamp: true } }
  const isMany = levels.length > MANY
  return {
    ...PANEL,
    layer: [
      {
        data: { values: levels.length <= MOST_BANDS ? lines : [] },
        mark: { type: 'area', opacity: 0.16 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color, detail: { field: 'line' } },
      },
      {
        data: { values: lines },
        mark: { type: 'line', strokeWidth: isMany ? 1 : 2, opacity: isMany ? 0.4 : 0.9 },
        encoding: { x, y, color, detail: { field: 'line' } },
      },
      {
        data: { values: points },
        mark: {
          type: 'point',
          filled: true,
          size: isMany ? 30 : 80,
          opacity: 0.9,
          stroke: '#ffffff',
          strokeWidth: 1,
        },
        encoding: { x, y, color, shape, tooltip: { field: 'tip' } },
      },
    ],
  }
}
