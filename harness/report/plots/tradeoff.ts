/** Cost against quality: a point per scenario, its intervals, and the front that nothing beats on both. */

import { membersOf } from '../../analyse/comparison.ts'
import { paretoFrontier } from '../../analyse/front.ts'
import { count, formatMetric, formatNumber, list, wholeNumber } from '../../format.ts'
import type { Metric } from '../../metrics.ts'
import type { Plot, TextAxis, TextPlot } from '../section.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import {
  capitalised,
  chunkSizesText,
  labelWords,
  metricName,
  metricTitle,
  scalarText,
  settingLabel,
  settingName,
} from '../words.ts'
import { drawnBy } from './drawn-by.ts'
import { levelChannels, levelOf, shapesTellColours } from './encode.ts'
import { type Box, LABEL_LINE, labelLayers, pixel, placeLabels } from './labels.ts'
import { numbersAlong, type PlotScale, position, scaleOver, tickText } from './scale.ts'
import { captionLayer, pictureFrame, pictureSubtitle, textWidth } from './text.ts'
import { FONT_SIZE, MUTED, REFERENCE } from './theme.ts'
import { clamp, HEIGHT, layOut, type Picture, type Point, pointsOf, WIDTH } from './tradeoff-layout.ts'

const CAPTION_Y = HEIGHT + 78
const TEXT_WIDTH = WIDTH + 120
const POINT_SIZE = { few: 130, many: 36 }

export type Tradeoff = 'latency' | 'memory' | 'energy' | 'throughput'

/** Accuracy against a cost, or throughput against memory. */
export function tradeoffPlot(model: ReportModel, of: Tradeoff, file: string): Plot {
  const costName = of === 'latency' ? model.latency : of === 'energy' ? 'energy_j' : 'peak_memory_mb'
  const valueName = of === 'throughput' ? 'throughput_rows_s' : model.accuracy
  const what = valueName === model.accuracy ? 'accuracy' : 'throughput'
  const alt =
    of === 'throughput'
      ? 'Throughput against peak memory, a point per scenario'
      : `${capitalised(metricName(costName))} against accuracy, a point per scenario`
  const cost = model.metrics.get(costName)
  if (!cost || !model.measured.includes(costName))
    return { file, alt, skipped: `nothing measured ${metricName(costName)}` }
  if (valueName === null) return { file, alt, skipped: 'the workload names no accuracy metric' }
  const value = model.metrics.get(valueName)
  if (!value) return { file, alt, skipped: `the workload does not declare its ${what} metric ${valueName}` }
  const points = pointsOf(model.scenarios, cost.name, value.name, frontOf(model, of, cost, value))
  if (points.length === 0) {
    return {
      file,
      alt,
      skipped: `no ok trial knows both ${metricName(cost.name)} and ${metricName(value.name)}`,
    }
  }
  const picture = layOut(model, points, cost, value)
  const isMain = of === 'latency' && points.length >= LEAST_TEXT_POINTS
  const said = { file, alt, ...(isMain && { text: textOf(model, picture) }) }
  return drawnBy(said, () => specOf(model, picture, alt))
}

/** Fewer are told by the table. */
const LEAST_TEXT_POINTS = 3

function textOf({ recommendation }: ReportModel, { points, cost, accuracy, xs, ys }: Picture): TextPlot {
  const isChoice = recommendation !== null && recommendation.reason !== 'nothing_meets'
  const chosen = isChoice && recommendation.choice !== null ? membersOf(recommendation.choice.scenario) : []
  const axis = (metric: Metric, { type, domain, ticks }: PlotScale): TextAxis => ({
    title: metricTitle(metric) + (type === 'log' ? ', log scale' : ''),
    domain,
    isLog: type === 'log',
    ticks: ticks.map((value) => ({ value, text: tickText(value) })),
  })
  return {
    // Without intervals there is no need of their room.
    x: axis(
      cost,
      scaleOver(
        points.map(({ x }) => x.value),
        { log: xs.type === 'log' },
      ),
    ),
    y: axis(
      accuracy,
      scaleOver(
        points.map(({ y }) => y.value),
        { log: ys.type === 'log' },
      ),
    ),
    points: points.map(({ scenario, x, y, front }) => ({
      x: x.value,
      y: y.value,
      kind: chosen.includes(scenario.id) ? 'recommended' : front ? 'front' : 'other',
    })),
  }
}

function frontOf({ scenarios }: ReportModel, of: Tradeoff, cost: Metric, value: Metric) {
  if (of === 'latency' || of === 'memory') return ({ front }: ScenarioReport) => front[of]
  const on = paretoFrontier(scenarios, cost, value)
  return ({ id }: ScenarioReport) => on.has(id)
}

function specOf(model: ReportModel, picture: Picture, alt: string) {
  const { points, front, cost, accuracy, encoding, xs, ys, shown, intervals } = picture
  // The front is drawn last, over the others.
  const rows = points.map((point) => row(point, picture)).sort((a, b) => Number(a.front) - Number(b.front))
  const labels = labelsOf(picture)
  const channels = levelChannels(
    encoding,
    points.map(({ scenario }) => scenario),
  )
  // In the page, a click on a legend dims the others; in the picture all are shown.
  const picked = [
    ...(encoding.colour ? [{ name: 'pick_colour', field: 'colour' }] : []),
    ...(encoding.shape ? [{ name: 'pick_shape', field: 'shape' }] : []),
  ]
  const size = intervals ? POINT_SIZE.few : POINT_SIZE.many
  const x = numbersAlong('x', xs, metricTitle(cost))
  const y = numbersAlong('y', ys, metricTitle(accuracy))
  const at = { ...y, field: 'drawn' }
  const rule = { type: 'rule', strokeWidth: 1.6, opacity: 0.55 }
  return {
    ...pictureFrame(
      alt,
      headline(picture, model.manifest.sweep.compare.margin).replace(/-(?=\d)/g, '−'),
      pictureSubtitle(model),
      TEXT_WIDTH,
    ),
    width: WIDTH,
    height: HEIGHT,
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
        encoding: { x: { ...x, field: 'xlow' }, x2: { field: 'xhigh' }, y: at, color: channels.color },
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
          y: at,
          color: channels.color,
          shape: channels.shape,
          size: { condition: { test: 'datum.front', value: size * 1.5 }, value: size },
          opacity: opacityOf(picked, intervals ? 0.75 : 0.6),
          tooltip: Object.keys(rows[0]!.tip).map((field) => ({ field: `tip['${field}']`, title: field })),
        },
      },
      {
        name: 'leader',
        data: { values: labels.flatMap(({ leader }) => (leader ? [leader] : [])) },
        mark: { type: 'rule', stroke: REFERENCE, strokeWidth: 1 },
        encoding: { x: pixel('x0'), x2: { field: 'x1' }, y: pixel('y0'), y2: { field: 'y1' } },
      },
      ...labelLayers(labels),
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

function row(point: Point, { xs, ys, cost, accuracy, encoding, drawn }: Picture) {
  const { scenario, x, y, front } = point
  const within = (value: number, { domain }: PlotScale) => clamp(value, ...domain)
  const range = (estimate: Point['x'], scale: PlotScale) => {
    if (estimate.low === null || estimate.high === null || !(estimate.high > estimate.low))
      return [null, null]
    return [within(estimate.low, scale), within(estimate.high, scale)]
  }
  const [xlow, xhigh] = range(x, xs)
  const [ylow, yhigh] = range(y, ys)
  return {
    about: scenario.id,
    x: x.value,
    xlow,
    xhigh,
    y: y.value,
    drawn: drawn.get(point) ?? y.value,
    ylow,
    yhigh,
    front,
    colour: levelOf(scenario, encoding.colour),
    shape: levelOf(scenario, encoding.shape),
    tip: {
      Scenario: labelWords(scenario.label),
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

// ---------------------------------------------------------------- the labels beside points

/** More points than these have no room for a label each. */
const MOST_LABELLED = 40

interface Label {
  /** The scenario's id. */
  about: string
  quiet: boolean
  /** Centre of the text, px. */
  x: number
  y: number
  text: string
  /** From the point to the text, where they are apart. */
  leader: { about: string; x0: number; y0: number; x1: number; y1: number } | null
}

/** Of these axes, those along which the points differ. */
function differing(points: readonly Point[], keys: readonly string[]): string[] {
  return keys.filter((key) => new Set(points.map(({ scenario }) => scenario.point[key])).size > 1)
}

/** Which points have a label, and which axes it names. */
interface Labelled {
  points: readonly Point[]
  /** That nothing else tells. */
  others: string[]
  /** That is told by a colour only, which not every print and every eye has. */
  byColour: string | null
}

function labelledOf({ points, front, encoding }: Picture): Labelled {
  const others = differing(front, encoding.others)
  const byColour = encoding.colour === null || shapesTellColours(encoding) ? null : encoding.colour.key
  const isAll = byColour !== null && encoding.others.length === 0 && points.length <= MOST_LABELLED
  // The front takes its places first.
  return {
    points: isAll ? [...points].sort((a, b) => Number(b.front) - Number(a.front)) : front,
    others,
    byColour,
  }
}

/** `64`, below a legend that says of what; with more to tell, `chunk 64 · batch 8`. */
function labelOf({ point }: ScenarioReport, { others, byColour }: Labelled): string {
  if (others.length === 0) return byColour === null ? '' : scalarText(point[byColour])
  const keys = byColour === null ? others : [byColour, ...others]
  return keys.map((key) => settingLabel(key, point[key])).join(' · ')
}

/** What shapes do not tell, written beside points. */
function labelsOf(picture: Picture): Label[] {
  const { points, front, xs, ys, shown, intervals, drawn } = picture
  const labelled = labelledOf(picture)
  const texts = labelled.points.map(({ scenario }) => labelOf(scenario, labelled))
  const pixels = (x: number, y: number) => ({ x: position(xs, x) * WIDTH, y: (1 - position(ys, y)) * HEIGHT })
  const obstacles: Box[] = shown.map(({ value, text }) => {
    const { y } = pixels(xs.domain[0], value)
    return { x0: 0, x1: textWidth(text, FONT_SIZE.label) + 8, y0: y - LABEL_LINE - 6, y1: y + 2 }
  })
  for (const point of points) {
    const { x } = point
    const height = drawn.get(point) ?? point.y.value
    const at = pixels(x.value, height)
    const radius = intervals ? 8 : 4
    obstacles.push({ x0: at.x - radius, x1: at.x + radius, y0: at.y - radius, y1: at.y + radius })
    if (!intervals || x.low === null || x.high === null) continue
    const from = pixels(Math.max(x.low, xs.domain[0]), height)
    obstacles.push({ x0: from.x, x1: pixels(x.high, height).x, y0: at.y - 1, y1: at.y + 1 })
  }
  for (const [i, point] of front.entries()) {
    const from = pixels(point.x.value, point.y.value)
    const next = front[i + 1]
    if (!next) continue
    const to = pixels(next.x.value, next.y.value)
    obstacles.push({ x0: from.x, x1: to.x, y0: from.y - 1, y1: from.y + 1 })
    obstacles.push({ x0: to.x - 1, x1: to.x + 1, y0: to.y, y1: from.y })
  }
  const anchors = labelled.points.map((point, i) => ({
    about: point.scenario.id,
    quiet: !point.front,
    same: `${point.x.value} ${point.y.value}`,
    ...pixels(point.x.value, drawn.get(point) ?? point.y.value),
    width: textWidth(texts[i]!, FONT_SIZE.label),
    height: LABEL_LINE,
  }))
  const isAlone = ({ same }: { same: string }) => anchors.filter((other) => other.same === same).length === 1
  const wanted = anchors
    .map((anchor, i) => ({ anchor, text: texts[i]! }))
    .filter(({ anchor, text }) => text !== '' && isAlone(anchor))
  const places = placeLabels(
    wanted.map(({ anchor }) => anchor),
    obstacles,
    { x0: 0, x1: WIDTH + 14, y0: -4, y1: HEIGHT - 2 },
  )
  return wanted.flatMap(({ anchor, text }, i) => {
    const place = places[i]
    const { about, quiet } = anchor
    // One of many numbers is read beside its point, or not at all.
    if (!place || (quiet && place.leader)) return []
    const leader = place.leader && {
      about,
      x0: anchor.x,
      y0: anchor.y,
      x1: place.leader.x,
      y1: place.leader.y,
    }
    return [{ about, quiet, x: place.x, y: place.y, text, leader }]
  })
}

/** What labels say, and what all points of the front share that nothing shows. */
function labelNote(picture: Picture): string {
  const { points, front, encoding } = picture
  const { points: labelled, others, byColour } = labelledOf(picture)
  // Points in one place have no labels.
  const isTied = front.length > 1 && new Set(front.map(({ x, y }) => `${x.value} ${y.value}`)).size === 1
  const colour = byColour === null ? '' : `the ${settingName(byColour)}`
  const what = labelled.length < points.length ? 'points of the front' : 'points'
  const said =
    isTied || (others.length === 0 && colour === '')
      ? ''
      : others.length === 0
        ? ` Beside ${what}: ${colour}.`
        : ` Labels name ${colour === '' ? '' : `${colour} and `}what colour and shape do not.`
  const alike = encoding.others
    .filter((key) => !others.includes(key))
    .map((key) => settingLabel(key, front[0]!.scenario.point[key]))
  return said + (alike.length === 0 ? '' : ` All of those: ${alike.join(', ')}.`)
}

// ---------------------------------------------------------------- title and small print of a trade-off picture

/**
 * What one sees, in a line.
 * @param margin of accuracy that does not matter
 */
export function headline({ front, points, cost, accuracy }: Picture, margin: number): string {
  const [first, last] = [front[0]!, front.at(-1)!]
  const name = metricName(accuracy.name)
  // A title gives no more digits than one remembers.
  const about = (value: number, unit: string) => formatMetric(Number(value.toPrecision(3)), unit)
  const show = (point: Point) =>
    `${name} ${about(point.y.value, accuracy.unit)} at ${about(point.x.value, cost.unit)}`
  if (points.length === 1) return capitalised(show(first))
  if (points.every(({ y }) => y.value === first.y.value)) {
    const [least, most] = [points[0]!, points.at(-1)!].map(({ x }) => about(x.value, cost.unit))
    const range = least === most ? `${least} too` : `${least} to ${most}`
    return `${capitalised(name)} is ${about(first.y.value, accuracy.unit)} throughout, the ${costWord(cost.name)} ${range}`
  }
  if (front.length > 1 && front.every(({ x, y }) => x.value === first.x.value && y.value === first.y.value))
    return `${capitalised(show(first))} in ${count(front.length, 'scenario')}: no other is better at either`
  if (front.length === 1) return `${capitalised(show(first))}: no other scenario is better at either`
  const scores = points.map(({ y }) => y.value)
  const [low, high] = [Math.min(...scores), Math.max(...scores)]
  if (high - low <= (accuracy.signed === true ? margin : margin * Math.abs(high))) {
    const costs = points.map(({ x }) => x.value)
    const [least, most] = [Math.min(...costs), Math.max(...costs)]
    const range = `${formatNumber(least)} to ${formatMetric(most, cost.unit)}`
    return `${capitalised(name)} ${formatMetric(low, accuracy.unit)} to ${formatMetric(high, accuracy.unit)}, the same within the margin; ${costWord(cost.name)} ${range}`
  }
  const factor = last.x.value / first.x.value
  const price = factor >= 1.1 ? `, for ${formatNumber(factor)} times the ${costWord(cost.name)}` : ''
  return `${capitalised(name)} from ${about(first.y.value, accuracy.unit)} to ${about(last.y.value, accuracy.unit)}${price}`
}

/** Why a picture shows latency per row, where it does. */
export function perRowText(model: ReportModel): string[] {
  const sizes = chunkSizesText(model.differing_chunks)
  return sizes === null ? [] : [`Chunks hold ${sizes}, so latency is per row: total latency over total rows.`]
}

function energyText(points: readonly Point[]): string[] {
  const sources = [...new Set(points.flatMap(({ scenario }) => scenario.energy_source ?? []))]
  return sources.length === 0 ? [] : [`Energy by ${list(sources)}.`]
}

function isLatency(name: string): boolean {
  return name.startsWith('latency')
}

function costWord(name: string): string {
  if (isLatency(name)) return 'latency'
  return metricName(name).replace(/^peak /, '')
}

function captionOf(model: ReportModel, picture: Picture): string[] {
  const { points, front, cost, accuracy, intervals, cut, far, drawn } = picture
  const missing = model.scenarios.length - points.length
  const deterministic = accuracy.kind === 'deterministic'
  const known = points.some(({ x, y }) => x.low !== null || y.low !== null)
  const exact = deterministic ? `; ${metricName(accuracy.name)} is deterministic and needs none` : ''
  const bars = !known
    ? ' One value has no interval.'
    : intervals
      ? ` Bars: 95% confidence interval of the mean, one value per trial${exact}.`
      : ' Intervals are left out here and stand in constraint_experiment.csv.'
  const isMoved = points.some((point) => drawn.get(point) !== point.y.value)
  return [
    `Points: means over the ok trials of a scenario.${bars}${isMoved ? ` Points of one ${metricName(accuracy.name)} that would cover each other stand above or below it.` : ''}`,
    ...(points.length > 1
      ? [
          `Line: the best ${metricName(accuracy.name)} within a given ${costWord(cost.name)}; ${wholeNumber(front.length)} of ${count(points.length, 'scenario')} ${front.length === 1 ? 'is' : 'are'} on it.${labelNote(picture)}`,
        ]
      : []),
    ...(cut ? ['Bars that end at the edge of the picture go on beyond it.'] : []),
    ...(isLatency(cost.name) ? perRowText(model) : []),
    ...(cost.name === 'energy_j' ? energyText(points) : []),
    ...(missing > 0
      ? [`${count(missing, 'scenario')} without a usable trial ${missing === 1 ? 'is' : 'are'} not shown.`]
      : []),
    ...far.map(({ text }) => `${text}, above this picture.`),
  ]
}
