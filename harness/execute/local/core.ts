/** The core that a gate's duets have to themselves, as far as gates go. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OWNER_PATTERN, ownerToken, parseOwner, stateOf, thisProcess } from '../../ownership/owner.ts'
import { UserError } from '../../user-error.ts'

export interface HeldCores {
  /** For duets whose sweep names none; null where all name one, or this system does not tell of its cores. */
  core: number | null
  release(): void
}

interface HoldOptions {
  /** Cores that the sweep names (`pin_core`); null where a scenario names none. */
  asked: readonly (number | null)[]
  /** How long to wait where other gates have the cores, ms. */
  patienceMs: number
  signal: AbortSignal
  onStep(text: string): void
  /** Where gates look for each other. */
  folder?: string
  /** Cores of which one may be chosen, the least busy first. */
  candidates?: () => Promise<readonly number[]>
}

const RETRY_MS = 500

/**
 * Takes the cores that a sweep names and, where some scenario names none, the least busy of the others.
 * @throws {UserError} where other gates have them for too long
 */
export async function holdCores(options: HoldOptions): Promise<HeldCores> {
  const { asked, patienceMs, signal, onStep, folder = tmpdir(), candidates = leastBusyFirst } = options
  const named = [...new Set(asked)].filter((core) => core !== null)
  const until = performance.now() + patienceMs
  for (let told = false; ; told = true) {
    const free = asked.includes(null) ? (await candidates()).filter((core) => !named.includes(core)) : null
    const held = take(named, free, folder)
    if (held !== null) return held
    if (performance.now() > until) {
      throw new UserError(
        named.length > 0 && free === null
          ? `pin_core ${named.join(', ')}: another gate has this core`
          : 'other gates have every core that this process may use',
        'two gates on one core would disturb each other: run them one after the other, or name free cores by pin_core',
      )
    }
    if (!told) onStep('waiting for a core: other gates have them')
    // Two that gave way to each other do not meet again at once.
    await sleep(RETRY_MS * (0.5 + Math.random()), undefined, { signal })
  }
}

/** @param free cores of which one is taken as well; null for none */
function take(named: readonly number[], free: readonly number[] | null, folder: string): HeldCores | null {
  const locks: string[] = []
  const release = () => {
    process.off('exit', release)
    for (const lock of locks) rmSync(lock, { force: true })
  }
  process.on('exit', release)
  const lock = (core: number): boolean => {
    const path = lockCore(core, folder)
    if (path !== null) locks.push(path)
    return path !== null
  }
  const core = named.every(lock) ? (free ?? []).find(lock) : undefined
  const enough = locks.length === named.length + (free === null || free.length === 0 ? 0 : 1)
  if (enough) return { core: core ?? null, release }
  release()
  return null
}

const LOCK = new RegExp(`^stint-core-(\\d+)-(${OWNER_PATTERN})$`)

/**
 * The name of a lock says whose it is, so that one whose owner is gone counts no more. Whoever finds another beside its
 * own gives way: of two that come at once neither may have it, but never both.
 */
function lockCore(core: number, folder: string): string | null {
  const mine = `stint-core-${core}-${ownerToken(thisProcess())}`
  const path = join(folder, mine)
  try {
    // This process may run another gate on it.
    writeFileSync(path, '', { flag: 'wx' })
  } catch {
    return null
  }
  if (!readdirSync(folder).some((name) => name !== mine && isHeld(name, core, folder))) return path
  rmSync(path, { force: true })
  return null
}

function isHeld(name: string, core: number, folder: string): boolean {
  const [, number, token = ''] = LOCK.exec(name) ?? []
  if (Number(number) !== core) return false
  const owner = parseOwner(token)
  if (owner !== null && stateOf(owner) !== 'dead') return true
  rmSync(join(folder, name), { force: true })
  return false
}

/** Long enough for some ticks of the kernel's clock, ms. */
const WATCHED_MS = 300

/** Cores that this process may use, by how busy they are right now; of equals the last first, which serves fewer interrupts. */
async function leastBusyFirst(): Promise<number[]> {
  try {
    const allowed = allowedCores()
    const before = busyTicks(read('/proc/stat'))
    await sleep(WATCHED_MS)
    const after = busyTicks(read('/proc/stat'))
    const busy = (core: number) => (after.get(core) ?? 0) - (before.get(core) ?? 0)
    return allowed.sort((a, b) => busy(a) - busy(b) || b - a)
  } catch {
    // Not Linux.
    return []
  }
}

/** @throws where this is not Linux */
export function allowedCores(): number[] {
  return coresIn(/^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status'))?.[1] ?? '')
}

const read = (path: string) => readFileSync(path, 'latin1')

/** `0-2,5` */
export function coresIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number)
    return Number.isInteger(first) && part !== ''
      ? Array.from({ length: last - first + 1 }, (_, i) => first + i)
      : []
  })
}

/** Ticks that each core has worked since the start, from `/proc/stat`. */
export function busyTicks(stat: string): Map<number, number> {
  const lines = [...stat.matchAll(/^cpu(\d+) (.*)$/gm)]
  return new Map(
    lines.map(([, core, ticks = '']) => {
      const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks
        .split(' ')
        .map(Number)
      return [Number(core), user + nice + system + irq + softirq + steal]
    }),
  )
}
