/** Energy of single chunks, which no counter measures: an estimate from the watts of a profile. */
import type { ChunkLogLine, OkTrial, Watts } from '../../../workers/protocol.ts'
import { estimatedJoules, machinePart } from '../../analyse/energy.ts'

/**
 * Joules of a chunk of `trial` from its own CPU time and latency, which holds the pauses of a compute cap; the same
 * estimate as a trial's. Null without watts, and where the trial's part of the idle power is unknown.
 */
export function chunkEnergy(
  watts: Watts | null,
  trial: OkTrial | undefined,
): (chunk: ChunkLogLine) => number | null {
  const part = trial === undefined || trial.energy.joules === null ? null : machinePart(trial)
  if (watts === null || part === null) return () => null
  return ({ latency_ms, cpu_ms }) =>
    estimatedJoules(watts, { wall_s: latency_ms / 1000, cpu_s: cpu_ms / 1000, part })
}
