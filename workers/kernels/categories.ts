/** Distinct byte strings, numbered from 0 in order of insertion: what `ByteTable` is, in the kernels' memory. */

const FNV_PRIME: u64 = 0x9e3779b97f4a7c15

/** JavaScript makes it and all that it points to, and reads and writes it as 32-bit numbers. */
@unmanaged
class Table {
  /** Number + 1 of the key in each bucket; 0 where it is free. A power of two of them. */
  buckets: usize
  mask: i32
  /** By key: hash, bytes, and where its words begin among `words`. */
  keys: usize
  /** Words of eight bytes, the last of each key filled up with zeros. */
  words: usize
  size: i32
  wordsUsed: i32
  /** Hash of the key that was looked for last. */
  lastHash: i32
}

/** Bytes of an entry of `keys`. */
const ENTRY: usize = 12

function tail(p: usize, bytes: usize): u64 {
  return load<u64>(p) & (<u64>-1 >> (64 - 8 * <u64>bytes))
}

/** Number of the key [start, end), or -1. */
function find(t: Table, start: usize, end: usize): i32 {
  const length = end - start
  let hash: u64 = <u64>length
  let p = start
  for (; p + 8 <= end; p += 8) {
    hash = (hash ^ load<u64>(p)) * FNV_PRIME
    hash ^= hash >> 29
  }
  if (p < end) {
    hash = (hash ^ tail(p, end - p)) * FNV_PRIME
    hash ^= hash >> 29
  }
  const short = <i32>(hash ^ (hash >> 32))
  t.lastHash = short
  const mask = t.mask
  const keys = t.keys
  let bucket = short & mask
  while (true) {
    const key = load<i32>(t.buckets + ((<usize>bucket) << 2)) - 1
    bucket = (bucket + 1) & mask
    if (key < 0) return -1
    const entry = keys + <usize>key * ENTRY
    if (load<i32>(entry) !== short || load<usize>(entry, 4) !== length) continue
    let word = t.words + ((<usize>load<i32>(entry, 8)) << 3)
    let q = start
    while (q + 8 <= end && load<u64>(q) === load<u64>(word)) {
      q += 8
      word += 8
    }
    if (q === end || (end - q < 8 && tail(q, end - q) === load<u64>(word))) return key
  }
}

/** Adds the key that a search has just missed; there is room for it. @returns its number */
export function addKey(table: usize, start: usize, end: usize): i32 {
  const t = changetype<Table>(table)
  const key = t.size
  const entry = t.keys + <usize>key * ENTRY
  store<i32>(entry, t.lastHash)
  store<usize>(entry, end - start, 4)
  store<i32>(entry, t.wordsUsed, 8)
  let word = t.words + ((<usize>t.wordsUsed) << 3)
  let p = start
  for (; p + 8 <= end; p += 8, word += 8) store<u64>(word, load<u64>(p))
  if (p < end) store<u64>(word, tail(p, end - p))
  t.wordsUsed += <i32>((end - start + 7) >> 3)
  t.size = key + 1
  place(t, key)
  return key
}

function place(t: Table, key: i32): void {
  let bucket = load<i32>(t.keys + <usize>key * ENTRY) & t.mask
  while (load<i32>(t.buckets + ((<usize>bucket) << 2)) !== 0) bucket = (bucket + 1) & t.mask
  store<i32>(t.buckets + ((<usize>bucket) << 2), key + 1)
}

/** Fills buckets that were made anew. */
export function placeKeys(table: usize): void {
  const t = changetype<Table>(table)
  for (let key = 0; key < t.size; key++) place(t, key)
}

/**
 * Writes a code for each field, by its key's number, until one is not known.
 * @param codeOf codes by number of the key
 * @returns the first row that is not known, or `rows`
 */
export function categories(
  table: usize,
  codeOf: usize,
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
    const key = find(t, bytes + <usize>load<i32>(fields), bytes + <usize>load<i32>(fields, 4))
    if (key < 0) return row
    store<i32>(out + ((<usize>row) << 2), load<i32>(codeOf + ((<usize>key) << 2)))
  }
  return rows
}
