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

describe('the conditions of two runs', () => {
  it('are the same on the same machine, whatever its load and the kernel patch', () => {
    const now = changed(({ machine }) => {
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
      ({ machine }) => (machine.cpu_model = 'X'),
      'machine',
      /^the processor was .* and is X$/,
    ],
    ['more cores', ({ machine }) => (machine.cores = 64), 'machine', /^the number of cores was 2 and is 64$/],
    [
      'a quota',
      ({ machine }) => (machine.cgroup.cpu_quota_cores = 0.5),
      'machine',
      /quota .* was none and is 0\.5$/,
    ],
    [
      'another kernel',
      ({ machine }) => (machine.kernel = '99.9.0'),
      'system',
      /^the kernel was 6\.1 and is 99\.9$/,
    ],
    ['another Node', ({ machine }) => (machine.node = 'v99.0.0'), 'node', /Node was .* and is v99\.0\.0$/],
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
      changed((now) => (now.machine.cores = 64)),
    )
    const data = compatibility(
      then,
      changed((now) => (now.datasets = [])),
    )
    expect([...machine, ...data].map(isOfTheMachine)).toEqual([true, false])
  })
})
