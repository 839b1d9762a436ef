/** How latency and memory grow with the rows of the data: a power of them, named after the nearest order of growth. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import type { Scenario } from '../sweep/types.ts'
import { mean, sum } from './descriptive.ts'
import { studentQuantile } from './distributions.ts'
import { seedKeys } from './seeds.ts'
import { groupByScenario, metricValues, usableValues } from './values.ts'

export const ROWS_AXIS = 'dataset.rows'

const ORDERS = ['constant', 'logarithmic', 'square root', 'linear', 'n log n', 'quadratic', 'cubic'] as const
export type Order = (typeof ORDERS)[number]

export interface Growth {
  metric: string
  /** The metric grows as rows to this power, over the rows measured, and the 95% interval of the power. */
  power: number
  low: number
  high: number
  /** Orders whose power over these rows lies within the interval, the nearest first; empty where none does. */
  orders: Order[]
  rows: { least: number; most: number }
  /** Values that entered, over so many settings of the other axes. */
  n: number
  settings: number
}

/**
 * Least squares of log metric on log rows, with a level of its own for every setting of the other axes. An order that is
 * no power, such as n log n, has the power that the same fit gives it over these rows.
 * @returns one per metric; none where rows are no axis, or too few values are left to tell
 */
export function growths(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  axes: readonly string[]
  metrics: readonly Metric[]
  level?: number
}): Growth[] {
  const { trials, scenarios, axes, metrics, level = 0.95 } = input
  return metrics.flatMap((metric): Growth[] => {
    const used = groupsOf({ trials, scenarios, axes, metric }).map(({ points }) => points)
    const all = used.flat()
    const df = all.length - used.length - 1
    if (df < 1) return []
    const x = centred(used, ({ rows }) => Math.log(rows))
    const y = centred(used, ({ value }) => value)
    const spread = sum(x.map((value) => value * value))
    const powerOf = (values: readonly number[]) => sum(values.map((value, i) => value * x[i]!)) / spread
    const power = powerOf(y)
    const left = sum(y.map((value, i) => (value - power * x[i]!) ** 2))
    const half = studentQuantile((1 + level) / 2, df) * Math.sqrt(left / df / spread)
    const powers = ORDERS.map((order) => ({
      order,
      power: powerOf(centred(used, ({ rows }) => logOf(order, rows))),
    }))
    const orders = powers
      .filter((one) => Math.abs(one.power - power) <= half + 1e-9)
      .sort((a, b) => Math.abs(a.power - power) - Math.abs(b.power - power))
      .map(({ order }) => order)
    const rows = all.map((point) => point.rows)
    return [
      {
        metric: metric.name,
        power,
        low: power - half,
        high: power + half,
        orders,
        rows: {
          least: rows.reduce((a, b) => Math.min(a, b)),
          most: rows.reduce((a, b) => Math.max(a, b)),
        },
        n: all.length,
        settings: used.length,
      },
    ]
  })
}

/** Of a setting of the other axes: the middle of its values, through which its line goes. */
export interface GrowthLevel {
  /** One of its scenarios. */
  scenario: string
  log_rows: number
  log_value: number
}

/** The levels that the power of a metric was fitted with. */
export function growthLevels(input: GroupInput): GrowthLevel[] {
  return groupsOf(input).map(({ scenario, points }) => ({
    scenario,
    log_rows: mean(points.map(({ rows }) => Math.log(rows))),
    log_value: mean(points.map(({ value }) => value)),
  }))
}

interface GroupInput {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  axes: readonly string[]
  metric: Metric
}

/** Logarithms of the values by setting of the other axes, of settings with several numbers of rows; none where rows are no axis. */
function groupsOf({
  scenarios,
  axes,
  metric,
  ...input
}: GroupInput): { scenario: string; points: Point[] }[] {
  if (!axes.includes(ROWS_AXIS)) return []
  const trials = groupByScenario(input.trials)
  const seeds = seedKeys(scenarios)
  const others = axes.filter((key) => key !== ROWS_AXIS && !seeds.includes(key))
  const groups = new Map<string, { scenario: string; points: Point[] }>()
  for (const { id, point } of scenarios) {
    const rows = point[ROWS_AXIS]
    const { values } = usableValues(metricValues(trials.get(id) ?? [], metric.name))
    if (typeof rows !== 'number' || rows <= 1 || values.some((value) => value <= 0)) continue
    const key = JSON.stringify(others.map((other) => point[other] ?? null))
    const group = groups.get(key) ?? { scenario: id, points: [] }
    group.points.push(...values.map((value) => ({ rows, value: Math.log(value) })))
    groups.set(key, group)
  }
  return [...groups.values()].filter(({ points }) => new Set(points.map(({ rows }) => rows)).size > 1)
}

interface Point {
  rows: number
  /** Its logarithm. */
  value: number
}

function centred(groups: readonly (readonly Point[])[], of: (point: Point) => number): number[] {
  return groups.flatMap((points) => {
    const values = points.map(of)
    const middle = mean(values)
    return values.map((value) => value - middle)
  })
}

function logOf(order: Order, rows: number): number {
  const n = Math.log(rows)
  switch (order) {
    case 'constant':
      return 0
    case 'logarithmic':
      return Math.log(n)
    case 'square root':
      return n / 2
    case 'linear':
      return n
    case 'n log n':
      return n + Math.log(n)
    case 'quadratic':
      return 2 * n
    case 'cubic':
      return 3 * n
  }
}
