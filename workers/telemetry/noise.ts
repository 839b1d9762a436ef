/** Signs that others disturbed the calling thread. Linux only; null elsewhere. */
import { join } from 'node:path'
import type { NoiseReadings } from '../protocol/trial-result.ts'
import { canTell, cpuUsage, list, shareOf, TICK_MS, textOf, threadMs } from './clock.ts'

/** The kernel's unit in /proc/stat, whatever its tick. */
const STAT_UNIT_MS = 10
/** The clock of a thread that runs is brought up to date at ticks. */
const SCHEDSTAT_RESOLUTION_MS = TICK_MS
/** Pressure is brought up to date by whoever reads it. */
const PRESSURE_RESOLUTION_MS = 1
const CPU_FOLDER = '/sys/devices/system/cpu'

/** Totals since the machine or the thread started, and the frequency at the moment. */
export interface Disturbance {
  /** When this was read, and the process's own CPU time then, ms. */
  at: number
  cpuMs: number
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
  const cpu = cpuUsage()
  const schedstat = textOf('/proc/thread-self/schedstat')?.split(' ')
  const switches = /^nonvoluntary_ctxt_switches:\s+(\d+)$/m.exec(textOf('/proc/thread-self/status') ?? '')
  const pressure = /^some .*total=(\d+)$/m.exec(textOf('/proc/pressure/cpu') ?? '')
  return {
    at: threadMs(),
    cpuMs: (cpu.user + cpu.system) / 1000,
    queueWaitMs: schedstat?.[1] === undefined ? null : Number(schedstat[1]) / 1e6,
    involuntarySwitches: switches ? Number(switches[1]) : null,
    ...readMachineTime(textOf('/proc/stat')),
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
    machineBusyMs: busy * STAT_UNIT_MS,
    stealMs: steal * STAT_UNIT_MS,
    coresMs: (busy + steal + idle + iowait) * STAT_UNIT_MS,
  }
}

/** @param folder has `cpu<n>/cpufreq/scaling_cur_freq` in kHz, where the kernel tells */
export function readFrequencyMhz(folder: string): number | null {
  let sum = 0
  let cores = 0
  for (const name of listOrEmpty(folder)) {
    if (!/^cpu\d+$/.test(name)) continue
    const khz = Number(textOf(join(folder, name, 'cpufreq', 'scaling_cur_freq')) ?? Number.NaN)
    if (!(khz > 0)) continue
    sum += khz / 1000
    cores++
  }
  return cores === 0 ? null : sum / cores
}

/** CPU time of the whole machine in between, ms; null where that was too short to tell. */
export function machineBusyBetween(before: Disturbance, after: Disturbance): number | null {
  const busy = difference(before.machineBusyMs, after.machineBusyMs)
  return canTell(after.at - before.at, STAT_UNIT_MS) ? busy : null
}

/**
 * What happened in between, as the journal keeps it. Shares are of the time between the two readings, which is slightly
 * more than that of the timed steps: a pause may fall between the two.
 * @param inCgroup whether a cgroup's quota holds the process
 */
export function disturbanceOf(
  before: Disturbance,
  after: Disturbance,
  inCgroup: boolean,
): Omit<NoiseReadings, 'load_1m' | 'own_limit_share'> {
  const windowMs = after.at - before.at
  const between = (key: keyof Disturbance) => difference(before[key], after[key])
  const share = (ms: number | null, resolutionMs: number) => shareOf(ms, windowMs, resolutionMs)
  const busy = machineBusyBetween(before, after)
  const steal = between('stealMs')
  const cores = between('coresMs')
  const { frequencyMhz: from } = before
  const { frequencyMhz: to } = after
  return {
    // The kernel counts a thread that its own group's quota holds back as waiting for a core.
    run_queue_wait_share: inCgroup ? null : share(between('queueWaitMs'), SCHEDSTAT_RESOLUTION_MS),
    involuntary_context_switches: between('involuntarySwitches'),
    steal_share: steal === null || !cores || !canTell(windowMs, STAT_UNIT_MS) ? null : steal / cores,
    // Ticks are coarse: a trial may read slightly less than its own use.
    others_cores: share(
      busy === null ? null : Math.max(0, busy - (after.cpuMs - before.cpuMs)),
      STAT_UNIT_MS,
    ),
    pressure_share: inCgroup ? null : share(between('pressureMs'), PRESSURE_RESOLUTION_MS),
    frequency_mhz: from === null || to === null ? null : (from + to) / 2,
    frequency_change: from === null || to === null ? null : to / from - 1,
  }
}

export function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before
}

function listOrEmpty(folder: string): string[] {
  try {
    return list(folder)
  } catch {
    return []
  }
}
