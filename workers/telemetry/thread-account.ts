/** What the kernel's scheduler says of the calling thread. Linux; elsewhere unknown. */
import { readlinkSync } from 'node:fs'
import { close, cpuUsage, open, read } from './clock.ts'

/** Ms since the thread or the process started. */
export interface Account {
  cpu: number
  /** Ready to run while something else had the core. */
  waited: number
  /** CPU time of the whole process: this thread and those that collect garbage and compile for it. */
  process: number
}

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
    // Asked for the usage of the process, the kernel brings the thread's account up to date, which ticks alone do else.
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
