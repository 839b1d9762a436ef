/** Sources that hash the file while it is read, so that its fingerprint costs no second read. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type ByteSource, fileSource, streamSource } from './bytes/source.ts'

export interface HashingSource extends ByteSource {
  /** Of the file as it lies on disk, packed or not, once it was read to its end. */
  digest(): { sha256: string; bytes: number }
}

const READ_BYTES = 256 * 1024

/** @throws where the file cannot be opened */
export function hashingSource(path: string): HashingSource {
  const hash = createHash('sha256')
  let bytes = 0
  const take = (part: Uint8Array) => {
    hash.update(part)
    bytes += part.length
  }
  const source = path.endsWith('.gz') ? unpacking(path, take) : reading(path, take)
  return { ...source, digest: () => ({ sha256: hash.digest('hex'), bytes }) }
}

function reading(path: string, take: (part: Uint8Array) => void): ByteSource {
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

function unpacking(path: string, take: (part: Uint8Array) => void): ByteSource {
  const unpacked = createGunzip({ chunkSize: READ_BYTES })
  async function* taken(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      take(part)
      yield part
    }
  }
  // The callback is required; the same error reaches the reader through the stream itself.
  pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), taken, unpacked, () => {})
  return streamSource(unpacked)
}
