/** Hashed categories: a bounded number of values for identifiers and free text. */
import type { ColumnSpec } from './columns.ts'
import { decodeCategory } from './decode.ts'

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** 32 bits of `bytes[start .. end)`: FNV-1a (Fowler, Noll, Vo), finished as MurmurHash3 does so that low bits mix. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let h = FNV_OFFSET
  for (let p = start; p < end; p += 1) h = Math.imul(h ^ bytes[p]!, FNV_PRIME)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export function hashText(text: string): number {
  const bytes = Buffer.from(text)
  return hashBytes(bytes, 0, bytes.length)
}

/** Codes of hashed values, in order of first appearance; the dictionary has `#` and the bucket. */
export class Buckets {
  readonly dictionary: string[] = []
  private readonly spec: ColumnSpec
  private readonly codes: Int32Array

  constructor(spec: ColumnSpec) {
    this.spec = spec
    this.codes = new Int32Array(spec.buckets!).fill(-1)
  }

  codeOfHash(hash: number): number {
    const bucket = hash % this.codes.length
    let code = this.codes[bucket]!
    if (code < 0) {
      code = this.dictionary.push(`#${bucket}`) - 1
      this.codes[bucket] = code
    }
    return code
  }

  /** -1 where the text means missing. */
  codeOfText(text: string): number {
    const value = decodeCategory(text, this.spec)
    return value === null ? -1 : this.codeOfHash(hashText(value))
  }
}
