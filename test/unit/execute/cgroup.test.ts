import { describe, expect, it } from 'vitest'
import { thisProcess } from '../../../harness/ownership/owner.ts'
import { belowMount, quotaFor, removeStaleGroups } from '../../../workers/caps/cgroup-files.ts'
import { openCgroupV1, openCgroupV2 } from '../../../workers/caps/compute-group.ts'
import { FakeCgroup2 } from '../../fixtures/fake-cgroup2.ts'

const MOUNT = '/fake'

function stintGroups(tree: FakeCgroup2): string[] {
  return [...tree.groups.keys()].filter((path) => path.includes('/stint-'))
}

describe('quotaFor', () => {
  it('takes a period of 20 ms, and longer ones where the quota would be under 1 ms', () => {
    expect(quotaFor(0.5)).toEqual({ periodUs: 20_000, quotaUs: 10_000 })
    expect(quotaFor(1.5)).toEqual({ periodUs: 20_000, quotaUs: 30_000 })
    expect(quotaFor(0.05)).toEqual({ periodUs: 20_000, quotaUs: 1000 })
    expect(quotaFor(0.01)).toEqual({ periodUs: 100_000, quotaUs: 1000 })
  })
})

describe('cgroup version 2', () => {
  const SLICE = '/fake/app.slice'
  const place = {
    parent: SLICE,
    passes: () => true,
    stoppedByKills: false,
    note: null,
    leave: async () => {},
  }
  const slice = () =>
    new FakeCgroup2(MOUNT, ['cpu', 'memory'])
      .add(SLICE, { passedOn: ['cpu'] })
      .add(`${SLICE}/leaf`, { processes: ['77'] })

  it('moves a process into a limited group of its own', () => {
    const tree = slice()
    const cap = openCgroupV2(place, tree).apply(77, 0.25, null)
    const [group] = stintGroups(tree)
    expect(group).toMatch(/^\/fake\/app\.slice\/stint-\d+-\d+-\d+$/)
    expect(tree.at(group!).cpuMax).toBe('5000 20000')
    expect([...tree.at(group!).processes]).toEqual(['77'])
    expect(cap.periodMs).toBe(20)
    expect(cap.cpuStat).toBe(`${group}/cpu.stat`)
    cap.release()
    expect(tree.at(group!).cpuMax).toBe('max 20000')
  })

  it('ends what is left in it, tries again while the kernel says busy, and leaves nothing behind', async () => {
    const tree = slice()
    const cap = openCgroupV2(place, tree).apply(77, 0.5, null)
    const [group] = stintGroups(tree)
    tree.at(group!).busyFor = 3
    await cap.remove()
    await cap.remove()
    expect(stintGroups(tree)).toEqual([])
    expect(tree.removed).toEqual([group])
  })

  it('leaves nothing behind where a limit is refused', () => {
    const tree = slice()
    tree.at(SLICE).passedOn.delete('cpu')
    expect(() => openCgroupV2(place, tree).apply(77, 0.5, null)).toThrow(/ENOENT/)
    expect(stintGroups(tree)).toEqual([])
    expect([...tree.at(`${SLICE}/leaf`).processes]).toEqual(['77'])
  })

  it.skipIf(process.platform !== 'linux')('removes groups whose owner is gone, and no others', async () => {
    const tree = slice()
    const ownStart = thisProcess().started
    // No process has this id: it is above the kernel's largest.
    tree
      .add(`${SLICE}/stint-99999999-1-1`, { processes: ['78'] })
      .add(`${SLICE}/stint-${process.pid}-${ownStart}-1000`)
      .add(`${SLICE}/stint-${process.pid}-1-1`)
      .add(`${SLICE}/stint-99999999-1-2`, { processes: ['0'] })
      .add(`${SLICE}/stint-99999999-1-3-leaf+cpu`)
      .add(`${SLICE}/other-99999999-1`)
    await removeStaleGroups(tree, SLICE)
    // The same process id with another start time is another process; a member numbered 0 is a container's.
    expect(tree.removed).toEqual([`${SLICE}/stint-99999999-1-1`, `${SLICE}/stint-${process.pid}-1-1`])
  })
})

describe('cgroup version 1', () => {
  it('writes period, quota and the process into a group of its own', async () => {
    const written: string[] = []
    const capper = await openCgroupV1('/v1/own', {
      read: () => '',
      list: () => ['cpu.cfs_quota_us', 'cgroup.procs'],
      makeGroup: (path) => void written.push(`mkdir ${path}`),
      removeGroup: (path) => void written.push(`rmdir ${path}`),
      write: (path, text) => {
        if (path.endsWith('cgroup.kill')) throw new Error('ENOENT')
        written.push(`${path} ${text}`)
      },
    })
    const cap = capper.apply(77, 0.25, null)
    const group = written[0]!.slice('mkdir '.length)
    expect(group).toMatch(/^\/v1\/own\/stint-\d+-\d+-\d+$/)
    cap.release()
    await cap.remove()
    expect(written.slice(1)).toEqual([
      `${group}/cpu.cfs_period_us 20000`,
      `${group}/cpu.cfs_quota_us 5000`,
      `${group}/cgroup.procs 77`,
      `${group}/cpu.cfs_quota_us -1`,
      `rmdir ${group}`,
    ])
  })
})

describe('a group as below a mount', () => {
  it('is what /proc says less what a container shows at the mount', () => {
    expect(belowMount({ path: '/m', root: '/' }, '/a/b')).toBe('/a/b')
    expect(belowMount({ path: '/m', root: '/docker/abc' }, '/docker/abc/sub')).toBe('/sub')
    expect(belowMount({ path: '/m', root: '/docker/abc' }, '/docker/abc')).toBe('/')
    // Another group's subtree is mounted here, or this process stands above its namespace.
    expect(belowMount({ path: '/m', root: '/docker/abc' }, '/system.slice')).toBe('/')
    expect(belowMount({ path: '/m', root: '/' }, '/../x')).toBe('/')
  })
})
