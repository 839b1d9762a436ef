/** `trials.jsonl`: one line a finished trial, appended and synced, never rewritten. */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import type { TrialResult } from '../../workers/protocol.ts'
import { UserError } from '../user-error.ts'

const LINE_END = 10
const READ_BYTES = 1 << 16

export class Journal {
  readonly path: string
  readonly #file: number

  /** Opens for appending; makes the file where there is none. */
  constructor(path: string) {
    this.path = path
    this.#file = openSync(path, 'a')
  }

  /**
   * Returns when the line is on disk.
   * @throws the file system's error, `path` filled in; what was there before is then still whole
   */
  append(result: TrialResult): void {
    const line = Buffer.from(`${JSON.stringify(result)}\n`)
    const before = fstatSync(this.#file).size
    try {
      // A short write (disk almost full) must not leave half a line unnoticed: go on until all of it is out or it throws.
      for (let sent = 0; sent < line.length; ) sent += writeSync(this.#file, line, sent)
      fsyncSync(this.#file)
    } catch (error) {
      this.#takeBack(before)
      throw Object.assign(error as Error, { path: this.path })
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #takeBack(size: number): void {
    try {
      // A device such as /dev/full has no size to go back to.
      if (fstatSync(this.#file).isFile()) ftruncateSync(this.#file, size)
    } catch {
      // A torn last line is mended when the run is resumed.
    }
  }
}

/**
 * Cuts off what a crash left of a line behind the last whole one.
 * @returns bytes removed, 0 where nothing was torn
 */
export function mendJournal(path: string): number {
  const file = openSync(path, 'a+')
  try {
    const { size } = fstatSync(file)
    const whole = endOfLastLine(file, size)
    if (whole === size) return 0
    ftruncateSync(file, whole)
    fsyncSync(file)
    return size - whole
  } finally {
    closeSync(file)
  }
}

function endOfLastLine(file: number, size: number): number {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - READ_BYTES)
    const bytes = readSync(file, buffer, 0, end - from, from)
    const at = buffer.subarray(0, bytes).lastIndexOf(LINE_END)
    if (at !== -1) return from + at + 1
    end = from
  }
  return 0
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
  const trials: TrialResult[] = []
  const { torn } = eachTrial(path, (trial) => trials.push(trial))
  return { trials, torn }
}

/**
 * Hands over one trial at a time, so that a long journal takes little memory.
 * @throws {UserError} as `readJournal`
 */
export function eachTrial(path: string, take: (trial: TrialResult) => void): { torn: boolean } {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    let parts: Buffer[] = []
    let number = 0
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      let from = 0
      for (let at = buffer.indexOf(LINE_END); at !== -1 && at < bytes; at = buffer.indexOf(LINE_END, from)) {
        parts.push(buffer.subarray(from, at))
        take(parseLine(Buffer.concat(parts).toString('utf8'), path, ++number))
        parts = []
        from = at + 1
      }
      if (from < bytes) parts.push(Buffer.from(buffer.subarray(from, bytes)))
    }
    return { torn: parts.length > 0 }
  } finally {
    closeSync(file)
  }
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
