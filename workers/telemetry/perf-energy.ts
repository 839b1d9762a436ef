/** Energy of the processor packages where the kernel's own files cannot be read: by `perf`, which runs beside all trials. */

import { type ChildProcess, spawn } from 'node:child_process'
import type { PerfLack, TimeWindow } from '../protocol/supervisor.ts'
import { canTell, monotonicMs } from './clock.ts'

const EVENT = 'power/energy-pkg/'
/** Readings so far apart are interpolated. */
const INTERVAL_MS = 100
/** A line between two readings is off by a quarter of an interval where power steps from nothing to all: at both ends. */
const PERF_RESOLUTION_MS = INTERVAL_MS / 2
/** Perf says within this whether it can count. */
const FIRST_READING_MS = 2000
/** A trial's readings: a day at most is asked for. */
const MOST_READINGS = 1_000_000

export class PerfEnergy {
  private readonly child: ChildProcess
  /** Clock in ms and joules so far, in turn. */
  private readonly readings: number[] = []
  private joules = 0
  private rest = ''

  private constructor(child: ChildProcess) {
    this.child = child
  }

  /** Why there is none where perf is missing, not permitted, has no such event, or gave no reading in time. */
  static async start(): Promise<PerfEnergy | PerfLack> {
    const words = ['stat', '-a', '-x', ';', '-I', String(INTERVAL_MS), '-e', EVENT]
    const child = spawn('perf', words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    })
    const meter = new PerfEnergy(child)
    const lack = await new Promise<PerfLack | null>((resolve) => {
      const late = setTimeout(
        () => resolve({ late: true, why: `perf gave no reading within ${FIRST_READING_MS / 1000} s` }),
        FIRST_READING_MS,
      )
      const settle = (lack: PerfLack | null) => {
        clearTimeout(late)
        resolve(lack)
      }
      child.once('error', ({ code, message }: NodeJS.ErrnoException) =>
        settle({ late: false, why: code === 'ENOENT' ? 'perf is not installed' : message }),
      )
      child.once('exit', () => settle({ late: false, why: `perf does not count ${EVENT} here` }))
      child.stderr?.setEncoding('latin1').on('data', (text: string) => {
        meter.take(text)
        if (meter.readings.length > 0) settle(null)
      })
    })
    if (lack !== null) meter.stop()
    return lack ?? meter
  }

  /** Joules of all packages within a window of the monotonic clock; null where the readings do not reach around it or are too far apart to tell. */
  within({ from, to }: TimeWindow): number | null {
    if (!canTell(to - from, PERF_RESOLUTION_MS)) return null
    const begin = this.at(from)
    const end = this.at(to)
    return begin === null || end === null ? null : end - begin
  }

  /** Resolves once a reading past the clock's present is there, or perf has ended. */
  async catchUp(): Promise<void> {
    const now = monotonicMs()
    const deadline = now + 5 * INTERVAL_MS
    while ((this.readings.at(-2) ?? 0) < now && this.child.exitCode === null && monotonicMs() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS / 4))
    }
  }

  stop(): void {
    this.child.kill('SIGKILL')
  }

  private at(time: number): number | null {
    const { readings } = this
    for (let i = readings.length - 2; i >= 2; i -= 2) {
      const before = readings[i - 2]!
      if (before > time) continue
      const after = readings[i]!
      if (after < time) return null
      const share = (time - before) / (after - before)
      return readings[i - 1]! + share * (readings[i + 1]! - readings[i - 1]!)
    }
    return null
  }

  /** Lines such as `     1.000105;12.34;Joules;power/energy-pkg/;...`, one an interval. */
  private take(text: string): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop()!
    for (const line of lines) {
      const [, value, unit, event] = line.split(';')
      const joules = Number(value)
      if (event?.trim() !== EVENT || unit?.trim() !== 'Joules' || value === '' || !Number.isFinite(joules))
        continue
      this.joules += joules
      this.readings.push(monotonicMs(), this.joules)
      if (this.readings.length > MOST_READINGS) this.readings.splice(0, MOST_READINGS / 2)
    }
  }
}
