import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effectiveLimits, tryCompute, tryRest } from '../../harness/doctor/checks.ts'
import type { Doctor } from '../../harness/doctor/doctor.ts'
import { measureQuiet } from '../../harness/doctor/quiet.ts'
import { raplLacks, remedyFor } from '../../harness/doctor/remedies.ts'
import { doctorReport } from '../../harness/report/sections/doctor.ts'
import { NO_OWN_LIMITS } from '../../workers/protocol/supervisor.ts'
import { NO_NOISE_READINGS } from '../../workers/protocol/trial-result.ts'
import type { TrialSpec } from '../../workers/protocol/trial-spec.ts'
import { ALL_CAPS, FakeExecutor, type TrialChanges } from '../fixtures/fake-executor.ts'

describe('the A/A comparison', () => {
  const measure = (wall: (side: number, run: number) => number | null) =>
    measureQuiet(
      new FakeExecutor({
        result: ({ trial }) => {
          const [, side, run] = trial.split('-').map(Number)
          const wall_s = wall(side!, run!)
          return { metrics: wall_s === null ? {} : { wall_s } }
        },
      }),
      10,
      () => 0.7,
    )

  it('finds nothing where nothing varies', async () => {
    const { runs, variation, apparent_change, smallest_change, disturbed } = await measure(() => 0.06)
    expect([runs, apparent_change, disturbed]).toEqual([10, 0, 0])
    expect(variation).toBeCloseTo(0, 12)
    expect(smallest_change).toBeCloseTo(0, 12)
  })

  it('tells by how much identical trials differ and what that hides', async () => {
    const { variation, apparent_change, smallest_change } = await measure((side, run) =>
      run % 2 === 0 ? 0.06 : side === 0 ? 0.066 : 0.0726,
    )
    expect(variation).toBeGreaterThan(0.05)
    expect(variation).toBeLessThan(0.15)
    expect(apparent_change).toBeCloseTo(Math.sqrt(0.06 * 0.0726) / Math.sqrt(0.06 * 0.066) - 1, 10)
    expect(smallest_change).toBeCloseTo(Math.exp(2.8 * variation! * Math.sqrt(0.2)) - 1, 10)
  })

  it('knows nothing where trials did not end', async () => {
    expect(await measure(() => null)).toMatchObject({
      variation: null,
      apparent_change: null,
      smallest_change: null,
    })
  })
})

const memory = (outcome: string) => ({
  asked_mb: 32,
  scope: 'workload' as const,
  in_force_mb: 32,
  mechanisms: [],
  peak_mb: null,
  peak_above_idle_mb: outcome === 'ok' ? 2 : 33,
  enforced: true,
  note: null,
})
const compute = (achieved: number | null, error: string | null = null) => ({
  asked: 0.25,
  in_force: error === null ? 0.25 : null,
  achieved,
  mechanism: 'duty_cycle' as const,
  period_ms: 2,
  throttled_ms: null,
  pinned_core: null,
  enforced: error === null,
  note: error,
})

describe.skipIf(process.platform !== 'linux')('what was tried', () => {
  const mechanismsWith = (
    result: (spec: TrialSpec) => TrialChanges | Promise<TrialChanges>,
    notes: string[] = [],
  ) =>
    tryCompute(
      (mechanism) =>
        new FakeExecutor({
          result,
          capabilities: { ...ALL_CAPS, compute: notes.length > 0 ? 'none' : mechanism, notes },
        }),
    )
  const shares = (...achieved: (number | null)[]) => {
    let probe = 0
    return () => ({ caps: { memory: memory('ok'), compute: compute(achieved[probe++ % achieved.length]!) } })
  }

  it('is yes, no or not measured for a share, each with why', async () => {
    expect(await mechanismsWith(shares(0.25))).toMatchObject([
      { name: 'cgroup_v2', able: true, found: 'asked 0.250 of a core, achieved 0.250', remedy: null },
      { name: 'cgroup_v1', able: true },
      { name: 'duty_cycle', able: true },
    ])
    for (const one of await mechanismsWith(shares(0.9)))
      expect(one).toMatchObject({ able: false, found: 'asked 0.250 of a core, achieved 0.900' })
    for (const one of await mechanismsWith(shares(null)))
      expect(one).toMatchObject({ able: null, found: expect.stringMatching(/too short/), remedy: null })
    const late = { outcome: 'timed_out' as const, error: { name: 'Timeout', message: 'late' } }
    for (const one of await mechanismsWith(() => late))
      expect(one).toMatchObject({ able: null, found: expect.stringMatching(/too slow/), remedy: null })
    const broken = () => Promise.reject(new Error('the supervisor process ended'))
    for (const one of await mechanismsWith(broken))
      expect(one).toMatchObject({ able: null, found: 'could not be tried: the supervisor process ended' })
    const [v2] = await mechanismsWith(shares(0.25), ['cgroup_v2: version 2 is not mounted'])
    expect(v2).toMatchObject({ able: false, found: 'version 2 is not mounted' })
  })

  it('is tried for longer before a window is called too short', async () => {
    for (const one of await mechanismsWith(shares(null, 0.26)))
      expect(one).toMatchObject({ able: true, found: 'asked 0.250 of a core, achieved 0.260' })
  })

  it('asks for no more than half of what the run itself may use', async () => {
    const asked: (number | null)[] = []
    const limits = { ...NO_OWN_LIMITS, cpu_quota_cores: 0.1 }
    await tryCompute((mechanism) => {
      const capabilities = { ...ALL_CAPS, compute: mechanism, limits }
      const result = ({ caps }: TrialSpec) => {
        asked.push(caps.max_compute_units)
        return shares(0.05)()
      }
      return new FakeExecutor({ result, capabilities })
    })
    expect(asked).toEqual([0.05, 0.05, 0.05])
  })

  const rest = async (result: (spec: TrialSpec) => TrialChanges | Promise<TrialChanges>) => {
    const checks = await tryRest(new FakeExecutor({ result }))
    return (name: string) => checks.find((check) => check.name.startsWith(name))!
  }

  it('is yes, no or not measured for memory and noise', async () => {
    const grown = { outcome: 'out_of_memory' as const, caps: { memory: memory(''), compute: compute(null) } }
    const noise = { ...NO_NOISE_READINGS, disturbed: null, steal_share: 0 }
    const quick = await rest(({ params }) => (params['work'] === 'allocate' ? grown : { noise }))
    expect(quick('supervisor').able).toBe(true)
    expect(quick('core pinning').able).toBe(true)
    expect(quick('steal')).toMatchObject({ able: true, found: '0% of the time' })
    expect(quick('other processes')).toMatchObject({ able: null, found: 'the trial was too short to tell' })

    const leaky = await rest(() => ({ caps: { memory: memory('ok'), compute: compute(null) } }))
    expect(leaky('supervisor').able).toBe(false)

    const slow = await rest(() => ({ outcome: 'timed_out' }))
    for (const name of ['supervisor', 'core pinning', 'steal', 'context switches'])
      expect(slow(name)).toMatchObject({
        able: null,
        found: expect.stringMatching(/too slow here/),
        remedy: null,
      })

    const refused = await rest(() => ({ outcome: 'failed', error: { name: 'E', message: 'taskset: no' } }))
    expect(refused('core pinning')).toMatchObject({ able: false, found: 'taskset: no' })

    const broken = await rest(() => Promise.reject(new Error('gone')))
    for (const name of ['supervisor', 'core pinning', 'steal'])
      expect(broken(name)).toMatchObject({ able: null, found: 'could not be tried: gone' })
  })

  it('shows in words and files what was not measured, and the limits', async () => {
    const checks = await tryRest(new FakeExecutor({ result: () => ({ outcome: 'timed_out' }) }))
    const machine = { cpu_model: 'x', cores: 2, memory_mb: 4096, platform: 'linux', kernel: '6', node: '20' }
    const limits = {
      ...NO_OWN_LIMITS,
      version: 'v2' as const,
      cpu_quota_cores: 0.5,
      cpu_quota_group: '/lim.slice',
      memory_limit_mb: 9999,
      memory_limit_group: '/',
    }
    const effective = effectiveLimits(limits, machine)
    expect(effective).toMatchObject({
      cores: 0.5,
      memory_mb: 4096,
      cpu_quota_cores: 0.5,
      memory_limit_mb: 9999,
    })
    expect('throttle_counts' in effective).toBe(false)
    const doctor = {
      machine,
      limits: effective,
      checks,
      kernel_ops_s: null,
      quiet: null,
    } as unknown as Doctor
    const report = doctorReport(doctor)
    expect(report.answer.text).toContain('whether the supervisor holds memory caps was not measured')
    const text = JSON.stringify(report.sections)
    expect(text).toContain(
      'Stint and all its trials together may use 0.500 cores (the CPU quota of cgroup /lim.slice) and 4,096 MB.',
    )
    expect(text).toContain('its speed was not measured')
    const able = report.tables[0]!.columns.find(([name]) => name === 'able')![1]
    expect(new Set(able)).toEqual(new Set(['no', 'not measured']))
    const supervisor = report.checks.find(({ name }) => name === 'supervisor')!
    expect(supervisor).toMatchObject({
      state: 'skipped',
      message: expect.stringMatching(/^not measured: too slow/),
    })
  })
})

describe('energy counters', () => {
  const root = mkdtempSync(join(tmpdir(), 'powercap-'))
  const before = process.env['STINT_POWERCAP_ROOT']
  beforeAll(() => {
    process.env['STINT_POWERCAP_ROOT'] = root
  })
  afterAll(() => {
    if (before === undefined) delete process.env['STINT_POWERCAP_ROOT']
    else process.env['STINT_POWERCAP_ROOT'] = before
    rmSync(root, { recursive: true })
  })
  const domain = (id: number, name: string, energy: string | null) => {
    const folder = join(root, `intel-rapl:${id}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'name'), `${name}\n`)
    if (energy !== null) writeFileSync(join(folder, 'energy_uj'), `${energy}\n`)
  }

  it('of which some cannot be read are named, since energy needs them all', () => {
    expect([raplLacks(), remedyFor('rapl')]).toEqual([
      expect.stringMatching(/^no package counter can be read here/),
      null,
    ])
    domain(0, 'package-0', '12345')
    domain(1, 'package-1', null)
    domain(2, 'psys', '1')
    expect(raplLacks()).toBe(
      '1 of 2 package counters can be read, and energy needs them all: not intel-rapl:1',
    )
    expect(remedyFor('rapl')).toBe(`sudo chmod a+r ${root}/intel-rapl:*/energy_uj`)
  })
})

describe('a remedy', () => {
  it('is none for what needs none', () => {
    expect(remedyFor('duty_cycle')).toBeNull()
    expect(remedyFor('none')).toBeNull()
  })
})
