/**
 * Where a run's groups of cgroup version 2 lie: below the group that Stint was started in, so that every limit on Stint
 * binds its trials too. A group that holds processes cannot pass its controllers on, so that Stint's own processes move into
 * a leaf of it, and each trial's group is a sibling of that leaf. What was switched on is switched off at the end.
 */
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  type CgroupFiles,
  type CgroupV2Place,
  type Controller,
  isLive,
  isOwn,
  kernelFiles,
  membersOf,
  newGroupName,
  offers,
  passesOn,
  pathOf,
  removeStaleGroups,
  v2PlaceOf,
} from './cgroup-files.ts'
import { isStoppedByKills } from './systemd-oom.ts'
import { enterScope } from './systemd-scope.ts'

/** A group in which trials' groups are made. */
export interface Placement {
  readonly parent: string
  /** Whether the groups in it have the controller. */
  passes(controller: Controller): boolean
  /** Whether systemd stops the unit that Stint is in, and so the run, when the kernel kills a process there for memory. */
  readonly stoppedByKills: boolean
  /** Where that is, if that needs saying. */
  readonly note: string | null
  /** Undoes what was done to make the place, once every trial's group is gone. */
  leave(): Promise<void>
}

const CONTROLLERS: readonly Controller[] = ['cpu', 'memory']
/** Names the owner, and what was switched on for its sake, so that the next run can undo what a killed one left. */
const LEAF_NAME = /^stint-\d+-\d+-\d+-leaf((?:\+\w+)*)$/
/** Processes that are started while others are moved are moved in the next round. */
const MOST_ROUNDS = 20
const IN_SCOPE = 'in a scope that systemd made for this run'

/**
 * In the group that Stint was started in where that has both controllers and may be divided, else in a scope of systemd's,
 * else in the own group with one controller.
 * @throws with all reasons where there is no such place
 */
export async function findPlacement(
  here: CgroupV2Place = v2PlaceOf('self'),
  files: CgroupFiles = kernelFiles,
  enter: (pids: number[]) => Promise<CgroupV2Place> = enterScope,
  isOurs: (pid: number) => boolean = isOfThisJob,
  stoppedByKills: (group: string) => Promise<boolean> = isStoppedByKills,
): Promise<Placement> {
  if (!CONTROLLERS.some((controller) => offers(files, here.mount, controller)))
    throw new Error('version 2 has neither the cpu nor the memory controller on this machine')
  const reasons: string[] = []
  const attempt = async (open: () => Promise<Placement>): Promise<Placement | null> => {
    try {
      return await open()
    } catch (error) {
      reasons.push((error as Error).message)
      return null
    }
  }
  const ownGroup = async () => ({
    ...(await placeIn(here, files, isOurs, null)),
    stoppedByKills: await stoppedByKills(here.own),
  })
  const whole = CONTROLLERS.every((controller) => offersIn(files, here, controller))
  return (
    (whole ? await attempt(ownGroup) : null) ??
    (await attempt(async () =>
      // The coordinator starts the trial processes, which come to stand where it stands.
      placeIn(await enter([process.pid, process.ppid]), files, () => true, IN_SCOPE),
    )) ??
    (whole ? null : await attempt(ownGroup)) ??
    fail(reasons)
  )
}

function fail(reasons: readonly string[]): never {
  throw new Error(reasons.join('; '))
}

function offersIn(files: CgroupFiles, place: CgroupV2Place, controller: Controller): boolean {
  return offers(files, divided(pathOf(place)), controller)
}

/** The group to divide: not the leaf that another run of Stint has moved this one into. */
function divided(here: string): string {
  return LEAF_NAME.test(basename(here)) ? dirname(here) : here
}

/** @throws where the group has neither controller, holds others' processes, or may not be written to */
async function placeIn(
  place: CgroupV2Place,
  files: CgroupFiles,
  isOurs: (pid: number) => boolean,
  note: string | null,
): Promise<Placement> {
  const { mount } = place
  const parent = divided(pathOf(place))
  await restore(files, parent)
  const name = parent === mount ? '/' : parent.slice(mount.length)
  const offered = CONTROLLERS.filter((controller) => offers(files, parent, controller))
  if (offered.length === 0) throw new Error(`${name} has neither the cpu nor the memory controller`)
  const off = offered.filter((controller) => !passesOn(files, parent, controller))
  const leaf = join(parent, `${newGroupName()}-leaf${off.map((controller) => `+${controller}`).join('')}`)
  files.makeGroup(leaf)
  const leave = () => restore(files, parent)
  try {
    if (off.length > 0) switchOn({ files, parent, name, leaf, off, isOurs })
    const passed = offered.filter((controller) => passesOn(files, parent, controller))
    return { parent, passes: (controller) => passed.includes(controller), stoppedByKills: false, note, leave }
  } catch (error) {
    await leave()
    throw error
  }
}

interface Switch {
  files: CgroupFiles
  parent: string
  name: string
  leaf: string
  off: readonly Controller[]
  isOurs(pid: number): boolean
}

function switchOn({ files, parent, name, leaf, off, isOurs }: Switch): void {
  const control = join(parent, 'cgroup.subtree_control')
  const text = off.map((controller) => `+${controller}`).join(' ')
  try {
    // The root of all groups may hold processes.
    files.write(control, text)
    return
  } catch (error) {
    if (codeOf(error) !== 'EBUSY') throw error
  }
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const members = membersOf(files, parent)
    if (members.length === 0) break
    const other = members.find((pid) => !isOurs(pid))
    if (other !== undefined)
      throw new Error(`${name} holds ${described(other)} too, which is no part of this run`)
    for (const pid of members) move(files, pid, leaf)
  }
  files.write(control, text)
}

/**
 * Switches off what runs of Stint switched on in a group, and moves what stands in their leaves back into it: this run's at
 * its end, and before that what others left that were killed. While another run uses the group nothing is done, and its
 * end will do it.
 */
async function restore(files: CgroupFiles, parent: string): Promise<void> {
  const names = files.list(parent)
  await removeStaleGroups(files, parent)
  const leaves = names.filter((name) => LEAF_NAME.test(name))
  if (leaves.length === 0 || names.some((name) => isLive(name) && !isOwn(name))) return
  try {
    const on = new Set(leaves.flatMap((name) => LEAF_NAME.exec(name)![1]!.split('+').filter(Boolean)))
    const off = [...on].map((controller) => `-${controller}`).join(' ')
    if (off !== '') files.write(join(parent, 'cgroup.subtree_control'), off)
    for (const leaf of leaves.map((name) => join(parent, name))) {
      for (const pid of membersOf(files, leaf)) move(files, pid, parent)
      files.removeGroup(leaf)
    }
  } catch {
    // Another run has just begun here, or ended: what stays is tried again at the next start.
  }
}

function move(files: CgroupFiles, pid: number, group: string): void {
  try {
    files.write(join(group, 'cgroup.procs'), String(pid))
  } catch (error) {
    // It has just ended.
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

// ---------------------------------------------------------------- whose processes

/**
 * This process, its coordinator, what was started in one command with that, such as `npx`, or `tee` behind a pipe, to which
 * a shell gives one process group, and all that these have started, such as the supervisor of another run.
 */
export function isOfThisJob(pid: number): boolean {
  const job = jobOf(process.ppid)
  for (let at: number | null = pid; at !== null && at > 0; at = parentOf(at)) {
    if (at === process.pid || at === process.ppid || (job !== null && jobOf(at) === job)) return true
  }
  return false
}

function parentOf(pid: number): number | null {
  return statField(pid, 1)
}

/** Id of a process's group of processes; null where it is gone, or one of another namespace. */
function jobOf(pid: number): number | null {
  return statField(pid, 2)
}

/** Counted from the state; null where there is none, or 0. */
function statField(pid: number, at: number): number | null {
  const stat = textOf(`/proc/${pid}/stat`)
  // The second field is the program's name, which may hold spaces and brackets.
  const value = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[at] ?? Number.NaN)
  return value > 0 ? value : null
}

function described(pid: number): string {
  const name = textOf(`/proc/${pid}/comm`)?.trim()
  return pid === 0
    ? 'a process of another namespace'
    : `process ${pid}${name === undefined ? '' : ` (${name})`}`
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
