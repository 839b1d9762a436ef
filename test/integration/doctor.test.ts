import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { Sandbox } from '../fixtures/cli.ts'

/** Trials of either side: how much they vary, one of each does not tell. */
const RUNS = process.env['STINT_FULL'] === '1' ? 2 : 1
const sandbox = new Sandbox()
afterAll(() => sandbox.remove())
/** Some twenty trials, each in a process: on a busy machine they take a minute. */
const SLOWEST_MS = 240_000

it.skipIf(process.platform !== 'linux')(
  'doctor tells what an executor here would use',
  async () => {
    const table = join(sandbox.folder, 'doctor.txt')
    const { code, stdout, stderr } = await sandbox.stint(
      ...['doctor', '--runs', String(RUNS), '--json', '--export', `text=${table}`],
    )
    expect(code).toBe(0)
    const { machine, limits, checks, quiet } = JSON.parse(stdout)
    expect(machine.cores).toBeGreaterThan(0)
    expect(limits.cores).toBeGreaterThan(0)
    expect(limits.cores).toBeLessThanOrEqual(machine.cores)
    expect(limits).toMatchObject(machine.cgroup)
    const able = (area: string, name: string): boolean =>
      checks.find(
        (check: { area: string; name: string }) => check.area === area && check.name.startsWith(name),
      ).able
    const executor = new LocalExecutor()
    const capabilities = await executor.capabilities()
    await executor.close()
    expect(able('compute', capabilities.compute)).toBe(true)
    expect(able('compute', 'duty_cycle')).toBe(true)
    expect(able('memory', 'supervisor')).toBe(true)
    expect(able('memory', 'cgroup')).toBe(capabilities.memory.some((name) => name.startsWith('cgroup')))
    expect(able('energy', 'rapl')).toBe(capabilities.energy === 'rapl')
    for (const { able: works, found, remedy } of checks) {
      expect(found).not.toBe('')
      if (works) expect(remedy).toBeNull()
    }
    expect(quiet.runs).toBe(RUNS)
    if (RUNS > 1) expect(quiet.variation).toBeGreaterThan(0)
    else expect(quiet.variation).toBeNull()

    const text = readFileSync(table, 'utf8')
    expect(text).toMatch(/^(yes|no|not measured) +compute {2}duty_cycle/m)
    expect(text).toMatch(
      /^A run here: (compute caps are held by (cgroup_v[12]|duty_cycle)|no compute cap can be held); /m,
    )
    expect(text).toMatch(/^Noise: /m)
    expect(text).toMatch(/^Stint and all its trials together may use [\d.]+ cores? /m)
    expect(stderr).toContain('trying')
  },
  SLOWEST_MS,
)
