/** The governor's view of one host process: its memory, its deadline, its compute cap, and what to clear after it. */
import { rmSync } from 'node:fs'
import type { TimeWindow, WatchSummary } from '../contract.ts'
import { monotonicMs } from '../telemetry/clock.ts'
import { ResidentSize } from '../telemetry/process-files.ts'
import type { ComputeCap } from './compute/mechanism.ts'
import { residentAllowanceMb } from './memory.ts'

export class WatchedHost {
  private readonly pid: number
  private readonly deadline: number
  private readonly temporary: string | null
  private readonly resident: ResidentSize | null
  private compute: ComputeCap | null = null
  private peakRssMb: number | null = null
  private emptyMb: number | null = null
  /** Largest resident size since the cell stood empty. */
  private peakSinceEmptyMb = 0
  private allowanceMb = 0
  private limitMb = Number.POSITIVE_INFINITY
  private killed: WatchSummary['killed'] = null

  constructor(pid: number, timeoutMs: number | null, temporary: string | null) {
    this.pid = pid
    this.temporary = temporary
    this.deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : monotonicMs() + timeoutMs
    this.resident = openResident(pid)
  }

  /** Takes the present size as that of an empty cell; the allowance in MB, or null where it cannot be read. */
  capMemory(capMb: number | null): number | null {
    this.emptyMb = this.resident?.readMb() ?? null
    if (this.emptyMb === null) return null
    this.allowanceMb = residentAllowanceMb(capMb)
    if (capMb !== null) this.limitMb = this.emptyMb + this.allowanceMb + capMb
    return this.allowanceMb
  }

  capCompute(cap: ComputeCap): void {
    this.compute = cap
  }

  release(): void {
    this.compute?.release()
  }

  /** One reading; kills the host where it is over. */
  poll(): void {
    if (monotonicMs() > this.deadline) this.kill('deadline')
    const rss = this.resident?.readMb() ?? null
    if (rss === null) return
    if (rss > (this.peakRssMb ?? 0)) this.peakRssMb = rss
    if (this.emptyMb !== null && rss > this.peakSinceEmptyMb) this.peakSinceEmptyMb = rss
    if (rss > this.limitMb) this.kill('memory')
  }

  kill(reason: WatchSummary['killed']): void {
    this.killed ??= reason
    try {
      // SIGKILL ends a stopped process as well.
      process.kill(this.pid, 'SIGKILL')
    } catch {
      // It has just ended by itself.
    }
  }

  summary(window: TimeWindow | null): WatchSummary {
    const above = this.emptyMb === null ? null : this.peakSinceEmptyMb - this.emptyMb - this.allowanceMb
    return {
      peak_rss_mb: this.peakRssMb,
      peak_mb: above === null ? null : Math.max(0, above),
      killed: this.killed,
      throttled_ms: window === null ? null : (this.compute?.throttledMs(window) ?? null),
    }
  }

  /** The host has ended: frees what watching took. */
  async clear(): Promise<void> {
    this.resident?.close()
    await this.compute?.remove()
  }

  removeTemporary(): void {
    if (this.temporary !== null) rmSync(this.temporary, { recursive: true, force: true })
  }
}

function openResident(pid: number): ResidentSize | null {
  try {
    return new ResidentSize(pid)
  } catch {
    return null
  }
}
