/** What /proc reports of another process (resident size, CPU time) and of the calling thread. Linux only. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
} from 'node:fs'
import { close, cpuUsage, open, read } from './clock.ts'

const MIB = 1024 * 1024
/** Entry of the auxiliary vector that holds the page size. */
const AT_PAGESZ = 6n

let pageBytes: number | null = null

/** Bytes of a memory page; 4096 where the kernel does not say. */
function pageSize(): number {
  if (pageBytes === null) {
    pageBytes = 4096
    const vector = readFileSync('/proc/self/auxv')
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === AT_PAGESZ) pageBytes = Number(vector.readBigUInt64LE(at + 8))
    }
  }
  return pageBytes
}

/** A /proc file kept open: reading again costs one call, and a recycled process id is never mistaken for the old one. */
class ProcFile {
  private readonly fd: number
  private readonly buffer = Buffer.allocUnsafe(256)
  constructor(path: string) {
    this.fd = openSync(path, 'r')
  }
  /** Null once the process or thread is gone. */
  read(): string | null {
    try {
      const bytes = readSync(this.fd, this.buffer, 0, this.buffer.length, 0)
      return bytes === 0 ? null : this.buffer.toString('latin1', 0, bytes)
    } catch {
      return null
    }
  }
  close(): void {
    closeSync(this.fd)
  }
}

/**
 * Lets timed waits of this thread, and of threads that it starts, end when they are due: else the kernel puts each off by
 * up to 50 us, so that several may end at once. Nothing where that cannot be set.
 */
export function wakeOnTime(): void {
  try {
    const [, thread] = /(\d+)$/.exec(readlinkSync('/proc/thread-self'))!
    // In ns; 0 would stand for the default.
    writeFileSync(`/proc/${thread}/timerslack_ns`, '1')
  } catch {
    // Not Linux, or /proc cannot be written.
  }
}

export class ResidentSize {
  private readonly statm: ProcFile
  /** @throws where the process is gone or there is no /proc */
  constructor(pid: number) {
    this.statm = new ProcFile(`/proc/${pid}/statm`)
  }
  /** MB; null once the process is gone. A zombie reads 0. */
  readMb(): number | null {
    return this.read()?.residentMb ?? null
  }
  /** Also how much of it is pages of files and of shared memory. */
  read(): { residentMb: number; sharedMb: number } | null {
    const [, resident, shared] = this.statm.read()?.split(' ') ?? []
    if (resident === undefined) return null
    const mb = pageSize() / MIB
    return { residentMb: Number(resident) * mb, sharedMb: Number(shared) * mb }
  }
  /** Without pages of files, such as the program's own, which processes share; MB. */
  readPrivateMb(): number | null {
    const now = this.read()
    return now === null ? null : now.residentMb - now.sharedMb
  }
  close(): void {
    this.statm.close()
  }
}

/** Only what lies in a file or in shared memory has an inode. */
const FILE_MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ [1-9]/gm

/** What a process has mapped of files and of shared memory, resident or not, MB; null where it cannot be read. */
export function mappedFilesMb(pid: number): number | null {
  try {
    let bytes = 0
    for (const [, from, to] of readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(FILE_MAPPING))
      bytes += Number.parseInt(to!, 16) - Number.parseInt(from!, 16)
    return bytes === 0 ? null : bytes / MIB
  } catch {
    return null
  }
}

interface Thread {
  file: ProcFile
  lastMs: number
}

/** CPU time of a whole process from its threads' schedstat: finer than the clock ticks of /proc/PID/stat. */
export class ProcessCpuTime {
  private readonly pid: number
  private readonly threads = new Map<string, Thread>()
  private usedMs = 0

  /** @param fromItsStart whether what it used before counts as well */
  constructor(pid: number, fromItsStart = false) {
    this.pid = pid
    this.findThreads()
    if (fromItsStart) return
    for (const thread of this.threads.values()) thread.lastMs = onCpuMs(thread.file.read()) ?? 0
  }

  /** As last read. */
  get lastMs(): number {
    return this.usedMs
  }

  /** Ms since construction, threads that have ended since included; null once the process is gone. */
  readMs(): number | null {
    if (!this.findThreads()) return null
    for (const [id, thread] of this.threads) {
      const now = onCpuMs(thread.file.read())
      if (now === null) {
        thread.file.close()
        this.threads.delete(id)
      } else {
        this.usedMs += now - thread.lastMs
        thread.lastMs = now
      }
    }
    return this.usedMs
  }

  /** Whether any thread runs or waits for a core. */
  isRunnable(): boolean {
    for (const id of this.threads.keys()) {
      try {
        const stat = readFileSync(`/proc/${this.pid}/task/${id}/stat`, 'latin1')
        // The state follows the name, which may hold anything, in brackets.
        if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('R')) return true
      } catch {
        // The thread has ended.
      }
    }
    return false
  }

  close(): void {
    for (const thread of this.threads.values()) thread.file.close()
    this.threads.clear()
  }

  private findThreads(): boolean {
    let ids: string[]
    try {
      ids = readdirSync(`/proc/${this.pid}/task`)
    } catch {
      return false
    }
    for (const id of ids) {
      if (this.threads.has(id)) continue
      try {
        const file = new ProcFile(`/proc/${this.pid}/task/${id}/schedstat`)
        this.threads.set(id, { file, lastMs: 0 })
      } catch {
        // The thread ended between the two calls: it ran for less than one interval.
      }
    }
    return ids.length > 0
  }
}

function onCpuMs(schedstat: string | null): number | null {
  return schedstat === null ? null : Number(schedstat.split(' ')[0]) / 1e6
}

/** Largest resident size of a process so far, MB. Not getrusage's: that one inherits the parent's size. */
export function peakResidentMb(pid: number): number | null {
  try {
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return line ? Number(line[1]) / 1024 : null
  } catch {
    return null
  }
}

/** The largest size counts from now on; where the kernel refuses, it goes on counting from the start. */
export function restartPeakResident(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Not Linux, not permitted, or the process has ended.
  }
}

// ---------------------------------------------------------------- the calling thread

/** Ms since the thread or the process started. */
export interface Account {
  cpu: number
  /** Ready to run while something else had the core. */
  waited: number
  /** CPU time of the whole process: this thread and those that collect garbage and compile for it. */
  process: number
}

/** What the kernel's scheduler reports of the calling thread. Linux only; elsewhere unknown. */
export class ThreadAccount {
  private readonly fd: number
  private readonly buffer = Buffer.allocUnsafe(128)

  private constructor(fd: number) {
    this.fd = fd
  }

  /** Null where the machine does not tell. */
  static open(): ThreadAccount | null {
    try {
      return new ThreadAccount(open(`/proc/${readlinkSync('/proc/thread-self')}/schedstat`, 'r'))
    } catch {
      return null
    }
  }

  /** Takes some 5 us. */
  read(): Account {
    // Asked for the usage of the process, the kernel brings the thread's account up to date, which otherwise only ticks do.
    const usage = cpuUsage()
    const bytes = read(this.fd, this.buffer, 0, this.buffer.length, 0)
    const [cpu, waited] = this.buffer.toString('latin1', 0, bytes).split(' ')
    return {
      cpu: Number(cpu) / 1e6,
      waited: Number(waited) / 1e6,
      process: (usage.user + usage.system) / 1000,
    }
  }

  close(): void {
    close(this.fd)
  }
}

/**
 * Time between two accounts in which other processes had the core. The process's own threads do the thread's work:
 * waiting for them counts as working.
 */
export function foreignWaitMs(before: Account, after: Account): number {
  const cpu = after.cpu - before.cpu
  const helpers = Math.max(0, after.process - before.process - cpu)
  return Math.max(0, after.waited - before.waited - helpers)
}
