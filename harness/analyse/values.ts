/** From trials to the numbers that a test may use: one value per trial. */
import type { ComputeMechanism, OkTrial, Outcome, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Watts } from '../../workers/protocol/trial-spec.ts'
import { count } from '../format.ts'
import { own } from '../own.ts'

/** Values per trial as recorded; null where the trial could not tell. */
export type RawValues = readonly (number | null | undefined)[]

/** A metric's value in every `ok` trial, in the trials' order; null where unknown. */
export function metricValues(trials: readonly TrialResult[], metric: string): (number | null)[] {
  return okTrials(trials).map((trial) => metricOf(trial, metric))
}

/** One trial's value of a metric; null where it is unknown, and for a trial that was not ok. */
export function metricOf(trial: TrialResult, metric: string): number | null {
  if (trial.outcome !== 'ok') return null
  const value = own(trial.metrics, metric) ?? (metric === 'energy_j' ? trial.energy.joules : null)
  return Number.isFinite(value) ? value : null
}

/** The finite ones, and how many were not. */
export function usableValues(raw: RawValues): { values: number[]; missing: number } {
  const values = raw.filter((value): value is number => Number.isFinite(value))
  return { values, missing: raw.length - values.length }
}

export function okTrials(trials: readonly TrialResult[]): OkTrial[] {
  return trials.filter((trial) => trial.outcome === 'ok')
}

export function countOutcomes(trials: readonly TrialResult[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { ok: 0, out_of_memory: 0, crashed: 0, timed_out: 0, failed: 0 }
  for (const trial of trials) counts[trial.outcome]++
  return counts
}

/** Trials by scenario id, each list by round, so that a shuffled or resumed journal gives the same numbers. */
export function groupByScenario(trials: readonly TrialResult[]): Map<string, TrialResult[]> {
  const groups = new Map<string, TrialResult[]>()
  for (const trial of trials) {
    const group = groups.get(trial.scenario)
    if (group) group.push(trial)
    else groups.set(trial.scenario, [trial])
  }
  for (const group of groups.values()) group.sort((a, b) => a.round - b.round)
  return groups
}

/** `shared`: each trial's part, by CPU time, of counters that other trials ran on as well. */
export type EnergySource = 'rapl' | 'perf' | 'shared' | 'estimate' | 'mixed'

/** Where the energy of these trials comes from; null where none has any. Only `rapl` and `perf` measure it. */
export function energySource(trials: readonly TrialResult[]): EnergySource | null {
  const sources = new Set(
    okTrials(trials).map(({ energy: { source, shared } }) =>
      shared && (source === 'rapl' || source === 'perf') ? 'shared' : source,
    ),
  )
  sources.delete(null)
  if (sources.size > 1) return 'mixed'
  return [...sources][0] ?? null
}

/** Mechanisms that held these trials to a compute cap; empty where none was asked for. */
export function computeMechanisms(trials: readonly TrialResult[]): ComputeMechanism[] {
  const capped = okTrials(trials).filter((trial) => trial.caps.compute.asked !== null)
  return [...new Set(capped.map((trial) => trial.caps.compute.mechanism))].sort()
}

/** Trials whose memory or compute cap was asked for and not in force. */
export function uncapped(trials: readonly TrialResult[]): { memory: number; compute: number } {
  const ok = okTrials(trials)
  return {
    memory: ok.filter((t) => t.caps.memory.asked_mb !== null && !t.caps.memory.enforced).length,
    compute: ok.filter((t) => t.caps.compute.asked !== null && !t.caps.compute.enforced).length,
  }
}

/** Those that `stint resume --force` ran under other conditions than the run began with. */
export function resumedByForce<T extends TrialResult>(trials: readonly T[]): T[] {
  return trials.filter(({ resumed_under }) => resumed_under.length > 0)
}

/** `8 trials (rounds 2 to 5) ran after the run was resumed with --force`, and under which other conditions. */
export function forcedWords(forced: readonly TrialResult[]): { ran: string; changes: string } {
  const rounds = forced.map(({ round }) => round)
  const from = rounds.reduce((least, round) => Math.min(least, round))
  const to = rounds.reduce((most, round) => Math.max(most, round))
  const where = from === to ? `round ${from}` : `rounds ${from} to ${to}`
  const changes = new Set(forced.flatMap(({ resumed_under }) => resumed_under.map(({ what }) => what)))
  return {
    ran: `${count(forced.length, 'trial')} (${where}) ran after the run was resumed with --force`,
    changes: [...changes].join('; '),
  }
}

/** Whether these trials are of more than one state of the data and the workload's code, and so have no common mean. */
export function mixesDataOrCode(trials: readonly TrialResult[]): boolean {
  const states = okTrials(trials).map(({ resumed_under }) =>
    resumed_under.flatMap(({ kind, what }) => (kind === 'data' || kind === 'workload' ? [what] : [])).join(),
  )
  return new Set(states).size > 1
}

/** Energy metrics, which are only tested where they were measured. */
export function isEnergy(metric: { name: string }): boolean {
  return metric.name.startsWith('energy_')
}

// ---------------------------------------------------------------- energy by a profile's watts, where no counter counts it

/** A stretch of time of one trial. */
interface Stretch {
  wall_s: number
  /** Of the trial process. */
  cpu_s: number
  /** Share of the machine's idle power that is this trial's: 1 for a trial alone. */
  part: number
}

/** Joules: the trial's part of the idle power, and the power of a core for its CPU time. */
export function estimatedJoules(watts: Watts, { wall_s, cpu_s, part }: Stretch): number {
  return watts.idle * wall_s * part + watts.per_core * cpu_s
}

/**
 * A trial's share of the machine's idle power: all of it for a trial alone, else its part of all CPU time.
 * Null where others ran and the machine does not tell how busy they kept it.
 */
export function machinePart({ energy, metrics, noise }: OkTrial): number | null {
  if (!energy.shared) return 1
  const cpu = metrics['cpu_s'] ?? null
  const wall = metrics['wall_s'] ?? null
  const others = noise.others_cores
  if (cpu === null || wall === null || others === null) return null
  const busy = cpu + others * wall
  return busy > 0 ? cpu / busy : null
}
