/** Rows and fields from bytes, as `Scanner` finds plain rows: cut at marks that are looked for 64 bytes at a time. */

/** Bytes looked at in one go: their marks stay in the processor's first cache. */
const WINDOW_BYTES: i32 = 8 * 1024
const BLOCK_BYTES: i32 = 64
/** Control characters below this are marks, line ends among them. */
const CONTROLS: u8 = 16

const LF: u32 = 10
const CR: u32 = 13

/** What a scanner keeps between two calls; JavaScript makes it, and reads and writes it as 32-bit numbers. */
@unmanaged
class Splitter {
  /** As bytes; a dialect without quotes looks for line feeds twice, and -1 stands for no comments. */
  separator: i32
  quote: i32
  comment: i32
  maxRowBytes: i32
  /** Fields per row, and how many of them are wanted. */
  width: i32
  wanted: i32
  /** First byte not yet in a row, and the end of the bytes held. */
  position: i32
  end: i32
  /** The window in which marks are known; below 0 where the bytes have moved since. */
  windowStart: i32
  windowEnd: i32
  /** Among all marks, one at or before the line end before `position`. */
  before: i32
  /** Among those that are not separators, one at or before the next. */
  next: i32
  others: i32
}

/** Writes the places of all bits of the mask, four at a time: some may be written after the last. */
function listed(mask: u64, at: i32, to: usize): void {
  while (mask !== 0) {
    store<i32>(to, at + <i32>ctz(mask))
    mask &= mask - 1
    store<i32>(to, at + <i32>ctz(mask), 4)
    mask &= mask - 1
    store<i32>(to, at + <i32>ctz(mask), 8)
    mask &= mask - 1
    store<i32>(to, at + <i32>ctz(mask), 12)
    mask &= mask - 1
    to += 16
  }
}

/**
 * Lists the places of separators, quotes and control characters from `from` on, ascending, after the place before it;
 * then those of them that are not separators. Bytes up to the next 64 may be read.
 */
function findMarks(s: Splitter, bytes: usize, from: i32, places: usize, others: usize): void {
  const to = min(s.end, from + WINDOW_BYTES)
  const separators = i8x16.splat(<i8>s.separator)
  const quotes = i8x16.splat(<i8>s.quote)
  const controls = i8x16.splat(<i8>CONTROLS)
  store<i32>(places, from - 1)
  let writePlace = places + 4
  let writeOther = others
  for (let at = from; at < to; at += BLOCK_BYTES) {
    let marks: u64 = 0
    let odd: u64 = 0
    for (let part: i32 = 0; part < 4; part++) {
      const b = v128.load(bytes + <usize>(at + 16 * part))
      const other = v128.or(i8x16.eq(b, quotes), i8x16.lt_u(b, controls))
      const all = v128.or(other, i8x16.eq(b, separators))
      odd |= (<u64>(<u32>i8x16.bitmask(other))) << (16 * part)
      marks |= (<u64>(<u32>i8x16.bitmask(all))) << (16 * part)
    }
    if (to - at < BLOCK_BYTES) {
      const held = ((<u64>1) << (to - at)) - 1
      odd &= held
      marks &= held
    }
    listed(marks, at, writePlace)
    writePlace += (<usize>popcnt(marks)) << 2
    while (odd !== 0) {
      store<i32>(writeOther, at + <i32>ctz(odd))
      odd &= odd - 1
      writeOther += 4
    }
  }
  store<i32>(writePlace, -1)
  s.others = <i32>((writeOther - others) >> 2)
  s.windowStart = from
  s.windowEnd = to
  s.before = 0
  s.next = 0
}

function byteAt(bytes: usize, place: i32): i32 {
  return <i32>load<u8>(bytes + <usize>place)
}

/** What `quotedRow` gives of a row that is not simple, and of one that the window does not hold to its end. */
const NOT_SIMPLE: i32 = -1
const NOT_WHOLE: i32 = -2

/**
 * Takes a row with quoted fields, none of which has a doubled quote or a line end in it.
 * @param before the mark before the row
 * @returns the mark at the line feed that ends it
 */
function quotedRow(
  s: Splitter,
  bytes: usize,
  places: usize,
  columns: usize,
  fields: usize,
  before: i32,
  start: i32,
): i32 {
  let mark = places + ((<usize>before) << 2) + 4
  let from = start
  let column = 0
  let kept = 0
  while (true) {
    let place = load<i32>(mark)
    // What lies at and after the end of the window is none of the row's.
    if (place < 0) return NOT_WHOLE
    let to = place
    if (byteAt(bytes, from) === s.quote) {
      do {
        mark += 4
        to = load<i32>(mark)
        if (to < 0) return NOT_WHOLE
        if (<u32>byteAt(bytes, to) === LF) return NOT_SIMPLE
      } while (byteAt(bytes, to) !== s.quote)
      from++
      mark += 4
      place = load<i32>(mark)
      if (place < 0) return NOT_WHOLE
      if (place !== to + 1) return NOT_SIMPLE
    }
    if (kept < s.wanted && load<i32>(columns + ((<usize>kept) << 2)) === column) {
      store<i32>(fields, from)
      store<i32>(fields, to, 4)
      fields += 8
      kept++
    }
    column++
    const c = byteAt(bytes, place)
    if (c === s.separator) {
      from = place + 1
      mark += 4
      continue
    }
    if (column !== s.width) return NOT_SIMPLE
    if (<u32>c === CR) {
      mark += 4
      if (load<i32>(mark) !== place + 1) return NOT_SIMPLE
      place++
    }
    if (<u32>byteAt(bytes, place) !== LF) return NOT_SIMPLE
    return <i32>((mark - places) >> 2)
  }
}

/**
 * Takes plain rows, of the right width and with simple quotes at most, up to the first that is not plain or not whole.
 * @param columns 32-bit numbers of the wanted fields, ascending
 * @param fields takes start and end of each wanted field, row by row, from row `rows` on
 * @param lines takes the line of each row, as doubles; `line` is the first one's
 * @returns rows so far, at most `limit`
 */
export function split(
  state: usize,
  bytes: usize,
  places: usize,
  others: usize,
  columns: usize,
  fields: usize,
  lines: usize,
  line: f64,
  rows: i32,
  limit: i32,
): i32 {
  const s = changetype<Splitter>(state)
  const wanted = s.wanted
  const width = s.width
  const comment = <u32>s.comment
  // Without quotes they stand for line feeds, which end rows.
  const quote = s.quote === <i32>LF ? 256 : <u32>s.quote
  const end = s.end
  let start = s.position
  let o = fields + ((<usize>(rows * wanted)) << 3)
  if (start < s.windowStart || start >= s.windowEnd) findMarks(s, bytes, start, places, others)
  let before = s.before
  let k = s.next
  while (load<i32>(places + ((<usize>before) << 2)) < start - 1) before++
  let plain = true
  while (plain && rows < limit) {
    const count = s.others
    while (k < count && load<i32>(others + ((<usize>k) << 2)) < start) k++
    while (k < count && rows < limit) {
      const place = load<i32>(others + ((<usize>k) << 2))
      const c = <u32>load<u8>(bytes + <usize>place)
      if (c === quote && <u32>load<u8>(bytes + <usize>start) !== comment) {
        const last = quotedRow(s, bytes, places, columns, o, before, start)
        if (last === NOT_WHOLE) break
        if (last === NOT_SIMPLE) {
          plain = false
          break
        }
        const next = load<i32>(places + ((<usize>last) << 2)) + 1
        if (next - start > s.maxRowBytes) {
          plain = false
          break
        }
        o += (<usize>wanted) << 3
        store<f64>(lines + ((<usize>rows) << 3), line)
        rows++
        line += 1
        start = next
        before = last
        while (k < count && load<i32>(others + ((<usize>k) << 2)) < start) k++
        continue
      }
      let next = place + 1
      let last = before + width
      // Neither the right number of marks, nor these marks alone: wrong width, a quote, or a control character.
      if (
        load<i32>(places + ((<usize>last) << 2)) !== place ||
        place === start ||
        <u32>load<u8>(bytes + <usize>start) === comment
      ) {
        plain = false
        break
      }
      if (c === CR) {
        // A carriage return that no line feed follows within the window is not plain.
        if (
          k + 1 >= count ||
          load<i32>(others + ((<usize>k) << 2), 4) !== next ||
          <u32>load<u8>(bytes + <usize>next) !== LF
        ) {
          plain = false
          break
        }
        next++
        last++
        k++
      } else if (c !== LF) {
        plain = false
        break
      }
      if (next - start > s.maxRowBytes) {
        plain = false
        break
      }
      const marks = places + ((<usize>before) << 2)
      for (let i: usize = 0; i < <usize>wanted; i++) {
        const mark = marks + ((<usize>load<i32>(columns + (i << 2))) << 2)
        store<i32>(o, load<i32>(mark) + 1)
        store<i32>(o, load<i32>(mark, 4), 4)
        o += 8
      }
      store<f64>(lines + ((<usize>rows) << 3), line)
      rows++
      line += 1
      start = next
      before = last
      k++
    }
    if (!plain || rows === limit || s.windowEnd === end || s.windowStart === start) break
    findMarks(s, bytes, start, places, others)
    before = 0
    k = 0
  }
  s.before = before
  s.next = k
  s.position = start
  return rows
}
