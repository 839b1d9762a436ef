/** Where bytes come from: a file, packed or not, standard input or a stored stream; and the hash of what is read anyway. */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { isBrokerUrl } from '../../brokers/address.ts'
import type { Encoding } from '../types.ts'
import { inUtf8, Utf8Check } from './encoding.ts'
import { EventBytes, LIVE_SOURCES } from './events.ts'
import type { ByteSource } from './source.ts'

export type { ByteSource }

const GZIP_CHUNK_BYTES = 256 * 1024

/** A plain file, read synchronously: a step then uses only CPU time and waits for nothing else. */
function fileSource(path: string): ByteSource {
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
function gzipSource(path: string): ByteSource {
  const unpacked = createGunzip({ chunkSize: GZIP_CHUNK_BYTES })
  // The callback is required; the same error reaches the reader through the stream itself.
  pipeline(createReadStream(path), unpacked, () => {})
  return streamSource(unpacked)
}

/** A stored stream by the path that looking at it gave. The client is loaded and connects at the first read. */
function storedStream(path: string): ByteSource {
  let bytes: ByteSource | null = null
  let closed = false
  const open = async (into: Uint8Array, offset: number): Promise<number> => {
    const { natsEvents } = await import('./nats.ts')
    if (closed) return 0
    bytes = new EventBytes(natsEvents(path))
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

const LF = 10

function countLines(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines += 1
  return lines
}

/**
 * The source, which must hold text in UTF-8.
 * @param again opens the same data anew, to count the lines before what is wrong
 */
function checkedText(source: ByteSource, again: () => ByteSource): ByteSource {
  const utf8 = new Utf8Check()
  let before = 0
  const check = (into: Uint8Array, offset: number, count: number): number | Promise<number> => {
    const part = into.subarray(offset, offset + count)
    const nul = part.indexOf(0)
    const valid = count === 0 ? utf8.end() : utf8.take(part)
    if (nul >= 0) return refuse('nul', before + nul, again())
    // The byte itself is not worth a search: its part of the file will do for the encoding.
    if (!valid) return refuse('utf-8', before, again())
    before += count
    return count
  }
  return {
    read(into, offset) {
      const count = source.read(into, offset)
      return typeof count === 'number'
        ? check(into, offset, count)
        : count.then((read) => check(into, offset, read))
    },
    close: () => source.close(),
  }
}

/** Whole lines at the start of what is wrong that are not. */
function goodLines(kind: NotText['kind'], part: Buffer): number {
  let lines = 0
  for (let from = 0; ; lines += 1) {
    const end = part.indexOf(LF, from)
    if (end < 0) return lines
    const line = part.subarray(from, end)
    if (kind === 'nul' ? line.includes(0) : !isUtf8(line)) return lines
    from = end + 1
  }
}

async function refuse(kind: NotText['kind'], offset: number, source: ByteSource): Promise<never> {
  const part = Buffer.alloc(GZIP_CHUNK_BYTES)
  let lines = 0
  let left = offset
  try {
    for (;;) {
      const count = await source.read(part, 0)
      const before = Math.min(count, left)
      lines += countLines(part.subarray(0, before))
      left -= before
      if (count > before) lines += goodLines(kind, part.subarray(before, count))
      if (count > before || count === 0) break
    }
  } finally {
    source.close()
  }
  throw new NotText(kind, lines)
}

/** Hashes the file while it is read, so that its fingerprint costs no second read. */
export interface HashingSource extends ByteSource {
  /** Of the file as it lies on disk, packed or not and in whatever encoding, or of a stream's lines; once read to the end. */
  digest(): { sha256: string; bytes: number }
}

/**
 * What it reads is text in UTF-8 without NUL bytes, or it throws NotText.
 * @throws where the file cannot be opened
 */
export function hashingSource(path: string, encoding: Encoding = 'utf-8'): HashingSource {
  const hash = createHash('sha256')
  let bytes = 0
  const take = (part: Uint8Array) => {
    hash.update(part)
    bytes += part.length
  }
  const raw = isBrokerUrl(path)
    ? hashed(storedStream(path), take)
    : path.endsWith('.gz')
      ? hashedGzip(path, take)
      : hashed(fileSource(path), take)
  const source = checkedText(inUtf8(raw, encoding), () => openSource(path, encoding))
  return { ...source, digest: () => ({ sha256: hash.digest('hex'), bytes }) }
}

function hashed(source: ByteSource, take: (part: Uint8Array) => void): ByteSource {
  const read = (into: Uint8Array, offset: number, count: number): number => {
    take(into.subarray(offset, offset + count))
    return count
  }
  return {
    read(into, offset) {
      const count = source.read(into, offset)
      return typeof count === 'number'
        ? read(into, offset, count)
        : count.then((later) => read(into, offset, later))
    },
    close: () => source.close(),
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
