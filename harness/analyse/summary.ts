/** What did each scenario give: how its trials ended, and the mean of every metric with its interval. */
import type { Outcome, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Metric } from '../metrics.ts'
import type { Scenario } from '../sweep/types.ts'
import { type Estimate, estimateMean } from './descriptive.ts'
import { countOutcomes, type EnergySource, energySource, groupByScenario, metricValues } from './values.ts'

export interface ScenarioSummary {
  /** The scenario's. */
  id: string
  /** Trials with an outcome. */
  trials: number
  outcomes: Record<Outcome, number>
  /** By name, every metric of the table: its mean over the `ok` trials; null where none knows it. */
  metrics: Record<string, Estimate | null>
  energy_source: EnergySource | null
}

/** One summary per scenario, in the sweep's order, also for those without trials. */
export function summarise(input: {
  trials: readonly TrialResult[]
  scenarios: readonly Scenario[]
  metrics: ReadonlyMap<string, Metric>
  /** Of the intervals; 0.95 unless given. */
  level?: number
}): ScenarioSummary[] {
  const groups = groupByScenario(input.trials)
  return input.scenarios.map(({ id }) => {
    const trials = groups.get(id) ?? []
    // Without what every object inherits: a workload's metric may have any name.
    const metrics: Record<string, Estimate | null> = Object.create(null)
    for (const name of input.metrics.keys()) {
      metrics[name] = estimateMean(metricValues(trials, name), input.level)
    }
    return {
      id,
      trials: trials.length,
      outcomes: countOutcomes(trials),
      metrics,
      energy_source: energySource(trials),
    }
  })
}
