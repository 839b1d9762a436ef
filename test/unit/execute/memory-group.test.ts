import { describe, expect, it } from 'vitest'
import { openCgroupV2 } from '../../../workers/caps/compute-group.ts'
import { openMemoryV1, openMemoryV2 } from '../../../workers/caps/memory-group.ts'
import { FakeCgroup2 } from '../../fixtures/fake-cgroup2.ts'

const MOUNT = '/fake'

const SLICE = '/fake/app.slice'

/** A group that trials' groups are made in. */
function slice(): FakeCgroup2 {
  return new FakeCgroup2(MOUNT, ['cpu', 'memory'])
    .add(SLICE, { passedOn: ['cpu', 'memory'] })
    .add(`${SLICE}/leaf`, { processes: ['77'] })
}

const placeFor = (...controllers: string[]) => ({
  parent: SLICE,
  passes: (controller: string) => controllers.includes(controller),
  stoppedByKills: false,
  note: null,
  leave: async () => {},
})

describe('a memory group of version 2', () => {
  it('limits from what is held, without swap, and tells what the kernel did', async () => {
    const tree = slice()
    const group = openMemoryV2(placeFor('memory'), tree).enter(77)
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

  it('is held up at its limit, and never killed by the kernel, where systemd would stop the unit for it', () => {
    const tree = slice()
    const place = { ...placeFor('memory'), stoppedByKills: true }
    const group = openMemoryV2(place, tree).enter(77)
    expect(group.isHeldUp()).toBe(false)
    group.limitGrowth(1_000_000)
    const { memory } = tree.at(group.path)
    expect([memory.get('memory.high'), memory.get('memory.max')]).toEqual(['8000000', undefined])
    expect(group.isHeldUp()).toBe(false)
    memory.set('memory.current', '8100000\n')
    expect(group.isHeldUp()).toBe(true)
  })

  it('tells its peak, and how long its processes waited where the kernel counts that', () => {
    const tree = slice()
    const group = openMemoryV2(placeFor('memory'), tree).enter(77)
    expect(group.peakBytes()).toBe(9_000_000)
    expect(group.waits()).toEqual({ cpu: null, memory: null, io: null })
    const { memory, pressure } = tree.at(group.path)
    const lines = (some: number) =>
      `some avg10=0.00 avg60=0.00 avg300=0.00 total=${some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n`
    pressure.set('cpu.pressure', lines(1_500)).set('memory.pressure', lines(250_000))
    expect(group.waits()).toEqual({ cpu: 1.5, memory: 250, io: null })
    // Kernels before 5.19.
    memory.delete('memory.peak')
    expect(group.peakBytes()).toBeNull()
  })

  it('holds the quota as well, since a process is in one group', async () => {
    const tree = slice()
    const place = placeFor('cpu', 'memory')
    const group = openMemoryV2(place, tree).enter(77)
    const cap = openCgroupV2(place, tree).apply(77, 0.25, group.path)
    expect(tree.at(group.path).cpuMax).toBe('5000 20000')
    expect(cap.cpuStat).toBe(`${group.path}/cpu.stat`)
    tree.at(group.path).processes.clear()
    await cap.remove()
    expect(tree.removed).toEqual([])
    await group.remove()
    expect(tree.removed).toEqual([group.path])
  })

  it('is not offered where the controller is not passed on', () => {
    expect(() => openMemoryV2(placeFor('cpu'), slice())).toThrow('no memory controller')
  })

  it('ends all that it holds at once', () => {
    const tree = slice()
    const group = openMemoryV2(placeFor('memory'), tree).enter(77)
    tree.at(group.path).processes.add('78')
    group.kill()
    expect([...tree.at(group.path).processes]).toEqual([])
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
