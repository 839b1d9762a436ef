import { CR, type DialectBytes, LF } from './dialect.ts'

/** Bytes looked at in one go: their marks stay in the processor's first cache. */
const WINDOW_BYTES = 8 * 1024

const EACH_BYTE = 0x01010101
const LOW_BITS = 0x7f7f7f7f
const HIGH_BITS = 0x80808080
/** Four bytes are read as one number, whose lowest byte must be the first. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/**
 * Where the bytes that can end a field are, within a window of the input: found four bytes at a time, as in
 * "Parsing Gigabytes of JSON per Second" (Langdale and Lemire, 2019), on numbers of 32 bits for want of wider ones.
 */
export class Marks {
  /** False on machines whose numbers start with the high byte. */
  readonly usable = LITTLE_ENDIAN
  /** Places of separators, quotes and line ends in the window, ascending; before them the byte before the window. */
  readonly places = new Int32Array(WINDOW_BYTES + 5)
  /** Which of `places` are not separators, ascending. */
  readonly others = new Int32Array(WINDOW_BYTES + 4)
  otherCount = 0
  /** The window; empty where the bytes have moved since. */
  start = 0
  end = 0

  readonly #separator: number
  readonly #quote: number

  constructor(dialect: DialectBytes) {
    this.#separator = dialect.separator
    // A dialect without quotes looks for line feeds twice.
    this.#quote = dialect.quote < 0 ? LF : dialect.quote
  }

  /** Finds the marks in a window that starts at `from` and ends at `end` at the latest. `words` covers all bytes. */
  find(words: Int32Array, from: number, end: number): void {
    const to = Math.min(end, from + WINDOW_BYTES)
    const { places, others } = this
    const separator = this.#separator
    const separators = separator * EACH_BYTE
    const quotes = this.#quote * EACH_BYTE
    const feeds = LF * EACH_BYTE
    const returns = CR * EACH_BYTE
    places[0] = from - 1
    let count = 1
    let otherCount = 0
    // The bytes before `from` in its word are masked out.
    let mask = HIGH_BITS & (-1 << ((from & 3) << 3))
    const last = (to + 3) >> 2
    for (let i = from >> 2; i < last; i++) {
      const word = words[i]!
      const low = word & LOW_BITS
      // A byte's high bit stays 0 in a sum where its low bits are those looked for.
      let hits =
        ~(
          (((low ^ separators) + LOW_BITS) &
            ((low ^ feeds) + LOW_BITS) &
            ((low ^ returns) + LOW_BITS) &
            ((low ^ quotes) + LOW_BITS)) |
          word
        ) & mask
      mask = HIGH_BITS
      while (hits !== 0) {
        const shift = 24 - Math.clz32(hits & -hits)
        places[count] = (i << 2) + (shift >> 3)
        if (((word >>> shift) & 0xff) !== separator) others[otherCount++] = count
        count++
        hits &= hits - 1
      }
    }
    // Bytes behind the end in its word are not the input's.
    while (otherCount > 0 && places[others[otherCount - 1]!]! >= to) otherCount--
    this.otherCount = otherCount
    this.start = from
    this.end = to
  }
}
