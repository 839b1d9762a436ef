/** All that is read before and after the timed steps, and nothing in between. */

import { type IntervalHistogram, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import type { ComputeCapInForce } from '../protocol/supervisor.ts'
import type { TrialReport } from '../protocol/trial-process.ts'
import type { NoiseReadings } from '../protocol/trial-result.ts'
import { cpuUsage, nextTurn, shareOf, TICK_MS, textOf } from './clock.ts'
import { EnergyMeter } from './energy.ts'
import { type Disturbance, difference, disturbanceOf, machineBusyBetween, readDisturbance } from './noise.ts'

const MIB = 1024 * 1024
/** The clock of threads that run on other cores is brought up to date at ticks. */
const CPU_RESOLUTION_MS = TICK_MS
/** A quota is held at the end of its period, by default 100 ms. */
const OWN_LIMIT_RESOLUTION_MS = 50

export interface Readings {
  /** Share of a core that the process used; null where the window is too short to tell. */
  achieved: number | null
  metrics: Record<string, number | null>
  throttledMs: number | null
  energy: TrialReport['energy']
  /** Of the thread's collections in order: start, ms by `threadMs()`, and duration, in turns. */
  collections: number[]
  /** CPU time of the whole machine, ms. */
  machineBusyMs: number | null
  noise: Omit<NoiseReadings, 'load_1m'>
}

export class Meters {
  private readonly cpuStat: string | null
  private readonly cpuResolutionMs: number
  private readonly gc = new GcMeter()
  private readonly loop = new LoopDelayMeter()
  private readonly throttledBefore: number | null
  private readonly ownLimits: readonly string[]
  private readonly ownLimitsBefore: number[]
  private readonly disturbanceBefore: Disturbance
  private readonly ioBefore: IoBytes | null
  private readonly energy: EnergyMeter
  private readonly cpuBefore: NodeJS.CpuUsage

  /**
   * Starts all meters, the most exact last.
   * @param compute null where no compute cap is in force
   * @param ownLimits `cpu.stat` of each group above the trial's that has a quota
   */
  constructor(compute: ComputeCapInForce | null, ownLimits: readonly string[]) {
    this.cpuStat = compute?.cpu_stat ?? null
    // A cap holds on average over its period: a window that begins or ends within one is off by half of it at most.
    this.cpuResolutionMs = Math.max(CPU_RESOLUTION_MS, (compute?.period_ms ?? 0) / 2)
    this.throttledBefore = this.throttled()
    this.ownLimits = ownLimits
    this.ownLimitsBefore = this.throttledAbove()
    this.ioBefore = readIo()
    this.disturbanceBefore = readDisturbance()
    this.energy = new EnergyMeter()
    this.cpuBefore = cpuUsage()
  }

  /** @param wallMs from the first timed step to the last */
  async stop(wallMs: number): Promise<Readings> {
    const cpu = cpuUsage(this.cpuBefore)
    const energy = this.energy.stop(wallMs)
    const disturbance = readDisturbance()
    const io = readIo()
    const throttledMs = difference(this.throttledBefore, this.throttled())
    const above = this.throttledAbove().map((ms, i) => ms - this.ownLimitsBefore[i]!)
    const loop = this.loop.stop()
    await this.gc.stop()
    const cpuMs = (cpu.user + cpu.system) / 1000
    const moved = (key: keyof IoBytes) =>
      io === null || this.ioBefore === null ? null : (io[key] - this.ioBefore[key]) / MIB
    return {
      achieved: shareOf(cpuMs, wallMs, this.cpuResolutionMs),
      metrics: {
        cpu_s: cpuMs / 1000,
        gc_count: this.gc.count,
        gc_pause_ms: this.gc.pauseMs,
        event_loop_delay_p99_ms: loop.p99,
        event_loop_delay_max_ms: loop.max,
        io_read_mb: moved('read'),
        io_written_mb: moved('written'),
        energy_j: energy.joules,
      },
      throttledMs,
      collections: this.gc.collections,
      energy,
      machineBusyMs: machineBusyBetween(this.disturbanceBefore, disturbance),
      noise: {
        ...disturbanceOf(this.disturbanceBefore, disturbance, this.cpuStat !== null),
        // The kernel adds up the cores: a group may be held back for longer than the wall's time.
        own_limit_share:
          above.length === 0 ? null : capped(shareOf(Math.max(...above), wallMs, OWN_LIMIT_RESOLUTION_MS)),
      },
    }
  }

  /** Time that each group above held back so far, ms; 0 where it does not tell. */
  private throttledAbove(): number[] {
    return this.ownLimits.map((cpuStat) => readThrottledMs(cpuStat) ?? 0)
  }

  private throttled(): number | null {
    return this.cpuStat === null ? null : readThrottledMs(this.cpuStat)
  }
}

function capped(share: number | null): number | null {
  return share === null ? null : Math.min(1, share)
}

// ---------------------------------------------------------------- meters of one thing each

/** Garbage collections of the calling thread's isolate. */
class GcMeter {
  count = 0
  pauseMs = 0
  /** Start and duration, in turns. */
  readonly collections: number[] = []
  private readonly observer: PerformanceObserver

  constructor() {
    this.observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.add(entry)
    })
    this.observer.observe({ entryTypes: ['gc'] })
  }

  /** Entries arrive on the event loop, which a workload that never waits does not turn. */
  async stop(): Promise<void> {
    await nextTurn()
    await nextTurn()
    for (const entry of this.observer.takeRecords()) this.add(entry)
    this.observer.disconnect()
  }

  private add({ startTime, duration }: { startTime: number; duration: number }): void {
    this.count++
    this.pauseMs += duration
    this.collections.push(startTime, duration)
  }
}

/** Timers that measure; a finer one would cost more than it tells of chunks of some ms. */
const RESOLUTION_MS = 20

/** How long the calling thread's event loop keeps a timer waiting. */
class LoopDelayMeter {
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

interface IoBytes {
  /** Through read calls, from the page cache as from a disk. */
  read: number
  written: number
}

/** Totals of the calling process; null where the kernel does not tell. */
function readIo(): IoBytes | null {
  const text = textOf('/proc/self/io') ?? ''
  const read = /^rchar: (\d+)$/m.exec(text)
  const written = /^wchar: (\d+)$/m.exec(text)
  return read && written ? { read: Number(read[1]), written: Number(written[1]) } : null
}

/**
 * Time in which a cgroup's quota held its processes back so far, ms, from its `cpu.stat`
 * (`throttled_usec` in cgroup v2, `throttled_time` in ns in v1). Null where the file does not tell.
 */
export function readThrottledMs(cpuStat: string): number | null {
  const text = textOf(cpuStat) ?? ''
  const v2 = /^throttled_usec (\d+)$/m.exec(text)
  if (v2) return Number(v2[1]) / 1e3
  const v1 = /^throttled_time (\d+)$/m.exec(text)
  return v1 ? Number(v1[1]) / 1e6 : null
}
