import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Where bytes come from. A source that answers with a number, not a promise, keeps reading synchronous. */
export interface ByteSource {
  /** Puts bytes at `into[offset]` and on, at most up to its end; how many, 0 at the end of the data. */
  read(into: Uint8Array, offset: number): number | Promise<number>
  close(): void
}

const GZIP_CHUNK_BYTES = 256 * 1024

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

/** A stream such as stdin. A chunk larger than the room given is handed out in parts. */
export function streamSource(stream: Readable): ByteSource {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  let chunk: Uint8Array = new Uint8Array(0)
  return {
    async read(into, offset) {
      while (chunk.length === 0) {
        const next = await chunks.next()
        if (next.done === true) return 0
        chunk = next.value
      }
      const taken = Math.min(chunk.length, into.length - offset)
      into.set(chunk.subarray(0, taken), offset)
      chunk = chunk.subarray(taken)
      return taken
    },
    close() {
      stream.destroy()
    },
  }
}

/** A gzip file, unpacked as it is read. A broken archive or an unreadable file fails the read. */
export function gzipSource(path: string): ByteSource {
  const unpacked = createGunzip({ chunkSize: GZIP_CHUNK_BYTES })
  // The callback is required; the same error reaches the reader through the stream itself.
  pipeline(createReadStream(path), unpacked, () => {})
  return streamSource(unpacked)
}

/** `-` is stdin, `*.gz` is unpacked, all else is a plain file. */
export function openSource(path: string): ByteSource {
  if (path === '-') return streamSource(process.stdin)
  return path.endsWith('.gz') ? gzipSource(path) : fileSource(path)
}
