import { type DialectBytes, LF } from './dialect.ts'
import { BLOCK_BYTES, COUNT_BITS, markFinder, OTHERS_AT, PLACES_AT, WINDOW_BYTES } from './marks-wasm.ts'

/** No separator, quote or control character of any dialect, which are ASCII. */
const FILLER = 0xff

// One for all readers of the thread, used within one call alone: each would take address space of its own.
const FINDER = markFinder()
const MEMORY = FINDER?.memory.buffer ?? new ArrayBuffer(0)
const BYTES = new Uint8Array(MEMORY)
const WORDS = new Int32Array(MEMORY)

/**
 * Where the bytes that can end a field are, within a window of the input: found many bytes at a time, as in
 * "Parsing Gigabytes of JSON per Second" (Langdale and Lemire, 2019).
 */
export class Marks {
  /** False on machines without WebAssembly and its vectors. */
  readonly usable = FINDER !== null
  /**
   * The byte before the window, then the places of separators, quotes and control characters below 16, ascending,
   * then a place that is none.
   */
  readonly places = new Int32Array(WINDOW_BYTES + 2)
  /** Those that are not separators, ascending. */
  readonly others = new Int32Array(WINDOW_BYTES)
  otherCount = 0
  /** The window; below 0 where the bytes have moved since. */
  start = -1
  end = -1

  readonly #separator: number
  readonly #quote: number

  constructor(dialect: DialectBytes) {
    this.#separator = dialect.separator
    // A dialect without quotes looks for line feeds twice.
    this.#quote = dialect.quote < 0 ? LF : dialect.quote
  }

  /** Finds the marks in a window that starts at `from`, below `end`, and ends at `end` at the latest. */
  find(bytes: Uint8Array, from: number, end: number): void {
    const to = Math.min(end, from + WINDOW_BYTES)
    const length = to - from
    BYTES.set(bytes.subarray(from, to))
    BYTES.fill(FILLER, length, Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES)
    const counts = FINDER!.find(length, from, this.#separator, this.#quote)
    const count = counts & (2 ** COUNT_BITS - 1)
    this.places[0] = from - 1
    this.places.set(WORDS.subarray(PLACES_AT / 4, PLACES_AT / 4 + count), 1)
    this.places[count + 1] = -1
    this.otherCount = counts >>> COUNT_BITS
    this.others.set(WORDS.subarray(OTHERS_AT / 4, OTHERS_AT / 4 + this.otherCount))
    this.start = from
    this.end = to
  }
}
