/** All that is read before and after the timed steps, and nothing in between. */
import type { ComputeCapInForce, NoiseReadings, TrialReport } from '../protocol.ts'
import { cpuUsage, shareOf, TICK_MS } from './clock.ts'
import { EnergyMeter } from './energy.ts'
import { GcMeter } from './gc.ts'
import { type IoBytes, readIo } from './io.ts'
import { LoopDelayMeter } from './loop-delay.ts'
import { type Disturbance, difference, disturbanceOf, machineBusyBetween, readDisturbance } from './noise.ts'
import { readThrottledMs } from './throttle.ts'

const MIB = 1024 * 1024
/** The clock of threads that run on other cores is brought up to date at ticks. */
const CPU_RESOLUTION_MS = TICK_MS

export interface Readings {
  /** Share of a core that the process used; null where the window is too short to tell. */
  achieved: number | null
  metrics: Record<string, number | null>
  throttledMs: number | null
  energy: TrialReport['energy']
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
  private readonly disturbanceBefore: Disturbance
  private readonly ioBefore: IoBytes | null
  private readonly energy: EnergyMeter
  private readonly cpuBefore: NodeJS.CpuUsage

  /**
   * Starts all meters, the most exact last.
   * @param compute null where no compute cap is in force
   */
  constructor(compute: ComputeCapInForce | null) {
    this.cpuStat = compute?.cpu_stat ?? null
    // A cap holds on average over its period: a window that begins or ends within one is off by half of it at most.
    this.cpuResolutionMs = Math.max(CPU_RESOLUTION_MS, (compute?.period_ms ?? 0) / 2)
    this.throttledBefore = this.throttled()
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
      energy,
      machineBusyMs: machineBusyBetween(this.disturbanceBefore, disturbance),
      noise: disturbanceOf(this.disturbanceBefore, disturbance, this.cpuStat !== null),
    }
  }

  private throttled(): number | null {
    return this.cpuStat === null ? null : readThrottledMs(this.cpuStat)
  }
}
