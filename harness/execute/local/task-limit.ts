/** A limit on processes and threads: how it is known, and what is said of it. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../user-error.ts'

/** Last words of Node or a C library where the kernel refuses a thread or process. */
const REFUSED =
  /uv_thread_create|pthread_create|ERR_WORKER_INIT_FAILED|EAGAIN|Resource temporarily unavailable/
/** Processes and threads of a run with one trial at a time: with 32 it does not start, with 36 it does. */
const NEEDED = 40
/** So many times what a run needs is more than enough. */
const MANY = 8
/** A start that takes so long is looked at. */
const LONG_START_MS = 15_000

/**
 * Whether a process was ended by a limit on threads.
 * @param silent whether it ended as one does that could not start, so that no words and a limit that is near tell
 */
export function metTaskLimit(lastWords: string, silent: boolean): boolean {
  if (REFUSED.test(lastWords)) return true
  return silent && lastWords.trim() === '' && taskLimits().some(({ free }) => free < NEEDED)
}

/** What is said then, with the limits that are near. */
export function taskLimitMessage(): string {
  const near = taskLimits().filter(({ free }) => free < NEEDED)
  const here = near.length === 0 ? '' : ` (${near.map(({ name }) => name).join(', ')})`
  return `the system starts no more processes or threads: a limit on them is met${here}\n  a run needs some ${NEEDED}, and half as many for each further trial at a time: raise the limit (ulimit -u, TasksMax= of a unit, --pids-limit of a container)`
}

/** A run that can start no process ends. */
export function taskLimitError(): UserError {
  return new UserError(taskLimitMessage())
}

/**
 * Ends a process of Node that was refused some of its threads as it started, for which it waits for ever. It ends as one
 * does that was refused the first of them. Its first message shows that it has started.
 */
export function endStuckStart(child: ChildProcess): void {
  const look = setInterval(() => {
    if (metTaskLimit('', true)) child.kill('SIGABRT')
  }, LONG_START_MS)
  look.unref()
  const started = () => clearInterval(look)
  child.once('message', started)
  child.once('exit', started)
}

/** Whether a few processes more than a run needs may be started. */
export function manyTasksFree(): boolean {
  return taskLimits().every(({ free }) => free >= MANY * NEEDED)
}

interface TaskLimit {
  name: string
  /** Of the limit, what is not in use now. */
  free: number
}

function taskLimits(): TaskLimit[] {
  return [...userLimit(), ...groupLimits()]
}

/** The kernel counts the threads of all of a user's processes, and lets root pass. */
function userLimit(): TaskLimit[] {
  const limit = /^Max processes\s+(\d+)/m.exec(textAt('/proc/self/limits') ?? '')?.[1]
  const uid = process.getuid?.()
  if (limit === undefined || uid === undefined || uid === 0) return []
  const used = readdirSync('/proc').reduce((sum, name) => {
    const status = /^\d+$/.test(name) ? (textAt(`/proc/${name}/status`) ?? '') : ''
    if (Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1) !== uid) return sum
    return sum + Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }, 0)
  return [{ name: `ulimit -u is ${limit}`, free: Number(limit) - used }]
}

/** Of cgroup version 2; a container sees its own group as the root. */
function groupLimits(root = '/sys/fs/cgroup'): TaskLimit[] {
  const own = /^0::(.*)$/m.exec(textAt('/proc/self/cgroup') ?? '')?.[1]
  if (own === undefined || !existsSync(join(root, 'cgroup.controllers'))) return []
  const parts = own.split('/').filter((part) => part !== '' && part !== '..')
  const groups = ['/', ...parts.map((_, at) => join('/', ...parts.slice(0, at + 1)))]
  return groups.flatMap((group) => {
    const limit = Number(textAt(join(root, group, 'pids.max')) ?? Number.NaN)
    const used = Number(textAt(join(root, group, 'pids.current')) ?? Number.NaN)
    return Number.isFinite(limit - used)
      ? [{ name: `cgroup ${group} may have ${limit}`, free: limit - used }]
      : []
  })
}

function textAt(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
