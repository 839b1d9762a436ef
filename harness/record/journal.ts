/** `trials.jsonl`: one line a finished trial, appended and synced, never rewritten. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import { trialId } from '../plan/planner.ts'
import { UserError } from '../user-error.ts'
import { MANIFEST_FILE } from './manifest.ts'
import { problemOf, trialSchema } from './schema.ts'
import { isPlain, type Plain, trial1to2, trial2to3 } from './upgrade.ts'

const synced = promisify(fsync)
const LINE_END = 10
const READ_BYTES = 1 << 16

/** From each format of a line to the next; a line of the first names none. */
const UPGRADES: ((trial: Plain) => Plain)[] = [trial1to2, trial2to3]
const NEWEST = UPGRADES.length + 1

type Place = 'here' | 'moved' | 'removed'

export class Journal {
  readonly path: string
  readonly #file: number
  readonly #paramsOf: (scenario: string) => Record<string, Scalar>

  /**
   * Opens for appending; makes the file where there is none.
   * @param paramsOf what tells a scenario apart, by axis: for people, since what reads a run takes it from the manifest
   */
  constructor(path: string, paramsOf: (scenario: string) => Record<string, Scalar> = () => ({})) {
    this.path = path
    this.#paramsOf = paramsOf
    // Read again where it was removed.
    this.#file = openSync(path, 'a+')
  }

  /**
   * Returns when the line is on disk.
   * @throws {UserError} where the journal or its folder was removed, moved or replaced since the last line; it says what
   * is kept and what to do
   * @throws the file system's error, `path` filled in; what was there before is then still whole
   */
  append(result: TrialResult): void {
    const place = this.#place()
    const before = fstatSync(this.#file).size
    try {
      this.#write(this.linesOf([result]))
      fsyncSync(this.#file)
    } catch (error) {
      throw this.#takenBack(before, error as Error)
    }
    this.#checkKept(place)
  }

  /**
   * Returns when all lines are on disk; meanwhile, other things go on. To be called again only after that.
   * @param lines as `linesOf` makes them
   * @throws as `append`
   */
  async appendAll(lines: Buffer): Promise<void> {
    const place = this.#place()
    const before = fstatSync(this.#file).size
    try {
      this.#write(lines)
      await synced(this.#file)
    } catch (error) {
      throw this.#takenBack(before, error as Error)
    }
    this.#checkKept(place)
  }

  close(): void {
    closeSync(this.#file)
  }

  /** What the journal has of these trials. */
  linesOf(results: readonly TrialResult[]): Buffer {
    return Buffer.from(results.map((result) => this.#lineOf(result)).join(''))
  }

  #lineOf(result: TrialResult): string {
    const { trial, scenario, round, ...rest } = result
    const params = this.#paramsOf(scenario)
    return `${JSON.stringify({ format: NEWEST, trial, scenario, round, params, ...rest })}\n`
  }

  /**
   * Where the file that is written to lies now.
   * @throws {UserError} where another lies in its place
   */
  #place(): Place {
    const mine = fstatSync(this.#file)
    const there = statSync(this.path, { throwIfNoEntry: false })
    if (there === undefined) return mine.nlink > 0 ? 'moved' : 'removed'
    if (there.ino === mine.ino && there.dev === mine.dev) return 'here'
    throw lost(this.path, 'replaced')
  }

  /** @throws {UserError} where what was written lies where nobody looks for it */
  #checkKept(place: Place): void {
    if (place === 'here') return
    const restored = place === 'removed' && this.#restore()
    throw lost(this.path, restored ? 'restored' : place)
  }

  #write(lines: Buffer): void {
    // A short write (disk almost full) must not leave half a line unnoticed: go on until all of it is out or it throws.
    for (let sent = 0; sent < lines.length; ) sent += writeSync(this.#file, lines, sent)
  }

  #takenBack(size: number, error: Error): Error {
    this.#takeBack(size)
    return Object.assign(error, { path: this.path })
  }

  /** Puts a removed file's lines back, as long as its run folder is there: nothing but this run has them. */
  #restore(): boolean {
    // A chunk log makes its folder, and so the run's, where it was removed.
    if (!existsSync(join(dirname(this.path), MANIFEST_FILE))) return false
    const lines = Buffer.alloc(fstatSync(this.#file).size)
    for (let read = 0; read < lines.length; ) {
      const bytes = readSync(this.#file, lines, read, lines.length - read, read)
      if (bytes === 0) return false
      read += bytes
    }
    try {
      writeFileSync(this.path, lines, { flag: 'wx' })
      return true
    } catch {
      return false
    }
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

function lost(path: string, what: 'moved' | 'replaced' | 'removed' | 'restored'): UserError {
  const folder = dirname(path)
  switch (what) {
    case 'moved':
      return new UserError(
        `${folder}: the run folder was moved while the run went on, which stops here`,
        'every trial that ended is kept; "stint resume" with the folder\'s new path runs the others',
      )
    case 'replaced':
      return new UserError(
        `${path}: another file took the journal's place while the run went on, which stops here; an editor that saves does that`,
        `what ended since is lost; "stint resume ${folder}" runs the trials that the file lacks`,
      )
    case 'restored':
      return new UserError(
        `${path}: the journal was removed while the run went on, which stops here`,
        `it was written again with every trial that ended; "stint resume ${folder}" runs the others`,
      )
    case 'removed':
      return new UserError(
        `${folder}: the run folder was removed while the run went on, which stops here`,
        'what was measured is lost; start a new run',
      )
  }
}

/**
 * Cuts off what a crash left of a line after the last whole one.
 * @returns bytes removed, 0 where nothing was torn
 * @throws {UserError} where there is no journal
 */
export function mendJournal(path: string): number {
  // Not 'a+', which would make a journal where there is none.
  const file = open(path, 'r+')
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

function open(path: string, flags: 'r' | 'r+'): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new UserError(
      `${path}: the journal is gone, and what was measured with it`,
      'restore it from a copy of the run folder, or start a new run',
    )
  }
}

interface Planned {
  scenarios: readonly { id: string; runs: number | null }[]
  benchmark_runs: number
}

/**
 * Hands over one trial at a time, so that a long journal takes little memory. Lines that are no trial of this run, or
 * one that an earlier line has, are left out; so is the last where a crash cut it short.
 * @returns what was left out, by line number, one sentence for each reason
 * @throws {UserError} where there is no journal, where a line is of a newer stint, and where lines were left out and
 * none is left
 */
export function eachTrial(
  path: string,
  { sweep }: { sweep: Planned },
  take: (trial: TrialResult) => void,
): string[] {
  const rounds = new Map(sweep.scenarios.map(({ id, runs }) => [id, runs ?? sweep.benchmark_runs]))
  const seen = new Set<string>()
  const leftOut = new Map<string, number[]>()
  const judge = (line: string, number: number): string | null => {
    const read = readLine(line, path, number)
    if (typeof read === 'string') return read
    const { trial, scenario, round } = read
    if (round > (rounds.get(scenario) ?? 0) || trial !== trialId(scenario, round))
      return 'not a trial of this run'
    if (seen.has(trial)) return 'a trial that an earlier line has'
    seen.add(trial)
    take(read)
    return null
  }
  const torn = eachLine(path, (line, number) => {
    const reason = judge(line, number)
    if (reason !== null) leftOut.set(reason, [...(leftOut.get(reason) ?? []), number])
  })
  const [first] = leftOut
  if (seen.size === 0 && first !== undefined) {
    const [reason, [number]] = first
    throw new UserError(
      `${path}:${number}: ${reason}; no other line is a trial of this run either`,
      'restore the journal from a copy of the run folder, or start a new run',
    )
  }
  const notes = leftOutNotes(basename(path), leftOut)
  if (torn)
    notes.push(
      `${basename(path)} ends in a line that was cut short; left out, and "stint resume" runs that trial`,
    )
  return notes
}

/** @returns the trial, or what is wrong with the line */
function readLine(line: string, path: string, number: number): TrialResult | string {
  let written: unknown
  try {
    written = JSON.parse(line)
  } catch {
    return 'not a JSON line'
  }
  if (!isPlain(written)) return 'not a trial: expected an object'
  const { format = 1, ...trial } = written
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1)
    return 'not a trial: key "format": expected a whole number from 1'
  if (format > NEWEST) {
    throw new UserError(
      `${path}:${number}: format ${format} is not known to this version of stint (it reads 1 to ${NEWEST})`,
      'read the run with the version of stint that wrote it, or a later one',
    )
  }
  const newest = UPGRADES.slice(format - 1).reduce((value, upgrade) => upgrade(value), trial as Plain)
  const checked = trialSchema.safeParse(newest)
  return checked.success ? checked.data : `not a trial: ${problemOf(checked.error)}`
}

/** @param lines their numbers, by what is wrong with them */
export function leftOutNotes(file: string, lines: ReadonlyMap<string, readonly number[]>): string[] {
  return [...lines].map(([reason, numbers]) => `${file}, ${linesText(numbers)}: ${reason}; left out`)
}

const FEW_LINES = 3

function linesText(numbers: readonly number[]): string {
  const more = numbers.length - FEW_LINES
  const shown = numbers.slice(0, FEW_LINES).join(', ')
  return `line${numbers.length === 1 ? '' : 's'} ${shown}${more > 0 ? ` and ${more} more` : ''}`
}

/** @returns whether the last line has no end */
function eachLine(path: string, take: (line: string, number: number) => void): boolean {
  const file = open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    let parts: Buffer[] = []
    let number = 0
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      let from = 0
      for (let at = buffer.indexOf(LINE_END); at !== -1 && at < bytes; at = buffer.indexOf(LINE_END, from)) {
        parts.push(buffer.subarray(from, at))
        take(Buffer.concat(parts).toString('utf8'), ++number)
        parts = []
        from = at + 1
      }
      if (from < bytes) parts.push(Buffer.from(buffer.subarray(from, bytes)))
    }
    return parts.length > 0
  } finally {
    closeSync(file)
  }
}
