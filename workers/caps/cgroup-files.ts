/** Reading and writing a cgroup tree, and the rules both versions share for Stint's groups in it. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** Group of one trial: `stint-<process that owns it>-<when that started>-<number>`; process ids are used again. */
const GROUP_NAME = /^stint-(\d+)-(\d+)-\d+$/
const REMOVE_TRIES = 100
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
    await sleep(REMOVE_PAUSE_MS)
  }
}

function killMembers(files: CgroupFiles, group: string): void {
  try {
    for (const member of files.read(join(group, 'cgroup.procs')).split('\n').filter(Boolean)) {
      if (Number(member) > 0) files.kill?.(Number(member))
    }
  } catch {
    // The group is gone, or the process has just ended.
  }
}

/** Kills what is left in groups whose owner is gone, and removes them. */
export async function removeStaleGroups(files: CgroupFiles, parent: string): Promise<void> {
  for (const name of files.list(parent)) {
    const [, pid, started] = GROUP_NAME.exec(name) ?? []
    if (pid === undefined || startOf(Number(pid)) === started) continue
    const group = join(parent, name)
    try {
      const members = files.read(join(group, 'cgroup.procs')).split('\n').filter(Boolean)
      // 0 is a process of another namespace, such as a container's, and so is the owner: it may well be alive.
      if (members.includes('0')) continue
      for (const member of members) process.kill(Number(member), 'SIGKILL')
      await removeGroup(files, group)
    } catch {
      // Another run may be clearing the same group; what stays is tried again at the next start.
    }
  }
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

/** Where a cgroup file system is mounted, by its type and, for version 1, its controller. */
export function findMount(type: 'cgroup' | 'cgroup2', controller?: string): string | null {
  for (const line of readFileSync('/proc/self/mounts', 'latin1').split('\n')) {
    const [, path, kind, options] = line.split(' ')
    if (kind !== type || path === undefined) continue
    if (controller === undefined || options?.split(',').includes(controller)) return path
  }
  return null
}

/** This process's own group, relative to the mount; `''` for version 2's line without controllers. */
export function ownGroup(controller: string): string | null {
  for (const line of readFileSync('/proc/self/cgroup', 'latin1').split('\n')) {
    const [, controllers, ...path] = line.split(':')
    if (controllers?.split(',').includes(controller)) return path.join(':')
  }
  return null
}

export interface CgroupV2Place {
  /** Where the hierarchy is mounted. */
  mount: string
  /** This process's group, relative to the mount. */
  own: string
}

/** @throws where version 2 is not mounted */
export function ownV2Place(): CgroupV2Place {
  const mount = findMount('cgroup2')
  if (mount === null) throw new Error('cgroup version 2 is not mounted')
  return { mount, own: ownGroup('') ?? '/' }
}

/** This process's group and those above it, nearest first. */
export function* upwards(place: CgroupV2Place): Generator<string> {
  for (let group = join('/', place.own); ; group = dirname(group)) {
    yield group === '/' ? place.mount : join(place.mount, group)
    if (group === '/') return
  }
}

/** Whether children of the group have a controller of version 2, switched on now where that is permitted. */
export function passesOn(files: CgroupFiles, group: string, controller: 'cpu' | 'memory'): boolean {
  const passes = () => lists(files, join(group, 'cgroup.subtree_control'), controller)
  try {
    if (!offers(files, group, controller)) return false
    if (!passes()) files.write(join(group, 'cgroup.subtree_control'), `+${controller}`)
    return passes()
  } catch {
    return false
  }
}

/** Whether the group has a controller of version 2 itself. */
export function offers(files: CgroupFiles, group: string, controller: 'cpu' | 'memory'): boolean {
  return lists(files, join(group, 'cgroup.controllers'), controller)
}

function lists(files: CgroupFiles, path: string, controller: string): boolean {
  return files.read(path).trim().split(/\s+/).includes(controller)
}
