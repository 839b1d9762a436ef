/** Brings a capped process to the middle of its share's cycle before the clock starts. */
import { threadMs } from '../telemetry/clock.ts'
import { readThrottledMs } from '../telemetry/meters.ts'

/** A pause this long is the cap's: the shortest that any mechanism makes at the shares that settle. */
const HELD_MS = 1.5
/** From this share on a pause is too short to tell from others' work, and too short to matter. */
const LARGEST_SHARE = 0.9
/** At 0.9 a process that has saved up all it may runs for so long before it is held. */
const LONGEST_MS = 250

/**
 * Spins until the cap holds the process back, once more to see for how long it lets it run, and then for half that
 * long. A process that has rested, or has just loaded much, is ahead of its share or behind it, and the timed window
 * would begin with the difference. Windows end while the process runs, so that a start at the middle of a run leaves
 * no bias. A run can be longer than the quota, since the kernel looks at ticks and takes the excess off the next.
 * @param cpuStat the kernel's count of throttled time, where a cgroup holds the process
 */
export function settle(units: number, cpuStat: string | null): void {
  if (units > LARGEST_SHARE) return
  const deadline = threadMs() + LONGEST_MS
  const resumed = runUntilHeld(cpuStat, deadline)?.resumed
  const run = resumed === undefined ? null : runUntilHeld(cpuStat, deadline)
  if (resumed === undefined || run === null) return
  const half = (run.held - resumed) / 2
  while (threadMs() - run.resumed < half);
}

/** When the process was held and when it went on, ms; null where it was not by the deadline. */
function runUntilHeld(cpuStat: string | null, deadline: number): { held: number; resumed: number } | null {
  const throttledMs = () => (cpuStat === null ? null : readThrottledMs(cpuStat))
  const before = throttledMs()
  let last = threadMs()
  for (let now = last; now < deadline; now = threadMs()) {
    // Others' work makes pauses as well, which the kernel's count tells apart.
    if (now - last >= HELD_MS && (before === null || throttledMs() !== before)) {
      return { held: last, resumed: now }
    }
    last = now
  }
  return null
}
