import type { Readable } from 'node:stream'
import type { ByteSource } from './source.ts'

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
