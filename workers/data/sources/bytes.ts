/** Where bytes come from: a file, packed or not, or standard input; and the hash of a file that is read anyway. */
import { createHash } from 'node:crypto'
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

/** Hashes the file while it is read, so that its fingerprint costs no second read. */
export interface HashingSource extends ByteSource {
  /** Of the file as it lies on disk, packed or not, once it was read to its end. */
  digest(): { sha256: string; bytes: number }
}

/** @throws where the file cannot be opened */
export function hashingSource(path: string): HashingSource {
  const hash = createHash('sha256')
  let bytes = 0
  const take = (part: Uint8Array) => {
    hash.update(part)
    bytes += part.length
  }
  const source = path.endsWith('.gz') ? hashedGzip(path, take) : hashedFile(path, take)
  return { ...source, digest: () => ({ sha256: hash.digest('hex'), bytes }) }
}

function hashedFile(path: string, take: (part: Uint8Array) => void): ByteSource {
  const file = fileSource(path)
  return {
    read(into, offset) {
      const count = file.read(into, offset) as number
      take(into.subarray(offset, offset + count))
      return count
    },
    close: () => file.close(),
  }
}

function hashedGzip(path: string, take: (part: Uint8Array) => void): ByteSource {
  const unpacked = createGunzip({ chunkSize: GZIP_CHUNK_BYTES })
  async function* taken(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      take(part)
      yield part
    }
  }
  // The callback is required; the same error reaches the reader through the stream itself.
  pipeline(createReadStream(path, { highWaterMark: GZIP_CHUNK_BYTES }), taken, unpacked, () => {})
  return streamSource(unpacked)
}
