/** Where bytes come from: a file, packed or not, standard input or a stored stream. */
import { closeSync, openSync, readSync } from 'node:fs'
import { isBrokerUrl } from '../../brokers/address.ts'
import type { Encoding } from '../types.ts'
import { inUtf8 } from './encoding.ts'
import { EventBytes, LIVE_SOURCES } from './events.ts'
import type { ByteSource } from './source.ts'
import { streamSource } from './stream.ts'

export type { ByteSource }

/** A plain file, read synchronously: a step then uses only CPU time and waits for nothing else. */
export function fileSource(path: string): ByteSource {
  const file = openSync(path, 'r')
  let open = true
  return {
    read: (into, offset) => readSync(file, into, offset, into.length - offset, null),
    close() {
      if (open) closeSync(file)
      open = false
    },
  }
}

/** A source that is loaded and opened at the first read: what other sources need is no memory of this trial. */
function openedLate(load: () => Promise<ByteSource>): ByteSource {
  let bytes: ByteSource | null = null
  let closed = false
  const open = async (into: Uint8Array, offset: number): Promise<number> => {
    const loaded = await load()
    if (closed) {
      loaded.close()
      return 0
    }
    bytes = loaded
    return bytes.read(into, offset)
  }
  return {
    read: (into, offset) => bytes?.read(into, offset) ?? open(into, offset),
    close() {
      closed = true
      bytes?.close()
    },
  }
}

/** A stored stream by the path that looking at it gave. */
export function storedStream(path: string): ByteSource {
  return openedLate(async () => (await import('./nats.ts')).natsBytes(path))
}

/**
 * A gzip file, unpacked as it is read. A broken archive or an unreadable file fails the read.
 * @param take gets each packed part as it lies on disk
 */
export function gzipSource(path: string, take?: (part: Uint8Array) => void): ByteSource {
  return openedLate(async () => (await import('./gzip.ts')).unpacked(path, take))
}

/** `-` is stdin, `*.gz` is unpacked, a URL is a stored stream, all else is a plain file; as UTF-8, whatever the encoding. */
export function openSource(path: string, encoding: Encoding = 'utf-8'): ByteSource {
  if (path === '-') return inUtf8(streamSource(process.stdin), encoding)
  const live = LIVE_SOURCES.get(path)
  if (live !== undefined) return new EventBytes(live)
  if (isBrokerUrl(path)) return inUtf8(storedStream(path), encoding)
  return inUtf8(path.endsWith('.gz') ? gzipSource(path) : fileSource(path), encoding)
}

/** Up to so many bytes from the file's start, unpacked. `whole`: it has no more. */
export async function headOf(path: string, bytes: number): Promise<{ head: Buffer; whole: boolean }> {
  const source = openSource(path)
  try {
    const head = Buffer.alloc(bytes)
    let end = 0
    while (end < bytes) {
      const count = await source.read(head, end)
      if (count === 0) return { head: head.subarray(0, end), whole: true }
      end += count
    }
    return { head, whole: false }
  } finally {
    source.close()
  }
}

/** The bytes are not the text that they were taken for. */
export class NotText extends Error {
  override name = 'NotText'
  readonly kind: 'nul' | 'utf-8'
  /** Line ends before the part of the text that is wrong, and that part. */
  readonly linesBefore: number
  constructor(kind: 'nul' | 'utf-8', linesBefore: number) {
    super(kind === 'nul' ? 'a NUL byte' : 'bytes that are no UTF-8')
    this.kind = kind
    this.linesBefore = linesBefore
  }
}
