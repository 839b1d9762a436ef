/** Energy of the processor packages: from the kernel's RAPL counters, else by `perf`. */

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { PerfLack, TimeWindow } from '../protocol/supervisor.ts'
import { canTell, list, monotonicMs, textOf } from './clock.ts'

const POWERCAP_ROOT = '/sys/class/powercap'
/** The kernel brings the counters up to date so often. */
const RESOLUTION_MS = 1
/** Only top-level domains: `intel-rapl:0:0` lies within `intel-rapl:0`, and the MMIO interface counts it again. */
const TOP_LEVEL = /^intel-rapl:\d+$/

interface Package {
  counter: string
  /** The counter starts again from 0 above this, uJ. */
  range: number
  startedAt: number
}

export interface Energy {
  joules: number | null
  source: 'rapl' | null
}

/**
 * Joules between construction and `stop()`, over all packages. Null where there is no RAPL or where any package
 * cannot be read (often only root may): part of the machine's energy would pass for the whole.
 * A counter that wraps once within the interval is corrected. Null as well where the interval is too short to tell.
 * @param root another powercap folder; by default `STINT_POWERCAP_ROOT` or the kernel's own
 */
export class EnergyMeter {
  private readonly packages: Package[] | null

  constructor(root: string = process.env['STINT_POWERCAP_ROOT'] ?? POWERCAP_ROOT) {
    this.packages = openPackages(root)
  }

  /** Whether the counters can be read. */
  get works(): boolean {
    return this.packages !== null
  }

  /** @param windowMs time since construction */
  stop(windowMs: number): Energy {
    if (this.packages === null) return { joules: null, source: null }
    if (!canTell(windowMs, RESOLUTION_MS)) return { joules: null, source: 'rapl' }
    try {
      let microjoules = 0
      for (const { counter, range, startedAt } of this.packages) {
        const used = readNumber(counter) - startedAt
        microjoules += used < 0 ? used + range : used
      }
      return { joules: microjoules / 1e6, source: 'rapl' }
    } catch {
      return { joules: null, source: null }
    }
  }
}

function openPackages(root: string): Package[] | null {
  try {
    const packages: Package[] = []
    for (const domain of list(root)) {
      if (!TOP_LEVEL.test(domain)) continue
      // `psys` is a top-level domain that contains the packages.
      if (!textOf(join(root, domain, 'name'))?.startsWith('package')) continue
      const counter = join(root, domain, 'energy_uj')
      const range = readNumber(join(root, domain, 'max_energy_range_uj'))
      packages.push({ counter, range, startedAt: readNumber(counter) })
    }
    return packages.length > 0 ? packages : null
  } catch {
    return null
  }
}

/** @throws where the file cannot be read or holds no number */
function readNumber(path: string): number {
  const text = textOf(path)?.trim() ?? ''
  const value = Number(text)
  // Number('') is 0.
  if (text === '' || !Number.isFinite(value)) throw new Error(`${path} holds no number`)
  return value
}

// ---------------------------------------------------------------- perf

// Where the kernel's own files cannot be read, `perf` runs beside all trials.

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
