/** Writes a trial's chunk log, one JSON line a chunk, holding few lines in memory. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ChunkLogLine } from '../contract.ts'

/** Characters held before a write: some 200 lines, so that most chunks pay nothing. */
const FLUSH_AT = 32_768

export class ChunkLog {
  private readonly fd: number
  private pending = ''

  /** @throws where the file cannot be written */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.fd = openSync(path, 'w')
  }

  add(line: ChunkLogLine): void {
    this.pending += `${JSON.stringify(line)}\n`
    if (this.pending.length >= FLUSH_AT) this.flush()
  }

  close(): void {
    this.flush()
    closeSync(this.fd)
  }

  private flush(): void {
    if (this.pending !== '') writeSync(this.fd, this.pending)
    this.pending = ''
  }
}
