import { textOf } from './clock.ts'

export interface IoBytes {
  /** Through read calls, from the page cache as from a disk. */
  read: number
  written: number
}

/** Totals of the calling process; null where the kernel does not tell. */
export function readIo(): IoBytes | null {
  const text = textOf('/proc/self/io') ?? ''
  const read = /^rchar: (\d+)$/m.exec(text)
  const written = /^wchar: (\d+)$/m.exec(text)
  return read && written ? { read: Number(read[1]), written: Number(written[1]) } : null
}
