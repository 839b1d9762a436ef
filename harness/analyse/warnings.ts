/** What a reader must know before trusting a number. Warnings are data; the prose is in `formatWarning` only. */

import type { ComputeMechanism, Outcome } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { count, formatNumber, formatP } from '../format.ts'

/** `a` is the reference, `b` the one compared with it. */
export type Side = 'a' | 'b'

export type Warning =
  | { kind: 'no_values'; side: Side }
  | { kind: 'too_few_values'; side: Side; n: number; needed: number }
  | { kind: 'missing_values'; side: Side; missing: number; n: number }
  | { kind: 'not_positive'; side: Side; count: number }
  | { kind: 'constant' }
  | { kind: 'deterministic' }
  | { kind: 'not_deterministic'; side: Side; low: number; high: number }
  | { kind: 'ratio_undefined'; reason: 'reference_not_positive' | 'reference_near_zero' }
  /** In rows. */
  | { kind: 'chunk_sizes_differ'; least: number; most: number }
  | { kind: 'unequal_outcomes'; a: Record<Outcome, number>; b: Record<Outcome, number> }
  | { kind: 'survivors_only'; a: Record<Outcome, number>; b: Record<Outcome, number> }
  | { kind: 'estimated_energy' }
  | { kind: 'shared_energy' }
  | { kind: 'different_mechanisms'; a: ComputeMechanism[]; b: ComputeMechanism[] }
  | { kind: 'cap_not_enforced'; side: Side; cap: 'memory' | 'compute'; trials: number }
  /** `what`: each change of conditions in words. */
  | { kind: 'resumed_by_force'; side: Side; trials: number; n: number; what: string[]; mixed: boolean }
  | { kind: 'not_significant_after_correction'; p_adjusted: number; alpha: number }
  | { kind: 'unpaired_rounds'; dropped: number; kept: number }
  | { kind: 'no_spread' }
  | {
      kind: 'cannot_reach_alpha'
      n_a: number
      n_b: number
      smallest_p: number
      alpha: number
      needed: number
    }
  | { kind: 'ties'; tied: number; n: number }
  | { kind: 'one_machine_state' }
  | { kind: 'seed_is_unit'; keys: string[]; seeds: number }
  | { kind: 'seeds_agree'; keys: string[]; seeds: number }
  | { kind: 'unpaired_seeds'; dropped: number; kept: number }
  | { kind: 'machine_is_block'; machines: number; rounds: number }
  | { kind: 'machines_pooled'; side: Side; machines: number }
  // About a whole table.
  | { kind: 'unknown_metric'; metric: string; known: string[] }
  | { kind: 'reference_chosen'; scenario: string; pairs: number }
  | { kind: 'reference_unmatched'; scenarios: string[]; reference: Record<string, Scalar> }
  | { kind: 'reference_ambiguous'; scenario: string; candidates: string[] }
  | { kind: 'reference_confounded'; keys: string[] }
  | { kind: 'too_few_scenarios'; scenarios: number }

/** One sentence on what is so, one on what to do next. */
/** @param nameOf what people call the scenario of a label */
export function formatWarning(warning: Warning, nameOf: (label: string) => string = String): string {
  switch (warning.kind) {
    case 'no_values':
      return `${warning.side} has no value of this metric, so nothing was compared. Look at its outcomes and errors in trials.jsonl.`
    case 'too_few_values':
      return `${warning.side} has ${count(warning.n, 'usable value')} and this needs ${warning.needed}. Raise benchmark_runs.`
    case 'missing_values':
      return `${warning.missing} of ${count(warning.n, 'ok trial')} of ${warning.side} did not report this metric and were left out. Check why before trusting the rest.`
    case 'not_positive':
      return `${count(warning.count, 'value')} of ${warning.side} ${warning.count === 1 ? 'is' : 'are'} zero or negative, and a ratio needs positive values. Compare a metric that is always positive, or one on the natural scale.`
    case 'constant':
      return 'Every trial of either side gave the same value, so the values are compared exactly. If they should vary, check that the metric is measured.'
    case 'deterministic':
      return 'Same data and seed always give this value, so it is compared exactly and has no p. To see how it varies with the data, sweep over random_seed or the data.'
    case 'not_deterministic':
      return `This metric should be the same in every trial, but ${warning.side} ranges from ${warning.low} to ${warning.high}. Find what depends on time, order or an unseeded source before using any result of this workload.`
    case 'ratio_undefined':
      return warning.reason === 'reference_not_positive'
        ? 'The mean of a is zero or negative, so b / a says nothing. Read the difference.'
        : 'The mean of a is not significantly different from zero, so b / a could be anything. Read the difference, or raise benchmark_runs.'
    case 'chunk_sizes_differ':
      return `The chunks of the sides hold ${Math.round(warning.least)} and ${Math.round(warning.most)} rows on average, so latency is compared per row and not per chunk. For chunk latency, compare scenarios with equal chunks.`
    case 'unequal_outcomes':
      return `The sides ended differently (a: ${outcomes(warning.a)}; b: ${outcomes(warning.b)}) and only ok trials are compared. Read the outcomes first.`
    case 'survivors_only':
      return `Some trials of both sides have no value (a: ${outcomes(warning.a)}; b: ${outcomes(warning.b)}). Relax the cap or the deadline to see them all.`
    case 'estimated_energy':
      return 'This energy is estimated from CPU time or its source is unknown, so it is shown and not tested. Run where RAPL can be read (see stint doctor) to measure it.'
    case 'shared_energy':
      return 'Other trials ran on the same energy counters, and each got its part by CPU time: another quantity than the energy of a trial alone, so it is shown and not tested. Set n_jobs to 1 to measure it.'
    case 'different_mechanisms':
      return `The compute caps were held by different means (a: ${warning.a.join(', ')}; b: ${warning.b.join(', ')}), which shape latency differently. Run both on a machine with one mechanism.`
    case 'cap_not_enforced':
      return `The ${warning.cap} cap of ${warning.side} was not in force in ${count(warning.trials, 'trial')}. See stint doctor for what this machine can enforce.`
    case 'resumed_by_force':
      return `${warning.trials} of ${count(warning.n, 'ok trial')} of ${warning.side} ran after the run was resumed with --force: ${warning.what.join('; ')}. ${
        warning.mixed
          ? 'Trials of other data or code are other quantities, so nothing is claimed of their mean: start a new run.'
          : 'Start a new run for numbers to rely on.'
      }`
    case 'not_significant_after_correction':
      return `The interval is for this pair only; corrected for all pairs of the metric p is ${formatP(warning.p_adjusted)}, above ${warning.alpha}. Compare fewer pairs or raise benchmark_runs before acting on it.`
    case 'unpaired_rounds':
      return `${count(warning.dropped, 'round')} had a value on one side only; ${warning.kept} entered. Look at the outcomes of the others.`
    case 'no_spread':
      return 'All differences are the same, so there is no error to test against. Check that the metric is measured, and finely enough.'
    case 'cannot_reach_alpha':
      return `With ${warning.n_a} and ${warning.n_b} trials a test of ranks cannot give p below ${formatNumber(warning.smallest_p, 2)}, so that a claim at ${warning.alpha} rests on the noise being normal. Raise benchmark_runs to ${warning.needed} or more.`
    case 'ties':
      return `${warning.tied} of ${warning.n} values occur more than once, so the p of the Mann-Whitney test is approximate. Measure more finely, or read the other tests.`
    case 'one_machine_state':
      return 'One side ran to its end before the other began, so whatever changed on the machine in between looks like a difference. Run both in the shuffled rounds of one sweep, or use stint gate.'
    case 'seed_is_unit':
      return `Each of ${count(warning.seeds, 'seed')} (${warning.keys.join(', ')}) gives one value per side, and the sides are compared seed by seed. Add seeds, not benchmark_runs, to narrow the interval.`
    case 'seeds_agree':
      return `Each of ${count(warning.seeds, 'seed')} (${warning.keys.join(', ')}) gives the same difference, so the values are compared exactly. Check that the seed has an effect on this metric.`
    case 'machine_is_block':
      return `The trials ran on ${warning.machines} machines, each round on one of them, and the sides are compared round by round (${count(warning.rounds, 'round')}). What the machines differ in is no part of the difference.`
    case 'machines_pooled':
      return `The trials of ${warning.side} ran on ${warning.machines} machines, none of which shares rounds with the other side: what those machines differ in widens the interval, and the comparison is of these machines only. Give each a label of its own to tell them apart.`
    case 'unpaired_seeds':
      return `${count(warning.dropped, 'seed')} had a value on one side only; ${warning.kept} entered. Give both sides the same seeds, or look at the outcomes.`
    case 'unknown_metric':
      return `No metric is called ${warning.metric}. Use one of: ${warning.known.join(', ')}.`
    case 'reference_chosen':
      return `The sweep names no reference, so all ${warning.pairs} others are compared with its first scenario, ${nameOf(warning.scenario)}. Set compare.reference to choose.`
    case 'reference_unmatched':
      return `${count(warning.scenarios.length, 'scenario')} found no partner with ${keyValues(warning.reference)} and otherwise the same settings: ${warning.scenarios.map(nameOf).join('; ')}. Add the missing points to the grid, or choose another reference.`
    case 'reference_ambiguous':
      return `${nameOf(warning.scenario)} has more than one partner (${warning.candidates.map(nameOf).join('; ')}); the first was taken. Name more keys in compare.reference.`
    case 'reference_confounded':
      return `Between the pairs ${warning.keys.join(', ')} ${warning.keys.length === 1 ? 'changes' : 'change'} along with the reference's keys, so a difference cannot be put down to one of them. Vary them apart to tell.`
    case 'too_few_scenarios':
      return `There ${warning.scenarios === 1 ? 'is one scenario' : `are ${warning.scenarios} scenarios`} and nothing to compare. Add an axis to the grid.`
  }
}

function keyValues(values: Record<string, Scalar>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

function outcomes(counts: Record<Outcome, number>): string {
  const seen = Object.entries(counts).filter(([, n]) => n > 0)
  return seen.length === 0 ? 'no trials' : seen.map(([outcome, n]) => `${n} ${outcome}`).join(', ')
}
