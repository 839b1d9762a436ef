/** `trials.jsonl`: one line a finished trial, appended and synced, never rewritten. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { TrialResult } from '../../workers/contract.ts'
import { UserError } from '../user-error.ts'

export class Journal {
  readonly path: string
  readonly #file: number

  /** Opens for appending; makes the file where there is none. */
  constructor(path: string) {
    this.path = path
    this.#file = openSync(path, 'a')
  }

  /** Returns when the line is on disk. */
  append(result: TrialResult): void {
    const line = Buffer.from(`${JSON.stringify(result)}\n`)
    // A short write (disk almost full) must not leave half a line unnoticed: go on until all of it is out or it throws.
    for (let sent = 0; sent < line.length; ) sent += writeSync(this.#file, line, sent)
    fsyncSync(this.#file)
  }

  close(): void {
    closeSync(this.#file)
  }
}

export interface JournalContent {
  trials: TrialResult[]
  /** True where the last line was cut short by a crash; that trial is not among `trials`. */
  torn: boolean
}

/**
 * Reads a journal; a torn last line is recognised and left out.
 * @throws {UserError} naming file and line where any other line is not a trial
 */
export function readJournal(path: string): JournalContent {
  const lines = readFileSync(path, 'utf8').split('\n')
  const last = lines.pop() ?? ''
  const trials = lines.map((line, index) => parseLine(line, path, index + 1))
  return { trials, torn: last !== '' }
}

function parseLine(line: string, path: string, number: number): TrialResult {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new UserError(
      `${path}:${number}: not a JSON line; the journal was changed by something other than stint`,
    )
  }
  if (typeof value !== 'object' || value === null || !('trial' in value) || !('outcome' in value)) {
    throw new UserError(`${path}:${number}: not a trial: expected an object with "trial" and "outcome"`)
  }
  return value as TrialResult
}
