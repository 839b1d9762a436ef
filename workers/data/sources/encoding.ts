/** What a file's bytes mean as text: told from its first bytes, and turned into UTF-8 as it is read. */
import { isAscii, isUtf8 } from 'node:buffer'
import type { Encoding } from '../types.ts'
import type { ByteSource } from './source.ts'

const RAW_BYTES = 64 * 1024
/** The longest character of UTF-8, less its first byte. */
const UTF8_TAIL = 3
/** Bytes of text in UTF-16 that are enough to tell it by its zeros. */
const LEAST_UTF16_BYTES = 4

/** Windows-1252 from 0x80 to 0x9F, where Latin-1 has control characters; five places have none and stay as in Latin-1. */
const WINDOWS_1252 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178'

/**
 * The encoding that these first bytes of a file speak for: a byte order mark, zeros in every other place, or bytes that
 * are no UTF-8.
 */
export function encodingOf(head: Buffer, whole: boolean): Encoding {
  const [a, b] = head
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (head.length >= LEAST_UTF16_BYTES) {
    const zeros = [0, 0]
    for (const [i, byte] of head.entries()) if (byte === 0) zeros[i % 2]! += 1
    const most = 0.4 * (head.length / 2)
    if (zeros[1]! > most && zeros[0] === 0) return 'utf-16le'
    if (zeros[0]! > most && zeros[1] === 0) return 'utf-16be'
  }
  const check = new Utf8Check()
  const valid = check.take(head) && (!whole || check.end())
  return valid || isMostlyUtf8(head) ? 'utf-8' : 'windows-1252'
}

/** Bytes that are no UTF-8 are damage, and no other encoding, where characters beyond ASCII are so many times as many. */
const MOSTLY_UTF8 = 4

/** Whether text beyond ASCII is UTF-8 but for a few bytes: other encodings hardly ever look like it. */
export function isMostlyUtf8(head: Buffer): boolean {
  let good = 0
  let bad = 0
  for (const character of head.toString('utf8')) {
    if (character === '\ufffd') bad += 1
    else if (character > '\u007f') good += 1
  }
  return good > MOSTLY_UTF8 * bad
}

/** Whether bytes that come in parts are UTF-8. */
export class Utf8Check {
  /** The bytes of a character that the next part goes on with. */
  private rest = Buffer.alloc(0)

  /** False where a byte cannot belong to UTF-8. */
  take(part: Uint8Array): boolean {
    if (this.rest.length === 0 && isAscii(part)) return true
    const bytes = this.rest.length === 0 ? Buffer.from(part) : Buffer.concat([this.rest, part])
    const end = wholeCharacters(bytes)
    this.rest = Buffer.from(bytes.subarray(end))
    return isUtf8(bytes.subarray(0, end))
  }

  /** False where the data ends within a character. */
  end(): boolean {
    return this.rest.length === 0
  }
}

/** Where the last character of UTF-8 that may be whole ends. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(UTF8_TAIL, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/** The source as UTF-8. It stays synchronous where it was. */
export function inUtf8(source: ByteSource, encoding: Encoding): ByteSource {
  if (encoding === 'utf-8') return source
  const raw = Buffer.alloc(RAW_BYTES)
  const decode = encoding === 'windows-1252' ? fromWindows1252 : utf16Decoder(encoding === 'utf-16be')
  let pending: Buffer = Buffer.alloc(0)
  let ended = false
  const take = (count: number): void => {
    if (count === 0) ended = true
    pending = Buffer.from(decode(raw.subarray(0, count), ended))
  }
  const hand = (into: Uint8Array, offset: number): number => {
    const count = Math.min(pending.length, into.length - offset)
    into.set(pending.subarray(0, count), offset)
    pending = pending.subarray(count)
    return count
  }
  const wait = async (first: Promise<number>, into: Uint8Array, offset: number): Promise<number> => {
    take(await first)
    while (pending.length === 0 && !ended) take(await source.read(raw, 0))
    return hand(into, offset)
  }
  return {
    read(into, offset) {
      while (pending.length === 0 && !ended) {
        const count = source.read(raw, 0)
        if (typeof count !== 'number') return wait(count, into, offset)
        take(count)
      }
      return hand(into, offset)
    },
    close: () => source.close(),
  }
}

function fromWindows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\u0080-\u009f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!)
}

/** Text of parts that may be cut within a unit, or between the two of one character. */
function utf16Decoder(bigEndian: boolean): (part: Buffer, last: boolean) => string {
  let rest = Buffer.alloc(0)
  return (part, last) => {
    const bytes = Buffer.concat([rest, part])
    let end = bytes.length - (bytes.length % 2)
    const lastUnit = end < 2 ? 0 : bigEndian ? bytes.readUInt16BE(end - 2) : bytes.readUInt16LE(end - 2)
    if (!last && lastUnit >= 0xd800 && lastUnit < 0xdc00) end -= 2
    rest = Buffer.from(bytes.subarray(end))
    const units = bytes.subarray(0, end)
    return (bigEndian ? units.swap16() : units).toString('utf16le')
  }
}
