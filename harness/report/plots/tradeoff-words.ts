/** Title and small print of a trade-off picture. */
import { count, formatMetric, formatNumber, wholeNumber } from '../../format.ts'
import { capitalised, chunkSizesText, metricName } from '../text/words.ts'
import type { ReportModel } from '../types.ts'
import type { Point } from './front.ts'
import type { Picture } from './tradeoff-layout.ts'

/** What one sees, in a line. */
export function headline({ front, points, cost, accuracy }: Picture): string {
  const [first, last] = [front[0]!, front.at(-1)!]
  const name = metricName(accuracy.name)
  const show = (point: Point) =>
    `${name} ${formatMetric(point.y.value, accuracy.unit)} at ${formatMetric(point.x.value, cost.unit)}`
  if (points.length === 1) return capitalised(show(first))
  if (points.every(({ y }) => y.value === first.y.value)) {
    const range = `${formatMetric(points[0]!.x.value, cost.unit)} to ${formatMetric(points.at(-1)!.x.value, cost.unit)}`
    return `${capitalised(name)} is ${formatMetric(first.y.value, accuracy.unit)} throughout, the ${costWord(cost.name)} ${range}`
  }
  if (front.length === 1) return `${capitalised(show(first))}: no other scenario is better at either`
  const factor = last.x.value / first.x.value
  const price = factor >= 1.1 ? `, for ${formatNumber(factor)} times the ${costWord(cost.name)}` : ''
  return `${capitalised(name)} from ${formatMetric(first.y.value, accuracy.unit)} to ${formatMetric(last.y.value, accuracy.unit)}${price}`
}

/** Why a picture shows latency per row, where it does. */
export function perRowText(model: ReportModel): string[] {
  const sizes = chunkSizesText(model.differing_chunks)
  return sizes === null ? [] : [`Chunks hold ${sizes}, so latency is per row: total latency over total rows.`]
}

function isLatency(name: string): boolean {
  return name.startsWith('latency')
}

function costWord(name: string): string {
  if (isLatency(name)) return 'latency'
  return metricName(name).replace(/^peak /, '')
}

export function captionOf(
  model: ReportModel,
  { points, front, cost, accuracy, intervals, cut, far, encoding }: Picture,
): string[] {
  const missing = model.scenarios.length - points.length
  const deterministic = accuracy.kind === 'deterministic'
  const known = points.some(({ x, y }) => x.low !== null || y.low !== null)
  const exact = deterministic ? `; ${metricName(accuracy.name)} is deterministic and needs none` : ''
  const bars = !known
    ? ' One value has no interval.'
    : intervals
      ? ` Bars: 95% confidence interval of the mean, one value per trial${exact}.`
      : ' Intervals are left out here and stand in constraint_experiment.csv.'
  const labelled = encoding.others.length > 0 ? ' Labels name what colour and shape do not.' : ''
  return [
    `Points: means over the ok trials of a scenario.${bars}`,
    ...(points.length > 1
      ? [
          `Line: the best ${metricName(accuracy.name)} within a given ${costWord(cost.name)}; ${wholeNumber(front.length)} of ${count(points.length, 'scenario')} ${front.length === 1 ? 'is' : 'are'} on it.${labelled}`,
        ]
      : []),
    ...(cut ? ['Bars that end at the edge of the picture go on beyond it.'] : []),
    ...(isLatency(cost.name) ? perRowText(model) : []),
    ...(missing > 0
      ? [`${count(missing, 'scenario')} without a usable trial ${missing === 1 ? 'is' : 'are'} not shown.`]
      : []),
    ...far.map(({ text }) => `${text}, above this picture.`),
  ]
}
