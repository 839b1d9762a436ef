/** Event latency under load: how it rises with the rate of arrivals, and from which rate on a load is not sustained. */
import { formatNumber, wholeNumber } from '../../format.ts'
import type { Plot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { capitalised, labelWords, scalarText, settingLabel, settingName, settingTitle } from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { LABEL_LINE, labelLayers, placeLabels } from './labels.ts'
import { numbersAlong, type PlotScale, position, scaleOfLevels, scaleOver } from './scale.ts'
import { captionLayer, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, MUTED, palette } from './theme.ts'

const ALT = 'Median and 99th percentile of event latency against the rate of arrivals, a colour per setting'
const WIDTH = 660
const HEIGHT = 400
const RATE = 'arrival.rate'
const PERCENTILES = [
  { name: 'event_latency_p99_ms', words: '99th percentile' },
  { name: 'event_latency_p50_ms', words: 'median' },
] as const
/** Of the largest marks, px. */
const RADIUS = 6
const STATES = ['sustained', 'not sustained', 'not known whether sustained'] as const
const MARKS = ['circle', 'cross', 'diamond']
/** More lines than a reader can tell apart. */
const MOST_LINES = 8

interface LoadPoint {
  about: string
  label: string
  rate: number
  ms: number
  percentile: string
  /** The other axes' values. */
  setting: string
  state: (typeof STATES)[number]
  shown: string
}

export function loadPlot(model: ReportModel, file: string): Plot {
  const points = model.scenarios.flatMap((scenario) => pointsOf(scenario, model.axes))
  if (points.length === 0) {
    const isRealtime = model.scenarios.some(({ point }) => point['mode'] === 'realtime')
    const skipped = isRealtime
      ? 'no ok trial knows its event latency and rate'
      : 'no scenario runs in real time'
    return { file, alt: ALT, skipped }
  }
  const others = model.axes.filter((key) => key !== RATE)
  const settings = [...new Set(points.map(({ setting }) => setting))]
  if (settings.length > MOST_LINES)
    return {
      file,
      alt: ALT,
      skipped: `it would have ${settings.length} lines; run fewer axes beside ${RATE}`,
    }
  const makeSpec = () => {
    const x = scaleOfLevels(points.map(({ rate }) => Number(rate.toPrecision(4))))
    const deadlines = [...new Set(model.scenarios.map(({ point }) => point['deadline_ms']))]
    const deadline = deadlines.length === 1 && typeof deadlines[0] === 'number' ? deadlines[0] : null
    const y = scaleOver([...points.map(({ ms }) => ms), ...(deadline === null ? [] : [deadline])], {
      log: true,
    })
    const along = numbersAlong('rate', x, settingTitle(RATE))
    const encoding = {
      x: { ...along, axis: { ...along.axis, labelOverlap: 'greedy' } },
      y: numbersAlong('ms', y, 'Event latency (ms)'),
      color: {
        field: 'setting',
        type: 'nominal',
        scale: { domain: settings, range: palette(settings.length) },
        legend:
          settings.length > 1
            ? { title: others.length === 1 ? capitalised(settingName(others[0]!)) : null }
            : null,
      },
    }
    const hasLines = new Set(points.map(({ rate }) => rate)).size > 1
    const states = STATES.filter((state) => points.some((point) => point.state === state))
    return {
      ...pictureFrame(ALT, headline(model.scenarios), pictureSubtitle(model), WIDTH),
      width: WIDTH,
      height: HEIGHT,
      layer: [
        ...(deadline === null
          ? []
          : [
              {
                name: 'deadline',
                data: { values: [{ ms: deadline }] },
                mark: { type: 'rule', color: MUTED, strokeDash: [4, 4] },
                encoding: { y: { ...encoding.y, axis: undefined } },
              },
            ]),
        {
          name: 'lines',
          data: { values: points },
          mark: { type: 'line', strokeWidth: 2 },
          encoding: {
            ...encoding,
            strokeDash: {
              field: 'percentile',
              type: 'nominal',
              scale: {
                domain: PERCENTILES.map(({ words }) => words),
                range: [
                  [1, 0],
                  [6, 4],
                ],
              },
              // At one rate there is no line.
              legend: hasLines ? { title: null } : null,
            },
          },
        },
        {
          name: 'points',
          data: { values: points },
          mark: { type: 'point', filled: true, opacity: 1 },
          encoding: {
            ...encoding,
            // At one rate there is no line to tell them apart.
            size: {
              condition: { test: `datum.percentile == '${PERCENTILES[0].words}'`, value: 110 },
              value: 45,
            },
            shape: {
              field: 'state',
              type: 'nominal',
              scale: {
                domain: states,
                range: states.map((state) => MARKS[STATES.indexOf(state)]),
              },
              legend: { title: null, symbolFillColor: MUTED, symbolStrokeWidth: 0 },
            },
            tooltip: [
              { field: 'label', title: 'Scenario' },
              { field: 'percentile', title: 'Event latency' },
              { field: 'shown', title: 'ms' },
            ],
          },
        },
        ...labelLayers(labelsOf(points, settings, x, y)),
        captionLayer([captionOf(deadline)], HEIGHT + 78, WIDTH),
      ],
    }
  }
  return drawnBy({ file, alt: ALT }, makeSpec)
}

/** The rate that its trials met, where none was asked for. */
function rateOf({ point, metrics }: ScenarioReport): number | null {
  const asked = point[RATE]
  return typeof asked === 'number' ? asked : (metrics['offered_rows_s']?.value ?? null)
}

function pointsOf(scenario: ScenarioReport, axes: readonly string[]): LoadPoint[] {
  const rate = rateOf(scenario)
  if (rate === null) return []
  const { id, label, point, metrics } = scenario
  const keys = axes.filter((key) => key !== RATE)
  // One key is the legend's title.
  const words = keys.map((key) =>
    keys.length === 1 ? scalarText(point[key]) : settingLabel(key, point[key]),
  )
  const setting = words.join(', ') || 'all'
  return PERCENTILES.flatMap(({ name, words: percentile }) => {
    const ms = metrics[name]?.value ?? null
    // A log scale has no 0.
    if (ms === null || ms <= 0) return []
    const state = stateOf(scenario)
    const tip = { label: labelWords(label), percentile, shown: formatNumber(ms) }
    return [{ about: id, ...tip, rate, ms, setting, state }]
  })
}

/** Each setting at the end of its upper line, for print and eyes that see no colour; none where there is one setting. */
function labelsOf(points: readonly LoadPoint[], settings: readonly string[], xs: PlotScale, ys: PlotScale) {
  if (settings.length < 2) return []
  const upper = points.filter(({ percentile }) => percentile === PERCENTILES[0].words)
  const pixels = ({ rate, ms }: LoadPoint) => ({
    x: position(xs, rate) * WIDTH,
    y: (1 - position(ys, ms)) * HEIGHT,
  })
  const ends = settings.flatMap((setting) => {
    const own = upper.filter((point) => point.setting === setting)
    return own.length === 0 ? [] : [own.reduce((a, b) => (b.rate > a.rate ? b : a))]
  })
  const places = placeLabels(
    ends.map((point) => ({
      ...pixels(point),
      width: textWidth(point.setting, FONT_SIZE.label),
      height: LABEL_LINE,
    })),
    points.map((point) => {
      const { x, y } = pixels(point)
      return { x0: x - RADIUS, x1: x + RADIUS, y0: y - RADIUS, y1: y + RADIUS }
    }),
    { x0: 0, x1: WIDTH + 20, y0: -10, y1: HEIGHT - 2 },
  )
  return ends.flatMap(({ about, setting }, i) => {
    const place = places[i]
    // Further away it would name another line.
    return place && place.leader === null ? [{ about, text: setting, x: place.x, y: place.y }] : []
  })
}

/** Of all its trials that could tell. */
function stateOf({ metrics }: ScenarioReport): LoadPoint['state'] {
  const sustained = metrics['sustained']?.value ?? null
  return sustained === null ? STATES[2] : STATES[sustained === 1 ? 0 : 1]
}

function headline(scenarios: readonly ScenarioReport[]): string {
  const told = scenarios.filter((scenario) => stateOf(scenario) !== STATES[2])
  const held = told.filter((scenario) => stateOf(scenario) === STATES[0])
  if (told.length === 0) return 'Event latency by rate; no trial could tell whether its rate was sustained'
  const every = told.length === scenarios.length ? 'that was offered' : 'of those that could be judged'
  if (held.length === told.length) return `Every rate ${every} was sustained`
  if (held.length === 0) return `No rate ${every} was sustained`
  const most = Math.max(...held.map((scenario) => rateOf(scenario) ?? 0))
  return `${wholeNumber(held.length)} of ${wholeNumber(told.length)} loads were sustained, up to ${formatNumber(most)} events per second`
}

function captionOf(deadline: number | null): string {
  const line = deadline === null ? '' : ` Dashed grey: the deadline, ${scalarText(deadline)} ms.`
  return `From the arrival of an event to its answer, waiting included; means over the trials. Large marks: the 99th percentile; small ones: the median. Crosses: the backlog grew or events were given up in some trial, so that latency depends on how long the trial was.${line}`
}
