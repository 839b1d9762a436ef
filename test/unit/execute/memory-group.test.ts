import { describe, expect, it } from 'vitest'
import { openCgroupV2 } from '../../../workers/caps/compute-group.ts'
import { openMemoryV1, openMemoryV2 } from '../../../workers/caps/memory-group.ts'
import { FakeCgroup2 } from '../../fixtures/fake-cgroup2.ts'

const MOUNT = '/fake'
const OWN = '/user.slice/run.scope'

/** A delegated slice that holds this process's scope. */
function session(controllers = ['cpu', 'memory']): FakeCgroup2 {
  const tree = new FakeCgroup2(MOUNT, controllers)
  for (const controller of controllers) tree.at(MOUNT).passedOn.add(controller)
  tree.at(MOUNT).foreign = true
  return tree.add('/fake/user.slice').add('/fake/user.slice/run.scope', { processes: ['77'] })
}

async function first<T>(found: AsyncIterable<T>): Promise<T | undefined> {
  for await (const one of found) return one
  return undefined
}

describe('a memory group of version 2', () => {
  it('limits from what is held, without swap, and tells what the kernel did', async () => {
    const tree = session()
    const grouper = await first(openMemoryV2(false, { mount: MOUNT, own: OWN }, tree))
    const group = grouper!.enter(77)
    expect([...tree.at(group.path).processes]).toEqual(['77'])
    expect([group.killed(), group.growthBytes()]).toEqual([false, null])
    group.limitGrowth(1_000_000)
    const { memory } = tree.at(group.path)
    expect([memory.get('memory.max'), memory.get('memory.swap.max')]).toEqual(['8000000', '0'])
    memory.set('memory.events', 'oom 1\noom_kill 1\n')
    expect([group.killed(), group.growthBytes()]).toEqual([true, 2_000_000])
    tree.at(group.path).processes.clear()
    await group.remove()
    expect(tree.removed).toEqual([group.path])
    expect([group.killed(), group.growthBytes()]).toEqual([false, null])
  })

  it('holds the quota as well, since a process is in one group', async () => {
    const tree = session()
    const place = { mount: MOUNT, own: OWN }
    const group = (await first(openMemoryV2(true, place, tree)))!.enter(77)
    const cap = (await first(openCgroupV2(place, tree)))!.apply(77, 0.25, group.path)
    expect(tree.at(group.path).cpuMax).toBe('5000 20000')
    expect(cap.cpuStat).toBe(`${group.path}/cpu.stat`)
    tree.at(group.path).processes.clear()
    await cap.remove()
    expect(tree.removed).toEqual([])
    await group.remove()
    expect(tree.removed).toEqual([group.path])
  })

  it('is not offered where the controller, or the quota that must share it, is not passed on', async () => {
    const place = { mount: MOUNT, own: OWN }
    expect(await first(openMemoryV2(false, place, session(['cpu'])))).toBeUndefined()
    expect(await first(openMemoryV2(true, place, session(['memory'])))).toBeUndefined()
    expect(await first(openMemoryV2(false, place, session(['memory'])))).toBeDefined()
  })
})

describe('a memory group of version 1', () => {
  it('writes the limit of its own names, and leaves nothing where the process cannot enter', async () => {
    const written: string[] = []
    const files = {
      read: () => '5000000\n',
      list: () => [],
      makeGroup: () => {},
      removeGroup: (path: string) => void written.push(`rmdir ${path.split('/')[1]}`),
      write: (path: string, text: string) => void written.push(`${path.split('/').at(-1)} ${text}`),
    }
    const group = (await openMemoryV1('/v1', files)).enter(77)
    group.limitGrowth(1)
    expect(written).toEqual(['cgroup.procs 77', 'memory.swappiness 0', 'memory.limit_in_bytes 5000001'])
    written.length = 0
    const grouper = await openMemoryV1('/v1', {
      ...files,
      write: () => {
        throw new Error('EACCES')
      },
    })
    expect(() => grouper.enter(77)).toThrow('EACCES')
    expect(written).toEqual(['rmdir v1'])
  })
})
