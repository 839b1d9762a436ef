/** Signs that others disturbed the calling thread. Linux alone; null elsewhere. */
import { readFileSync } from 'node:fs'

export interface ThreadDisturbance {
  /** Time ready to run and waiting for a core, ms. */
  queueWaitMs: number | null
  involuntarySwitches: number | null
}

/** Totals of the calling thread since it started. */
export function readDisturbance(): ThreadDisturbance {
  const schedstat = readOrNull('/proc/thread-self/schedstat')?.split(' ')
  const switches = /^nonvoluntary_ctxt_switches:\s+(\d+)$/m.exec(readOrNull('/proc/thread-self/status') ?? '')
  return {
    queueWaitMs: schedstat?.[1] === undefined ? null : Number(schedstat[1]) / 1e6,
    involuntarySwitches: switches ? Number(switches[1]) : null,
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
