/**
 * CPU share without cgroups: another process reads the CPU time of the trial process and of all that it started every 2 ms,
 * stops them when they are ahead of their share and lets them go on when they are behind. The loop closes on cumulative use, so that its errors do not add up.
 */
import type { TimeWindow } from '../protocol/supervisor.ts'
import { monotonicMs } from '../telemetry/clock.ts'
import { ProcessCpuTime } from '../telemetry/process-files.ts'
import type { ComputeCap, ComputeCapper } from './compute-group.ts'
import { ProcessTree } from './process-tree.ts'

const INTERVAL_MS = 2
/** Every so many readings the processes that the trial process has started are looked for. */
const LOOK_EVERY = 4
/** How far ahead of its share a process may be before it is stopped: less would stop it at every reading. */
const AHEAD_MS = 1
/** An idle process may save up what a cgroup with this period would let it, and no more. */
const IDLE_CREDIT_MS = 20
/** One that waits for a core while others use it may catch up on this much: in a window of 2 s within 2%. */
const WAITING_CREDIT_MS = 40

export const dutyCycle: ComputeCapper = {
  mechanism: 'duty_cycle',
  apply: (pid, units) => new DutyCycle(pid, units),
}

class DutyCycle implements ComputeCap {
  readonly periodMs = INTERVAL_MS
  readonly cpuStat = null
  private readonly pid: number
  private readonly units: number
  private readonly cpu: ProcessCpuTime
  private readonly tree: ProcessTree
  private readonly children = new Map<number, ProcessCpuTime>()
  /** CPU time of children that have ended, ms. */
  private endedMs = 0
  private ticks = 0
  private readonly timer: NodeJS.Timeout
  /** CPU time allowed so far, ms. */
  private allowedMs = 0
  private lastTick = monotonicMs()
  private stoppedAt: number | null = null
  /** Begin and end of every stop, in turn. */
  private readonly stops: number[] = []

  constructor(pid: number, units: number) {
    this.pid = pid
    this.units = units
    this.cpu = new ProcessCpuTime(pid)
    this.tree = new ProcessTree(pid, null)
    this.findChildren(false)
    this.timer = setInterval(() => this.tick(), INTERVAL_MS)
  }

  throttledMs(window: TimeWindow): number {
    let total = 0
    for (let at = 0; at + 1 < this.stops.length; at += 2) {
      total += Math.max(0, Math.min(this.stops[at + 1]!, window.to) - Math.max(this.stops[at]!, window.from))
    }
    return total
  }

  release(): void {
    clearInterval(this.timer)
    this.continue()
    this.cpu.close()
    for (const cpu of this.children.values()) cpu.close()
    this.children.clear()
    this.tree.close()
  }

  async remove(): Promise<void> {
    this.release()
  }

  private tick(): void {
    const own = this.cpu.readMs()
    if (own === null) {
      this.release()
      return
    }
    if (this.ticks++ % LOOK_EVERY === 0) this.findChildren(true)
    const used = own + this.childrenMs()
    const now = monotonicMs()
    this.allowedMs += (now - this.lastTick) * this.units
    this.lastTick = now
    const credit = (periodMs: number) => used + Math.max(AHEAD_MS, periodMs * this.units)
    if (this.allowedMs > credit(IDLE_CREDIT_MS)) {
      const period = this.stoppedAt === null && this.isRunnable() ? WAITING_CREDIT_MS : IDLE_CREDIT_MS
      this.allowedMs = Math.min(this.allowedMs, credit(period))
    }
    if (this.stoppedAt === null && used > this.allowedMs + AHEAD_MS) this.stop(now)
    else if (this.stoppedAt !== null && used < this.allowedMs) this.continue()
  }

  /** @param theirStartCounts whether they were started under the cap */
  private findChildren(theirStartCounts: boolean): void {
    this.tree.look()
    for (const pid of this.tree.pids()) {
      if (this.children.has(pid)) continue
      const cpu = cpuTimeOf(pid, theirStartCounts)
      if (cpu === null) continue
      this.children.set(pid, cpu)
      if (this.stoppedAt !== null) signal(pid, 'SIGSTOP')
    }
  }

  private childrenMs(): number {
    let sum = this.endedMs
    for (const [pid, cpu] of this.children) {
      const ms = cpu.readMs()
      sum += ms ?? cpu.lastMs
      if (ms !== null) continue
      this.endedMs += cpu.lastMs
      cpu.close()
      this.children.delete(pid)
    }
    return sum
  }

  private isRunnable(): boolean {
    return this.cpu.isRunnable() || [...this.children.values()].some((cpu) => cpu.isRunnable())
  }

  private stop(now: number): void {
    this.stoppedAt = now
    signal(this.pid, 'SIGSTOP')
    // What starts others while it is being stopped is found by the next look.
    this.tree.signal('SIGSTOP')
  }

  private continue(): void {
    if (this.stoppedAt === null) return
    signal(this.pid, 'SIGCONT')
    this.tree.signal('SIGCONT')
    this.stops.push(this.stoppedAt, monotonicMs())
    this.stoppedAt = null
  }
}

function cpuTimeOf(pid: number, fromItsStart: boolean): ProcessCpuTime | null {
  try {
    return new ProcessCpuTime(pid, fromItsStart)
  } catch {
    // It has just ended.
    return null
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name)
  } catch {
    // The process has just ended.
  }
}
