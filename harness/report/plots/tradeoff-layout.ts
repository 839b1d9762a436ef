/** What a trade-off picture shows and on which scales, before it is a spec. */
import type { Metric } from '../../metrics.ts'
import type { ReportModel } from '../types.ts'
import { type AxesEncoding, encodeAxes } from './encode.ts'
import { extent, type Point } from './front.ts'
import { type Reference, referencesFor } from './references.ts'
import { type PlotScale, scaleOver } from './scale.ts'

export const WIDTH = 820
export const HEIGHT = 460
/** Above this many points, intervals would hide the picture. */
const MAX_INTERVALS = 150

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
  const [yLeast, yMost] = room(points.map(({ y }) => y.value))
  const xValues = xEnds.map((value) => clamp(value, xLeast, xMost))
  const yValues = yEnds.map((value) => clamp(value, yLeast, yMost))
  const { shown, far } = referencesFor(model, accuracy.name, yValues)
  return {
    points,
    front: points.filter((point) => point.front),
    cost,
    accuracy,
    encoding: encodeAxes(
      model.scenarios,
      model.axes,
      [model.latency, 'peak_memory_mb', accuracy.name].flatMap((name) => model.metrics.get(name) ?? []),
    ),
    xs: scaleOver(xValues, { log }),
    ys: scaleOver([...yValues, ...shown.map(({ value }) => value)], { air: 0.1, log: false }),
    shown,
    far,
    intervals,
    cut: xEnds.some((value, i) => value !== xValues[i]) || yEnds.some((value, i) => value !== yValues[i]),
  }
}

/** How far intervals may stretch a linear axis: as far again as the means reach, and not below zero for nothing. */
function room(means: readonly number[]): [least: number, most: number] {
  const low = means.reduce((a, b) => Math.min(a, b))
  const high = means.reduce((a, b) => Math.max(a, b))
  const span = Math.max(high - low, Math.abs(high) / 2)
  return [low >= 0 ? Math.max(0, low - span) : low - span, high + span]
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
