/** Which trials to distrust: others' work reached them. */
import type { Disturbed, NoiseReadings } from '../../../workers/protocol.ts'

/** Cores' worth of work by others that a machine shows at rest, the supervisor's included. */
const OTHERS_AT_REST = 0.15
/** Of the cores that the trial leaves free, what others may use before caches and clocks are no longer its own. */
const OTHERS_SHARE = 0.25
const MUCH_STEAL = 0.01
const MUCH_WAITING = 0.05
const MUCH_PRESSURE = 0.1
const MUCH_CHANGE = 0.1

/** Reasons, none for a quiet trial; null where none of the signs is known, as of a trial too short to tell. */
export function disturbancesOf(noise: NoiseReadings, cores: number): Disturbed[] | null {
  const { steal_share, others_cores, run_queue_wait_share, pressure_share, frequency_change } = noise
  const signs = [steal_share, others_cores, run_queue_wait_share, pressure_share, frequency_change]
  if (signs.every((sign) => sign === null)) return null
  const above = (value: number | null, limit: number) => value !== null && value > limit
  const reasons: Disturbed[] = []
  if (above(steal_share, MUCH_STEAL)) reasons.push('steal')
  if (above(others_cores, Math.max(OTHERS_AT_REST, (cores - 1) * OTHERS_SHARE))) reasons.push('others')
  if (above(run_queue_wait_share, MUCH_WAITING)) reasons.push('waiting')
  if (above(pressure_share, MUCH_PRESSURE)) reasons.push('pressure')
  if (above(Math.abs(frequency_change ?? 0), MUCH_CHANGE)) reasons.push('frequency')
  return reasons
}
