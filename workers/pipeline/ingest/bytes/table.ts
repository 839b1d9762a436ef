const FIRST_BUCKETS = 64
const FIRST_KEY_BYTES = 1024
const HASH_PRIME = 0x01000193

/**
 * Distinct byte strings, numbered from 0 in order of insertion, found by hash without making strings.
 * Open addressing with linear probing, at most half full. Memory is bounded by the distinct keys.
 */
export class ByteTable {
  /** Number + 1 of the key in each bucket; 0 where the bucket is free. */
  #buckets = new Int32Array(FIRST_BUCKETS)
  #hashes = new Int32Array(FIRST_BUCKETS / 2)
  /** Key i is `#keys[#ends[i] .. #ends[i + 1])`. */
  #ends = new Int32Array(FIRST_BUCKETS / 2 + 1)
  #keys = new Uint8Array(FIRST_KEY_BYTES)
  #size = 0
  /** Hash of the last key looked up, so that adding it does not hash it again. */
  #lastHash = 0

  get size(): number {
    return this.#size
  }

  /** Number of the key `bytes[start .. end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start
    let hash = length
    for (let p = start; p < end; p++) hash = Math.imul(hash ^ bytes[p]!, HASH_PRIME)
    hash ^= hash >>> 15
    this.#lastHash = hash
    const buckets = this.#buckets
    const mask = buckets.length - 1
    const keys = this.#keys
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const key = buckets[bucket]! - 1
      if (key < 0) return -1
      if (this.#hashes[key] !== hash) continue
      const from = this.#ends[key]!
      if (this.#ends[key + 1]! - from !== length) continue
      let i = 0
      while (i < length && keys[from + i] === bytes[start + i]) i++
      if (i === length) return key
    }
  }

  /** Adds the key that `find` has just missed; its number. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const key = this.#size
    if (key === this.#hashes.length) this.#grow()
    const from = this.#ends[key]!
    const to = from + end - start
    if (to > this.#keys.length) {
      const keys = new Uint8Array(Math.max(2 * this.#keys.length, to))
      keys.set(this.#keys)
      this.#keys = keys
    }
    this.#keys.set(bytes.subarray(start, end), from)
    this.#ends[key + 1] = to
    this.#hashes[key] = this.#lastHash
    this.#place(key)
    this.#size = key + 1
    return key
  }

  #place(key: number): void {
    const mask = this.#buckets.length - 1
    let bucket = this.#hashes[key]! & mask
    while (this.#buckets[bucket] !== 0) bucket = (bucket + 1) & mask
    this.#buckets[bucket] = key + 1
  }

  #grow(): void {
    const capacity = 2 * this.#hashes.length
    const hashes = new Int32Array(capacity)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const ends = new Int32Array(capacity + 1)
    ends.set(this.#ends)
    this.#ends = ends
    this.#buckets = new Int32Array(2 * capacity)
    for (let key = 0; key < this.#size; key++) this.#place(key)
  }
}
