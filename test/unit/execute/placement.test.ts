import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type CgroupV2Place, startOf } from '../../../workers/caps/cgroup-files.ts'
import { openCgroupV2 } from '../../../workers/caps/compute-group.ts'
import { openMemoryV2 } from '../../../workers/caps/memory-group.ts'
import { findPlacement, isOfThisJob } from '../../../workers/caps/placement.ts'
import { FakeCgroup2 } from '../../fixtures/fake-cgroup2.ts'

const MOUNT = '/fake'
const UNIT = '/lim.slice/job.service'
const [SUPERVISOR, COORDINATOR, NPX, TRIAL, SHELL] = ['70', '71', '72', '73', '99']
const OURS = [SUPERVISOR, COORDINATOR, NPX, TRIAL].map(Number)

/** A service with limits of its own, below a limited slice; systemd owns all above the service. */
function service(processes: string[] = [COORDINATOR, SUPERVISOR, NPX]): FakeCgroup2 {
  const tree = new FakeCgroup2(MOUNT, ['cpu', 'memory'])
  for (const controller of ['cpu', 'memory']) tree.at(MOUNT).passedOn.add(controller)
  tree.at(MOUNT).foreign = true
  tree.add('/fake/lim.slice', { passedOn: ['cpu', 'memory'], foreign: true, cpuMax: '50000 100000' })
  return tree.add(`${MOUNT}${UNIT}`, { processes })
}

const noScope = async (): Promise<CgroupV2Place> => {
  throw new Error('systemd makes no scope: none here')
}
const find = (tree: FakeCgroup2, own = UNIT, enter: () => Promise<CgroupV2Place> = noScope) =>
  findPlacement(
    { mount: MOUNT, own },
    tree,
    enter,
    (pid) => OURS.includes(pid),
    async () => false,
  )

const state = (tree: FakeCgroup2) =>
  [...tree.groups].map(([path, { passedOn, processes }]) => [
    path,
    [...passedOn].sort(),
    [...processes].sort(),
  ])

describe('the place of trials in version 2', () => {
  it("is below Stint's own group, whose limits bind them, and nothing is left switched on", async () => {
    const tree = service()
    const before = state(tree)
    const place = await find(tree)
    expect(place.parent).toBe(`${MOUNT}${UNIT}`)
    expect([place.passes('cpu'), place.passes('memory'), place.note]).toEqual([true, true, null])

    const leaf = [...tree.groups.keys()].find((path) => path.includes('-leaf'))!
    expect(dirname(leaf)).toBe(`${MOUNT}${UNIT}`)
    expect([...tree.at(leaf).processes]).toEqual([COORDINATOR, SUPERVISOR, NPX])
    // A trial process starts where its coordinator is.
    tree.at(leaf).processes.add(TRIAL)
    const group = openMemoryV2(place, tree).enter(Number(TRIAL))
    openCgroupV2(place, tree).apply(Number(TRIAL), 0.25, group.path)
    expect(dirname(group.path)).toBe(`${MOUNT}${UNIT}`)
    expect(tree.at(group.path).cpuMax).toBe('5000 20000')

    group.kill()
    await group.remove()
    tree.gone.add(NPX)
    await place.leave()
    tree.at(`${MOUNT}${UNIT}`).processes.add(NPX)
    const touched = tree.moves.map(([, to]) => to).filter((to) => !to.startsWith(`${MOUNT}${UNIT}`))
    expect(touched).toEqual([])
    // A process that has just ended holds its group for a moment: that leaf is the next start's to remove.
    tree.at(leaf).processes.delete(NPX)
    await place.leave()
    expect(state(tree)).toEqual(before)
  })

  it('is not made where the group holds processes of others, and nothing is moved then', async () => {
    const tree = service([COORDINATOR, SHELL])
    const before = state(tree)
    await expect(find(tree)).rejects.toThrow(`${UNIT} holds process ${SHELL}`)
    await expect(find(tree)).rejects.toThrow('systemd makes no scope: none here')
    expect([state(tree), tree.moves]).toEqual([before, []])
  })

  it('needs nothing to be moved in the root of all groups', async () => {
    const tree = new FakeCgroup2(MOUNT, ['cpu', 'memory'])
    tree.at(MOUNT).processes.add(SHELL).add(COORDINATOR)
    const before = state(tree)
    const place = await find(tree, '/')
    expect([place.parent, place.passes('cpu'), tree.moves]).toEqual([MOUNT, true, []])
    await place.leave()
    expect(state(tree)).toEqual(before)
  })

  it('is in a scope where the own group may not be written to, or lacks a controller', async () => {
    const scope = '/lim.slice/stint.scope'
    for (const change of ['foreign', 'no cpu'] as const) {
      const tree = service()
      if (change === 'foreign') tree.at(`${MOUNT}${UNIT}`).foreign = true
      else tree.at(`${MOUNT}${UNIT}`).controllers.delete('cpu')
      const enter = async () => {
        tree.at(`${MOUNT}${UNIT}`).processes.clear()
        tree.add(`${MOUNT}${scope}`, { processes: [COORDINATOR, SUPERVISOR] })
        return { mount: MOUNT, own: scope }
      }
      const place = await find(tree, UNIT, enter)
      expect([place.parent, place.note]).toEqual([
        `${MOUNT}${scope}`,
        'in a scope that systemd made for this run',
      ])
      await place.leave()
      expect([...tree.at(`${MOUNT}${scope}`).processes]).toEqual([COORDINATOR, SUPERVISOR])
    }
  })

  it('has the one controller that there is where no scope is made', async () => {
    const tree = service()
    tree.at(`${MOUNT}${UNIT}`).controllers.delete('cpu')
    const place = await find(tree)
    expect([place.passes('cpu'), place.passes('memory')]).toEqual([false, true])
    expect(() => openCgroupV2(place, tree)).toThrow('no cpu controller')
    await place.leave()
  })

  it('says why there is none', async () => {
    const none = find(new FakeCgroup2(MOUNT, ['hugetlb']), '/')
    await expect(none).rejects.toThrow('version 2 has neither the cpu nor the memory controller')
    const foreign = service()
    foreign.at(`${MOUNT}${UNIT}`).foreign = true
    await expect(find(foreign)).rejects.toThrow(/EACCES.*; systemd makes no scope/)
  })
})

describe.skipIf(process.platform !== 'linux')('what other runs have in the same group', () => {
  const live = `stint-${process.ppid}-${startOf(process.ppid)}-1-leaf+cpu+memory`

  it('stays while they run, and is restored by the last of them', async () => {
    const tree = service([])
    for (const controller of ['cpu', 'memory']) tree.at(`${MOUNT}${UNIT}`).passedOn.add(controller)
    tree.add(`${MOUNT}${UNIT}/${live}`, { processes: [SHELL, COORDINATOR] })
    // A run that was started from a process in another run's leaf.
    const place = await find(tree, `${UNIT}/${live}`)
    expect([place.parent, place.passes('cpu'), tree.moves]).toEqual([`${MOUNT}${UNIT}`, true, []])
    await place.leave()
    expect([...tree.at(`${MOUNT}${UNIT}`).passedOn]).toEqual(['cpu', 'memory'])
    expect([...tree.at(`${MOUNT}${UNIT}/${live}`).processes]).toEqual([SHELL, COORDINATOR])
  })

  it('is undone where they were killed', async () => {
    const tree = service([])
    const unit = `${MOUNT}${UNIT}`
    for (const controller of ['cpu', 'memory']) tree.at(unit).passedOn.add(controller)
    tree
      .add(`${unit}/stint-99999999-1-1-leaf+cpu+memory`, { processes: [SHELL, COORDINATOR] })
      .add(`${unit}/stint-99999999-1-2`, { processes: [TRIAL] })
    await expect(find(tree, `${UNIT}/stint-99999999-1-1-leaf+cpu+memory`)).rejects.toThrow(
      `holds process ${SHELL}`,
    )
    expect(tree.removed).toContain(`${unit}/stint-99999999-1-2`)
    expect([...tree.at(unit).passedOn]).toEqual([])
    expect([...tree.at(unit).processes].sort()).toEqual([COORDINATOR, SHELL].sort())
  })
})

describe.skipIf(process.platform !== 'linux')('whose processes may be moved along', () => {
  it('are those of this command, and what they started, also in a session of its own as a supervisor is', async () => {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    await once(child, 'spawn')
    try {
      expect(isOfThisJob(child.pid!)).toBe(true)
      expect(isOfThisJob(process.ppid)).toBe(true)
      // Of another namespace.
      expect(isOfThisJob(0)).toBe(false)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
