/** What a trial process starts, and what that starts in turn: its memory counts, and it ends with its trial. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../telemetry/clock.ts'
import { ResidentSize } from '../telemetry/process-files.ts'
import { startOf } from './cgroup-files.ts'

interface Descendant {
  /** A process id is used again; one with its start is not. */
  start: string
  resident: ResidentSize
}

/** A process that starts others while it is being ended is looked at again. */
const MOST_ROUNDS = 20
/** The kernel takes a moment to end a process, and longer for one that holds much memory. */
const LONGEST_END_MS = 2000
const LOOK_AGAIN_MS = 3

export class ProcessTree {
  private readonly root: number
  private readonly found = new Map<number, Descendant>()

  constructor(root: number) {
    this.root = root
  }

  /** Finds what has come since the last look; what was found stays, also when its parent is gone. */
  look(): void {
    const waiting = [this.root, ...this.found.keys()]
    for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
      for (const pid of childrenOf(parent)) if (this.add(pid)) waiting.push(pid)
    }
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

  /** Ends all of it, by SIGKILL. */
  kill(): void {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.look()
      let alive = 0
      for (const [pid, { start }] of this.found) {
        if (startOf(pid) === start && end(pid)) alive++
        else this.forget(pid)
      }
      if (alive === 0) return
    }
  }

  /** As `kill`, and waits until all of it is gone. */
  async end(): Promise<void> {
    for (const until = monotonicMs() + LONGEST_END_MS; monotonicMs() < until; await sleep(LOOK_AGAIN_MS)) {
      this.kill()
      if (this.found.size === 0) return
    }
  }

  close(): void {
    for (const pid of [...this.found.keys()]) this.forget(pid)
  }

  private add(pid: number): boolean {
    if (this.found.has(pid)) return false
    const start = startOf(pid)
    if (start === null) return false
    try {
      this.found.set(pid, { start, resident: new ResidentSize(pid) })
      return true
    } catch {
      // It has just ended.
      return false
    }
  }

  private forget(pid: number): void {
    this.found.get(pid)?.resident.close()
    this.found.delete(pid)
  }
}

/** Children by the thread that started them; empty where the process is gone or the kernel keeps no such list. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

function end(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
