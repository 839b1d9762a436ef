import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readMachine } from '../../../harness/record/machine.ts'
import { readOwnLimits } from '../../../workers/caps/limits.ts'
import { NO_OWN_LIMITS } from '../../../workers/protocol/supervisor.ts'

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
  it('are the smallest of all groups upwards, in version 2', () => {
    const root = tree('v2', {
      'fs/cgroup.controllers': 'cpu memory\n',
      'fs/lim.slice/cpu.max': '50000 100000\n',
      'fs/lim.slice/memory.max': 'max\n',
      'fs/lim.slice/job.service/cpu.max': '150000 100000\n',
      'fs/lim.slice/job.service/memory.max': `${512 * 1024 * 1024}\n`,
      'fs/lim.slice/job.service/leaf/cpu.max': 'max 100000\n',
      self: '0::/lim.slice/job.service/leaf\n',
    })
    expect(readOwnLimits(join(root, 'fs'), join(root, 'self'))).toEqual({
      version: 'v2',
      cpu_quota_cores: 0.5,
      cpu_quota_group: '/lim.slice',
      memory_limit_mb: 512,
      memory_limit_group: '/lim.slice/job.service',
      throttle_counts: [join(root, 'fs/lim.slice/job.service/cpu.stat'), join(root, 'fs/lim.slice/cpu.stat')],
    })
  })

  it('are the smallest of all groups upwards, in version 1', () => {
    const root = tree('v1-nested', {
      'fs/cpu/a/cpu.cfs_quota_us': '25000\n',
      'fs/cpu/a/cpu.cfs_period_us': '100000\n',
      'fs/cpu/a/b/cpu.cfs_quota_us': '-1\n',
      'fs/cpu/a/b/cpu.cfs_period_us': '100000\n',
      'fs/memory/a/memory.limit_in_bytes': `${64 * 1024 * 1024}\n`,
      'fs/memory/a/b/memory.limit_in_bytes': `${128 * 1024 * 1024}\n`,
      self: '4:memory:/a/b\n1:cpu,cpuacct:/a/b\n',
    })
    const found = readOwnLimits(join(root, 'fs'), join(root, 'self'))
    expect([found.version, found.cpu_quota_cores, found.cpu_quota_group]).toEqual(['v1', 0.25, '/a'])
    expect([found.memory_limit_mb, found.memory_limit_group]).toEqual([64, '/a'])
  })

  it('takes "max" as no limit', () => {
    const root = tree('v2max', {
      'fs/cgroup.controllers': 'cpu memory\n',
      'fs/cpu.max': 'max 100000\n',
      'fs/memory.max': 'max\n',
      self: '0::/\n',
    })
    expect(readOwnLimits(join(root, 'fs'), join(root, 'self'))).toEqual({
      ...NO_OWN_LIMITS,
      version: 'v2',
    })
  })

  it('reads v1, also where a container shows its own group at the root of the mount', () => {
    const root = tree('v1', {
      'fs/cpu/cpu.cfs_quota_us': '150000\n',
      'fs/cpu/cpu.cfs_period_us': '100000\n',
      'fs/memory/memory.limit_in_bytes': '9223372036854771712\n',
      self: '4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n',
    })
    expect(readOwnLimits(join(root, 'fs'), join(root, 'self'))).toEqual({
      ...NO_OWN_LIMITS,
      version: 'v1',
      cpu_quota_cores: 1.5,
      cpu_quota_group: '/',
      throttle_counts: [join(root, 'fs/cpu/cpu.stat')],
    })
  })

  it('says none where there is nothing', () => {
    expect(readOwnLimits(join(folder, 'absent'), join(folder, 'absent'))).toEqual(NO_OWN_LIMITS)
  })
})

it('fingerprints this machine', () => {
  const machine = readMachine()
  expect(machine.cores).toBeGreaterThan(0)
  expect(machine.memory_mb).toBeGreaterThan(100)
  expect(machine.node).toBe(process.versions.node)
})
