import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CgroupV2Place } from '../../../workers/caps/cgroup-files.ts'
import { enterScope, type ScopeHelpers, scopePlaceFor } from '../../../workers/caps/systemd-scope.ts'
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

/** Does to the tree what the manager was asked for once it has answered, one process after the other. */
function managed(tree: FakeCgroup2, slice = MANAGED): (pid: number) => CgroupV2Place {
  const asked = join(folder, 'asked.json')
  vi.stubEnv('FAKE_MANAGER', asked)
  const at = new Map<number, string>([SUPERVISOR, COORDINATOR].map((pid) => [pid, SESSION]))
  const later = [COORDINATOR, SUPERVISOR]
  return (pid) => {
    if (existsSync(asked)) {
      const { unit, PIDs, Delegate } = JSON.parse(readFileSync(asked, 'utf8'))
      expect([Delegate, PIDs]).toEqual([true, [SUPERVISOR, COORDINATOR]])
      const own = `${slice}/${unit}`
      if (!tree.groups.has(`${MOUNT}${own}`)) tree.add(`${MOUNT}${own}`)
      const next = later.pop()
      if (next !== undefined) {
        tree.at(`${MOUNT}${SESSION}`).processes.delete(String(next))
        tree.at(`${MOUNT}${own}`).processes.add(String(next))
        at.set(next, own)
      }
    }
    return { mount: MOUNT, own: at.get(pid)! }
  }
}

type PlaceOf = (pid: number) => CgroupV2Place
const enter = (pids: number[], placeOf: PlaceOf, files: FakeCgroup2, more: Partial<ScopeHelpers> = {}) =>
  enterScope(pids, { placeOf, files, uid: 7, firstGroup: () => '/init.scope', ...more })

describe('a scope from systemd', () => {
  it('is entered once every process is in it, whichever is moved first', async () => {
    const tree = session()
    const place = await enter([SUPERVISOR, COORDINATOR], managed(tree), tree)
    expect(place.own).toMatch(/app\.slice\/stint-\d+-\d+-\d+\.scope$/)
    expect([...tree.at(`${MOUNT}${place.own}`).processes].sort()).toEqual([
      String(SUPERVISOR),
      String(COORDINATOR),
    ])
    const { bus, Slice } = JSON.parse(readFileSync(join(folder, 'asked.json'), 'utf8'))
    expect([bus, Slice]).toEqual(['--user', undefined])
  })

  it('is asked of the manager that may move the run, in the slice that it stands in', () => {
    expect(scopePlaceFor('/lim.slice/job.service', 0)).toEqual({
      bus: '--system',
      slice: 'lim.slice',
      below: '/lim.slice',
    })
    expect(scopePlaceFor('/user.slice/user-0.slice/session-1.scope', 0)).toEqual({
      bus: '--system',
      slice: 'user-0.slice',
      below: '/user.slice/user-0.slice',
    })
    expect(scopePlaceFor(SESSION, 7)).toEqual({
      bus: '--user',
      slice: null,
      below: '/user.slice/user-7.slice',
    })
    const job = '/user.slice/user-7.slice/user@7.service/app.slice/lim.slice/job.service'
    expect(scopePlaceFor(job, 7)).toEqual({ bus: '--user', slice: 'lim.slice', below: dirname(job) })
    expect(scopePlaceFor('/system.slice/job.service', 7)).toEqual({ bus: '--user', slice: null, below: '/' })
  })

  it('is refused where it would leave a limit behind', async () => {
    const tree = session()
    tree.at(`${MOUNT}${SESSION}`).cpuMax = '50000 100000'
    const here = () => ({ mount: MOUNT, own: SESSION })
    const refused = () => enter([SUPERVISOR, COORDINATOR], here, tree)
    await expect(refused()).rejects.toThrow(`would leave a CPU quota of ${SESSION} behind`)
    tree.at(`${MOUNT}${SESSION}`).cpuMax = 'max 100000'
    tree.at(`${MOUNT}${SESSION}`).memory.set('memory.max', '1000000\n')
    await expect(refused()).rejects.toThrow(`would leave a memory limit of ${SESSION} behind`)
    // Its own slice binds the scope as well.
    tree.at(`${MOUNT}${SESSION}`).memory.set('memory.max', 'max\n')
    tree.at(`${MOUNT}/user.slice/user-7.slice`).cpuMax = '50000 100000'
    await enter([SUPERVISOR, COORDINATOR], managed(tree), tree)
  })

  it.each([
    ['in a container of its own processes', '/'],
    ['in a namespace of groups that the manager is not in', '/../../init.scope'],
    ['where the first process cannot be seen', null],
  ])('is asked of no manager that is not in the same tree: %s', async (_name, first) => {
    const tree = session()
    const asked = enter([SUPERVISOR, COORDINATOR], managed(tree), tree, { firstGroup: () => first })
    await expect(asked).rejects.toThrow('only outside this container')
    expect(existsSync(join(folder, 'asked.json'))).toBe(false)
  })

  it('says what is missing where no manager runs, or no busctl is there', async () => {
    const here = () => ({ mount: MOUNT, own: SESSION })
    await expect(enter([SUPERVISOR], here, session())).rejects.toThrow(
      'systemd makes no scope: Failed to connect to bus: No such file or directory',
    )
    vi.stubEnv('PATH', '')
    await expect(enter([SUPERVISOR], here, session())).rejects.toThrow('busctl is not installed')
  })

  it('gives up where the manager answers and moves nothing', async () => {
    vi.stubEnv('FAKE_MANAGER', join(folder, 'asked.json'))
    const here = () => ({ mount: MOUNT, own: SESSION })
    await expect(enter([SUPERVISOR], here, session(), { tries: 3 })).rejects.toThrow(
      'did not move the run into a scope',
    )
  })
})
