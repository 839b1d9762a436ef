/** How many duets and trials there will be, and at which counts the gate looks at them: fixed before the first look. */
import { type SequentialPlan, sequentialPlan } from '../analyse/sequential.ts'

/** Chance to let a change at the margin pass, for each metric. All must pass, so that the chance does not add up. */
export const PASS_ALPHA = 0.05
/** Share of the time for trials of one worker each, where they would take more. */
const PAIR_SHARE = 0.3
/** Trials of this round keep chunk logs. */
export const LOGGED_ROUND = 1
/** With fewer, nothing can be held against the duets. */
export const PAIR_ROUNDS = { fewest: 3, most: 8 }
/** Where whole trials are all there is. */
export const ONLY_PAIRS = { fewest: 6, most: 100 }
/** With fewer, a change of some per cent can be neither found nor ruled out. */
const DUETS = { fewest: 12, most: 400 }
/** Shares of the largest sample at which the gate looks. */
const LOOKS = [0.3, 0.45, 0.6, 0.8, 1]
const PAIR_LOOKS = [0.5, 1]

export interface Costs {
  /** Of one more of either kind, ms. */
  duetsMs: number
  pairsMs: number
}

export interface Counts {
  duets: number
  pairs: number
}

/**
 * The most that one scenario gets, what the first round took included.
 * @param leftMs its part of the time limit, after one round of each
 * @param inTurns whether the versions can be played chunk by chunk
 */
export function largestSample(leftMs: number, costs: Costs, inTurns = true): Counts {
  const within = (value: number, { fewest, most }: { fewest: number; most: number }) =>
    Math.min(most, Math.max(fewest, Math.floor(value)))
  if (!inTurns) return { duets: 0, pairs: within(1 + leftMs / Math.max(1, costs.pairsMs), ONLY_PAIRS) }
  const pairs = within(1 + (leftMs * PAIR_SHARE) / Math.max(1, costs.pairsMs), PAIR_ROUNDS)
  const forDuets = leftMs - (pairs - 1) * costs.pairsMs
  const duets = within(1 + forDuets / Math.max(1, costs.duetsMs), DUETS)
  // Which side goes first is balanced in pairs of duets.
  return { duets: duets - (duets % 2), pairs }
}

/** The looks at one kind of measurement, under the alpha of a claim and of a pass. */
export interface Looks {
  /** Counts at which to look, rising; the last is the largest sample. */
  counts: number[]
  claim: SequentialPlan
  pass: SequentialPlan
}

/** @param claimAlpha of one test of the family */
export function looksAt(largest: number, kind: 'duets' | 'pairs', claimAlpha: number): Looks {
  const step = kind === 'duets' ? 2 : 1
  const planned = kind === 'duets' ? LOOKS : PAIR_LOOKS
  const rounded = planned.map((share) => Math.max(2, Math.ceil((share * largest) / step) * step))
  const counts = [...new Set(rounded.map((count) => Math.min(count, largest)))]
  const shares = counts.map((count) => count / largest)
  return { counts, claim: planFor(shares, claimAlpha), pass: planFor(shares, PASS_ALPHA) }
}

/** A plan takes a tenth of a second to work out, and the same shares come again. */
const plans = new Map<string, SequentialPlan>()

function planFor(shares: readonly number[], alpha: number): SequentialPlan {
  const key = JSON.stringify([shares, alpha])
  const plan = plans.get(key) ?? sequentialPlan(shares, alpha)
  plans.set(key, plan)
  return plan
}
