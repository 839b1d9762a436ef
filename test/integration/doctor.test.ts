import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'

const COMMAND = fileURLToPath(new URL('../../dist/harness/cli/main.js', import.meta.url))

function doctor(...words: string[]) {
  return spawnSync(process.execPath, [COMMAND, 'doctor', '--runs', '2', ...words], { encoding: 'utf8' })
}

it.skipIf(process.platform !== 'linux')('doctor tells what an executor here would use', async () => {
  const { status, stdout } = doctor('--json')
  expect(status).toBe(0)
  const { machine, checks, quiet } = JSON.parse(stdout)
  expect(machine.cores).toBeGreaterThan(0)
  const able = (area: string, name: string): boolean =>
    checks.find((check: { area: string; name: string }) => check.area === area && check.name.startsWith(name))
      .able
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
  expect(quiet.runs).toBe(2)
  expect(quiet.variation).toBeGreaterThan(0)
})

it('doctor answers with a table for people', () => {
  const { status, stdout, stderr } = doctor()
  expect(status).toBe(0)
  expect(stdout).toMatch(/^(yes|no) +compute {2}duty_cycle/m)
  expect(stdout).toMatch(
    /^A run here: (compute caps are held by (cgroup_v[12]|duty_cycle)|no compute cap can be held); /m,
  )
  expect(stdout).toMatch(/^Noise: /m)
  expect(stderr).toContain('trying')
})
