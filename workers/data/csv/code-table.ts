/** Spellings and their codes in the kernels' memory: what `ByteTable` and a list of codes are without kernels. */
import type { Kernels } from '../../kernels.ts'

const FIRST_KEYS = 32
const FIRST_WORDS = 128
const INT_BYTES = 4
const WORD_BYTES = 8
/** 32-bit numbers of a bucket: hash, length plus 1, place of the words, code. */
const BUCKET = 4
/** Places in the state, as `kernels/categories.ts` has them. */
const [BUCKETS, MASK, WORDS, SIZE, WORDS_USED, STATE_SIZE] = [0, 1, 2, 3, 4, 6]

export class CodeTable {
  readonly #kernels: Kernels
  readonly #state: Int32Array
  #capacity = FIRST_KEYS
  /** Two for each key. */
  #buckets: Int32Array
  /** Words of eight bytes. */
  #words: Float64Array

  constructor(kernels: Kernels) {
    this.#kernels = kernels
    this.#state = kernels.ints(STATE_SIZE)
    this.#buckets = kernels.ints(2 * BUCKET * FIRST_KEYS)
    this.#words = kernels.floats(FIRST_WORDS)
    this.#point()
  }

  /**
   * Writes the codes of `rows` fields, as `ColumnBuilder.append` has them.
   * @param meet gives the code of a spelling that was met for the first time
   */
  codes(
    bytes: Uint8Array,
    fields: Int32Array,
    at: number,
    stride: number,
    rows: number,
    out: Int32Array,
    to: number,
    meet: (start: number, end: number) => number,
  ): void {
    const { run } = this.#kernels
    for (let row = 0; ; ) {
      row = run.categories(
        this.#state.byteOffset,
        bytes.byteOffset,
        fields.byteOffset + INT_BYTES * at,
        INT_BYTES * stride,
        row,
        rows,
        out.byteOffset + INT_BYTES * to,
      )
      if (row === rows) return
      const start = fields[at + row * stride]!
      const end = fields[at + row * stride + 1]!
      const code = meet(start, end)
      this.#reserve(end - start)
      run.addKey(this.#state.byteOffset, bytes.byteOffset + start, bytes.byteOffset + end, code)
    }
  }

  /** Makes room for one more key of `length` bytes. */
  #reserve(length: number): void {
    const kernels = this.#kernels
    const words = this.#state[WORDS_USED]! + Math.ceil(length / WORD_BYTES)
    if (words > this.#words.length) {
      const larger = kernels.floats(Math.max(2 * this.#words.length, words))
      // Words are no numbers: as bytes, none of them is changed.
      bytesOf(larger).set(bytesOf(this.#words))
      kernels.free(this.#words)
      this.#words = larger
    }
    const full = this.#state[SIZE]! === this.#capacity
    const before = this.#buckets
    if (full) {
      this.#capacity *= 2
      this.#buckets = kernels.ints(2 * before.length)
    }
    this.#point()
    if (!full) return
    kernels.run.placeKeys(this.#state.byteOffset, before.byteOffset, before.length / BUCKET)
    kernels.free(before)
  }

  #point(): void {
    const state = this.#state
    state[BUCKETS] = this.#buckets.byteOffset
    state[MASK] = this.#buckets.length / BUCKET - 1
    state[WORDS] = this.#words.byteOffset
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
