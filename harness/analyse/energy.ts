/** Energy by a profile's watts, where no counter counts it. */
import type { OkTrial, Watts } from '../../workers/protocol.ts'

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
