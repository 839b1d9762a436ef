/** How long the calling thread's event loop keeps a timer waiting. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** Timers that measure; a finer one would cost more than it tells of chunks of some ms. */
const RESOLUTION_MS = 20

export class LoopDelayMeter {
  private readonly histogram: IntervalHistogram

  constructor() {
    this.histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.histogram.enable()
  }

  /** Delay beyond the timer's own interval, ms; null where the loop did not turn long enough to tell. */
  stop(): { p99: number | null; max: number | null } {
    this.histogram.disable()
    if (this.histogram.count === 0) return { p99: null, max: null }
    const beyond = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS)
    return { p99: beyond(this.histogram.percentile(99)), max: beyond(this.histogram.max) }
  }
}
