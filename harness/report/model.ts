/** From a run's manifest and trials to all that the exporters show. Pure. */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { compareScenarios } from '../analyse/compare.ts'
import { estimateMean, median } from '../analyse/descriptive.ts'
import { frontShares, paretoFrontier } from '../analyse/front.ts'
import { growths } from '../analyse/growth.ts'
import { comparableLatency } from '../analyse/latency.ts'
import { operatingPoints } from '../analyse/operating-points.ts'
import { stoppingOf } from '../analyse/precision.ts'
import { recommend } from '../analyse/recommend.ts'
import { sensitivity } from '../analyse/sensitivity.ts'
import { type ScenarioSummary, summarise } from '../analyse/summary.ts'
import { countOutcomes, groupByScenario, okTrials, resumedByForce } from '../analyse/values.ts'
import { count } from '../format.ts'
import { type Metric, metricTable } from '../metrics.ts'
import { planTrials } from '../plan/planner.ts'
import type { Manifest } from '../record/types.ts'
import { noticesFor } from './notices.ts'
import type { Failure, NoiseReport, ReportModel, ScenarioReport } from './types.ts'
import { plain } from './words.ts'

const MEMORY = 'peak_memory_mb'
/** A share is a ratio of two clocks: this much over the cap is still held. */
const CAP_TOLERANCE = 1.05
/** What operating points are sought for, beside latency, which is weighed against accuracy, and accuracy. */
const GOALS = ['throughput_rows_s', MEMORY, 'energy_j']

/**
 * @param trials in any order; those of scenarios that the manifest does not name are left out
 * @param leftOut of the journal, in words
 * @param forced trials that ran under other conditions and are not among `trials`: they are counted, and no more
 */
export function buildReportModel(
  manifest: Manifest,
  trials: readonly TrialResult[],
  leftOut: readonly string[] = [],
  forced: readonly TrialResult[] = [],
): ReportModel {
  const { sweep } = manifest
  const known = new Set(sweep.scenarios.map(({ id }) => id))
  const own = trials.filter((trial) => known.has(trial.scenario))
  const apart = forced.filter((trial) => known.has(trial.scenario))
  const metrics = withF1Label(metricTable(manifest.workload.metrics, own), own)
  const groups = groupByScenario(own)
  const summaries = summarise({ trials: own, scenarios: sweep.scenarios, metrics })
  const accuracy = manifest.workload.accuracy ?? null
  const { metric: latency, differing } = comparableLatency(groups.values())
  const fronts = {
    latency: frontOf(summaries, latency.name, accuracy, metrics),
    memory: frontOf(summaries, MEMORY, accuracy, metrics),
    shares: sharesOf(groups, latency, accuracy, metrics, sweep.random_seed),
  }
  const stopping = stoppingOf(manifest)
  for (const trial of own) stopping?.add(trial)
  const scenarios = summaries.map((summary, i): ScenarioReport => {
    const scenario = sweep.scenarios[i]!
    const { id } = scenario
    const trials = groups.get(id) ?? []
    return {
      ...summary,
      label: plain(scenario.label),
      point: scenario.point,
      forced: resumedByForce(okTrials(trials)).length,
      forced_left_out: apart.filter(({ scenario }) => scenario === id).length,
      front: {
        latency: fronts.latency(id),
        latency_share: fronts.shares(id),
        memory: fronts.memory(id),
      },
      compute: computeCap(trials, scenario.settings.max_compute_units),
      memory: memoryCap(trials, scenario.settings.max_memory_mb),
      failures: failuresOf(trials),
      ...(stopping && { precision: stopping.precision(id) }),
    }
  })
  const ended = [...own, ...apart]
  for (const trial of apart) stopping?.add(trial)
  const missing = stopping?.missing(planTrials(sweep)).length
  const comparison = compareScenarios({
    trials: own,
    scenarios: sweep.scenarios,
    metrics,
    settings: sweep.compare,
    seed: sweep.random_seed,
  })
  const withoutNotices: Omit<ReportModel, 'notices'> = {
    manifest,
    subtitle: subtitle(manifest, scenarios),
    metrics,
    measured: [...metrics.keys()].filter((name) => summaries.some((summary) => summary.metrics[name])),
    latency: latency.name,
    differing_chunks: differing,
    accuracy,
    axes: sweep.axes,
    scenarios,
    comparisons: comparison.rows,
    trialsOf: groups,
    operating: operatingPoints({
      trials: own,
      scenarios: sweep.scenarios,
      metrics: [latency.name, ...GOALS].flatMap((name) => metrics.get(name) ?? []),
      accuracy: accuracy === null ? null : (metrics.get(accuracy) ?? null),
      settings: sweep.compare,
    }),
    sensitivity: sensitivity({
      trials: own,
      scenarios: sweep.scenarios,
      axes: sweep.axes,
      metrics: metricsNamed(metrics, [accuracy, latency.name, MEMORY, 'energy_j']),
    }),
    growth: growths({
      trials: own,
      scenarios: sweep.scenarios,
      axes: sweep.axes,
      metrics: metricsNamed(metrics, [latency.name, 'wall_s', MEMORY]),
    }),
    recommendation: recommend({
      trials: own,
      scenarios: sweep.scenarios,
      metrics,
      latency,
      accuracy: accuracy === null ? null : (metrics.get(accuracy) ?? null),
      goal: sweep.goal,
      settings: sweep.compare,
      seed: sweep.random_seed,
    }),
    trials: {
      planned: missing === undefined ? manifest.planned_trials : ended.length + missing,
      finished: ended.length,
      outcomes: countOutcomes(ended),
    },
    noise: noiseOf(manifest, own, scenarios, latency.name),
  }
  return { ...withoutNotices, notices: noticesFor(withoutNotices, comparison, own, leftOut) }
}

function metricsNamed(metrics: ReadonlyMap<string, Metric>, names: readonly (string | null)[]): Metric[] {
  return names.flatMap((name) => (name === null ? [] : (metrics.get(name) ?? [])))
}

/** The label that F1 is of, where all trials say the same. */
function withF1Label(metrics: Map<string, Metric>, trials: readonly TrialResult[]): Map<string, Metric> {
  const f1 = metrics.get('f1')
  const labels = new Set(okTrials(trials).map(({ info }) => info['f1_label']))
  const [label] = labels
  if (f1 !== undefined && labels.size === 1 && typeof label === 'string')
    metrics.set('f1', { ...f1, of: label })
  return metrics
}

/** By id; null where a mean is not known. */
type Front = (scenario: string) => boolean | null

function frontOf(
  summaries: readonly ScenarioSummary[],
  cost: string,
  accuracy: string | null,
  metrics: ReadonlyMap<string, Metric>,
): Front {
  const [x, y] = [metrics.get(cost), accuracy === null ? undefined : metrics.get(accuracy)]
  if (!x || !y) return () => null
  const front = paretoFrontier(summaries, x, y)
  const known = new Set(
    summaries.flatMap(({ id, metrics: means }) => (means[x.name] && means[y.name] ? [id] : [])),
  )
  return (scenario) => (known.has(scenario) ? front.has(scenario) : null)
}

/** By id, how often it is on the front of latency and accuracy when the trials are drawn again; null where a mean is not known. */
function sharesOf(
  groups: ReadonlyMap<string, readonly TrialResult[]>,
  latency: Metric,
  accuracy: string | null,
  metrics: ReadonlyMap<string, Metric>,
  seed: number,
): (scenario: string) => number | null {
  const y = accuracy === null ? undefined : metrics.get(accuracy)
  if (!y) return () => null
  const shares = frontShares(
    [...groups].map(([id, trials]) => ({ id, label: id, trials })),
    latency,
    y,
    { seed },
  )
  return (scenario) => shares.get(scenario) ?? null
}

function computeCap(trials: readonly TrialResult[], asked: number | null): ScenarioReport['compute'] {
  const caps = trials.map((trial) => trial.caps.compute)
  const in_force = caps.find((cap) => cap.in_force !== null)?.in_force ?? null
  const cap = in_force ?? asked
  const shares = caps.map((cap) => cap.achieved)
  const achieved = estimateMean(shares)
  const enforced = asked === null || caps.length === 0 ? null : caps.every((cap) => cap.enforced)
  return {
    asked,
    in_force,
    achieved,
    achieved_max: largest(shares),
    over_cap: enforced === true && cap !== null && achieved !== null && achieved.value > cap * CAP_TOLERANCE,
    mechanisms: distinct(caps.map((cap) => cap.mechanism)),
    period_ms: caps.find((cap) => cap.period_ms !== null)?.period_ms ?? null,
    enforced,
    notes: distinct(caps.flatMap((cap) => (cap.note ? [plain(cap.note)] : []))),
  }
}

function memoryCap(trials: readonly TrialResult[], asked_mb: number | null): ScenarioReport['memory'] {
  const caps = trials.map((trial) => trial.caps.memory)
  const peaks = caps.map((cap) => cap.peak_mb)
  return {
    asked_mb,
    in_force_mb: least(caps.map((cap) => cap.in_force_mb)),
    peak: estimateMean(peaks),
    peak_max_mb: largest(peaks),
    mechanisms: distinct(caps.flatMap((cap) => cap.mechanisms)),
    enforced: asked_mb === null || caps.length === 0 ? null : caps.every((cap) => cap.enforced),
    notes: distinct(caps.flatMap((cap) => (cap.note ? [plain(cap.note)] : []))),
  }
}

function failuresOf(trials: readonly TrialResult[]): Failure[] {
  const failures = new Map<string, Failure>()
  for (const trial of trials) {
    if (trial.outcome === 'ok') continue
    const exit = trial.error.exit === null ? '' : ` (${trial.error.exit})`
    const reason = plain(`${trial.error.message}${exit}`)
    const key = `${trial.outcome} ${reason}`
    const seen = failures.get(key)
    if (seen) seen.count++
    else failures.set(key, { outcome: trial.outcome, reason, count: 1, first_trial: trial.trial })
  }
  return [...failures.values()]
}

function subtitle({ machine, fleet }: Manifest, scenarios: readonly ScenarioReport[]): string {
  const ok = scenarios.map(({ outcomes }) => outcomes.ok)
  const [few, many] = [Math.min(...ok), Math.max(...ok)]
  const trials =
    ok.length === 0
      ? 'no trials'
      : many === 0
        ? 'no ok trial'
        : few === many
          ? count(many, 'trial')
          : `${few} to ${many} ok trials`
  if (fleet !== null)
    return plain(`${count(fleet.machines.length, 'machine')} at ${fleet.server} · ${trials} per scenario`)
  const cores = count(machine.cores, 'core')
  const processor = machine.cpu_model
    .replace(/\((R|TM)\)/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return plain(`${processor}, ${cores} · Node ${machine.node.replace(/^v/, '')} · ${trials} per scenario`)
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b))
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b))
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

// ---------------------------------------------------------------- how quiet was the machine?

function noiseOf(
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
    run_queue_wait_median: medianOf(waits),
    run_queue_wait_max: largest(waits),
    involuntary_switches_median: medianOf(
      known(trials.map((trial) => trial.noise.involuntary_context_switches)),
    ),
    others_cores_median: medianOf(known(trials.map((trial) => trial.noise.others_cores))),
    steal_max: largest(known(trials.map((trial) => trial.noise.steal_share))),
    disturbed: disturbedOf(trials),
    load_at_start: manifest.machine.load_at_start[0],
    latency_variation_median: medianOf(variation),
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

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null)
}

function medianOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : median(values)
}
