/** Files that vanish with their last user, however that ends. */
import { rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { open } from './clock.ts'

/** @param name of what it is for, such as `chunks` */
export function openUnnamed(name: string): number {
  const path = join(tmpdir(), `stint-${name}-${process.pid}-${threadId}`)
  const file = open(path, 'w+')
  rmSync(path)
  return file
}

/** A disk that is almost full takes a part. */
export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(file, bytes, sent)
}
