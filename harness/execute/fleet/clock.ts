/** How far a machine's clock is ahead of the server's: shown with what it measured, and nothing is judged by it. */
import type { FleetMachine } from '../../record/types.ts'

type Clock = NonNullable<FleetMachine['clock']>

/**
 * Of two measurements of one clock the one to go by: the more exact, and the newer where the clock was set meanwhile, as
 * on a board that gets the time from the net after it has started.
 */
export function betterClock(known: Clock | null, measured: Clock): Clock {
  if (known === null) return measured
  const wasSet = Math.abs(measured.offset_ms - known.offset_ms) > measured.error_ms + known.error_ms
  return !wasSet && known.error_ms < measured.error_ms / 2 ? known : measured
}
