/**
 * What holds on a machine with systemd and cgroup version 2, in a guest under QEMU. All checks run in one guest; where the
 * machine has no hardware for it, that is emulated and some 30 times slower, so that mechanisms, places, outcomes and
 * leftovers are looked at, and never times.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '../../harness/record/types.ts'
import type { TrialResult } from '../../workers/protocol.ts'
import { okOf } from '../fixtures/trials.ts'

interface Check {
  name: string
  /** A service of the system, one that runs as a plain user, or a login session of that user. */
  as: 'root' | 'service of a user' | 'login'
  /** Of the service. */
  properties?: string[]
  /** As root, before. */
  before?: string
  /** $STINT is the command, $OUT a folder for results. */
  script: string
}

interface Found {
  name: string
  status: number
  stdout: string
  stderr: string
  runs: { manifest: Manifest; trials: TrialResult[] }[]
  left: { groups: string[]; processes: string[]; folders: string[] }
  /** Groups that pass on other controllers than before. */
  switched: string[]
}

const RUN = '$STINT run test/vm/guest/where.yaml --out $OUT --quiet'
const HELD = `${RUN} --set max_compute_units=0.3 --set max_memory_mb=64`
const LIMITED = ['CPUQuota=50%', 'MemoryMax=1G']

const CHECKS: Check[] = [
  { name: 'beyond the quota', as: 'root', properties: LIMITED, script: `${RUN} --set max_compute_units=1` },
  { name: 'beyond the memory', as: 'root', properties: LIMITED, script: `${RUN} --set max_memory_mb=2048` },
  { name: 'limited service', as: 'root', properties: LIMITED, script: HELD },
  {
    name: 'limited slice',
    as: 'root',
    properties: ['Slice=lim.slice'],
    before: 'systemctl set-property --runtime lim.slice CPUQuota=50%',
    script: `${RUN} --set max_compute_units=1; ${HELD}`,
  },
  { name: 'login', as: 'login', script: HELD },
  { name: 'limited bare user', as: 'service of a user', properties: LIMITED, script: HELD },
  {
    name: 'read-only groups',
    as: 'root',
    script: `unshare -C -m bash -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 -o ro none /sys/fs/cgroup; ${HELD}'`,
  },
  {
    name: 'greedy child',
    as: 'root',
    properties: LIMITED,
    script: `${RUN} --set params.starts=eats --set params.work_ms=60000 --set max_memory_mb=64`,
  },
  { name: 'orphan', as: 'root', properties: LIMITED, script: `${RUN} --set params.starts=orphan` },
  {
    name: 'coordinator killed',
    as: 'root',
    properties: LIMITED,
    script: 'bash test/vm/guest/kill.sh coordinator',
  },
  { name: 'both killed', as: 'root', properties: LIMITED, script: 'bash test/vm/guest/kill.sh both' },
  { name: 'doctor', as: 'root', properties: LIMITED, script: '$STINT doctor --runs 0 --json' },
]

const root = join(import.meta.dirname, '../..')
const TOOLS = ['qemu-system-x86_64', 'mmdebstrap', 'mke2fs', 'debugfs']
const SLOWEST_MS = 3_600_000

/** Null where a guest can be booted here. */
function whyNot(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64'
  if (process.getuid?.() !== 0) return 'needs root, to build the image of the guest'
  const path = `${process.env['PATH']}:/usr/sbin`
  const missing = TOOLS.filter((tool) => !path.split(':').some((folder) => existsSync(join(folder, tool))))
  return missing.length === 0
    ? null
    : `needs ${missing.join(', ')}: apt-get install qemu-system-x86 mmdebstrap e2fsprogs`
}

const reason = whyNot()
if (reason !== null) process.stderr.write(`skipped: ${reason}\n`)

describe.skipIf(reason !== null)('in a guest with systemd and cgroup version 2', () => {
  let found: Map<string, Found>
  beforeAll(() => {
    found = boot()
  }, SLOWEST_MS)
  afterAll(() => {
    if (process.env['STINT_VM_KEEP'] === undefined) return
    writeFileSync(process.env['STINT_VM_KEEP'], JSON.stringify([...found.values()], null, 1))
  })
  const at = (name: string) => found.get(name) ?? expect.fail(`the guest did not come to "${name}"`)
  const trialsOf = (name: string) => at(name).runs.flatMap(({ trials }) => trials)
  const groupOf = (trial: TrialResult | undefined) => String(okOf(trial).info['cgroup']).replace('0::', '')

  it('refuses a share beyond the quota of its service, and memory beyond its limit', () => {
    const quota = at('beyond the quota')
    expect([quota.status, quota.runs]).toEqual([2, []])
    expect(quota.stderr).toContain('more than the 0.500 cores that this run itself may use')
    expect(quota.stderr).toContain('/system.slice/check.service')
    const memory = at('beyond the memory')
    expect([memory.status, memory.runs]).toEqual([2, []])
    expect(memory.stderr).toContain('2048 MB is more than the 1024 MB')
  })

  it('keeps trials below its service', () => {
    const { runs } = at('limited service')
    expect(runs[0]!.manifest.machine.cgroup).toEqual({
      version: 'v2',
      cpu_quota_cores: 0.5,
      memory_limit_mb: 1024,
    })
    const [trial] = trialsOf('limited service')
    expect(groupOf(trial)).toMatch(/^\/system\.slice\/check\.service\/stint-[\d-]+$/)
    expect(trial!.caps.compute).toMatchObject({ mechanism: 'cgroup_v2', enforced: true })
    expect(trial!.caps.compute.achieved).toBeLessThan(0.3 * 1.15)
    expect(trial!.caps.memory.mechanisms).toContain('cgroup_v2')
  })

  it('sees the limits of the slice above, and stays below it', () => {
    expect(at('limited slice').stderr).toContain(
      '0.500 cores that this run itself may use (the CPU quota of cgroup /lim.slice)',
    )
    expect(groupOf(trialsOf('limited slice')[0])).toMatch(/^\/lim\.slice\//)
    expect(trialsOf('limited slice')[0]!.caps.compute.mechanism).toBe('cgroup_v2')
  })

  it('has a scope in a login session', () => {
    const [trial] = trialsOf('login')
    expect(groupOf(trial)).toMatch(/user@1000\.service\/app\.slice\/stint-[\d-]+\.scope\/stint-[\d-]+$/)
    expect(trial!.caps.compute.mechanism).toBe('cgroup_v2')
    expect(trial!.caps.memory.mechanisms).toContain('cgroup_v2')
  })

  it.each([
    ['limited bare user', '/system.slice/check.service'],
    ['read-only groups', '/'],
  ])('holds a share by signals where it may divide no group: %s', (name, group) => {
    const [trial] = trialsOf(name)
    expect(groupOf(trial)).toBe(group)
    expect(trial!.caps.compute).toMatchObject({ mechanism: 'duty_cycle', enforced: true })
  })

  it('ends a trial whose child outgrows the cap', () => {
    const [trial] = trialsOf('greedy child')
    expect(trial!.outcome).toBe('out_of_memory')
    expect(trial!.caps.memory.mechanisms).toContain('cgroup_v2')
  })

  it('ends and counts a child that nobody is the parent of', () => {
    const [trial] = trialsOf('orphan')
    expect(trial!.outcome).toBe('ok')
    expect(trial!.children).toBeGreaterThanOrEqual(1)
  })

  it.each(['coordinator killed', 'both killed'])('goes on after a kill: %s', (name) => {
    const { status, stderr } = at(name)
    expect([status, stderr]).toEqual([0, expect.any(String)])
    expect(trialsOf(name).map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
  })

  it('tells in doctor what it may use and what holds', () => {
    const { limits, checks } = JSON.parse(at('doctor').stdout)
    expect(limits).toMatchObject({ cpu_quota_cores: 0.5, memory_limit_mb: 1024 })
    const able = (name: string) => checks.find((check: { name: string }) => check.name === name)?.able
    expect(able('cgroup_v2')).not.toBe(false)
    expect(able('cgroup backstop (cgroup_v2)')).toBe(true)
    expect(able('cgroup_v1')).toBe(false)
  })

  it.each(CHECKS.map(({ name }) => name))('leaves nothing: %s', (name) => {
    expect(at(name).left).toEqual({ groups: [], processes: [], folders: [] })
    // Where systemd makes a scope it switches on by itself what that needs, above Stint's own groups.
    if (!['login', 'limited slice'].includes(name)) expect(at(name).switched).toEqual([])
  })
})

function boot(): Map<string, Found> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-vm-'))
  try {
    const checkout = join(folder, 'stint')
    const only = process.env['STINT_VM_ONLY']?.split(',')
    const checks = CHECKS.filter(({ name }) => only === undefined || only.includes(name))
    copyCheckout(checkout)
    writeFileSync(join(checkout, '.vm-checks.json'), JSON.stringify(checks))
    writeFileSync(join(folder, 'command'), 'node test/vm/guest/checks.mjs\n')
    const words = [checkout, join(folder, 'command'), join(folder, 'out')]
    const { status } = spawnSync(join(import.meta.dirname, 'boot.sh'), words, {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const results = join(folder, 'out/results.json')
    if (!existsSync(results)) throw new Error(`the guest ended with ${status} and told nothing`)
    const found: Found[] = JSON.parse(readFileSync(results, 'utf8'))
    return new Map(found.map((one) => [one.name, one]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a user has who installed it, and the checks. */
function copyCheckout(to: string): void {
  const list = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  })
  const packages = list.split('\n').filter((path) => path.includes('node_modules'))
  for (const from of [
    'dist',
    'scenarios',
    'configs',
    'package.json',
    'test/vm',
    ...packages.map((path) => relative(root, path)),
  ]) {
    mkdirSync(dirname(join(to, from)), { recursive: true })
    cpSync(join(root, from), join(to, from), { recursive: true })
  }
}
