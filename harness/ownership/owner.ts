/** Which process owns what lies on disk, and whether it still lives. The answer is in the name, so that it is never half written. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * One process on one machine, for all time: process ids are used again, but not with the same start time in the same boot.
 * What the system does not tell is 0.
 */
export interface Owner {
  pid: number
  /** Clock ticks from boot to the start of the process. */
  started: string
  /** First part of the kernel's id of this boot. */
  boot: string
  /** Process ids mean something only within their namespace. */
  namespace: string
}

export type OwnerState = 'alive' | 'dead' | 'unknown'

const UNKNOWN = '0'
/** In the place of a start: of no process, and of one that has ended and was not waited for. */
const GONE = 'gone'
const ZOMBIE = 'zombie'
/** `<pid>-<started>-<boot>-<namespace>`, as in the names of files, folders and an environment variable. */
export const OWNER_PATTERN = '\\d+-\\d+-[0-9a-f]+-\\d+'
const OWNER = new RegExp(`^${OWNER_PATTERN}$`)

export function thisProcess(): Owner {
  const started = startOf(process.pid)
  return {
    pid: process.pid,
    started: started === null || started === GONE ? UNKNOWN : started,
    ...surroundings(),
  }
}

export function ownerToken({ pid, started, boot, namespace }: Owner): string {
  return `${pid}-${started}-${boot}-${namespace}`
}

/** Null where the text is no token. */
export function parseOwner(token: string): Owner | null {
  if (!OWNER.test(token)) return null
  const [pid, started, boot, namespace] = token.split('-') as [string, string, string, string]
  return { pid: Number(pid), started, boot, namespace }
}

/**
 * `unknown` in another process namespace, such as a container's, whose processes cannot be seen from here, and where the
 * system does not tell: what is taken for dead is ended and removed.
 */
export function stateOf(owner: Owner): OwnerState {
  const here = surroundings()
  if (owner.boot !== here.boot) return owner.boot === UNKNOWN || here.boot === UNKNOWN ? 'unknown' : 'dead'
  if (owner.namespace !== here.namespace) return 'unknown'
  const started = startOf(owner.pid)
  if (started === null) return 'unknown'
  if (started !== GONE) return started === owner.started ? 'alive' : 'dead'
  if (!answersSignals(owner.pid)) return 'dead'
  // It is hidden, or ends just now, or the system has no /proc.
  return owner.started === UNKNOWN ? 'alive' : 'unknown'
}

/** This machine's name, safe in a file name. */
export function machineName(): string {
  return hostname().replace(/[^A-Za-z0-9.-]/g, '_') || 'unknown'
}

function surroundings(): Pick<Owner, 'boot' | 'namespace'> {
  const boot = read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'))
  const namespace = read(() => readlinkSync('/proc/self/ns/pid'))
  return {
    boot: /^[0-9a-f]+/.exec(boot ?? '')?.[0] ?? UNKNOWN,
    namespace: /\d+/.exec(namespace ?? '')?.[0] ?? UNKNOWN,
  }
}

/** Start time in clock ticks since boot; null where it cannot be read. A zombie counts as gone, and so does what is not in /proc. */
function startOf(pid: number): string | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ESRCH' ? GONE : null
  }
  // The second field is the program's name, which may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, start] = [fields[0], fields[19]]
  return state === 'Z' || state === 'X' ? ZOMBIE : (start ?? null)
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function read(get: () => string): string | null {
  try {
    return get()
  } catch {
    return null
  }
}
