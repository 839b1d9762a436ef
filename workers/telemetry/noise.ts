/** Signs that others disturbed the calling thread. Linux alone; null elsewhere. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NoiseRecord } from '../protocol.ts'

/** The kernel's unit in /proc/stat, whatever its tick. */
const TICK_MS = 10
const CPU_FOLDER = '/sys/devices/system/cpu'

/** Totals since the machine or the thread started, and the frequency at the moment. */
export interface Disturbance {
  /** Time ready to run and waiting for a core, ms. */
  queueWaitMs: number | null
  involuntarySwitches: number | null
  /** CPU time of all processes of the machine, ms. */
  machineBusyMs: number | null
  /** Time that the hypervisor gave to other machines, ms, and time of all cores, ms. */
  stealMs: number | null
  coresMs: number | null
  /** Time in which at least one process of the machine waited for a core, ms. */
  pressureMs: number | null
  /** Mean over the cores, MHz. */
  frequencyMhz: number | null
}

export function readDisturbance(): Disturbance {
  const schedstat = readOrNull('/proc/thread-self/schedstat')?.split(' ')
  const switches = /^nonvoluntary_ctxt_switches:\s+(\d+)$/m.exec(readOrNull('/proc/thread-self/status') ?? '')
  const pressure = /^some .*total=(\d+)$/m.exec(readOrNull('/proc/pressure/cpu') ?? '')
  return {
    queueWaitMs: schedstat?.[1] === undefined ? null : Number(schedstat[1]) / 1e6,
    involuntarySwitches: switches ? Number(switches[1]) : null,
    ...readMachineTime(readOrNull('/proc/stat')),
    pressureMs: pressure ? Number(pressure[1]) / 1e3 : null,
    frequencyMhz: readFrequencyMhz(CPU_FOLDER),
  }
}

type MachineTime = Pick<Disturbance, 'machineBusyMs' | 'stealMs' | 'coresMs'>

/** @param stat content of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, then guests, counted in user */
export function readMachineTime(stat: string | null): MachineTime {
  const fields = /^cpu +([\d ]+)$/m
    .exec(stat ?? '')?.[1]
    ?.split(' ')
    .map(Number)
  if (fields === undefined || fields.length < 8) return { machineBusyMs: null, stealMs: null, coresMs: null }
  const [user, nice, system, idle, iowait, irq, softirq, steal] = fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const busy = user + nice + system + irq + softirq
  return {
    machineBusyMs: busy * TICK_MS,
    stealMs: steal * TICK_MS,
    coresMs: (busy + steal + idle + iowait) * TICK_MS,
  }
}

/** @param folder has `cpu<n>/cpufreq/scaling_cur_freq` in kHz, where the kernel tells */
export function readFrequencyMhz(folder: string): number | null {
  let sum = 0
  let cores = 0
  for (const name of listOrEmpty(folder)) {
    if (!/^cpu\d+$/.test(name)) continue
    const khz = Number(readOrNull(join(folder, name, 'cpufreq', 'scaling_cur_freq')) ?? Number.NaN)
    if (!(khz > 0)) continue
    sum += khz / 1000
    cores++
  }
  return cores === 0 ? null : sum / cores
}

/** What happened in between, as the journal keeps it. */
export function disturbanceOf(
  before: Disturbance,
  after: Disturbance,
  window: { wallMs: number; cpuMs: number; inCgroup: boolean },
): Omit<NoiseRecord, 'load_1m'> {
  const { wallMs, cpuMs, inCgroup } = window
  const between = (key: keyof Disturbance) => difference(before[key], after[key])
  const overWall = (ms: number | null) => (ms === null || wallMs <= 0 ? null : ms / wallMs)
  const busy = between('machineBusyMs')
  const steal = between('stealMs')
  const cores = between('coresMs')
  const { frequencyMhz: from } = before
  const { frequencyMhz: to } = after
  return {
    // The kernel counts a thread that its own group's quota holds back as waiting for a core.
    run_queue_wait_share: inCgroup ? null : overWall(between('queueWaitMs')),
    involuntary_context_switches: between('involuntarySwitches'),
    steal_share: steal === null || cores === null || cores <= 0 ? null : steal / cores,
    // Ticks are coarse: a short trial may read slightly less than its own use.
    others_cores: overWall(busy === null ? null : Math.max(0, busy - cpuMs)),
    pressure_share: inCgroup ? null : overWall(between('pressureMs')),
    frequency_mhz: from === null || to === null ? null : (from + to) / 2,
    frequency_change: from === null || to === null ? null : to / from - 1,
  }
}

export function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before
}

function listOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
