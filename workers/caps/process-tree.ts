/** What a trial process starts, and what that starts in turn: it counts with its trial, and ends with it. Linux only. */
import { readdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs, textOf } from '../telemetry/clock.ts'
import { ResidentSize } from '../telemetry/process-files.ts'
import { startOf } from './cgroup-files.ts'

/** What processes used so far. */
export interface Usage {
  cpuMs: number
  /** Through read and write calls. */
  readBytes: number
  writtenBytes: number
}

interface Descendant {
  /** A process id is used again; one with its start is not. */
  start: string
  resident: ResidentSize
  /** As last read, and whose its own count goes to at its end; it may be gone by the next look. */
  usage: Usage
  parent: number
}

const NOTHING: Usage = { cpuMs: 0, readBytes: 0, writtenBytes: 0 }
/** The kernel's unit in /proc/PID/stat, whatever its tick. */
const STAT_UNIT_MS = 10
/** A process that starts others while it is being ended is looked at again. */
const MOST_ROUNDS = 20
/** The kernel takes a moment to end a process, and longer for one that holds much memory. */
const LONGEST_END_MS = 2000
const LOOK_AGAIN_MS = 3
/** In the environment of all that a run starts, as long as nothing takes it out. */
const OWNED = '\0STINT_OWNER='
/** Bits of the core dump filter: shared huge pages, and private and shared ones of DAX. */
const MARK_BIT = 6
const MARKS = 7
/** Supervisors at the same time begin with different marks. */
let marked = process.pid

export class ProcessTree {
  private readonly root: number
  private readonly rootStart: string | null
  private readonly found = new Map<number, Descendant>()
  /** How many were ever found. */
  private seen = 0
  /** What those used that ended without a parent here, which would have their count. */
  private lost = NOTHING
  /** In the environment of what inherits it: finds a process whose parents are gone. */
  private readonly tag: string | null
  /** The same for one whose environment is empty. */
  private readonly mark: number | null
  /** The newest process of the machine at the last look. */
  private newest: number

  /** @param temporary folder for temporary files that only this trial has; null where its environment does not tell it */
  constructor(root: number, temporary: string | null) {
    this.root = root
    this.rootStart = startOf(root)
    this.tag = temporary === null ? null : `\0TMPDIR=${temporary}\0`
    this.mark = temporary === null ? null : markProcess(root)
    this.newest = root
  }

  /** Processes that were found, the root not among them, also when they have ended. */
  get count(): number {
    return this.seen
  }

  /** What the root started up to now is its runtime's own threads: it has run no code but Stint's. */
  begin(): void {
    this.newest = newestProcess() ?? this.newest
  }

  /**
   * Finds what has come since the last look; what was found stays, also when its parent is gone. Takes some 5 us where no
   * process or thread of the machine has been started since.
   */
  look(): void {
    const since = this.newest
    this.newest = newestProcess() ?? since + 1
    if (this.newest === since) return
    if (this.tag !== null) for (const pid of tagged(this.tag, this.mark, since)) this.add(pid)
    const waiting = [this.root, ...this.found.keys()]
    for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
      for (const pid of childrenOf(parent)) if (this.add(pid)) waiting.push(pid)
    }
  }

  /** Those that were found and are alive. */
  pids(): number[] {
    return [...this.found].filter(([pid, { start }]) => startOf(pid) === start).map(([pid]) => pid)
  }

  /** Resident memory of all that was found, MB, without pages of files, such as the programs' own. */
  residentMb(): number {
    let sum = 0
    for (const [pid, { resident }] of this.found) {
      const mb = resident.readPrivateMb()
      if (mb === null) this.forget(pid)
      else sum += mb
    }
    return sum
  }

  /**
   * What all but the root used so far. CPU time of a process that ended is its parent's "waited for", the root's included;
   * its bytes are the parent's own, so that those of the root's children are not counted here once they have ended.
   */
  usage(): Usage {
    for (const [pid, descendant] of this.found) this.read(pid, descendant)
    let sum = this.lost
    for (const { usage } of this.found.values()) sum = added(sum, usage)
    return added(sum, { ...NOTHING, cpuMs: statOf(this.root)?.waitedMs ?? 0 })
  }

  /**
   * Reads what all but the root's own children used. Nobody here waits for one whose parent is gone: what it used since it was
   * last read is lost at its end.
   */
  note(): void {
    for (const [pid, descendant] of this.found)
      if (descendant.parent !== this.root) this.read(pid, descendant)
  }

  /** Sends all of it a signal. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.pids()) send(pid, name)
  }

  /** Ends all of it, by SIGKILL. */
  kill(): void {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.look()
      let alive = 0
      for (const [pid, { start }] of this.found) {
        if (startOf(pid) === start && send(pid, 'SIGKILL')) alive++
        else this.forget(pid)
      }
      if (alive === 0) return
    }
  }

  /** As `kill`, and waits until all of it is gone, and the root, which was ended before. */
  async end(): Promise<void> {
    for (const until = monotonicMs() + LONGEST_END_MS; monotonicMs() < until; await sleep(LOOK_AGAIN_MS)) {
      this.kill()
      if (this.found.size === 0 && !this.rootLives()) return
    }
  }

  close(): void {
    for (const pid of [...this.found.keys()]) this.forget(pid)
  }

  private rootLives(): boolean {
    const start = startOf(this.root)
    return start !== null && start === this.rootStart
  }

  private add(pid: number): boolean {
    if (this.found.has(pid) || pid === this.root) return false
    const start = startOf(pid)
    if (start === null) return false
    try {
      const descendant = { start, resident: new ResidentSize(pid), usage: NOTHING, parent: this.root }
      this.found.set(pid, descendant)
      this.seen++
      this.read(pid, descendant)
      return true
    } catch {
      // It has just ended.
      return false
    }
  }

  private read(pid: number, descendant: Descendant): void {
    const now = usageOf(pid, descendant.start)
    if (now === null) this.forget(pid)
    else {
      descendant.usage = now.usage
      descendant.parent = now.parent
    }
  }

  private forget(pid: number): void {
    const gone = this.found.get(pid)
    if (gone === undefined) return
    gone.resident.close()
    this.found.delete(pid)
    if (gone.parent !== this.root && !this.found.has(gone.parent)) this.lost = added(this.lost, gone.usage)
  }
}

function added(a: Usage, b: Usage): Usage {
  return {
    cpuMs: a.cpuMs + b.cpuMs,
    readBytes: a.readBytes + b.readBytes,
    writtenBytes: a.writtenBytes + b.writtenBytes,
  }
}

/** Id of the process or thread that was started last; null where the kernel does not tell. */
function newestProcess(): number | null {
  return Number(textOf('/proc/loadavg')?.split(' ')[4] ?? Number.NaN) || null
}

/**
 * Processes that came after one and have a text in their environment, or the mark and no parent here where nothing says that
 * they are another trial's. Ids begin anew once they are used up.
 */
function tagged(tag: string, mark: number | null, since: number): number[] {
  const newest = newestProcess() ?? 0
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && (newest < since || pid > since))
    .filter((pid) => {
      const environment = `\0${textOf(`/proc/${pid}/environ`) ?? ''}`
      return (
        environment.includes(tag) ||
        (mark !== null && mark === coreFilterOf(pid) && !environment.includes(OWNED) && isOrphan(pid, mark))
      )
    })
}

/**
 * Whether who has a process now is not of its kind. A program that another trial with the same mark has just started has no
 * environment either, for the moment that its start takes: its parent has the mark.
 */
function isOrphan(pid: number, mark: number): boolean {
  const parent = statOf(pid)?.parent
  return parent !== undefined && coreFilterOf(parent) !== mark
}

/**
 * Marks a process in a way that all it starts inherits, whatever they run and wherever their parents are: by bits of which
 * memory a core dump holds, those that concern kinds of memory that Node does not use.
 * @returns the mark, other than what processes here have; null where the kernel has no such setting
 */
function markProcess(pid: number): number | null {
  const usual = coreFilterOf('self')
  if (usual === null) return null
  const mark = usual ^ ((1 + (marked++ % MARKS)) << MARK_BIT)
  try {
    writeFileSync(`/proc/${pid}/coredump_filter`, `0x${mark.toString(16)}`)
    return mark
  } catch {
    return null
  }
}

function coreFilterOf(pid: number | 'self'): number | null {
  const text = textOf(`/proc/${pid}/coredump_filter`)
  return text === null || text === '' ? null : Number.parseInt(text, 16)
}

/** Children by the thread that started them; empty where the process is gone or the kernel keeps no such list. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (textOf(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

interface Stat {
  start: string
  /** One letter. */
  state: string
  /** Number of its controlling terminal; 0 for none. */
  terminal: string
  parent: number
  /** CPU time of the process, and of its children that it waited for, and theirs. */
  selfMs: number
  waitedMs: number
}

function statOf(pid: number): Stat | null {
  const stat = textOf(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The second field is the program's name, which may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ms = (at: number) => (Number(fields[at]) + Number(fields[at + 1])) * STAT_UNIT_MS
  return {
    start: fields[19] ?? '',
    state: fields[0] ?? '',
    terminal: fields[4] ?? '',
    parent: Number(fields[1]),
    selfMs: ms(11),
    waitedMs: ms(13),
  }
}

/**
 * Lets a stopped process go on that has no terminal: nobody there has suspended it, or sees that it stands. A workload may
 * stop the process that waits for it.
 */
export function continueUnseen(pid: number): void {
  const stat = statOf(pid)
  if (stat?.state === 'T' && stat.terminal === '0') send(pid, 'SIGCONT')
}

/** CPU time of a process itself, ms, in the kernel's units of 10 ms; null once it is gone. */
export function cpuMsOf(pid: number): number | null {
  return statOf(pid)?.selfMs ?? null
}

function usageOf(pid: number, start: string): { usage: Usage; parent: number } | null {
  const stat = statOf(pid)
  if (stat?.start !== start) return null
  // Another user's process hides its bytes.
  const io = textOf(`/proc/${pid}/io`) ?? ''
  const bytes = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1] ?? 0)
  const usage = {
    cpuMs: stat.selfMs + stat.waitedMs,
    readBytes: bytes('rchar'),
    writtenBytes: bytes('wchar'),
  }
  return { usage, parent: stat.parent }
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}
