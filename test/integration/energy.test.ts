/** Energy through the public command, on fake counters. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRun } from '../../harness/record/open-run.ts'
import type { OkTrial } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { command } from '../fixtures/cli.ts'
import { workloadFile } from '../fixtures/trial.ts'
import { okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-energy-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a sweep of the powercap workload; its trials, by `how` and round. */
async function sweep(
  lines: string[],
  environment: Record<string, string>,
): Promise<(OkTrial & { how: Scalar | undefined })[]> {
  const file = join(folder, 'energy.yaml')
  writeFileSync(
    file,
    [`name: energy`, `workload: ${workloadFile('powercap')}`, 'warmup_chunks: 0', ...lines].join('\n'),
  )
  const words = ['run', file, '--out', join(folder, 'results'), '--quiet', '--export', 'csv']
  const { code, stdout, stderr } = await command(words, folder, { ...process.env, ...environment })
  expect([code, stderr]).toEqual([0, ''])
  const { manifest, trials } = openRun(stdout.trim())
  const how = new Map(manifest.sweep.scenarios.map(({ id, params }) => [id, params['how']]))
  return trials.map((trial) => ({ ...okOf(trial), how: how.get(trial.scenario) }))
}

function fakePowercap(): string {
  const root = join(folder, 'powercap')
  for (const [domain, name] of [
    ['intel-rapl:0', 'package-0'],
    ['intel-rapl:0:0', 'core'],
    ['intel-rapl:1', 'package-1'],
    ['intel-rapl:2', 'psys'],
  ] as const) {
    mkdirSync(join(root, domain), { recursive: true })
    writeFileSync(join(root, domain, 'name'), `${name}\n`)
    writeFileSync(join(root, domain, 'energy_uj'), '100\n')
    writeFileSync(join(root, domain, 'max_energy_range_uj'), '10000000\n')
  }
  return root
}

/** A perf that counts 0.5 J a reading on 2 packages' sum, or says that it cannot. */
function fakePerf(script: string): Record<string, string> {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'perf'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, 'perf'), 0o755)
  return { PATH: `${bin}:${process.env['PATH']}`, STINT_POWERCAP_ROOT: join(folder, 'absent') }
}
const COUNTING = `while :; do sleep 0.05; echo "     0.05;0.50;Joules;power/energy-pkg/;50000000;100.00;;" >&2; done`

/** Three steps that take longer than the second within which readings of perf are too far apart to tell. */
const LONG = 'grid: { params.step_ms: [400] }'
const WATTS = ['description: a machine of the tests', 'watts: { idle: 10, per_core: 20 }']

describe.skipIf(process.platform !== 'linux')('energy', () => {
  it('comes from all packages, across a wrap, and is unknown where a counter turns unreadable', async () => {
    const trials = await sweep(
      ['benchmark_runs: 1', 'grid: { params.how: [counts, wraps, turns_unreadable] }'],
      {
        STINT_POWERCAP_ROOT: fakePowercap(),
      },
    )
    const of = (how: string) => trials.find((trial) => trial.how === how)!
    expect(of('counts').energy).toEqual({ joules: 3.75, source: 'rapl', shared: false })
    expect(of('counts').metrics['energy_j']).toBe(3.75)
    expect(of('wraps').energy).toEqual({ joules: 3, source: 'rapl', shared: false })
    expect(of('turns_unreadable').energy).toEqual({ joules: null, source: null, shared: false })
    expect(of('turns_unreadable').metrics['energy_j']).toBeNull()
  })

  it('comes from perf where the files cannot be read, and is unknown where its readings are too far apart for so short a trial', async () => {
    const trials = await sweep(
      ['benchmark_runs: 1', 'grid: { params.step_ms: [400, 80] }'],
      fakePerf(COUNTING),
    )
    const [long, short] = trials.sort((a, b) => b.metrics['wall_s']! - a.metrics['wall_s']!)
    expect(long!.energy.source).toBe('perf')
    // Some 10 W over the trial's time; a busy machine delays the readings.
    const watts = long!.energy.joules! / long!.metrics['wall_s']!
    expect(watts).toBeGreaterThan(2)
    expect(watts).toBeLessThan(30)
    expect(short!.energy).toEqual({ joules: null, source: null, shared: false })
  })

  it('is shared out by CPU time where trials run at once, and marked', async () => {
    const trials = await sweep(
      [FULL ? 'benchmark_runs: 4' : 'benchmark_runs: 3', 'n_jobs: 2', LONG],
      fakePerf(COUNTING),
    )
    expect(trials.filter(({ energy }) => energy.shared).length).toBeGreaterThanOrEqual(2)
    for (const { energy, metrics } of trials) {
      if (energy.source !== 'perf') continue
      // Never more than the counters counted in the time.
      expect(energy.joules! / metrics['wall_s']!).toBeLessThan(30)
    }
  })

  it('is an estimate by the profile, labelled, where nothing counts', async () => {
    const perf = fakePerf('echo "no such event" >&2; exit 129')
    const profile = join(folder, 'mine.yaml')
    writeFileSync(profile, WATTS.join('\n'))
    const [trial] = await sweep(['benchmark_runs: 1', 'profiles: [./mine.yaml]'], perf)
    const { wall_s, cpu_s } = trial!.metrics
    expect(trial!.energy.source).toBe('estimate')
    expect(trial!.energy.joules).toBeCloseTo(10 * wall_s! + 20 * cpu_s!, 6)
    const [without] = await sweep(['benchmark_runs: 1'], perf)
    expect(without!.energy).toEqual({ joules: null, source: null, shared: false })
  })
})
