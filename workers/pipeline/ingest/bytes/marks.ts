import { type DialectBytes, LF } from './dialect.ts'

/** Bytes looked at in one go: their marks stay in the processor's first cache. */
const WINDOW_BYTES = 8 * 1024

const EACH_BYTE = 0x01010101
const LOW_BITS = 0x7f7f7f7f
const HIGH_BITS = 0x80808080 | 0
/** Added to a byte, leaves its high bit 0 for the control characters below 16 alone, line ends among them. */
const CONTROL = 0x70707070
/** Four bytes are read as one number, whose lowest byte must be the first. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1
const SPACE = 32

// Used within one call alone. Arrays that are constants of the module are reached without loading their address
// in every turn of a loop, which halves the time.
const WORDS = new Int32Array(WINDOW_BYTES / 4 + 1)
const BYTES = new Uint8Array(WORDS.buffer)
/** Words with marks, and which of their bytes these are: bits 0, 8, 16 and 24. */
const MARKED = new Int32Array(WINDOW_BYTES / 4 + 1)
const HITS = new Int32Array(WINDOW_BYTES / 4 + 1)
const OTHER_MARKED = new Int32Array(WINDOW_BYTES / 4 + 1)
const OTHER_HITS = new Int32Array(WINDOW_BYTES / 4 + 1)
const PLACES = new Int32Array(WINDOW_BYTES + 4)

/**
 * Where the bytes that can end a field are, within a window of the input: found four bytes at a time, as in
 * "Parsing Gigabytes of JSON per Second" (Langdale and Lemire, 2019), on numbers of 32 bits for want of wider ones.
 */
export class Marks {
  /** False on machines whose numbers start with the high byte. */
  readonly usable = LITTLE_ENDIAN
  /**
   * The byte before the window, then the places of separators, quotes and control characters below 16, ascending,
   * then a place that is none.
   */
  readonly places = new Int32Array(WINDOW_BYTES + 8)
  /** Those that are not separators, ascending. */
  readonly others = new Int32Array(WINDOW_BYTES + 4)
  otherCount = 0
  /** The window; below 0 where the bytes have moved since. */
  start = -1
  end = -1

  /** Words with marks, and with marks that are not separators. */
  #marked = 0
  #otherMarked = 0
  readonly #separator: number
  readonly #quote: number

  constructor(dialect: DialectBytes) {
    this.#separator = dialect.separator
    // A dialect without quotes looks for line feeds twice.
    this.#quote = dialect.quote < 0 ? LF : dialect.quote
  }

  /** Finds the marks in a window that starts at `from` and ends at `end` at the latest. */
  find(bytes: Uint8Array, from: number, end: number): void {
    const to = Math.min(end, from + WINDOW_BYTES)
    const length = to - from
    BYTES.set(bytes.subarray(from, to))
    BYTES.fill(SPACE, length, (length + 3) & ~3)
    this.#findWords((length + 3) >> 2)
    const count = placesOf(MARKED, HITS, this.#marked, from)
    this.places[0] = from - 1
    this.places.set(PLACES.subarray(0, count), 1)
    this.places[count + 1] = -1
    this.otherCount = placesOf(OTHER_MARKED, OTHER_HITS, this.#otherMarked, from)
    this.others.set(PLACES.subarray(0, this.otherCount))
    this.start = from
    this.end = to
  }

  /** Notes which of `count` words hold marks, and which hold marks that are not separators. */
  #findWords(count: number): void {
    const separators = this.#separator * EACH_BYTE
    const quotes = this.#quote * EACH_BYTE
    let found = 0
    let others = 0
    for (let i = 0; i < count; i++) {
      const word = WORDS[i]!
      const low = word & LOW_BITS
      // A byte's high bit stays 0 in a sum where its low bits are those looked for.
      const noSeparator = (low ^ separators) + LOW_BITS
      const noOther = ((low ^ quotes) + LOW_BITS) & (low + CONTROL)
      const hits = (~((noSeparator & noOther) | word) & HIGH_BITS) >>> 7
      const otherHits = (~(noOther | word) & noSeparator & HIGH_BITS) >>> 7
      MARKED[found] = i
      HITS[found] = hits
      // 1 for any hits, without a branch: which words have some is as good as random.
      found += (hits + 0x7fffffff) >>> 31
      OTHER_MARKED[others] = i
      OTHER_HITS[others] = otherHits
      others += (otherHits + 0x7fffffff) >>> 31
    }
    this.#marked = found
    this.#otherMarked = others
  }
}

/** Writes the places of the bytes hit in `words` words to PLACES; how many. */
function placesOf(marked: Int32Array, hits: Int32Array, words: number, from: number): number {
  let count = 0
  // Each byte writes its place, and the next one overwrites it unless it is a mark: no branch to be guessed wrong.
  for (let w = 0; w < words; w++) {
    const place = from + (marked[w]! << 2)
    const bits = hits[w]!
    PLACES[count] = place
    count += bits & 1
    PLACES[count] = place + 1
    count += (bits >>> 8) & 1
    PLACES[count] = place + 2
    count += (bits >>> 16) & 1
    PLACES[count] = place + 3
    count += bits >>> 24
  }
  return count
}
