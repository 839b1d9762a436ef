/** CPU time of the calling thread alone. Linux; elsewhere unknown. */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs'

export class ThreadCpuTime {
  private readonly fd: number
  private readonly buffer = Buffer.allocUnsafe(128)

  private constructor(fd: number) {
    this.fd = fd
  }

  /** Null where the machine does not tell. */
  static open(): ThreadCpuTime | null {
    try {
      // The link names the thread itself: an open /proc/thread-self would be read as the reader's own as well.
      return new ThreadCpuTime(openSync(`/proc/${readlinkSync('/proc/thread-self')}/schedstat`, 'r'))
    } catch {
      return null
    }
  }

  /** Ms since the thread started. */
  readMs(): number {
    // The kernel brings a running thread's account up to date at ticks, and when asked for the process's usage.
    process.cpuUsage()
    const bytes = readSync(this.fd, this.buffer, 0, this.buffer.length, 0)
    return Number.parseInt(this.buffer.toString('latin1', 0, bytes), 10) / 1e6
  }

  close(): void {
    closeSync(this.fd)
  }
}
