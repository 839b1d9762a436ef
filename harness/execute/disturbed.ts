/** Which trials to distrust: others' work reached them. */
import type { Disturbed, NoiseRecord } from '../../workers/protocol.ts'

/** Cores' worth of work by others that a machine shows at rest, the governor's included. */
const OTHERS_AT_REST = 0.15
/** Of the cores that the trial leaves free, what others may use before caches and clocks are no longer its own. */
const OTHERS_SHARE = 0.25
const MUCH_STEAL = 0.01
const MUCH_WAITING = 0.05
const MUCH_PRESSURE = 0.1
const MUCH_CHANGE = 0.1

/** Reasons, none for a quiet trial; what the machine does not tell is no reason. */
export function disturbancesOf(noise: NoiseRecord, cores: number): Disturbed[] {
  const above = (value: number | null | undefined, limit: number) => value != null && value > limit
  const reasons: Disturbed[] = []
  if (above(noise.steal_share, MUCH_STEAL)) reasons.push('steal')
  if (above(noise.others_cores, Math.max(OTHERS_AT_REST, (cores - 1) * OTHERS_SHARE))) reasons.push('others')
  if (above(noise.run_queue_wait_share, MUCH_WAITING)) reasons.push('waiting')
  if (above(noise.pressure_share, MUCH_PRESSURE)) reasons.push('pressure')
  if (above(Math.abs(noise.frequency_change ?? 0), MUCH_CHANGE)) reasons.push('frequency')
  return reasons
}
