/** How much identical trials differ on this machine, now. */
import { median } from '../analyse/descriptive.ts'
import { metricOf } from '../analyse/values.ts'
import type { Executor } from '../execute/executor.ts'
import { runProbe } from '../execute/trial-spec.ts'

export interface QuietReport {
  /** Trials of each of two sides that are the same. */
  runs: number
  /** Coefficient of variation of the CPU-bound trials' time, as a share; null where too few ended. */
  variation: number | null
  /** Apparent change of the one side against the other, as a share. */
  apparent_change: number | null
  /** Change that as many runs a side would find with 80% power at alpha 5%, as a share. */
  smallest_change: number | null
  /** Trials that were disturbed, of all. */
  disturbed: number
}

/** Some 60 ms of work on a present core. */
const STEPS = 20
/** Two-sided 5% and 80% power: 1.96 + 0.84. */
const POWER_FACTOR = 2.8

/** A and A, in an order shuffled by pairs; both are the same, so that every difference is noise. */
export async function measureQuiet(
  executor: Executor,
  runs: number,
  random: () => number = Math.random,
): Promise<QuietReport> {
  const sides: [number[], number[]] = [[], []]
  let disturbed = 0
  for (let run = 0; run < runs; run++) {
    for (const side of random() < 0.5 ? ([0, 1] as const) : ([1, 0] as const)) {
      const trial = await runProbe(executor, {
        steps: STEPS,
        wallMs: 60_000,
        id: `aa-${side}-${run}`,
      })
      const wall = metricOf(trial, 'wall_s')
      if (wall !== null) sides[side].push(Math.log(wall))
      if ((trial.noise.disturbed?.length ?? 0) > 0) disturbed++
    }
  }
  const all = [...sides[0], ...sides[1]]
  const enough = sides[0].length > 1 && sides[1].length > 1
  const variation = enough ? deviation(all) : null
  return {
    runs,
    variation,
    apparent_change: enough ? Math.exp(median(sides[1]) - median(sides[0])) - 1 : null,
    smallest_change: variation === null ? null : Math.expm1(POWER_FACTOR * variation * Math.sqrt(2 / runs)),
    disturbed,
  }
}

/** Standard deviation of logarithms: for small ones the coefficient of variation. */
function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}
