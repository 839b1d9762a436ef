/** The points of a picture and the front among them. */
import type { Estimate } from '../../analyse/descriptive.ts'
import type { ScenarioReport } from '../types.ts'

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
