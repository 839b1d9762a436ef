/** What a trade-off picture shows and on which scales, before it is a spec. */

import type { Estimate } from '../../analyse/descriptive.ts'
import { formatNumber } from '../../format.ts'
import type { Metric } from '../../metrics.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'
import { type AxesEncoding, encodeAxes } from './encode.ts'
import { type PlotScale, position, scaleOver } from './scale.ts'

export const WIDTH = 820
export const HEIGHT = 460
/** Above this many points, intervals would hide the picture. */
const MAX_INTERVALS = 80

export interface Picture {
  points: Point[]
  front: Point[]
  cost: Metric
  accuracy: Metric
  encoding: AxesEncoding
  xs: PlotScale
  ys: PlotScale
  shown: Reference[]
  far: Reference[]
  /** Whether intervals are drawn. */
  intervals: boolean
  /** Whether some interval reaches beyond the picture. */
  cut: boolean
  /** Where each point is drawn on the vertical axis: beside its value where it would lie on others. */
  drawn: ReadonlyMap<Point, number>
}

/** @param points at least one, cheapest first */
export function layOut(model: ReportModel, points: Point[], cost: Metric, accuracy: Metric): Picture {
  const intervals = points.length <= MAX_INTERVALS
  const ends = (estimate: Point['x']) => (intervals ? extent(estimate) : [estimate.value])
  const means = points.map(({ x }) => x.value)
  const log = means[0]! > 0 && means.at(-1)! / means[0]! > 10
  const xEnds = points.flatMap(({ x }) => ends(x))
  const yEnds = points.flatMap(({ y }) => ends(y))
  const [xLeast, xMost] = log ? [means[0]! / 2, means.at(-1)! * 2] : room(means)
  const scores = points.map(({ y }) => y.value)
  const [lowest, highest] = [Math.min(...scores), Math.max(...scores)]
  const yLog = accuracy.scale === 'log' && lowest > 0 && highest / lowest > 10
  const [yLeast, yMost] = yLog ? [lowest / 2, highest * 2] : room(scores)
  const xValues = xEnds.map((value) => clamp(value, xLeast, xMost))
  const yValues = yEnds.map((value) => clamp(value, yLeast, yMost))
  const { shown, far } = referencesFor(model, accuracy.name, yValues)
  const xs = scaleOver(xValues, { log })
  const ys = scaleOver([...yValues, ...shown.map(({ value }) => value)], { air: 0.1, log: yLog })
  const lines = oneText(shown, (value) => position(ys, value) * HEIGHT)
  return {
    points,
    front: points.filter((point) => point.front),
    cost,
    accuracy,
    encoding: encodeAxes(
      model.scenarios,
      model.axes,
      [model.latency, 'peak_memory_mb', accuracy.name].flatMap((name) => model.metrics.get(name) ?? []),
      model.sensitivity,
    ),
    xs,
    ys,
    drawn: apart(points, xs, ys, intervals ? APART.few : APART.many),
    shown: lines,
    far,
    intervals,
    cut: xEnds.some((value, i) => value !== xValues[i]) || yEnds.some((value, i) => value !== yValues[i]),
  }
}

// ---------------------------------------------------------------- points of one value, moved apart

/** Distance between neighbours, px: about a point's width. */
const APART = { few: 10, many: 6.5 }
/** Farthest move from the true value, px. */
const FARTHEST = 30
/** Of the way to the next value, so that nobody takes a point for one of that. */
const SHARE = 0.4

/**
 * Scores without noise are often the same in many scenarios, whose points then lie in a row and cover each other: each
 * goes up or down to the nearest free place. Points of the front stay, and those with a vertical interval, which says
 * where they are.
 * @param step px
 */
function apart(
  points: readonly Point[],
  xs: PlotScale,
  ys: PlotScale,
  step: number,
): ReadonlyMap<Point, number> {
  const rows = new Map<number, Point[]>()
  for (const point of points) {
    const row = rows.get(point.y.value)
    if (row) row.push(point)
    else rows.set(point.y.value, [point])
  }
  const levels = [...rows.keys()].map((value) => position(ys, value) * HEIGHT).sort((a, b) => a - b)
  const drawn = new Map<Point, number>()
  for (const [value, row] of rows) {
    const at = position(ys, value) * HEIGHT
    const gap = levels.reduce(
      (least, other) => (other === at ? least : Math.min(least, Math.abs(other - at))),
      HEIGHT,
    )
    const most = Math.min(FARTHEST, gap * SHARE)
    const taken: { x: number; y: number }[] = []
    // Those that stay take their places first.
    for (const point of [...row].sort((a, b) => Number(stays(b)) - Number(stays(a)))) {
      const x = position(xs, point.x.value) * WIDTH
      // Of those of the front that fall together one stays.
      const isTie = point.front && taken.some((other) => other.x === x && other.y === 0)
      const isFree = (y: number) =>
        taken.every((other) => Math.hypot(other.x - x, other.y - y) >= step * 0.98)
      let y = 0
      if (!stays(point) || isTie) {
        for (let k = 1; !isFree(y); k++) {
          const next = (k % 2 === 1 ? 1 : -1) * Math.ceil(k / 2) * (step / 2)
          // Where the room ends, a point covers others after all.
          if (Math.abs(next) > most) {
            y = 0
            break
          }
          y = next
        }
      }
      taken.push({ x, y })
      drawn.set(point, y === 0 ? value : valueAt(ys, (at + y) / HEIGHT))
    }
  }
  return drawn
}

function stays({ front, y }: Point): boolean {
  return front || (y.low !== null && y.high !== null && y.high > y.low)
}

/** How far intervals may stretch a linear axis: as far again as the means reach, and not below zero for nothing. */
function room(means: readonly number[]): [least: number, most: number] {
  const low = means.reduce((a, b) => Math.min(a, b))
  const high = means.reduce((a, b) => Math.max(a, b))
  const span = Math.max(high - low, Math.abs(high) / 2)
  return [low >= 0 ? Math.max(0, low - span) : low - span, high + span]
}

function valueAt({ type, domain: [low, high] }: PlotScale, share: number): number {
  return type === 'log' ? low * (high / low) ** share : low + (high - low) * share
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

// ---------------------------------------------------------------- the points of a picture and the front among them

export interface Point {
  scenario: ScenarioReport
  x: Estimate
  y: Estimate
  /** No other point is at least as good on both and better on one. */
  front: boolean
}

/** Scenarios that know both metrics, cheapest first. */
export function pointsOf(
  scenarios: readonly ScenarioReport[],
  xName: string,
  yName: string,
  onFront: (scenario: ScenarioReport) => boolean | null,
): Point[] {
  const points: Point[] = []
  for (const scenario of scenarios) {
    const x = scenario.metrics[xName]
    const y = scenario.metrics[yName]
    if (x && y) points.push({ scenario, x, y, front: onFront(scenario) === true })
  }
  return points.sort((a, b) => a.x.value - b.x.value)
}

/** The value and the ends of its interval, where known. */
export function extent(estimate: Estimate): number[] {
  return [estimate.value, estimate.low, estimate.high].filter((value) => value !== null)
}

// ---------------------------------------------------------------- references
// Lines that give a score's worth: what no honest learner passes, and what guessing the mean would give.

interface Reference {
  value: number
  text: string
}

/** Nearer lines than this have one text, px. */
const LEAST_GAP = 20

/** Texts of lines that lie close together stand on the upper one. */
function oneText(lines: readonly Reference[], pixel: (value: number) => number): Reference[] {
  const sorted = [...lines].sort((a, b) => a.value - b.value)
  return sorted.map((line, i) => {
    const [below, above] = [sorted[i - 1], sorted[i + 1]]
    const isNear = (other: Reference | undefined) =>
      other !== undefined && Math.abs(pixel(other.value) - pixel(line.value)) < LEAST_GAP
    if (isNear(above)) return { ...line, text: '' }
    return isNear(below)
      ? { ...line, text: `${line.text}; ${below!.text.toLowerCase().replace('r²', 'R²')}` }
      : line
  })
}

/** A line may stretch the axis to so many times the range of the data. */
const MAX_STRETCH = 2.6
const SMALLEST_RANGE = 0.02

/**
 * R2 alone has such lines. `shown` are near enough to draw; `far` are put into words.
 * @param values of the score in the picture
 */
function referencesFor(
  model: ReportModel,
  metric: string,
  values: readonly number[],
): { shown: Reference[]; far: Reference[] } {
  if (metric !== 'r2') return { shown: [], far: [] }
  const low = values.reduce((a, b) => Math.min(a, b))
  const high = values.reduce((a, b) => Math.max(a, b))
  const range = Math.max(high - low, SMALLEST_RANGE)
  const ceilings = model.manifest.datasets
    .map((data) => data.ceiling_r2)
    .filter((ceiling) => ceiling !== null)
  const known = [...new Set(ceilings)].map((value) => ({
    value,
    text: `The data's own noise caps R² over all rows at ${formatNumber(value)}`,
  }))
  const shown: Reference[] = []
  const far: Reference[] = []
  for (const ceiling of known) {
    const near = Math.max(high, ceiling.value) - low <= range * MAX_STRETCH
    if (near) shown.push(ceiling)
    else far.push(ceiling)
  }
  if (low <= 0 && high >= 0) shown.push({ value: 0, text: 'Guessing the mean: R² 0' })
  return { shown, far }
}
