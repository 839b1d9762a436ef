/** Distinct byte strings and their codes: what `ByteTable` and a list of codes are, in the kernels' memory. */

/** 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4). */
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15

/** JavaScript makes it and all that it points to, and reads and writes it as 32-bit numbers. */
@unmanaged
class Table {
  /** A power of two of them, at least twice as many as there are keys. */
  buckets: usize
  mask: i32
  /** Words of eight bytes, the last of each key filled up with zeros. */
  words: usize
  size: i32
  wordsUsed: i32
  /** Hash of the key that was looked for last. */
  lastHash: i32
}

/** All that a look-up needs lies in one line of the processor's cache. */
@unmanaged
class Bucket {
  hash: i32
  /** Bytes of the key, plus 1; 0 where the bucket is free. */
  room: i32
  /** Place of the key's first word. */
  word: i32
  code: i32
}

const BUCKET_BYTES: usize = 16

function bucketAt(t: Table, place: i32): Bucket {
  return changetype<Bucket>(t.buckets + <usize>(place & t.mask) * BUCKET_BYTES)
}

/** The last `bytes` bytes of a key, from 1 to 7. */
function tail(p: usize, bytes: usize): u64 {
  return load<u64>(p) & (<u64>-1 >> (64 - 8 * <u64>bytes))
}

function mixed(hash: u64, word: u64): u64 {
  const product = (hash ^ word) * MULTIPLIER
  return product ^ (product >> 29)
}

/** The bucket of the key [start, end), or of none. */
function find(t: Table, start: usize, end: usize): Bucket {
  const length = end - start
  let hash: u64 = <u64>length
  let p = start
  for (; p + 8 <= end; p += 8) hash = mixed(hash, load<u64>(p))
  const rest = p < end ? tail(p, end - p) : 0
  if (p < end) hash = mixed(hash, rest)
  const short = <i32>(hash ^ (hash >> 32))
  t.lastHash = short
  let place = short
  while (true) {
    const bucket = bucketAt(t, place++)
    if (bucket.room === 0) return bucket
    if (bucket.hash !== short || bucket.room !== <i32>length + 1) continue
    let word = t.words + ((<usize>bucket.word) << 3)
    let q = start
    while (q < p && load<u64>(q) === load<u64>(word)) {
      q += 8
      word += 8
    }
    if (q === p && (p === end || load<u64>(word) === rest)) return bucket
  }
}

/** Adds the key that a search has just missed; there is room for it. */
export function addKey(table: usize, start: usize, end: usize, code: i32): void {
  const t = changetype<Table>(table)
  let word = t.words + ((<usize>t.wordsUsed) << 3)
  let p = start
  for (; p + 8 <= end; p += 8, word += 8) store<u64>(word, load<u64>(p))
  if (p < end) store<u64>(word, tail(p, end - p))
  place(t, t.lastHash, <i32>(end - start) + 1, t.wordsUsed, code)
  t.wordsUsed += <i32>((end - start + 7) >> 3)
  t.size += 1
}

function place(t: Table, hash: i32, room: i32, word: i32, code: i32): void {
  let at = hash
  while (bucketAt(t, at).room !== 0) at++
  const bucket = bucketAt(t, at)
  bucket.hash = hash
  bucket.room = room
  bucket.word = word
  bucket.code = code
}

/** Takes all keys over from `count` buckets of before. */
export function placeKeys(table: usize, buckets: usize, count: i32): void {
  const t = changetype<Table>(table)
  for (let i = 0; i < count; i++) {
    const old = changetype<Bucket>(buckets + <usize>i * BUCKET_BYTES)
    if (old.room !== 0) place(t, old.hash, old.room, old.word, old.code)
  }
}

/**
 * Writes a code for each field, until one is not known.
 * @returns the first row that is not known, or `rows`
 */
export function categories(
  table: usize,
  bytes: usize,
  fields: usize,
  stride: usize,
  from: i32,
  rows: i32,
  out: usize,
): i32 {
  const t = changetype<Table>(table)
  fields += <usize>from * stride
  for (let row = from; row < rows; row++, fields += stride) {
    const bucket = find(t, bytes + <usize>load<i32>(fields), bytes + <usize>load<i32>(fields, 4))
    if (bucket.room === 0) return row
    store<i32>(out + ((<usize>row) << 2), bucket.code)
  }
  return rows
}
