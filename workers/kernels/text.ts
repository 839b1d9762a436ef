/** Where a text stands among bytes. */

export function stands(text: usize, length: i32, start: usize, end: usize): bool {
  if (<i32>(end - start) < length) return false
  for (let i: usize = 0; i < <usize>length; i++) if (load<u8>(start + i) !== load<u8>(text + i)) return false
  return true
}

/** Bytes that are looked at in one go. */
const VECTOR_BYTES: usize = 16

/** Where the last occurrence of a text within [start, end) ends, or 0. */
export function behindLast(start: usize, end: usize, text: usize, length: i32): usize {
  if (end <= start || length === 0) return 0
  const last = <usize>(length - 1)
  const mark = i8x16.splat(load<i8>(text + last))
  let block = start + ((end - start - 1) & ~(VECTOR_BYTES - 1))
  while (true) {
    let found = <u32>i8x16.bitmask(i8x16.eq(v128.load(block), mark))
    const held = end - block
    if (held < VECTOR_BYTES) found &= ((<u32>1) << (<u32>held)) - 1
    while (found !== 0) {
      const bit = 31 - clz(found)
      const p = block + <usize>bit
      if (p - start < last) return 0
      let i: usize = 0
      while (i < last && load<u8>(p - last + i) === load<u8>(text + i)) i++
      if (i === last) return p + 1
      found ^= 1 << bit
    }
    if (block === start) return 0
    block -= VECTOR_BYTES
  }
}
