import { describe, expect, it } from 'vitest'
import {
  type Conditions,
  compatibility,
  conditionsOf,
  isOfTheMachine,
  type Purpose,
  severityOf,
  wordsOf,
} from '../../../harness/record/compatibility.ts'
import { syntheticRun } from '../report/synthetic.ts'

const run = syntheticRun()
const then = conditionsOf(run)

/** The same conditions but for one change. */
function changed(change: (now: Conditions) => void): Conditions {
  const now = structuredClone(then)
  change(now)
  return now
}

const machineOf = ({ places }: Conditions) => places[0]!.machine

describe('the conditions of two runs on other machines', () => {
  const { manifest } = run
  /** As run by agents with these processors, and other limits where told. */
  const onAgents = (processors: string[], coordinator: string, max_cores: number | null = null) => {
    const machines = processors.map((cpu_model, index) => ({
      ...{ name: `agent${index}`, id: null, labels: ['pi'], stint: manifest.stint, build: 'b'.repeat(64) },
      machine: { ...manifest.machine, cpu_model },
      limits: { max_memory_mb: null, max_cores },
      ...{ clock: null, kernel_ops_s: null },
    }))
    const fleet = { server: 'nats://lab:4222', on: 'pi', machines }
    const machine = { ...manifest.machine, cpu_model: coordinator }
    return conditionsOf({ ...run, manifest: { ...manifest, machine, fleet } })
  }
  const between = (a: Conditions, b: Conditions) => compatibility(a, b).map(wordsOf)

  it('are those of the machines that ran them, not of the coordinator', () => {
    expect(between(onAgents(['P'], 'laptop'), onAgents(['P', 'P'], 'desk'))).toEqual([])
    expect(between(onAgents(['P'], 'laptop'), onAgents(['Q'], 'laptop'))).toEqual([
      'the processor was P and is Q',
    ])
    expect(between(onAgents(['P', 'Q'], 'laptop'), onAgents(['Q'], 'laptop'))).toEqual([
      'the processor was P and Q and is Q',
    ])
    expect(between(onAgents(['P'], 'laptop', 0.5), onAgents(['P'], 'laptop'))).toEqual([
      'the most cores that an agent gives was 0.5 and is none',
    ])
    const { cpu_model } = manifest.machine
    expect(between(onAgents([cpu_model], 'laptop'), then)).toEqual([])
    expect(between(onAgents(['P'], cpu_model), then)).toEqual([`the processor was P and is ${cpu_model}`])
  })

  it('are not known of a run that no agent has handed in to', () => {
    expect(between(onAgents([], 'laptop'), then)).toEqual([])
  })
})

describe('the conditions of two runs', () => {
  it('are the same on the same machine, whatever its load and the kernel patch', () => {
    const now = changed((now) => {
      const machine = machineOf(now)
      machine.load_at_start = [9, 9, 9]
      machine.kernel = `${machine.kernel.split('.').slice(0, 2).join('.')}.999-new`
    })
    expect(compatibility(then, now)).toEqual([])
  })

  const setting = (now: Conditions, key: string, value: unknown) => {
    for (const { settings } of now.sweep.scenarios) Object.assign(settings, { [key]: value })
  }
  it.each<[string, (now: Conditions) => void, string, RegExp]>([
    [
      'another processor',
      (now) => (machineOf(now).cpu_model = 'X'),
      'machine',
      /^the processor was .* and is X$/,
    ],
    ['more cores', (now) => (machineOf(now).cores = 64), 'machine', /^the number of cores was 2 and is 64$/],
    [
      'a quota',
      (now) => (machineOf(now).cgroup.cpu_quota_cores = 0.5),
      'machine',
      /quota .* was none and is 0\.5$/,
    ],
    [
      'another kernel',
      (now) => (machineOf(now).kernel = '99.9.0'),
      'system',
      /^the kernel was 6\.1 and is 99\.9$/,
    ],
    ['another Node', (now) => (machineOf(now).node = 'v99.0.0'), 'node', /Node was .* and is v99\.0\.0$/],
    ['another stint', (now) => (now.stint = '99.0.0'), 'stint', /stint was 0\.1\.0 and is 99\.0\.0$/],
    [
      'other code',
      (now) => (now.workload_hash = 'b'.repeat(64)),
      'workload',
      /^the code of workload pipeline was sha256 a{12}\.\.\. and/,
    ],
    [
      'other data',
      ({ datasets }) => (datasets[0]!.fingerprint.sha256 = 'c'.repeat(64)),
      'data',
      /^the content of nba2k data .* and is sha256 c{12}\.\.\. \(50,000 rows\)$/,
    ],
    ['no data', (now) => (now.datasets = []), 'data', / and is none$/],
    [
      'another mechanism',
      (now) => (now.mechanisms = ['duty_cycle']),
      'mechanism',
      /was cgroup_v1 and is duty_cycle$/,
    ],
    [
      'another unit',
      ({ sweep }) => (sweep.relative_to = { profile: 'edge', kernel_ops_s: 1e9 }),
      'calibration',
      /^relative_to was none and is edge$/,
    ],
    ['more trials at once', ({ sweep }) => (sweep.n_jobs = 4), 'jobs', /^n_jobs was 1 and is 4$/],
    ['another seed', ({ sweep }) => (sweep.random_seed = 7), 'seed', /^random_seed was 42 and is 7$/],
    [
      'another scope',
      (now) => setting(now, 'memory_scope', 'process'),
      'settings',
      /^memory_scope was workload and is process$/,
    ],
    ['a pinned core', (now) => setting(now, 'pin_core', 1), 'settings', /^pin_core was none and is 1$/],
    [
      'more warm-up',
      (now) => setting(now, 'warmup_chunks', 99),
      'settings',
      /^warmup_chunks was 20 and is 99$/,
    ],
    [
      'another default',
      ({ sweep }) => (sweep.scenarios[0]!.params['learner'] = 'sgd'),
      'settings',
      /^params\.learner was ridge and is sgd$/,
    ],
    [
      'one scenario fewer',
      ({ sweep }) => void sweep.scenarios.shift(),
      'scenarios',
      /^the scenario .* was there and is missing$/,
    ],
  ])('differ by %s, told once', (_, change, kind, words) => {
    const found = compatibility(then, changed(change))
    expect(found.map((difference) => [difference.kind, wordsOf(difference)])).toEqual([
      [kind, expect.stringMatching(words)],
    ])
  })

  it('do not differ by a mechanism that no trial has shown yet', () => {
    expect(
      compatibility(
        then,
        changed((now) => (now.mechanisms = null)),
      ),
    ).toEqual([])
    expect(
      compatibility(
        then,
        changed((now) => (now.mechanisms = [])),
      ),
    ).toEqual([])
  })

  it('matter by what is to be done with them', () => {
    const kinds = (purpose: Purpose, severity: string) =>
      (
        ['machine', 'node', 'mechanism', 'data', 'workload', 'stint', 'settings', 'scenarios'] as const
      ).filter((kind) => severityOf({ kind }, purpose) === severity)
    // Trials of one table must have everything in common.
    expect(kinds('resume', 'refused')).toEqual([
      'machine',
      'node',
      'data',
      'workload',
      'stint',
      'settings',
      'scenarios',
    ])
    // Two versions of the code are what is compared.
    expect(kinds('compare', 'refused')).toEqual([])
    expect(kinds('compare', 'problem')).toEqual(['machine', 'mechanism', 'data', 'settings'])
    expect(kinds('compare', 'fine')).toEqual(['workload', 'scenarios'])
    expect(kinds('baseline', 'fine')).toEqual(['workload'])
    const machine = compatibility(
      then,
      changed((now) => (machineOf(now).cores = 64)),
    )
    const data = compatibility(
      then,
      changed((now) => (now.datasets = [])),
    )
    expect([...machine, ...data].map(isOfTheMachine)).toEqual([true, false])
  })
})
