/** A run below a group with a quota, as a container or a unit has one; version 1, where this user may make such a group. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { openRun } from '../../harness/record/open-run.ts'
import { Sandbox } from '../fixtures/cli.ts'

const CPU = '/sys/fs/cgroup/cpu'
/** Below a core, and above what the sweep asks for; the less it is, the longer each process takes to start. */
const QUOTA = 0.8
const group = `${CPU}/stint-test-${process.pid}`

function mayLimit(): boolean {
  try {
    mkdirSync(group)
    writeFileSync(`${group}/cpu.cfs_period_us`, '100000')
    writeFileSync(`${group}/cpu.cfs_quota_us`, String(QUOTA * 100_000))
    return true
  } catch {
    return false
  }
}

const sandbox = new Sandbox()
const limited = process.platform === 'linux' && mayLimit()
if (!limited) process.stderr.write('skipped: no group of cgroup version 1 with a quota may be made here\n')
afterAll(() => {
  sandbox.remove()
  if (limited) rmdirSync(group)
})

it.skipIf(!limited)(
  'knows the quota above it, keeps within, and refuses what is beyond',
  async () => {
    const limitedRun = async (...words: string[]) => {
      const { child, end } = sandbox.start(words)
      writeFileSync(`${group}/cgroup.procs`, String(child.pid))
      return await end
    }
    const sweep = sandbox.sweep({ workload: 'spin', max_compute_units: 0.2, warmup_chunks: 0 })
    const held = await limitedRun('run', sweep, '--runs', '1', '--out', sandbox.results, '--export', 'csv')
    expect([held.code, held.stderr]).toEqual([0, expect.any(String)])
    const { manifest, trials } = await openRun(sandbox.runs()[0]!)
    expect(manifest.machine.cgroup).toMatchObject({ version: 'v1', cpu_quota_cores: QUOTA })
    // The kernel refuses a group a larger share than the one above has: what is tried must be within.
    expect(trials[0]!.caps.compute).toMatchObject({ mechanism: 'cgroup_v1', enforced: true })

    const beyond = await limitedRun('run', sweep, '--set', 'max_compute_units=1', '--out', sandbox.results)
    expect(beyond.code).toBe(2)
    expect(beyond.stderr).toContain(
      `1 is more than the ${QUOTA.toFixed(3)} cores that this run itself may use`,
    )
    expect(beyond.stderr).toContain(group.slice(CPU.length))
  },
  120_000,
)
