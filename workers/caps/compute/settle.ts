/** Brings a capped process to the middle of its share's cycle before the clock starts. */

/** A pause this long is the cap's: the shortest that any mechanism makes at the shares that settle. */
const HELD_MS = 1.5
/** From this share on a pause is too short to tell from others' work, and too short to matter. */
const LARGEST_SHARE = 0.9
/** At 0.9 a process that has saved up all it may runs for so long before it is held. */
const LONGEST_MS = 250

/**
 * Spins until the cap first holds the process back, and then through half of what one period allows. A process that
 * has rested, or has just loaded much, is ahead of its share or behind it, and the timed window would begin with the
 * difference. Windows end while the process runs, so that a start at the middle of a run leaves no bias.
 */
export function settle(units: number, periodMs: number): void {
  if (units > LARGEST_SHARE) return
  const begin = performance.now()
  let last = begin
  for (let now = last; now - last < HELD_MS; now = performance.now()) {
    if (now - begin > LONGEST_MS) return
    last = now
  }
  const resumed = performance.now()
  while (performance.now() - resumed < (units * periodMs) / 2);
}
