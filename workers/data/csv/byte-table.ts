const FIRST_BUCKETS = 64
const FIRST_KEY_WORDS = 256
const HASH_PRIME = 0x01000193

/**
 * Distinct byte strings, numbered from 0 in order of insertion, found by hash without making strings.
 * Open addressing with linear probing, at most half full. Memory is bounded by the distinct keys.
 * Keys are hashed and compared four bytes at a time, the last word of each filled up with zeros.
 */
export class ByteTable {
  /** Number + 1 of the key in each bucket; 0 where the bucket is free. */
  #buckets = new Int32Array(FIRST_BUCKETS)
  #hashes = new Int32Array(FIRST_BUCKETS / 2)
  /** Bytes of each key. */
  #lengths = new Int32Array(FIRST_BUCKETS / 2)
  /** Key i is `#words[#starts[i] .. #starts[i + 1])`. */
  #starts = new Int32Array(FIRST_BUCKETS / 2 + 1)
  #words = new Int32Array(FIRST_KEY_WORDS)
  #size = 0
  /** Words and hash of the last key looked up, so that adding it does not go through its bytes again. */
  #last = new Int32Array(FIRST_KEY_WORDS)
  #lastHash = 0

  get size(): number {
    return this.#size
  }

  /** Number of the key `bytes[start .. end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start
    const count = (length + 3) >> 2
    if (count > this.#last.length) this.#last = new Int32Array(2 * count)
    const last = this.#last
    let hash = length
    let n = 0
    let p = start
    for (; p < end - 3; p += 4) {
      const word = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
      last[n++] = word
      hash = Math.imul(hash ^ word, HASH_PRIME)
      hash ^= hash >>> 15
    }
    if (p < end) {
      let word = bytes[p]!
      if (p + 1 < end) word |= bytes[p + 1]! << 8
      if (p + 2 < end) word |= bytes[p + 2]! << 16
      last[n] = word
      hash = Math.imul(hash ^ word, HASH_PRIME)
      hash ^= hash >>> 15
    }
    this.#lastHash = hash
    const buckets = this.#buckets
    const words = this.#words
    const mask = buckets.length - 1
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const key = buckets[bucket]! - 1
      if (key < 0) return -1
      if (this.#hashes[key] !== hash || this.#lengths[key] !== length) continue
      const from = this.#starts[key]!
      let i = 0
      while (i < count && words[from + i] === last[i]) i++
      if (i === count) return key
    }
  }

  /** Adds the key of `length` bytes that `find` has just missed; its number. */
  add(length: number): number {
    const key = this.#size
    if (key === this.#hashes.length) this.#grow()
    const count = (length + 3) >> 2
    const from = this.#starts[key]!
    const to = from + count
    if (to > this.#words.length) {
      const words = new Int32Array(Math.max(2 * this.#words.length, to))
      words.set(this.#words)
      this.#words = words
    }
    this.#words.set(this.#last.subarray(0, count), from)
    this.#starts[key + 1] = to
    this.#lengths[key] = length
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
    this.#hashes = resized(this.#hashes, capacity)
    this.#lengths = resized(this.#lengths, capacity)
    this.#starts = resized(this.#starts, capacity + 1)
    this.#buckets = new Int32Array(2 * capacity)
    for (let key = 0; key < this.#size; key++) this.#place(key)
  }
}

function resized(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(values)
  return larger
}
