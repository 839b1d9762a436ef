import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CgroupV2Place } from '../../../workers/caps/cgroup-files.ts'
import { unified } from '../../../workers/caps/choose.ts'
import { type ComputeCapper, openCgroupV2 } from '../../../workers/caps/compute-group.ts'
import { openMemoryV2 } from '../../../workers/caps/memory-group.ts'
import { enterScope } from '../../../workers/caps/systemd-scope.ts'
import { FakeCgroup2 } from '../../fixtures/fake-cgroup2.ts'

const MOUNT = '/fake'
const SESSION = '/user.slice/user-7.slice/session-3.scope'
const MANAGED = '/user.slice/user-7.slice/user@7.service/app.slice'
const [SUPERVISOR, COORDINATOR, HOST] = [70, 71, 72]

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-scope-test-'))
  const busctl = join(folder, 'busctl')
  copyFileSync(join(import.meta.dirname, '../../fixtures/fake-busctl.mjs'), busctl)
  chmodSync(busctl, 0o755)
  vi.stubEnv('PATH', [folder, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** A login by network: the session's scope is root's, the user manager's part of the tree is the user's. */
function session(): FakeCgroup2 {
  const tree = new FakeCgroup2(MOUNT, ['cpu', 'memory'])
  for (const controller of ['cpu', 'memory']) tree.at(MOUNT).passedOn.add(controller)
  tree.at(MOUNT).foreign = true
  const passedOn = ['cpu', 'memory']
  return tree
    .add('/fake/user.slice', { passedOn, foreign: true })
    .add('/fake/user.slice/user-7.slice', { passedOn, foreign: true })
    .add(`${MOUNT}${SESSION}`, { processes: [SUPERVISOR, COORDINATOR, HOST].map(String), foreign: true })
    .add('/fake/user.slice/user-7.slice/user@7.service', { passedOn })
    .add(`${MOUNT}${MANAGED}`, { passedOn })
}

/** Does to the tree what the manager was asked for, as soon as it has answered. */
function managed(tree: FakeCgroup2): () => CgroupV2Place {
  const asked = join(folder, 'asked.json')
  vi.stubEnv('FAKE_MANAGER', asked)
  return () => {
    if (!existsSync(asked)) return { mount: MOUNT, own: SESSION }
    const { unit, PIDs, Delegate } = JSON.parse(readFileSync(asked, 'utf8'))
    const own = `${MANAGED}/${unit}`
    expect(Delegate).toBe(true)
    if (!tree.groups.has(`${MOUNT}${own}`)) {
      for (const pid of PIDs) tree.at(`${MOUNT}${SESSION}`).processes.delete(String(pid))
      tree.add(`${MOUNT}${own}`, { processes: PIDs.map(String) })
    }
    return { mount: MOUNT, own }
  }
}

async function cappers(tree: FakeCgroup2, place: CgroupV2Place): Promise<ComputeCapper[]> {
  const found: ComputeCapper[] = []
  for await (const capper of openCgroupV2(place, tree)) found.push(capper)
  return found
}

describe('a scope from systemd', () => {
  it('gives a session that may limit nothing groups with quota and memory limit', async () => {
    const tree = session()
    for (const capper of await cappers(tree, { mount: MOUNT, own: SESSION }))
      expect(() => capper.apply(HOST, 0.5, null)).toThrow(/EACCES/)

    const place = await enterScope([SUPERVISOR, COORDINATOR], managed(tree), tree)
    expect(place.own).toMatch(/app\.slice\/stint-\d+-\d+-\d+\.scope\/coordinator$/)
    const scope = dirname(`${MOUNT}${place.own}`)
    expect([...tree.at(`${MOUNT}${place.own}`).processes]).toEqual([String(SUPERVISOR), String(COORDINATOR)])

    // A trial process starts where its coordinator is.
    tree.at(`${MOUNT}${SESSION}`).processes.delete(String(HOST))
    tree.at(`${MOUNT}${place.own}`).processes.add(String(HOST))
    const [capper] = await cappers(tree, place)
    let group: { path: string } | undefined
    for await (const grouper of openMemoryV2(true, place, tree)) {
      group ??= grouper.enter(HOST)
    }
    expect(dirname(group!.path)).toBe(scope)
    capper!.apply(HOST, 0.25, group!.path)
    expect(tree.at(group!.path).cpuMax).toBe('5000 20000')
    expect([...tree.at(group!.path).processes]).toEqual([String(HOST)])
  })

  it('is asked for only where the groups that are there do not serve', async () => {
    const tree = session()
    let asked = 0
    const enter = async (pids: number[]) => {
      asked++
      expect(pids).toEqual([process.pid, process.ppid])
      return await enterScope([SUPERVISOR, COORDINATOR], managed(tree), tree)
    }
    const found: ComputeCapper[] = []
    for await (const capper of unified({ mount: MOUNT, own: SESSION }, tree, enter)) {
      if (capper.place === undefined) expect(asked).toBe(0)
      found.push(capper)
    }
    expect(asked).toBe(1)
    const inScope = found.filter(({ place }) => place !== undefined)
    expect(inScope[0]!.place).toBe("in a scope that systemd's user manager made for this run")
    expect(found.indexOf(inScope[0]!)).toBeGreaterThan(0)

    const here = { mount: MOUNT, own: SESSION }
    const none = async () => await unified(here, new FakeCgroup2(MOUNT, ['hugetlb']), enter).next()
    await expect(none()).rejects.toThrow('the cpu controller is not in version 2')
    expect(asked).toBe(1)
  })

  it('without a cpu controller is said to be so', async () => {
    const tree = new FakeCgroup2(MOUNT, ['cpu'])
    tree.add('/fake/session', { processes: [String(SUPERVISOR)] }).add('/fake/session/coordinator')
    tree.at(MOUNT).foreign = true
    const enter = async () => ({ mount: MOUNT, own: '/session/coordinator' })
    const all = async () => {
      for await (const capper of unified({ mount: MOUNT, own: '/session' }, tree, enter)) void capper
    }
    await expect(all()).rejects.toThrow('gives its user manager no cpu controller')
  })

  it('says what is missing where no manager runs, or no busctl is there', async () => {
    const here = () => ({ mount: MOUNT, own: SESSION })
    await expect(enterScope([SUPERVISOR], here, session())).rejects.toThrow(
      "systemd's user manager makes no scope: Failed to connect to bus: No such file or directory",
    )
    vi.stubEnv('PATH', '')
    await expect(enterScope([SUPERVISOR], here, session())).rejects.toThrow('busctl is not installed')
  })

  it('gives up where the manager answers and moves nothing', async () => {
    vi.stubEnv('FAKE_MANAGER', join(folder, 'asked.json'))
    const here = () => ({ mount: MOUNT, own: SESSION })
    await expect(enterScope([SUPERVISOR], here, session())).rejects.toThrow(
      'did not move the run into a scope',
    )
  })
})
