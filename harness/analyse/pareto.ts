/** Which scenarios does no other beat on two metrics at once? */
import type { Metric } from '../metrics.ts'
import type { ScenarioSummary } from './summary.ts'

/**
 * Ids of the scenarios that no other is at least as good as on both means and better on one. Equal points all
 * stay. Scenarios without `ok` trials or without one of the means take no part; a metric without a direction
 * counts as lower is better.
 */
export function paretoFrontier(
  summaries: readonly ScenarioSummary[],
  x: Pick<Metric, 'name' | 'direction'>,
  y: Pick<Metric, 'name' | 'direction'>,
): Set<string> {
  const points = summaries.flatMap((summary) => {
    const [first, second] = [cost(summary, x), cost(summary, y)]
    return first === null || second === null ? [] : [{ id: summary.id, x: first, y: second }]
  })
  const dominates = (p: (typeof points)[number], q: (typeof points)[number]) =>
    p.x <= q.x && p.y <= q.y && (p.x < q.x || p.y < q.y)
  return new Set(points.filter((q) => !points.some((p) => dominates(p, q))).map((q) => q.id))
}

/** The mean, turned so that less is better. */
function cost(summary: ScenarioSummary, metric: Pick<Metric, 'name' | 'direction'>): number | null {
  const estimate = summary.metrics[metric.name]
  if (!estimate) return null
  return metric.direction === 'higher_is_better' ? -estimate.value : estimate.value
}
