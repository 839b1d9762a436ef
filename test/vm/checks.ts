/** What is checked in the guest: data for it to run, and what must have come of it. */
import { expect } from 'vitest'
import type { Manifest } from '../../harness/record/types.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { errorOf, okOf } from '../fixtures/trials.ts'

/** What the guest runs. */
export interface Job {
  name: string
  /** Whose processes they are, and what holds those. */
  as: 'service' | 'service of a user' | 'login' | 'login of root' | 'bare user' | 'docker' | 'podman'
  /** Of the unit, or words for the container's command. */
  with?: string[]
  /** As root, before. */
  before?: string
  /** `$STINT` is the command, `$OUT` a folder for results. */
  script: string
}

export interface Check extends Job {
  /** What must hold, for the table. */
  holds: string
  /** What people call this place, where the check tells what holds there. */
  place?: string
  judge(found: Found): void
}

/** What came of it. */
export interface Found {
  name: string
  status: number | null
  stdout: string
  stderr: string
  seconds: number
  /** Of the guest. */
  machine: { kernel: string; node: string }
  /** Whether the kernel counts pressure. */
  pressure: boolean
  runs: { manifest: Manifest; trials: TrialResult[] }[]
  left: { groups: string[]; processes: string[]; folders: string[] }
  /** Groups that pass on more controllers than before. */
  switched: string[]
}

const RUN = '$STINT run test/vm/guest/where.yaml --out $OUT --quiet'
const HELD = `${RUN} --set max_compute_units=0.3 --set max_memory_mb=64`
const HALF = ['CPUQuota=50%', 'MemoryMax=1G']
/** Leaves room for Stint's own processes, which take a quarter of a core of a slow guest. */
const LIMITED = ['CPUQuota=90%', 'MemoryMax=1G']
/** A share is held within. */
const WITHIN = 0.15

const trialsOf = ({ runs }: Found) => runs.flatMap(({ trials }) => trials)
const outcomesOf = (found: Found) => trialsOf(found).map(({ outcome }) => outcome)
export const groupOf = (trial: TrialResult) =>
  trial.outcome === 'ok' ? String(trial.info['cgroup'] ?? '').replace('0::', '') : ''

/** The one trial of `HELD`, with its share kept. */
function held(found: Found, compute: string, memory: string | null): TrialResult {
  expect([found.status, found.stderr]).toEqual([0, expect.any(String)])
  const [trial] = trialsOf(found)
  okOf(trial)
  const { caps } = trial!
  expect(caps.compute).toMatchObject({ mechanism: compute, enforced: true })
  near(caps.compute.achieved, 0.3)
  expect(caps.memory.enforced).toBe(true)
  expect(caps.memory.mechanisms.filter((name) => name.startsWith('cgroup'))).toEqual(
    memory === null ? [] : [memory],
  )
  return trial!
}

function near(share: number | null, asked: number): void {
  expect(share).toBeGreaterThan(asked * (1 - WITHIN))
  expect(share).toBeLessThan(asked * (1 + WITHIN))
}

function refused(found: Found, ...words: string[]): void {
  expect([found.status, found.runs]).toEqual([2, []])
  for (const word of words) expect(found.stderr).toContain(word)
}

export const CHECKS: Check[] = [
  {
    name: 'service-refuses-share',
    as: 'service',
    with: HALF,
    script: `${RUN} --set max_compute_units=1`,
    holds: 'a share of 1 is refused beyond CPUQuota=50%, with the figure',
    judge: (found) =>
      refused(found, 'more than the 0.500 cores that this run itself may use', '/system.slice/check.service'),
  },
  {
    name: 'service-refuses-memory',
    as: 'service',
    with: LIMITED,
    script: `${RUN} --set max_memory_mb=2048`,
    holds: 'memory beyond MemoryMax=1G is refused, with the figure',
    judge: (found) => refused(found, '2048 MB is more than the 1024 MB'),
  },
  {
    name: 'service',
    as: 'service',
    with: LIMITED,
    script: HELD,
    place: 'a unit of systemd, as root',
    holds:
      'the trial stays below its unit; both caps by cgroup v2; the limits of the unit are in run.json, the peak of its group and its pressure (where the kernel has PSI) among the metrics',
    judge(found) {
      const trial = held(found, 'cgroup_v2', 'cgroup_v2')
      expect(groupOf(trial)).toMatch(/^\/system\.slice\/check\.service\/stint-[\d-]+$/)
      expect(found.runs[0]!.manifest.machine.cgroup).toEqual({
        version: 'v2',
        cpu_quota_cores: 0.9,
        memory_limit_mb: 1024,
      })
      const { metrics } = okOf(trial)
      expect(metrics['group_peak_mb']).toBeGreaterThan(5)
      const waits = ['cpu', 'memory', 'io'].map((name) => typeof metrics[`group_${name}_wait_ms`])
      expect(new Set(waits)).toEqual(new Set([found.pressure ? 'number' : 'undefined']))
    },
  },
  {
    name: 'limited-slice',
    as: 'service',
    with: ['Slice=lim.slice'],
    before: 'systemctl set-property --runtime lim.slice CPUQuota=90%',
    script: `${RUN} --set max_compute_units=1; ${HELD}`,
    holds: 'the quota of the slice above is seen and named, and what runs stays below it',
    judge(found) {
      expect(found.stderr).toContain(
        '0.900 cores that this run itself may use (the CPU quota of cgroup /lim.slice)',
      )
      expect(groupOf(held(found, 'cgroup_v2', 'cgroup_v2'))).toMatch(/^\/lim\.slice\//)
    },
  },
  {
    name: 'login',
    as: 'login',
    script: HELD,
    place: 'a login of a plain user, as by ssh',
    holds: 'both caps by cgroup v2 in a scope that systemd made, entered whole',
    judge(found) {
      expect(groupOf(held(found, 'cgroup_v2', 'cgroup_v2'))).toMatch(
        /user@1000\.service\/app\.slice\/stint-[\d-]+\.scope\/stint-[\d-]+$/,
      )
      expect(found.stderr).not.toContain('duty_cycle')
    },
  },
  {
    name: 'login-root',
    as: 'login of root',
    script: HELD,
    place: 'a login of root',
    holds: 'both caps by cgroup v2, below the slice of that login',
    judge: (found) => expect(groupOf(held(found, 'cgroup_v2', 'cgroup_v2'))).toMatch(/^\/user\.slice\//),
  },
  {
    name: 'runner',
    as: 'service of a user',
    with: LIMITED,
    script: HELD,
    place: "a CI runner's unit (`User=`)",
    holds:
      'no group may be made: the share is held by signals, memory without a cgroup; the trial stays in its unit',
    judge: (found) => expect(groupOf(held(found, 'duty_cycle', null))).toBe('/system.slice/check.service'),
  },
  {
    name: 'runner-delegated',
    as: 'service of a user',
    with: [...LIMITED, 'Delegate=yes'],
    script: HELD,
    place: "a CI runner's unit with `Delegate=yes`",
    holds: 'both caps by cgroup v2, below the unit',
    judge: (found) =>
      expect(groupOf(held(found, 'cgroup_v2', 'cgroup_v2'))).toMatch(
        /^\/system\.slice\/check\.service\/stint-/,
      ),
  },
  {
    name: 'bare-user',
    as: 'bare user',
    script: HELD,
    place: 'a plain user without a session (`su`, cron, `docker exec -u`)',
    holds: 'no group may be made: the share is held by signals, memory without a cgroup',
    judge: (found) => void held(found, 'duty_cycle', null),
  },
  {
    name: 'read-only-groups',
    as: 'service',
    with: LIMITED,
    script: `unshare -C -m bash -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 -o ro none /sys/fs/cgroup; ${HELD}'`,
    place: 'Kubernetes, as a namespace with its own groups mounted read-only, which is what a pod sees',
    holds:
      'the share is held by signals, memory without a cgroup; limits of the unit are seen through the namespace',
    judge(found) {
      expect(groupOf(held(found, 'duty_cycle', null))).toBe('/')
      expect(found.runs[0]!.manifest.machine.cgroup).toMatchObject({
        cpu_quota_cores: 0.9,
        memory_limit_mb: 1024,
      })
    },
  },
  {
    name: 'docker',
    as: 'docker',
    with: ['--cpus=0.9', '--memory=1g'],
    script: `${RUN} --set max_compute_units=1; ${HELD}`,
    place: 'Docker',
    holds:
      "the container's limits are seen, a share beyond them refused; the share is held by signals, memory without a cgroup",
    judge(found) {
      expect(found.stderr).toContain('more than the 0.900 cores that this run itself may use')
      held(found, 'duty_cycle', null)
      expect(found.runs[0]!.manifest.machine.cgroup).toMatchObject({
        cpu_quota_cores: 0.9,
        memory_limit_mb: 1024,
      })
    },
  },
  {
    name: 'docker-privileged',
    as: 'docker',
    with: ['--cpus=0.9', '--memory=1g', '--privileged'],
    script: HELD,
    place: 'Docker with `--privileged`',
    holds: "both caps by cgroup v2, below the container's group",
    judge: (found) => expect(groupOf(held(found, 'cgroup_v2', 'cgroup_v2'))).toMatch(/^\/stint-[\d-]+$/),
  },
  {
    name: 'podman',
    as: 'podman',
    script: HELD,
    place: 'rootless podman',
    holds: 'the share is held by signals, memory without a cgroup',
    judge: (found) => void held(found, 'duty_cycle', null),
  },
  {
    name: 'greedy-child',
    as: 'service',
    with: LIMITED,
    script: `${RUN} --set params.starts=eats --set params.work_ms=60000 --set max_memory_mb=64`,
    holds: 'a child that outgrows the cap ends its trial as out_of_memory',
    judge(found) {
      expect(outcomesOf(found)).toEqual(['out_of_memory'])
      expect(trialsOf(found)[0]!.caps.memory.mechanisms).toContain('cgroup_v2')
    },
  },
  {
    name: 'greedy-child-kernel',
    as: 'service',
    // Under systemd's default a kill of the kernel's ends the whole unit, so that there it only holds up.
    with: [...LIMITED, 'OOMPolicy=continue'],
    script: `${RUN} --set params.starts=shares --set params.work_ms=60000 --set max_memory_mb=64`,
    holds:
      "a child that outgrows the cap by shared memory ends its trial as out_of_memory, by the kernel's own count",
    judge(found) {
      const [trial] = trialsOf(found)
      expect(outcomesOf(found)).toEqual(['out_of_memory'])
      // The count of the trial's own group (`oom_kill` in memory.events) is what this is told from.
      expect(errorOf(trial!)!.message).toContain('the kernel ended')
      expect(trial!.caps.memory.mechanisms).toContain('cgroup_v2')
    },
  },
  {
    name: 'orphan',
    as: 'service',
    with: LIMITED,
    script: `${RUN} --set params.starts=orphan`,
    holds: 'a child without parent and environment is counted, and ends with its trial',
    judge(found) {
      expect(outcomesOf(found)).toEqual(['ok'])
      expect(trialsOf(found)[0]!.children).toBeGreaterThanOrEqual(1)
    },
  },
  ...[
    { name: 'children', as: 'service' as const, with: LIMITED },
    { name: 'children-login', as: 'login' as const },
    { name: 'children-runner', as: 'service of a user' as const },
  ].map(
    (where): Check => ({
      ...where,
      script: '$STINT run test/vm/guest/children.yaml --out $OUT --quiet',
      holds: 'adversaries with children: each ends as it must, and nothing of it is left',
      judge(found) {
        const kinds = { left: 'ok', orphan: 'ok', inherits: 'ok', burns_alone: 'ok', eats: 'out_of_memory' }
        expect(byScenario(found, 'params.kind')).toEqual(kinds)
        for (const trial of trialsOf(found)) expect(trial.children).toBeGreaterThanOrEqual(1)
      },
    }),
  ),
  ...[
    { name: 'adversaries', as: 'service' as const, with: LIMITED },
    { name: 'adversaries-login', as: 'login' as const },
  ].map(
    (where): Check => ({
      ...where,
      script: '$STINT run test/vm/guest/adversaries.yaml --out $OUT --quiet',
      holds: 'ways to take memory without end: each ends as out_of_memory, and what takes less is ok',
      judge(found) {
        const ways = ['objects', 'typed_arrays', 'huge_array', 'map']
        expect(byScenario(found, 'params.how')).toEqual({
          ...Object.fromEntries(ways.map((how) => [how, 'out_of_memory'])),
          steady: 'ok',
        })
      },
    }),
  ),
  ...[
    { name: 'memory-ladder', as: 'service' as const, with: LIMITED },
    { name: 'memory-ladder-login', as: 'login' as const },
    { name: 'memory-ladder-runner', as: 'service of a user' as const },
  ].map(
    (where): Check => ({
      ...where,
      script: '$STINT run test/vm/guest/memory-ladder.yaml --out $OUT --quiet',
      holds: 'the memory ladder: 20 and 48 MB fit under 64 MB, 90 and 140 do not',
      judge: (found) =>
        expect(byScenario(found, 'params.keep_mb')).toEqual({
          20: 'ok',
          48: 'ok',
          90: 'out_of_memory',
          140: 'out_of_memory',
        }),
    }),
  ),
  ...[
    {
      name: 'compute-ladder',
      as: 'service' as const,
      file: 'compute-ladder',
      shares: [0.1, 0.25, 0.5, 0.75],
    },
    {
      name: 'compute-ladder-login',
      as: 'login' as const,
      file: 'compute-ladder',
      shares: [0.1, 0.25, 0.5, 0.75],
    },
    {
      // To watch a trial closely enough to hold it by signals takes half of the one core of a guest without hardware.
      name: 'compute-ladder-runner',
      as: 'service of a user' as const,
      file: 'compute-ladder-signals',
      shares: [0.1, 0.25, 0.4, 0.5],
    },
  ].map(
    ({ file, shares, ...where }): Check => ({
      ...where,
      script: `$STINT run test/vm/guest/${file}.yaml --out $OUT --quiet`,
      holds: `the compute ladder: shares of ${shares.slice(0, -1).join(', ')} and ${shares.at(-1)} are kept within 15%`,
      judge(found) {
        expect(outcomesOf(found)).toEqual(shares.map(() => 'ok'))
        expect(
          trialsOf(found)
            .map(({ caps }) => caps.compute.asked!)
            .sort(),
        ).toEqual(shares)
        for (const { caps } of trialsOf(found)) near(caps.compute.achieved, caps.compute.asked!)
      },
    }),
  ),
  ...[
    { name: 'kills', as: 'service' as const, with: LIMITED },
    { name: 'kills-login', as: 'login' as const },
  ].map(
    (where): Check => ({
      ...where,
      script: 'node test/vm/guest/kill.mjs',
      holds: 'ten kills of a run, each resumed: the scores of an undisturbed run to the last bit',
      judge(found) {
        expect([found.status, found.stderr]).toEqual([0, expect.any(String)])
        const [whole, killed] = found.runs.toSorted(
          (a, b) => Number(a.manifest.sweep.name === 'killed') - Number(b.manifest.sweep.name === 'killed'),
        )
        expect(/^kills: 10$/m.test(found.stdout)).toBe(true)
        expect(scores(killed!)).toEqual(scores(whole!))
      },
    }),
  ),
  {
    name: 'few-processes',
    as: 'service of a user',
    with: ['LimitNPROC=20'],
    script: `timeout -k 10 240 ${RUN}`,
    holds: 'a limit on processes and threads gives a message that names it, and the run ends',
    judge(found) {
      expect(found.status).not.toBe(0)
      expect(found.status).not.toBeGreaterThanOrEqual(124)
      expect(found.stderr).toMatch(/processes|threads/)
    },
  },
  {
    name: 'few-tasks',
    as: 'service',
    with: ['TasksMax=14'],
    script: `timeout -k 10 240 ${RUN}`,
    holds: 'the same for TasksMax= of a unit',
    judge(found) {
      expect(found.status).not.toBe(0)
      expect(found.status).not.toBeGreaterThanOrEqual(124)
      expect(found.stderr).toMatch(/processes|threads/)
    },
  },
  ...(
    [
      { name: 'doctor', as: 'service', with: LIMITED, able: [true, true, false] },
      { name: 'doctor-login', as: 'login', able: [true, true, false] },
      { name: 'doctor-runner', as: 'service of a user', with: LIMITED, able: [false, false, false] },
    ] as const
  ).map(
    ({ able: [compute, memory, v1], ...where }): Check => ({
      name: where.name,
      as: where.as,
      ...('with' in where && { with: [...where.with] }),
      script: '$STINT doctor --runs 0 --json',
      holds: 'doctor says yes, no or not measured, and the limits',
      judge(found) {
        expect([found.status, found.stderr]).toEqual([0, expect.any(String)])
        const { limits, checks } = JSON.parse(found.stdout)
        if ('with' in where) expect(limits).toMatchObject({ cpu_quota_cores: 0.9, memory_limit_mb: 1024 })
        const able = (name: string) =>
          checks.find((check: { name: string }) => check.name.startsWith(name))?.able
        // A mechanism that works is at worst not measured on a slow machine, and never "no".
        if (compute) expect(able('cgroup_v2')).not.toBe(false)
        else expect(able('cgroup_v2')).toBe(false)
        expect(able('cgroup backstop')).toBe(memory)
        expect(able('cgroup_v1')).toBe(v1)
        expect(able('duty_cycle')).not.toBe(false)
      },
    }),
  ),
]

/** Outcome by a value of the grid. */
function byScenario({ runs }: Found, axis: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { manifest, trials } of runs) {
    for (const { scenario, outcome } of trials) {
      const { point } = manifest.sweep.scenarios.find(({ id }) => id === scenario)!
      found[String(point[axis])] = outcome
    }
  }
  return found
}

/** All that the data determines, by trial. */
function scores({ trials }: Found['runs'][number]): Record<string, unknown> {
  return Object.fromEntries(
    trials.map((trial) => [
      trial.trial,
      ['r2', 'mae', 'rmse'].map((name) => okOf(trial).metrics[name] ?? null),
    ]),
  )
}
