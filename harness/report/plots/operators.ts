/** Where the time of a step goes: bars of the operators' times per row, one per scenario or per group of them. */
import { mean } from '../../analyse/descriptive.ts'
import { count, formatShare, wholeNumber } from '../../format.ts'
import { type Stack, stackRows } from '../bundle.ts'
import type { LogSummary } from '../chunk-logs.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { capitalised, plain, settingLabel } from '../words.ts'
import { noLogs, sampleText } from './distribution.ts'
import { encodeAxes } from './encode.ts'
import { captionLayer, ellipsis, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, INK, palette } from './theme.ts'

const ALT = 'Time per row by operator, a bar per scenario or group of scenarios'
const WIDTH = 560
const ROW = 30
const LEAST_HEIGHT = 120
const MOST_ROWS = 24
const MOST_LABEL = 300
/** As many as there are colours that everybody can tell apart, less one for the rest. */
const MOST_OPERATORS = 5
const OTHERS = 'other operators'
const REST = 'rest of the step'
const REST_COLOUR = '#b4bac2'

/** Of the longest bar, that a part takes at least to have its number on it. */
const LEAST_SHARE = 0.025

/** As many as a tip shows, and then some. */
const DIGITS = 6

interface Bar {
  label: string
  scenarios: ScenarioReport[]
}

export function operatorsPlot(model: ReportModel, logs: ReadonlyMap<string, LogSummary>, file: string): Plot {
  if (logs.size === 0) return { file, alt: ALT, skipped: noLogs(model) }
  const known = model.scenarios.filter(({ id }) => {
    const log = logs.get(id)
    return log !== undefined && log.operators.length > 0 && log.rows > 0
  })
  if (known.length === 0) return { file, alt: ALT, skipped: 'the workload reports no times of operators' }
  const names = operatorNames(known.map(({ id }) => logs.get(id)!))
  const keys = groupingAxes(model, known)
  const groups = new Map<string, ScenarioReport[]>()
  for (const scenario of known) {
    const label = labelOf(scenario, keys)
    groups.set(label, [...(groups.get(label) ?? []), scenario])
  }
  const bars = [...groups].map(([label, scenarios]): Bar => ({ label, scenarios }))
  const shown = bars.slice(0, MOST_ROWS)
  const texts = shown.map(({ label }) => ellipsis(label, FONT_SIZE.tick, MOST_LABEL))
  // Two that are cut alike still have a row each.
  const places = texts.map((text, i) => (texts.indexOf(text) === i ? text : `${text}${' '.repeat(i)}`))
  const stack = stackOf(shown, places, partNames(names), logs)
  const values = stackRows(stack, () => true)
  const series = stack.parts.filter((name) => values.some(({ part }) => part === name))
  const colours = palette(6)
  const range = series.map((name, i) => (name === REST ? REST_COLOUR : colours[i % colours.length]!))
  const height = Math.max(LEAST_HEIGHT, shown.length * ROW)
  const labels = Math.max(...texts.map((text) => textWidth(text, FONT_SIZE.tick)))
  // As far as its bars reach, which in a page may be of some scenarios only.
  const x = {
    field: 'from',
    type: 'quantitative',
    scale: { nice: false },
    axis: { title: 'Time per row (µs)', tickCount: 5 },
  }
  // Where bars are of one scenario each, those that are left out are hidden.
  const isGrouped = shown.some(({ scenarios }) => scenarios.length > 1)
  const spec = {
    ...pictureFrame(ALT, headline(known, logs, names), pictureSubtitle(model), WIDTH + labels, {
      frame: 'bounds',
    }),
    width: WIDTH,
    height,
    layer: [
      {
        name: 'operators',
        data: { name: stack.data, values },
        // Parts end where a line is, whatever colours one sees.
        mark: { type: 'bar', size: 18, stroke: '#ffffff', strokeWidth: 0.7 },
        encoding: {
          x,
          x2: { field: 'to' },
          y: {
            field: 'bar',
            type: 'nominal',
            sort: null,
            scale: { domain: places },
            axis: {
              title: null,
              labelLimit: MOST_LABEL + 20,
              labelColor: INK,
              grid: false,
              domain: false,
              ticks: false,
            },
          },
          color: {
            field: 'part',
            type: 'nominal',
            scale: { domain: series, range },
            legend: {
              title: 'Operator',
              symbolType: 'square',
              labelExpr: "(datum.index + 1) + '  ' + datum.label",
            },
          },
          tooltip: { field: 'tip' },
        },
      },
      {
        // What colour a part has, its number says too; one too narrow for it has none.
        name: 'numbers',
        data: { name: stack.data },
        transform: [
          { joinaggregate: [{ op: 'max', field: 'to', as: 'longest' }] },
          { filter: `datum.to - datum.from > ${LEAST_SHARE} * datum.longest` },
          { calculate: '(datum.from + datum.to) / 2', as: 'middle' },
          { calculate: `indexof(${JSON.stringify(series)}, datum.part) + 1`, as: 'number' },
        ],
        mark: {
          type: 'text',
          color: '#ffffff',
          fontSize: FONT_SIZE.caption,
          fontWeight: 600,
          baseline: 'middle',
        },
        encoding: {
          x: { ...x, field: 'middle' },
          y: { field: 'bar', type: 'nominal', sort: null },
          text: { field: 'number', type: 'nominal' },
        },
      },
      captionLayer(captionOf(known.length, bars, logs), height + 76, WIDTH),
    ],
  }
  return { file, alt: ALT, spec, ...(isGrouped && { stacks: [stack] }) }
}

/** In the order of their first use; beyond a few, those that take least are one. */
function operatorNames(logs: readonly LogSummary[]): string[] {
  const totals = new Map<string, number>()
  for (const { operators, rows } of logs)
    for (const { name, ms } of operators) totals.set(name, (totals.get(name) ?? 0) + ms / rows)
  const names = [...totals.keys()]
  if (names.length <= MOST_OPERATORS) return names
  const kept = [...names].sort((a, b) => totals.get(b)! - totals.get(a)!).slice(0, MOST_OPERATORS - 1)
  return [...names.filter((name) => kept.includes(name)), OTHERS]
}

/** A workload may call an operator as the rest is called. */
function partNames(names: readonly string[]): string[] {
  return [...new Set([...names, REST])]
}

/** What each scenario spends on each part, which the bars are means of. */
function stackOf(
  bars: readonly Bar[],
  places: readonly string[],
  parts: readonly string[],
  logs: ReadonlyMap<string, LogSummary>,
): Stack {
  return {
    data: 'operators',
    parts,
    bars: bars.map(({ scenarios }, i) => ({
      bar: places[i]!,
      scenarios: scenarios.map(({ id }) => ({ about: id, us: partsOf(logs.get(id)!, parts) })),
    })),
  }
}

/** Microseconds per row. */
function partsOf({ operators, step_ms, rows }: LogSummary, parts: readonly string[]): number[] {
  const sum = new Map<string, number>()
  const add = (name: string, ms: number) => sum.set(name, (sum.get(name) ?? 0) + (1000 * ms) / rows)
  for (const { name, ms } of operators) add(parts.includes(name) ? name : OTHERS, ms)
  add(REST, Math.max(0, step_ms - operators.reduce((whole, { ms }) => whole + ms, 0)))
  return parts.map((name) => Number((sum.get(name) ?? 0).toPrecision(DIGITS)))
}

/** All axes where every scenario can have a bar; else those that explain latency most, as far as the bars go. */
function groupingAxes(model: ReportModel, known: readonly ScenarioReport[]): string[] {
  if (known.length <= MOST_ROWS) return model.axes
  const metrics = [model.metrics.get('latency_per_row_us') ?? model.metrics.get(model.latency)].flatMap(
    (m) => m ?? [],
  )
  const { colour, shape } = encodeAxes(known, model.axes, metrics, null)
  const few = (keys: readonly string[]) =>
    new Set(known.map((scenario) => labelOf(scenario, keys))).size <= MOST_ROWS
  const keys = [colour?.key, shape?.key].filter((key) => key !== undefined)
  if (keys.length === 0) return model.axes
  return few(keys) ? model.axes.filter((key) => keys.includes(key)) : keys.slice(0, 1)
}

function labelOf({ point, label }: ScenarioReport, keys: readonly string[]): string {
  if (keys.length === 0) return plain(label)
  return keys.length === 1
    ? settingLabel(keys[0]!, point[keys[0]!])
    : keys.map((key) => settingLabel(key, point[key])).join(', ')
}

function headline(
  known: readonly ScenarioReport[],
  logs: ReadonlyMap<string, LogSummary>,
  names: readonly string[],
): string {
  const parts = partNames(names)
  const each = known.map(({ id }) => partsOf(logs.get(id)!, parts))
  const means = parts.map((name, i) => ({ name, us: mean(each.map((us) => us[i]!)) }))
  const total = means.reduce((sum, { us }) => sum + us, 0)
  const named = means.filter(({ name }) => name !== REST && name !== OTHERS)
  const [first, second] = named.sort((a, b) => b.us - a.us)
  if (first === undefined || total <= 0) return 'Time of a step by operator'
  const share = (us: number) => formatShare(us / total, 2)
  const next = second === undefined || second.us <= 0 ? '' : `, ${plain(second.name)} ${share(second.us)}`
  return `${capitalised(plain(first.name))} takes ${share(first.us)} of the time of a step${next}`
}

function captionOf(known: number, bars: readonly Bar[], logs: ReadonlyMap<string, LogSummary>): string[] {
  const isGrouped = bars.some(({ scenarios }) => scenarios.length > 1)
  const left = bars.length - MOST_ROWS
  return [
    `Time on the clock, throttling included, of one trial per scenario, the first with a chunk log.${isGrouped ? ` Bars: means over the ${wholeNumber(known)} scenarios with these values.` : ''}${sampleText(logs)}`,
    ...(left > 0 ? [`${count(left, 'more bar')} left out.`] : []),
  ]
}
