/** Brings a capped process to the middle of its share's cycle before the clock starts. */
import { threadMs } from '../telemetry/clock.ts'
import { readThrottledMs } from '../telemetry/meters.ts'

/** A pause this long is the cap's: the shortest that any mechanism makes at the shares that settle. */
const HELD_MS = 1.5
/** From this share on a pause is too short to tell from others' work, and too short to matter. */
const LARGEST_SHARE = 0.9
/** At 0.9 a process that has saved up all it may runs for so long before it is held. */
const LONGEST_MS = 250
/** A quota of the kernel's ticks (4 ms on most) or more lets a process run for as long as it says, on average. */
const CERTAIN_QUOTA_MS = 8

/**
 * Spins until the cap holds the process back, and then for half as long as the cap lets it run, for which it waits once
 * more where a quota does not tell. A process that has rested, or has just loaded much, is ahead of its share or behind
 * it, and the timed window would begin with the difference. Windows end while the process runs, so that a start at the
 * middle of a run leaves no bias. A run can be longer than the quota, since the kernel looks at ticks and takes the
 * excess off the next.
 * @param cpuStat the kernel's count of throttled time, where a cgroup holds the process
 */
export function settle(units: number, periodMs: number, cpuStat: string | null): void {
  if (units > LARGEST_SHARE) return
  const deadline = threadMs() + LONGEST_MS
  const first = runUntilHeld(cpuStat, deadline)
  if (first === null) return
  const quotaMs = units * periodMs
  if (cpuStat !== null && quotaMs >= CERTAIN_QUOTA_MS) {
    runUntil(first.resumed + quotaMs / 2)
    return
  }
  const run = runUntilHeld(cpuStat, deadline)
  if (run !== null) runUntil(run.resumed + (run.held - first.resumed) / 2)
}

function runUntil(end: number): void {
  while (threadMs() < end);
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
