import { describe, expect, it } from 'vitest'
import { thisProcess } from '../../../harness/ownership/owner.ts'
import { quotaFor } from '../../../workers/caps/cgroup-files.ts'
import { type ComputeCapper, openCgroupV1, openCgroupV2 } from '../../../workers/caps/compute-group.ts'
import { FakeCgroup2 } from '../../fixtures/fake-cgroup2.ts'

const MOUNT = '/fake'

async function cappers(tree: FakeCgroup2, own: string): Promise<ComputeCapper[]> {
  const found: ComputeCapper[] = []
  for await (const capper of openCgroupV2({ mount: MOUNT, own }, tree)) found.push(capper)
  return found
}

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
  /** A user's session: the scope holds processes, the slice above is the user's, the rest is root's. */
  const session = () => {
    const tree = new FakeCgroup2(MOUNT, ['cpu', 'memory'])
    tree.at(MOUNT).passedOn.add('cpu')
    tree.at(MOUNT).foreign = true
    return tree
      .add('/fake/user.slice', { passedOn: ['cpu'], foreign: true })
      .add('/fake/user.slice/app.slice')
      .add('/fake/user.slice/app.slice/run.scope', { processes: ['77'] })
  }
  const SCOPE = '/user.slice/app.slice/run.scope'

  it('goes up to the first group that may pass the controller on, and switches it on there', async () => {
    const tree = session()
    const [capper] = await cappers(tree, SCOPE)
    expect(tree.at('/fake/user.slice/app.slice').passedOn.has('cpu')).toBe(true)
    const cap = capper!.apply(77, 0.25, null)
    const [group] = stintGroups(tree)
    expect(group).toMatch(/^\/fake\/user\.slice\/app\.slice\/stint-\d+-\d+-\d+$/)
    expect(tree.at(group!).cpuMax).toBe('5000 20000')
    expect([...tree.at(group!).processes]).toEqual(['77'])
    expect(cap.periodMs).toBe(20)
    expect(cap.cpuStat).toBe(`${group}/cpu.stat`)
    cap.release()
    expect(tree.at(group!).cpuMax).toBe('max 20000')
  })

  it('tries again while the kernel says busy, and leaves nothing behind', async () => {
    const tree = session()
    const [capper] = await cappers(tree, SCOPE)
    const cap = capper!.apply(77, 0.5, null)
    const [group] = stintGroups(tree)
    tree.at(group!).busyFor = 3
    tree.at(group!).processes.clear()
    await cap.remove()
    await cap.remove()
    expect(stintGroups(tree)).toEqual([])
    expect(tree.removed).toEqual([group])
  })

  it('leaves nothing behind where a limit is refused', async () => {
    const tree = session()
    const [capper] = await cappers(tree, SCOPE)
    tree.at('/fake/user.slice/app.slice').passedOn.delete('cpu')
    expect(() => capper!.apply(77, 0.5, null)).toThrow(/ENOENT/)
    expect(stintGroups(tree)).toEqual([])
    expect([...tree.at(`${MOUNT}${SCOPE}`).processes]).toEqual(['77'])
  })

  it('finds no place where the controller is missing or all is foreign', async () => {
    expect(await cappers(new FakeCgroup2(MOUNT, ['hugetlb']), '/')).toEqual([])
    const locked = session()
    locked.at('/fake/user.slice/app.slice').foreign = true
    const found = await cappers(locked, SCOPE)
    for (const capper of found) expect(() => capper.apply(77, 0.5, null)).toThrow(/EACCES/)
    expect(stintGroups(locked)).toEqual([])
  })

  it('works in the root, which may hold processes and pass controllers on', async () => {
    const tree = new FakeCgroup2(MOUNT, ['cpu'])
    tree.at(MOUNT).processes.add('77')
    const [capper] = await cappers(tree, '/')
    capper!.apply(77, 2, null)
    expect(tree.at(stintGroups(tree)[0]!).cpuMax).toBe('40000 20000')
  })

  it.skipIf(process.platform !== 'linux')('removes groups whose owner is gone, and no others', async () => {
    const tree = session()
    const slice = '/fake/user.slice/app.slice'
    tree.at(slice).passedOn.add('cpu')
    const ownStart = thisProcess().started
    // No process has this id: it is above the kernel's largest.
    tree
      .add(`${slice}/stint-99999999-1-1`)
      .add(`${slice}/stint-${process.pid}-${ownStart}-1000`)
      .add(`${slice}/stint-${process.pid}-1-1`)
      .add(`${slice}/stint-99999999-1-2`, { processes: ['0'] })
      .add(`${slice}/other-99999999-1`)
    await cappers(tree, SCOPE)
    // The same process id with another start time is another process; a member numbered 0 is a container's.
    expect(tree.removed).toEqual([`${slice}/stint-99999999-1-1`, `${slice}/stint-${process.pid}-1-1`])
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
      write: (path, text) => void written.push(`${path} ${text}`),
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
