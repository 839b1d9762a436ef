/**
 * A delegated group of version 2 for this run alone, where the session's own may not be written to: systemd's user
 * manager makes it on the same call that `systemd-run --user --scope -p Delegate=yes` makes, but around processes
 * that run already.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  type CgroupFiles,
  type CgroupV2Place,
  kernelFiles,
  newGroupName,
  ownV2Place,
} from './cgroup-files.ts'

const ANSWER_MS = 3000
/** The answer only says that the scope is to come. */
const MOVED_TRIES = 200
const MOVED_PAUSE_MS = 10
const MANAGER = 'org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager'.split(
  ' ',
)

/**
 * Moves the processes into a scope, and there into a group of their own: a group that holds processes cannot pass
 * its controllers on. systemd removes the scope once the last process has ended.
 * @param pids this process first; those that start trial processes must be among them
 * @returns where this process is now
 * @throws where there is no systemd user manager, or it makes no scope
 */
export async function enterScope(
  pids: readonly number[],
  whereNow: () => CgroupV2Place = ownV2Place,
  files: CgroupFiles = kernelFiles,
): Promise<CgroupV2Place> {
  const unit = `${newGroupName()}.scope`
  const members = ['PIDs', 'au', String(pids.length), ...pids.map(String)]
  await callManager(['StartTransientUnit', 'ssa(sv)a(sa(sv))', unit, 'fail', '2'], members)
  const scope = await untilIn(unit, whereNow)
  const group = join(scope.mount, scope.own, 'coordinator')
  files.makeGroup(group)
  for (const pid of pids) files.write(join(group, 'cgroup.procs'), String(pid))
  return { mount: scope.mount, own: join(scope.own, 'coordinator') }
}

async function callManager(method: string[], members: string[]): Promise<void> {
  const words = ['--user', 'call', ...MANAGER, ...method, ...members, 'Delegate', 'b', 'true', '0']
  try {
    await promisify(execFile)('busctl', words, { timeout: ANSWER_MS })
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    const why = code === 'ENOENT' ? 'busctl is not installed' : stderr?.trim() || message
    throw new Error(`no group here may be limited, and systemd's user manager makes no scope: ${why}`)
  }
}

async function untilIn(unit: string, whereNow: () => CgroupV2Place): Promise<CgroupV2Place> {
  for (let attempt = 1; ; attempt++) {
    const place = whereNow()
    if (place.own.endsWith(`/${unit}`)) return place
    if (attempt === MOVED_TRIES)
      throw new Error("systemd's user manager took the call and did not move the run into a scope")
    await sleep(MOVED_PAUSE_MS)
  }
}
