/**
 * `started.jsonl`: which trials were started, written before each of them. A trial that is there and neither ended nor
 * was stopped ran when the coordinator died, and may be why. The file goes when the run is complete.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const fileIn = (folder: string) => join(folder, 'started.jsonl')

export class Starts {
  readonly #folder: string
  readonly #file: number
  readonly #running = new Set<string>()

  constructor(folder: string) {
    this.#folder = folder
    this.#file = openSync(fileIn(folder), 'a')
  }

  /** Not synced: the death of a process loses nothing that was written. */
  started(trial: string): void {
    this.#running.add(trial)
    this.#write({ trial, at: new Date().toISOString() })
  }

  /** Its line is in the journal. */
  ended(trial: string): void {
    this.#running.delete(trial)
  }

  /** The coordinator lives: what it stopped is no suspect. */
  close(complete: boolean): void {
    for (const trial of this.#running) this.#write({ trial, stopped: true })
    closeSync(this.#file)
    if (complete) rmSync(fileIn(this.#folder), { force: true })
  }

  #write(line: object): void {
    try {
      writeSync(this.#file, `${JSON.stringify(line)}\n`)
    } catch {
      // A full disk stops the run at the journal, which says so.
    }
  }
}

/** How often each trial was running when the coordinator died, of those that have no line in the journal. */
export function lostStarts(folder: string, ended: ReadonlySet<string>): Map<string, number> {
  const lost = new Map<string, number>()
  for (const line of linesOf(fileIn(folder))) {
    const { trial, stopped } = parsed(line)
    if (typeof trial !== 'string' || ended.has(trial)) continue
    lost.set(trial, (lost.get(trial) ?? 0) + (stopped === true ? -1 : 1))
  }
  return lost
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}

/** A line that a crash cut short says nothing. */
function parsed(line: string): { trial?: unknown; stopped?: unknown } {
  try {
    return Object(JSON.parse(line))
  } catch {
    return {}
  }
}
