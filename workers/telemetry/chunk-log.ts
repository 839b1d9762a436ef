/** Writes a trial's chunk log, one JSON line a chunk, holding few lines in memory. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ChunkLogLine } from '../contract.ts'

/** Characters held before a write: some 200 lines, so that most chunks pay nothing. */
const FLUSH_AT = 32_768

/** The log's disk is at fault, not the workload: a full one is the usual reason. */
export class ChunkLogError extends Error {
  override name = 'ChunkLogError'
  constructor(path: string, cause: Error) {
    super(`cannot write the chunk log ${path}: ${cause.message}`, { cause })
  }
}

export class ChunkLog {
  private readonly path: string
  private readonly fd: number
  private pending = ''

  /** @throws {ChunkLogError} where the file cannot be written */
  constructor(path: string) {
    this.path = path
    this.fd = this.writing(() => {
      mkdirSync(dirname(path), { recursive: true })
      return openSync(path, 'w')
    })
  }

  add(line: ChunkLogLine): void {
    this.pending += `${JSON.stringify(line)}\n`
    if (this.pending.length >= FLUSH_AT) this.flush()
  }

  /** @throws {ChunkLogError} where the last lines cannot be written; the file is closed all the same */
  close(): void {
    try {
      this.flush()
    } finally {
      closeSync(this.fd)
    }
  }

  private flush(): void {
    const bytes = Buffer.from(this.pending)
    this.pending = ''
    this.writing(() => {
      // A disk that is almost full takes a part.
      for (let sent = 0; sent < bytes.length; ) sent += writeSync(this.fd, bytes, sent)
    })
  }

  private writing<T>(write: () => T): T {
    try {
      return write()
    } catch (error) {
      throw new ChunkLogError(this.path, error as Error)
    }
  }
}
