/** Packed files. Loaded only for them: Node's zlib takes up to 1 MB of a small cap. */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { ByteSource } from './source.ts'
import { streamSource } from './stream.ts'

const CHUNK_BYTES = 256 * 1024

/** @param take gets each packed part */
export function unpacked(path: string, take?: (part: Uint8Array) => void): ByteSource {
  const stream = createGunzip({ chunkSize: CHUNK_BYTES })
  // The callback is required; the same error reaches the reader through the stream itself.
  if (take === undefined) pipeline(createReadStream(path), stream, () => {})
  else pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), taking(take), stream, () => {})
  return streamSource(stream)
}

function taking(take: (part: Uint8Array) => void) {
  return async function* (parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      take(part)
      yield part
    }
  }
}
