/** Reading and writing a cgroup tree, and the rules both versions share for Stint's groups in it. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The file operations that a cgroup tree takes; tests give a tree of their own. */
export interface CgroupFiles {
  read(path: string): string
  write(path: string, text: string): void
  makeGroup(path: string): void
  removeGroup(path: string): void
  /** Names of the entries of a folder. */
  list(path: string): string[]
  /** Ends a process that a group holds. */
  kill?(pid: number): void
}

export const kernelFiles: CgroupFiles = {
  read: (path) => readFileSync(path, 'latin1'),
  // Without O_CREAT: a control file that the kernel does not offer must be an error.
  write: (path, text) => writeFileSync(path, text, { flag: 'r+' }),
  makeGroup: (path) => mkdirSync(path),
  removeGroup: (path) => rmdirSync(path),
  list: (path) => readdirSync(path),
  kill: (pid) => process.kill(pid, 'SIGKILL'),
}

/** Of version 2. */
export type Controller = 'cpu' | 'memory'

/** Group of one trial: `stint-<process that owns it>-<when that started>-<number>`; process ids are used again. */
const GROUP_NAME = /^stint-\d+-\d+-\d+$/
/** Any group of Stint's, a leaf for its own processes included. */
const OWNED_NAME = /^stint-(\d+)-(\d+)-\d+(?:-|$)/
const REMOVE_TRIES = 100
/** At the longest; at first it looks again sooner, since the next trial waits for it. */
const REMOVE_PAUSE_MS = 10
/** The kernel refuses quotas below 1 ms. */
const SMALLEST_QUOTA_US = 1000
const PERIOD_US = 20_000
const LARGEST_PERIOD_US = 1_000_000

let groups = 0

export function newGroupName(): string {
  return `stint-${process.pid}-${startOf(process.pid) ?? 0}-${++groups}`
}

/** Period and quota in us: 20 ms, longer where the quota would be less than the kernel takes. */
export function quotaFor(units: number): { periodUs: number; quotaUs: number } {
  const periodUs = Math.min(LARGEST_PERIOD_US, Math.max(PERIOD_US, Math.ceil(SMALLEST_QUOTA_US / units)))
  return { periodUs, quotaUs: Math.max(SMALLEST_QUOTA_US, Math.round(periodUs * units)) }
}

/** A group that holds one process and no limit yet. */
export interface EnteredGroup {
  readonly path: string
  /** The process has ended. */
  remove(): Promise<void>
}

/** Makes a group and moves the process in; nothing stays behind where that fails. */
export function enterGroup(files: CgroupFiles, parent: string, pid: number): EnteredGroup {
  const path = join(parent, newGroupName())
  files.makeGroup(path)
  try {
    files.write(join(path, 'cgroup.procs'), String(pid))
  } catch (error) {
    files.removeGroup(path)
    throw error
  }
  return { path, remove: () => removeGroup(files, path) }
}

/** Ends what a trial left in its group. The group is busy for a moment after its last process ended. */
export async function removeGroup(files: CgroupFiles, group: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    killMembers(files, group)
    try {
      files.removeGroup(group)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      if (attempt === REMOVE_TRIES) throw error
    }
    await sleep(Math.min(attempt, REMOVE_PAUSE_MS))
  }
}

/** Ends all processes of a group: by the kernel's one switch for it, else one by one. */
export function killMembers(files: CgroupFiles, group: string): void {
  try {
    files.write(join(group, 'cgroup.kill'), '1')
    return
  } catch {
    // Version 1 and kernels before 5.14 have no such switch.
  }
  try {
    for (const member of membersOf(files, group)) if (member > 0) files.kill?.(member)
  } catch {
    // The group is gone, or the process has just ended.
  }
}

/** Processes of a group; 0 for one of another namespace, such as a container's. */
export function membersOf(files: CgroupFiles, group: string): number[] {
  return files.read(join(group, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)
}

/** Kills what is left in trials' groups whose owner is gone, and removes them. */
export async function removeStaleGroups(files: CgroupFiles, parent: string): Promise<void> {
  for (const name of files.list(parent)) {
    if (!GROUP_NAME.test(name) || isLive(name)) continue
    const group = join(parent, name)
    try {
      // A member of another namespace, and so its owner may well be alive.
      if (membersOf(files, group).includes(0)) continue
      await removeGroup(files, group)
    } catch {
      // Another run may be clearing the same group; what stays is tried again at the next start.
    }
  }
}

/** Whether a group of Stint's has an owner that is alive, as its name says; false for others' groups. */
export function isLive(name: string): boolean {
  const [, pid, started] = OWNED_NAME.exec(name) ?? []
  return pid !== undefined && startOf(Number(pid)) === started
}

/** Whether a group's name says that this process owns it. */
export function isOwn(name: string): boolean {
  return OWNED_NAME.exec(name)?.[1] === String(process.pid)
}

/** CPU time of all that was ever in a group, ms; null where it does not count that. */
export function readGroupCpuMs(group: string, files: CgroupFiles = kernelFiles): number | null {
  const read = (name: string) => {
    try {
      return files.read(join(group, name))
    } catch {
      return null
    }
  }
  const v2 = /^usage_usec (\d+)$/m.exec(read('cpu.stat') ?? '')?.[1]
  if (v2 !== undefined) return Number(v2) / 1e3
  const v1 = read('cpuacct.usage')
  return v1 === null ? null : Number(v1) / 1e6
}

/** Start of a process in clock ticks since boot; null once it is gone, a zombie included. */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name, which may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

/** A hierarchy of cgroups as this process sees it. */
export interface CgroupMount {
  path: string
  /** The group that is shown at `path`: not the root of all in a container. */
  root: string
}

/** Where a cgroup file system is mounted, by its type and, for version 1, its controller. */
export function findMount(type: 'cgroup' | 'cgroup2', controller?: string): CgroupMount | null {
  for (const line of readFileSync('/proc/self/mountinfo', 'latin1').split('\n')) {
    const [place, source] = line.split(' - ')
    const [, , , root, path] = place?.split(' ') ?? []
    const [kind, , options] = source?.split(' ') ?? []
    if (kind !== type || path === undefined || root === undefined) continue
    if (controller === undefined || options?.split(',').includes(controller)) return { path, root }
  }
  return null
}

/** A process's group as /proc tells it; `''` for version 2's line without controllers. */
export function groupOf(controller: string, pid: number | 'self' = 'self'): string | null {
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'latin1').split('\n')) {
    const [, controllers, ...path] = line.split(':')
    if (controllers?.split(',').includes(controller)) return path.join(':')
  }
  return null
}

/** A group as below a mount: what a container shows at the mount is taken off. */
export function belowMount({ root }: CgroupMount, group: string): string {
  const below = root === '/' ? group : group.startsWith(`${root}/`) ? group.slice(root.length) : '/'
  // Above the root of a namespace nothing can be seen.
  return below.startsWith('/..') ? '/' : below
}

export interface CgroupV2Place {
  /** Where the hierarchy is mounted. */
  mount: string
  /** The process's group, relative to the mount. */
  own: string
}

/** @throws where version 2 is not mounted, or the process is gone */
export function v2PlaceOf(pid: number | 'self'): CgroupV2Place {
  const mount = findMount('cgroup2')
  if (mount === null) throw new Error('cgroup version 2 is not mounted')
  return { mount: mount.path, own: belowMount(mount, groupOf('', pid) ?? '/') }
}

/**
 * This process's own group of version 1, where its trials' groups are made.
 * @throws where the controller is not mounted
 */
export function ownV1Group(controller: Controller): string {
  const mount = findMount('cgroup', controller)
  if (mount === null) throw new Error(`no ${controller} controller of cgroup version 1 is mounted`)
  return join(mount.path, belowMount(mount, groupOf(controller) ?? '/'))
}

export function pathOf({ mount, own }: CgroupV2Place): string {
  return own === '/' ? mount : join(mount, own)
}

/** Whether the group has a controller of version 2 itself. */
export function offers(files: CgroupFiles, group: string, controller: Controller): boolean {
  return lists(files, join(group, 'cgroup.controllers'), controller)
}

/** Whether the group's children have it. */
export function passesOn(files: CgroupFiles, group: string, controller: Controller): boolean {
  return lists(files, join(group, 'cgroup.subtree_control'), controller)
}

function lists(files: CgroupFiles, path: string, controller: Controller): boolean {
  return files.read(path).trim().split(/\s+/).includes(controller)
}
