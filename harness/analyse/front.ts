/** The Pareto front of two metrics: which scenarios are on it, how surely, and where its knee is. */
import type { Metric } from '../metrics.ts'
import { randomStream } from '../random.ts'
import type { Group } from './comparison.ts'
import { centre, type Estimate, mean } from './descriptive.ts'
import { metricOf, metricValues, usableValues } from './values.ts'

type Direction = Pick<Metric, 'name' | 'direction'>

/** What has a place in the plane of two metrics. */
export interface Placed {
  id: string
  /** Means by name; null where not known. */
  metrics: Readonly<Record<string, Pick<Estimate, 'value'> | null>>
}

/**
 * Ids of the scenarios that no other is at least as good as on both means and better on one. Equal points all
 * stay. Scenarios without `ok` trials or without one of the means take no part; a metric without a direction
 * counts as lower is better.
 */
export function paretoFrontier(placed: readonly Placed[], x: Direction, y: Direction): Set<string> {
  const points = placed.flatMap(({ id, metrics }) => {
    const [first, second] = [metrics[x.name], metrics[y.name]]
    return first && second ? [{ id, x: costOf(first.value, x), y: costOf(second.value, y) }] : []
  })
  const on = frontOf(
    points.map((point) => point.x),
    points.map((point) => point.y),
  )
  return new Set(points.filter((_, i) => on[i]).map(({ id }) => id))
}

/** Turned so that less is better. */
function costOf(value: number, { direction }: Pick<Metric, 'direction'>): number {
  return direction === 'higher_is_better' ? -value : value
}

/** Which points no other dominates, where less is better on both. */
function frontOf(xs: readonly number[], ys: readonly number[]): boolean[] {
  const order = xs.map((_, i) => i).sort((i, j) => xs[i]! - xs[j]! || ys[i]! - ys[j]!)
  const on = xs.map(() => false)
  let best = Number.POSITIVE_INFINITY
  // Of those with the least y so far; equal points share it.
  let bestX = Number.NaN
  for (const i of order) {
    if (ys[i]! < best || (ys[i] === best && xs[i] === bestX)) {
      on[i] = true
      best = ys[i]!
      bestX = xs[i]!
    }
  }
  return on
}

// ---------------------------------------------------------------- how surely is it on the front?

const RESAMPLES = 1000
/** So that a sweep of thousands of scenarios takes no longer than one of hundreds. */
const MOST_DRAWS = 400_000
const FEWEST_RESAMPLES = 200

/**
 * How often each scenario is on the front when its trials are drawn again with replacement: a share by id. The two
 * metrics of a trial stay together. Of a pool over seeds, the seed is what is drawn. Deviations from the mean are
 * stretched by sqrt(n / (n - 1)), without which few trials would seem surer than they are (Davison & Hinkley 1997,
 * section 2.6). A scenario with a single value counts as exact, which `n` of its estimate shows.
 */
export function frontShares(
  groups: readonly Group[],
  x: Metric,
  y: Metric,
  options: { seed: number; resamples?: number },
): Map<string, number> {
  const known = groups
    .map((group) => ({ id: group.id, pairs: pairsOf(group, x, y) }))
    .filter(({ pairs }) => pairs.length > 0)
  const resamples =
    options.resamples ??
    Math.min(RESAMPLES, Math.max(FEWEST_RESAMPLES, Math.floor(MOST_DRAWS / Math.max(1, known.length))))
  const random = randomStream(options.seed)
  const draws = known.map(({ pairs }) => drawerOf(pairs, x, y, random))
  const hits = known.map(() => 0)
  const [xs, ys] = [known.map(() => 0), known.map(() => 0)]
  for (let round = 0; round < resamples; round++) {
    for (const [i, draw] of draws.entries()) [xs[i], ys[i]] = draw()
    for (const [i, on] of frontOf(xs, ys).entries()) if (on) hits[i]!++
  }
  return new Map(known.map(({ id }, i) => [id, hits[i]! / resamples]))
}

type Pair = readonly [x: number, y: number]

/** Draws a pair of means, turned so that less is better. */
function drawerOf(pairs: readonly Pair[], x: Metric, y: Metric, random: () => number): () => Pair {
  const n = pairs.length
  const costs = pairs.map(([first, second]) => [costOf(first, x), costOf(second, y)] as const)
  const middle = [mean(costs.map(([first]) => first)), mean(costs.map(([, second]) => second))] as const
  const isExact = costs.every(([first, second]) => first === costs[0]![0] && second === costs[0]![1])
  if (n === 1 || isExact) return () => middle
  const stretch = Math.sqrt(n / (n - 1)) / n
  const deviations = costs.map(([first, second]) => [first - middle[0], second - middle[1]] as const)
  // What does not vary stays the same to the last bit, or equal points would part.
  const [varies, variesToo] = [0, 1].map((side) => costs.some((cost) => cost[side] !== costs[0]![side]))
  return () => {
    let [first, second] = [0, 0]
    for (let i = 0; i < n; i++) {
      const drawn = deviations[Math.floor(random() * n)]!
      first += drawn[0]
      second += drawn[1]
    }
    return [
      varies ? middle[0] + stretch * first : costs[0]![0],
      variesToo ? middle[1] + stretch * second : costs[0]![1],
    ]
  }
}

/** Both metrics of each trial that knows them; of a pool over seeds, of each seed. */
function pairsOf({ trials, seeds }: Group, x: Metric, y: Metric): Pair[] {
  if (seeds === undefined) {
    return trials.flatMap((trial): Pair[] => {
      const [first, second] = [metricOf(trial, x.name), metricOf(trial, y.name)]
      return first === null || second === null ? [] : [[first, second]]
    })
  }
  return [...seeds.trials.values()].flatMap((scenarios): Pair[] => {
    const of = (metric: Metric) =>
      centre(usableValues(metricValues(scenarios.flat(), metric.name)).values, metric.scale)
    const [first, second] = [of(x), of(y)]
    return Number.isNaN(first) || Number.isNaN(second) ? [] : [[first, second]]
  })
}

// ---------------------------------------------------------------- where the front bends

/**
 * Index of the point of a front where a further step costs most for what it gains: farthest from the straight line
 * between the front's ends, once both axes run from 0 to 1, a metric that varies by factors on its log scale (the normal-boundary
 * knee of Das 1999). Null where no point lies on the better side of that line.
 * @param front cheapest first, as pairs of cost and gain
 */
export function kneeOf(
  front: readonly { cost: number; gain: number }[],
  scale: Metric['scale'] = 'natural',
): number | null {
  const first = front[0]
  const last = front.at(-1)
  if (first === undefined || last === undefined || front.length < 3) return null
  const onScale = scale === 'log' && first.cost > 0 ? Math.log : (value: number) => value
  const [width, height] = [onScale(last.cost) - onScale(first.cost), last.gain - first.gain]
  if (!(width > 0 && height > 0)) return null
  let knee: number | null = null
  let farthest = 0
  for (const [i, { cost, gain }] of front.entries()) {
    const above = (gain - first.gain) / height - (onScale(cost) - onScale(first.cost)) / width
    if (above > farthest + ROUNDING) {
      farthest = above
      knee = i
    }
  }
  return knee
}

/** Points this near the line lie on it. */
const ROUNDING = 1e-9
