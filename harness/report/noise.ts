/** How quiet was the machine? */
import type { TrialResult } from '../../workers/protocol.ts'
import type { Manifest } from '../record/types.ts'
import type { NoiseReport, ScenarioReport } from './types.ts'

export function noiseOf(
  manifest: Manifest,
  trials: readonly TrialResult[],
  scenarios: readonly ScenarioReport[],
  latency: string,
): NoiseReport {
  const waits = known(trials.map((trial) => trial.noise.run_queue_wait_share))
  const variation = scenarios.flatMap(({ metrics }) => {
    const estimate = metrics[latency]
    if (!estimate || estimate.standardError === null || estimate.value === 0) return []
    return [(estimate.standardError * Math.sqrt(estimate.n)) / estimate.value]
  })
  return {
    run_queue_wait_median: median(waits),
    run_queue_wait_max: largest(waits),
    involuntary_switches_median: median(
      known(trials.map((trial) => trial.noise.involuntary_context_switches)),
    ),
    others_cores_median: median(known(trials.map((trial) => trial.noise.others_cores))),
    steal_max: largest(known(trials.map((trial) => trial.noise.steal_share))),
    disturbed: disturbedOf(trials),
    load_at_start: manifest.machine.load_at_start[0],
    latency_variation_median: median(variation),
  }
}

function disturbedOf(trials: readonly TrialResult[]): NoiseReport['disturbed'] {
  const reasons: NoiseReport['disturbed']['reasons'] = {}
  let disturbed = 0
  for (const { noise } of trials) {
    if (noise.disturbed === null || noise.disturbed.length === 0) continue
    disturbed++
    for (const reason of noise.disturbed) reasons[reason] = (reasons[reason] ?? 0) + 1
  }
  return {
    trials: disturbed,
    of: trials.filter(({ noise }) => noise.disturbed !== null).length,
    reasons,
  }
}

function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b))
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null)
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
