export type Fill = (x: Float64Array, n: number) => void

export interface PlayedPlan {
  counts: readonly number[]
  claim: readonly number[]
  pass: readonly number[]
}

export function normalsFrom(random: () => number): () => number
export function noises(random: () => number): Record<string, Fill>
export function playPlan(
  plan: PlayedPlan,
  fill: Fill,
  shift: number,
  replications: number,
): Record<'regression' | 'ruledOut' | 'anyClaim' | 'anyPass', number>
