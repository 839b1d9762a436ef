import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readCgroupLimits, readMachine } from '../../../harness/record/machine.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-machine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function tree(name: string, files: Record<string, string>): string {
  const root = join(folder, name)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

describe('cgroup limits of this process', () => {
  it('reads v2 quota and memory below the own group', () => {
    const root = tree('v2', {
      'fs/cgroup.controllers': 'cpu memory\n',
      'fs/user.slice/cpu.max': '50000 100000\n',
      'fs/user.slice/memory.max': `${512 * 1024 * 1024}\n`,
      self: '0::/user.slice\n',
    })
    expect(readCgroupLimits(join(root, 'fs'), join(root, 'self'))).toEqual({
      version: 'v2',
      cpu_quota_cores: 0.5,
      memory_limit_mb: 512,
    })
  })

  it('takes "max" as no limit', () => {
    const root = tree('v2max', {
      'fs/cgroup.controllers': 'cpu memory\n',
      'fs/cpu.max': 'max 100000\n',
      'fs/memory.max': 'max\n',
      self: '0::/\n',
    })
    expect(readCgroupLimits(join(root, 'fs'), join(root, 'self'))).toEqual({
      version: 'v2',
      cpu_quota_cores: null,
      memory_limit_mb: null,
    })
  })

  it('reads v1, also where a container shows its own group at the root of the mount', () => {
    const root = tree('v1', {
      'fs/cpu/cpu.cfs_quota_us': '150000\n',
      'fs/cpu/cpu.cfs_period_us': '100000\n',
      'fs/memory/memory.limit_in_bytes': '9223372036854771712\n',
      self: '4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n',
    })
    expect(readCgroupLimits(join(root, 'fs'), join(root, 'self'))).toEqual({
      version: 'v1',
      cpu_quota_cores: 1.5,
      memory_limit_mb: null,
    })
  })

  it('says none where there is nothing', () => {
    expect(readCgroupLimits(join(folder, 'absent'), join(folder, 'absent'))).toEqual({
      version: 'none',
      cpu_quota_cores: null,
      memory_limit_mb: null,
    })
  })
})

it('fingerprints this machine', () => {
  const machine = readMachine()
  expect(machine.cores).toBeGreaterThan(0)
  expect(machine.memory_mb).toBeGreaterThan(100)
  expect(machine.node).toBe(process.versions.node)
})
