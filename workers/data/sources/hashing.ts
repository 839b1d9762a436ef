/** The hash of what is read anyway, and the proof that it is text: for preparing data, not for trials. */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { isBrokerUrl } from '../../brokers/address.ts'
import type { Encoding } from '../types.ts'
import { fileSource, gzipSource, NotText, openSource, storedStream } from './bytes.ts'
import { inUtf8, Utf8Check } from './encoding.ts'
import type { ByteSource } from './source.ts'

const PART_BYTES = 256 * 1024
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
  const part = Buffer.alloc(PART_BYTES)
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
      ? gzipSource(path, take)
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
