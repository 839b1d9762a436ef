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
}

/** @param points at least one, cheapest first */
export function layOut(model: ReportModel, points: Point[], cost: Metric, accuracy: Metric): Picture {
  const intervals = points.length <= MAX_INTERVALS
  const spread = (estimate: Point['x']) => (intervals ? extent(estimate) : [estimate.value])
  const means = points.map(({ x }) => x.value)
  const log = means[0]! > 0 && means.at(-1)! / means[0]! > 10
  // An interval may reach below zero, where a log axis cannot follow: it is cut at half the smallest mean.
  const xValues = points
    .flatMap(({ x }) => spread(x))
    .map((value) => (log ? Math.max(value, means[0]! / 2) : value))
  const yValues = points.flatMap(({ y }) => spread(y))
  const { shown, far } = referencesFor(model, accuracy.name, yValues)
  return {
    points,
    front: points.filter((point) => point.front),
    cost,
    accuracy,
    encoding: encodeAxes(model.scenarios, model.axes),
    xs: scaleOver(xValues, { log }),
    ys: scaleOver([...yValues, ...shown.map(({ value }) => value)], { air: 0.1, log: false }),
    shown,
    far,
    intervals,
  }
}
