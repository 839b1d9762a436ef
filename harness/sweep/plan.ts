/** The order in which trials run. */
import { orderStream, shuffle } from '../random.ts'
import type { PlannedTrial, Sweep } from './types.ts'

/** `<scenario>-r<round, three digits>` */
export function trialId(scenario: string, round: number): string {
  return `${scenario}-r${String(round).padStart(3, '0')}`
}

/**
 * Every trial of a sweep: rounds from 1, each all scenarios that still have runs left, in an order shuffled anew.
 * The same seed gives the same order; more rounds leave the earlier ones as they were.
 */
export function planTrials(
  sweep: Pick<Sweep, 'benchmark_runs' | 'random_seed'> & {
    scenarios: readonly { id: string; runs: number | null }[]
  },
): PlannedTrial[] {
  const random = orderStream(sweep.random_seed)
  const inRound = (round: number) =>
    sweep.scenarios.filter(({ runs }) => round <= (runs ?? sweep.benchmark_runs)).map(({ id }) => id)
  return Array.from({ length: sweep.benchmark_runs }, (_, index) => index + 1).flatMap((round) =>
    shuffle(inRound(round), random).map((scenario) => ({ trial: trialId(scenario, round), scenario, round })),
  )
}
