/** How many of the rows that wait may stay in memory, and where the others go. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RowBuffer } from '../features/row-buffer.ts'

const MIB = 1024 * 1024
/** Share of the memory cap for rows that wait; the rest is for the learner, the buffers and garbage. */
const RESIDENT_SHARE = 0.25

/** One run's spill: shared by all that keeps rows, so that their memory is bounded together. */
export class Spill {
  private readonly parent: string | undefined
  private readonly stores: Segments[] = []
  private folder: string | null = null
  private freeBytes: number

  /**
   * @param capMb the memory cap
   * @param parent of the folder to make; the system's temporary folder by default
   */
  constructor(capMb: number, parent?: string) {
    this.parent = parent
    this.freeBytes = capMb * MIB * RESIDENT_SHARE
    removeDeadFolders(parent)
  }

  /** Takes memory for a block that stays; false where it must go to disk. */
  claim(bytes: number): boolean {
    if (bytes > this.freeBytes) return false
    this.freeBytes -= bytes
    return true
  }

  /** A block that stayed was consumed. */
  release(bytes: number): void {
    this.freeBytes += bytes
  }

  segments(shape: BlockShape): Segments {
    this.folder ??= makeSpillFolder(this.parent)
    const segments = new Segments(join(this.folder, `store-${this.stores.length}`), shape)
    this.stores.push(segments)
    return segments
  }

  get blocks(): number {
    return this.stores.reduce((sum, { blocks }) => sum + blocks, 0)
  }

  get bytes(): number {
    return this.stores.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Removes every file; safe to call twice. */
  close(): void {
    for (const segments of this.stores) segments.close()
    if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true })
    this.folder = null
  }
}

// The folder of one run's spilled rows. Its name says whose it is, so that what a killed run left can be removed.

/** Process id, and the ticks from boot to its start, since ids are used again. 0: the system does not tell. */
const FOLDER = /^stint-spill-(\d+)-(\d+)-[A-Za-z0-9]+$/

function makeSpillFolder(parent: string = tmpdir()): string {
  return mkdtempSync(join(parent, `stint-spill-${process.pid}-${startOf(process.pid) ?? 0}-`))
}

/** Removes the folders in `parent` whose process is gone; how many there were. */
export function removeDeadFolders(parent: string = tmpdir()): number {
  let removed = 0
  for (const name of readdirSync(parent)) {
    const [, pid, started] = FOLDER.exec(name) ?? []
    if (pid === undefined || isAlive(Number(pid), started!)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
      removed += 1
    } catch {
      // Another user's: theirs to remove.
    }
  }
  return removed
}

function isAlive(pid: number, started: string): boolean {
  const now = startOf(pid)
  if (now !== null) return started === '0' || now === started
  try {
    process.kill(pid, 0)
    return started === '0'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' && started === '0'
  }
}

/** Ticks from boot to the start of a process; null where there is none, or no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name, which may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

// ---------------------------------------------------------------- segments

// Blocks of rows of features in append-only files, a limited number of blocks a file so that what was consumed can go.
//
// A segment starts with a header of four 32-bit words: magic, width, slots, rows per block. Each block has the same
// length: its number of rows (two words, the second 0), then dense, target, hot and hotSizes, each as in memory.
// The files never leave the machine or outlive the run, so that bytes stand in the machine's own order.

export interface BlockShape {
  /** Dense features per row. */
  width: number
  /** One-hot slots per row. */
  slots: number
  /** Rows of a full block. */
  blockRows: number
}

/** Rows could not be written or read back. */
export class SpillError extends Error {
  override name = 'SpillError'
}

/** `SPIL` in ASCII. */
const MAGIC = 0x5350494c
const BLOCKS_A_SEGMENT = 64
const WORD = 4
const HEADER_BYTES = 4 * WORD
const COUNT_BYTES = 2 * WORD

export class Segments {
  /** Blocks appended so far. */
  blocks = 0
  bytes = 0
  private readonly shape: BlockShape
  private readonly path: string
  private readonly open: typeof openSync
  /** Open files by number; those of consumed segments are gone. */
  private readonly files = new Map<number, number>()

  /**
   * @param path start of the files' names, in a folder that exists
   * @param open for tests
   */
  constructor(path: string, shape: BlockShape, open: typeof openSync = openSync) {
    this.path = path
    this.shape = shape
    this.open = open
  }

  /** @throws {SpillError} where the block cannot be written as a whole */
  append(block: RowBuffer): void {
    const segment = Math.floor(this.blocks / BLOCKS_A_SEGMENT)
    try {
      let file = this.files.get(segment)
      if (file === undefined) {
        file = this.open(this.name(segment), 'wx+')
        this.files.set(segment, file)
        const { width, slots, blockRows } = this.shape
        writeAll(file, Uint32Array.of(MAGIC, width, slots, blockRows), 0)
      }
      let at = this.offset(this.blocks)
      writeAll(file, Uint32Array.of(block.batch.rows, 0), at)
      at += COUNT_BYTES
      for (const part of this.parts(block)) {
        writeAll(file, part, at)
        at += part.byteLength
      }
    } catch (error) {
      throw spillError('write', dirname(this.path), error)
    }
    this.blocks += 1
    this.bytes += this.blockBytes
  }

  /**
   * Replaces the content of `into` by a block.
   * @throws {SpillError} where the block cannot be read back as a whole
   */
  read(index: number, into: RowBuffer): void {
    try {
      const file = this.files.get(Math.floor(index / BLOCKS_A_SEGMENT))
      if (file === undefined) throw new RangeError(`there is no block ${index}`)
      const count = new Uint32Array(2)
      let at = this.offset(index)
      readAll(file, count, at)
      into.clear(this.shape.blockRows)
      at += COUNT_BYTES
      for (const part of this.parts(into)) {
        readAll(file, part, at)
        at += part.byteLength
      }
      into.batch.rows = count[0]!
    } catch (error) {
      throw spillError('read', dirname(this.path), error)
    }
  }

  /** Removes the files that hold only blocks before `index`. */
  drop(index: number): void {
    for (const [segment, file] of this.files) {
      if ((segment + 1) * BLOCKS_A_SEGMENT > index) continue
      closeSync(file)
      rmSync(this.name(segment), { force: true })
      this.files.delete(segment)
    }
  }

  close(): void {
    this.drop(Number.POSITIVE_INFINITY)
  }

  private get blockBytes(): number {
    const { width, slots, blockRows } = this.shape
    return COUNT_BYTES + blockRows * ((width + 1) * 8 + (slots + 1) * WORD)
  }

  private offset(index: number): number {
    return HEADER_BYTES + (index % BLOCKS_A_SEGMENT) * this.blockBytes
  }

  private parts({ batch, hotSizes }: RowBuffer): (Float64Array | Int32Array)[] {
    const { width, slots, blockRows } = this.shape
    return [
      batch.dense.subarray(0, blockRows * width),
      batch.target.subarray(0, blockRows),
      batch.hot.subarray(0, blockRows * slots),
      hotSizes.subarray(0, blockRows),
    ]
  }

  private name(segment: number): string {
    return `${this.path}-${String(segment).padStart(4, '0')}.rows`
  }
}

function writeAll(file: number, values: NodeJS.ArrayBufferView, at: number): void {
  for (let sent = 0; sent < values.byteLength; ) {
    sent += writeSync(file, values, sent, values.byteLength - sent, at + sent)
  }
}

function readAll(file: number, values: NodeJS.ArrayBufferView, at: number): void {
  for (let got = 0; got < values.byteLength; ) {
    const bytes = readSync(file, values, got, values.byteLength - got, at + got)
    if (bytes === 0) throw new RangeError(`the file ends at byte ${at + got}`)
    got += bytes
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space there, or set TMPDIR to a folder on another disk',
  EDQUOT: 'your quota is used up: free some space there, or set TMPDIR to a folder on another disk',
  EFBIG: 'the file would be larger than the system permits: set TMPDIR to a folder on another disk',
  EROFS: 'the file system is read-only: set TMPDIR to a folder that can be written',
  EACCES: 'no permission: set TMPDIR to a folder that can be written',
}

function spillError(what: 'write' | 'read', folder: string, cause: unknown): SpillError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const advice = ADVICE[code] ?? message
  const verb = what === 'write' ? 'cannot spill rows to' : 'cannot read spilled rows from'
  return new SpillError(`${verb} ${folder}: ${advice}`, { cause })
}
