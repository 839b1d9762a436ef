import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { disturbancesOf } from '../../../harness/execute/local/trial-result.ts'
import { NO_NOISE_READINGS } from '../../../workers/protocol/trial-result.ts'
import {
  type Disturbance,
  disturbanceOf,
  machineBusyBetween,
  readDisturbance,
  readFrequencyMhz,
  readMachineTime,
} from '../../../workers/telemetry/noise.ts'

const unknown: Disturbance = {
  at: 0,
  cpuMs: 0,
  queueWaitMs: null,
  involuntarySwitches: null,
  machineBusyMs: null,
  stealMs: null,
  coresMs: null,
  pressureMs: null,
  frequencyMhz: null,
}

describe('the machine', () => {
  it('tells time by its parts, guests not counted twice', () => {
    const stat = 'cpu  100 1 20 700 9 2 3 40 50 6\ncpu0 1 1 1 1 1 1 1 1 1 1\n'
    expect(readMachineTime(stat)).toEqual({ machineBusyMs: 1260, stealMs: 400, coresMs: 8750 })
    expect(readMachineTime(null)).toEqual({ machineBusyMs: null, stealMs: null, coresMs: null })
  })

  it('tells the mean frequency of its cores, or nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    expect(readFrequencyMhz(folder)).toBeNull()
    for (const [name, khz] of [
      ['cpu0', 2_000_000],
      ['cpu1', 3_000_000],
    ] as const) {
      mkdirSync(join(folder, name, 'cpufreq'), { recursive: true })
      writeFileSync(join(folder, name, 'cpufreq', 'scaling_cur_freq'), `${khz}\n`)
    }
    mkdirSync(join(folder, 'cpufreq'))
    expect(readFrequencyMhz(folder)).toBe(2500)
    rmSync(folder, { recursive: true })
  })

  it.skipIf(process.platform !== 'linux')('tells what this kernel has', () => {
    const { machineBusyMs, coresMs, stealMs } = readDisturbance()
    expect(machineBusyMs).toBeGreaterThan(0)
    expect(coresMs).toBeGreaterThan(machineBusyMs!)
    expect(stealMs).toBeGreaterThanOrEqual(0)
  })
})

describe('a disturbance', () => {
  const before = {
    ...unknown,
    at: 500,
    cpuMs: 100,
    queueWaitMs: 5,
    machineBusyMs: 1000,
    stealMs: 0,
    coresMs: 4000,
    pressureMs: 0,
    frequencyMhz: 3000,
  }
  const after = {
    ...before,
    at: 1500,
    cpuMs: 1000,
    queueWaitMs: 105,
    machineBusyMs: 2500,
    stealMs: 40,
    coresMs: 6000,
    pressureMs: 300,
    frequencyMhz: 2400,
  }

  it('is what happened in between', () => {
    expect(disturbanceOf(before, after, false)).toEqual({
      run_queue_wait_share: 0.1,
      involuntary_context_switches: null,
      steal_share: 0.02,
      others_cores: 0.6,
      pressure_share: 0.3,
      frequency_mhz: 2700,
      frequency_change: -0.19999999999999996,
    })
  })

  it('has no share in a time too short for its clock', () => {
    // One wait and one tick of all cores, booked within half a ms.
    const soon = { ...after, at: before.at + 0.4 }
    expect(disturbanceOf(before, soon, false)).toMatchObject({
      run_queue_wait_share: null,
      steal_share: null,
      others_cores: null,
      pressure_share: null,
    })
    expect(machineBusyBetween(before, soon)).toBeNull()
    // The kernel's unit of 10 ms is 5% of 200 ms; pressure is counted in less than 1 ms.
    const at = (ms: number) => disturbanceOf(before, { ...after, at: before.at + ms }, false)
    expect([at(199).others_cores, at(199).run_queue_wait_share]).toEqual([null, null])
    expect(at(199).pressure_share).toBeCloseTo(300 / 199)
    expect([at(200).others_cores, at(200).run_queue_wait_share]).toEqual([3, 0.5])
    expect(machineBusyBetween(before, after)).toBe(1500)
  })

  it('leaves out what a cgroup cap itself causes', () => {
    const noise = disturbanceOf(before, after, true)
    expect([noise.run_queue_wait_share, noise.pressure_share]).toEqual([null, null])
  })

  it('marks a trial with every reason, and unknown with none', () => {
    const noise = { ...disturbanceOf(before, after, false), load_1m: 1, own_limit_share: null }
    expect(disturbancesOf(noise, 2)).toEqual(['steal', 'others', 'waiting', 'pressure', 'frequency'])
    expect(
      disturbancesOf(
        {
          ...noise,
          others_cores: 0.1,
          steal_share: 0,
          run_queue_wait_share: 0.01,
          pressure_share: 0.01,
          frequency_change: 0.02,
        },
        2,
      ),
    ).toEqual([])
    // A quota of its own explains what looks like a wait for others.
    expect(disturbancesOf({ ...noise, own_limit_share: 0.4 }, 2)).toEqual(['own_limit', 'steal', 'frequency'])
    expect(disturbancesOf({ ...NO_NOISE_READINGS, ...disturbanceOf(unknown, unknown, false) }, 2)).toBeNull()
  })
})
