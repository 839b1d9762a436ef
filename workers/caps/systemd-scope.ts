/**
 * A delegated group of version 2 for this run only, where the group that Stint was started in may not be divided: systemd
 * makes it on the same call that `systemd-run --scope -p Delegate=yes` makes, but around processes that run already. It lies in
 * the slice that Stint was started in, and none is made where that would leave a limit behind.
 */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  type CgroupFiles,
  type CgroupV2Place,
  groupOf,
  kernelFiles,
  newGroupName,
  v2PlaceOf,
} from './cgroup-files.ts'
import { groupsUp, readMemoryLimit, readQuota } from './limits.ts'

/** Of systemd itself, as whoever it manages sees it. */
const MANAGERS_GROUP = '/init.scope'
/** Without an answer nothing is known of a scope that may yet come: a busy machine took over 3 s to start the program that asks. */
const ANSWER_MS = 30_000
/** The answer only says that the scope is to come; an emulated machine took a second. */
const MOVED_TRIES = 1000
const MOVED_PAUSE_MS = 10
const MANAGER = 'org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager'.split(
  ' ',
)

/** Who is asked for a scope, and where that will be. */
export interface ScopePlace {
  bus: '--user' | '--system'
  /** By name; null for the manager's default. */
  slice: string | null
  /** The nearest group that will be above the scope as it is above Stint now. */
  below: string
}

/** What a scope is made of; tests give their own. */
export interface ScopeHelpers {
  placeOf(pid: number): CgroupV2Place
  files: CgroupFiles
  uid: number
  /** Looks at where the processes are until they are in the scope. */
  tries: number
  /** The group of the first process; null where it cannot be seen. */
  firstGroup(): string | null
}

const ON_THIS_MACHINE: ScopeHelpers = {
  placeOf: v2PlaceOf,
  files: kernelFiles,
  uid: process.getuid?.() ?? 0,
  tries: MOVED_TRIES,
  firstGroup() {
    try {
      return groupOf('', 1)
    } catch {
      return null
    }
  },
}

/** @param own the group that Stint is in */
export function scopePlaceFor(own: string, uid: number): ScopePlace {
  const manager = new RegExp(`^.*/user@${uid}\\.service(?=/|$)`).exec(own)?.[0] ?? null
  // A user's manager may only move what it manages; the system's may move all, and knows only its own slices.
  if (manager !== null || uid !== 0) {
    const below = manager ?? `/user.slice/user-${uid}.slice`
    const slice = manager === null ? null : sliceIn(own.slice(manager.length))
    return {
      bus: '--user',
      slice: slice?.name ?? null,
      below: manager === null ? shared(own, below) : manager + (slice?.path ?? ''),
    }
  }
  const slice = sliceIn(own.split(/\/user@\d+\.service(?:\/|$)/)[0]!)
  return { bus: '--system', slice: slice?.name ?? null, below: slice?.path ?? '/' }
}

/** The last slice on the way to a group. */
function sliceIn(group: string): { name: string; path: string } | null {
  const parts = group.split('/')
  const at = parts.findLastIndex((part) => part.endsWith('.slice'))
  return at === -1 ? null : { name: parts[at]!, path: parts.slice(0, at + 1).join('/') }
}

function shared(a: string, b: string): string {
  const above = groupsUp(b)
  return groupsUp(a).find((group) => above.includes(group)) ?? '/'
}

/**
 * Moves the processes into a scope of their own, which systemd removes once the last of them has ended.
 * @param pids this process first; those that start trial processes must be among them
 * @returns where they are now
 * @throws where that would leave a limit on Stint behind, there is no systemd, or it makes no scope
 */
export async function enterScope(
  pids: readonly number[],
  helpers: Partial<ScopeHelpers> = {},
): Promise<CgroupV2Place> {
  const { placeOf, files, uid, tries, firstGroup } = { ...ON_THIS_MACHINE, ...helpers }
  refuseForeignManager(firstGroup())
  const here = placeOf(pids[0]!)
  const place = scopePlaceFor(here.own, uid)
  refuseToLeaveLimits(files, here, place.below)
  const unit = `${newGroupName()}.scope`
  await callManager(place, unit, pids)
  return await untilAllIn(unit, pids, placeOf, tries)
}

/**
 * A container may reach the bus of a systemd outside it, which knows these processes by other ids and their groups by other
 * names: a scope of its would lie outside the container, and leave all limits of that behind.
 */
function refuseForeignManager(first: string | null): void {
  if (first !== MANAGERS_GROUP)
    throw new Error('systemd makes no scope: none runs here, or only outside this container')
}

function refuseToLeaveLimits(files: CgroupFiles, { mount, own }: CgroupV2Place, below: string): void {
  const read = (path: string) => {
    try {
      return files.read(path).trim()
    } catch {
      return null
    }
  }
  for (const group of groupsUp(own)) {
    if (group === below) return
    const path = `${mount}${group}`
    const limited = [
      readQuota(path, read) !== null && 'a CPU quota',
      readMemoryLimit(path, read) !== null && 'a memory limit',
      (read(`${path}/cpuset.cpus`) ?? '') !== '' && 'a set of cores',
    ].filter((limit) => limit !== false)
    if (limited.length > 0)
      throw new Error(`a scope of systemd would leave ${limited.join(' and ')} of ${group} behind`)
  }
}

async function callManager({ bus, slice }: ScopePlace, unit: string, pids: readonly number[]): Promise<void> {
  const properties = [
    ['PIDs', 'au', String(pids.length), ...pids.map(String)],
    ['Delegate', 'b', 'true'],
    ...(slice === null ? [] : [['Slice', 's', slice]]),
  ]
  const method = ['StartTransientUnit', 'ssa(sv)a(sa(sv))', unit, 'fail', String(properties.length)]
  const words = [bus, 'call', ...MANAGER, ...method, ...properties.flat(), '0']
  try {
    await promisify(execFile)('busctl', words, { timeout: ANSWER_MS })
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    const why = code === 'ENOENT' ? 'busctl is not installed' : stderr?.trim() || message
    throw new Error(`systemd makes no scope: ${why}`)
  }
}

/** systemd moves the processes one after the other, in no order that could be relied on. */
async function untilAllIn(
  unit: string,
  pids: readonly number[],
  placeOf: (pid: number) => CgroupV2Place,
  tries: number,
): Promise<CgroupV2Place> {
  for (let attempt = 1; ; attempt++) {
    const places = pids.map(placeOf)
    if (places.every(({ own }) => own.endsWith(`/${unit}`))) return places[0]!
    if (attempt === tries) throw new Error('systemd took the call and did not move the run into a scope')
    await sleep(MOVED_PAUSE_MS)
  }
}
