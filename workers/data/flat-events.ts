/**
 * Events that all have their fields in one order, as programs write them: where each field's text lies in the bytes, so
 * that no object and no string is made. Whatever is written in another way is left to `JSON.parse`.
 */
import type { ColumnSpec } from './columns.ts'
import { isDecorated } from './decode.ts'

const [SPACE, CR, QUOTE, COMMA, MINUS, POINT, ZERO, NINE, COLON] = [32, 13, 34, 44, 45, 46, 48, 57, 58]
const [PLUS, UPPER_E, BACKSLASH, LOWER_E, OPEN_BRACE, CLOSE_BRACE] = [43, 69, 92, 101, 123, 125]
const [LOWER_F, LOWER_N, LOWER_T] = [102, 110, 116]
const WORDS = { true: Buffer.from('true'), false: Buffer.from('false'), null: Buffer.from('null') }

/** A whole number as `String()` writes it; any such number; any number at all. */
const [WHOLE, PLAIN, ANY] = [0, 1, 2]
/** With more digits, or more decimals, `String()` may write a number in another way. */
const PLAIN_DIGITS = 15
const PLAIN_DECIMALS = 6

/** Where so many events on end have another order, that order is learned. */
const PATIENCE = 64

export class FlatEvents {
  readonly #columnOf: ReadonlyMap<string, number>
  /** Of each column: how a number must be written for its text to mean the same as the number. */
  readonly #numbers: Uint8Array
  readonly #stride: number
  /** `"name"` of each field, in the order learned. */
  #names: Uint8Array[] = []
  /** Column of each field; -1 for one that is not wanted. */
  #columns = new Int32Array(0)
  #missed = 0

  /** @param direct whether a JSON number is the value of the column as it is */
  constructor(specs: readonly ColumnSpec[], direct: readonly boolean[]) {
    this.#columnOf = new Map(specs.map(({ name }, column) => [name, column]))
    this.#numbers = Uint8Array.from(specs, (spec, column) => {
      if (!direct[column]) return PLAIN
      if (spec.decimal === ',') return WHOLE
      return spec.loose === true || isDecorated(spec) ? PLAIN : ANY
    })
    this.#stride = 2 * specs.length
  }

  /** Takes note of an event that was left to `JSON.parse`. */
  missed(event: object): void {
    if (this.#missed++ % PATIENCE > 0) return
    const names = Object.keys(event)
    this.#names = names.map((name) => Buffer.from(JSON.stringify(name)))
    this.#columns = Int32Array.from(names, (name) => this.#columnOf.get(name) ?? -1)
  }

  /**
   * Finds the fields of the event in `bytes[from .. to)`.
   * @param fields gets the start and end of each column's text from place `at` on; both are 0 where there is none
   * @returns false where the event is to be parsed
   */
  find(bytes: Uint8Array, from: number, to: number, fields: Int32Array, at: number): boolean {
    const isFound = this.#find(bytes, from, to, fields, at)
    if (isFound) this.#missed = 0
    return isFound
  }

  #find(bytes: Uint8Array, from: number, to: number, fields: Int32Array, at: number): boolean {
    const names = this.#names
    const count = names.length
    fields.fill(0, at, at + this.#stride)
    if (bytes[from] !== OPEN_BRACE) return false
    let p = from + 1
    // Names are tried in their order only, so that none is taken twice. What lies beyond `to` is seen at the end.
    for (let field = 0; ; field += 1) {
      while (bytes[p] === SPACE) p += 1
      while (field < count && !stands(names[field]!, bytes, p)) field += 1
      if (field === count) return false
      p += names[field]!.length
      while (bytes[p] === SPACE) p += 1
      if (bytes[p] !== COLON) return false
      p += 1
      while (bytes[p] === SPACE) p += 1
      const column = this.#columns[field]!
      let start = p
      let end = p
      const first = bytes[p]
      if (first === QUOTE) {
        start = p + 1
        end = endOfString(bytes, start, to)
        if (end < 0) return false
        p = end + 1
      } else if (first === LOWER_N || first === LOWER_T || first === LOWER_F) {
        const word = first === LOWER_N ? WORDS.null : first === LOWER_T ? WORDS.true : WORDS.false
        if (!stands(word, bytes, p)) return false
        p += word.length
        if (first !== LOWER_N) end = p
      } else {
        end = p = endOfNumber(bytes, start, column < 0 ? ANY : this.#numbers[column]!)
        if (end < 0) return false
      }
      if (column >= 0 && end > start) {
        fields[at + 2 * column] = start
        fields[at + 2 * column + 1] = end
      }
      while (bytes[p] === SPACE) p += 1
      const last = bytes[p]
      p += 1
      if (last === COMMA) continue
      if (last !== CLOSE_BRACE || p > to) return false
      while (p < to && (bytes[p] === SPACE || bytes[p] === CR)) p += 1
      return p === to
    }
  }
}

function stands(text: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text[i]) return false
  return true
}

/** Of a string without escapes; -1 for any other. */
function endOfString(bytes: Uint8Array, start: number, to: number): number {
  for (let p = start; p < to; p += 1) {
    const c = bytes[p]!
    if (c === QUOTE) return p
    if (c === BACKSLASH || c < SPACE) return -1
  }
  return -1
}

const isDigit = (c: number | undefined): boolean => c !== undefined && c >= ZERO && c <= NINE

/** Of a number by JSON's grammar, written as `most` allows; else -1. */
function endOfNumber(bytes: Uint8Array, start: number, most: number): number {
  let p = start
  const isNegative = bytes[p] === MINUS
  if (isNegative) p += 1
  const whole = p
  if (bytes[p] === ZERO) p += 1
  else while (isDigit(bytes[p])) p += 1
  let digits = p - whole
  if (digits === 0) return -1
  let written = digits > PLAIN_DIGITS ? ANY : WHOLE
  if (bytes[p] === POINT) {
    const fraction = ++p
    while (isDigit(bytes[p])) p += 1
    const decimals = p - fraction
    if (decimals === 0) return -1
    digits += decimals
    const isPlain = digits <= PLAIN_DIGITS && decimals <= PLAIN_DECIMALS && bytes[p - 1] !== ZERO
    written = isPlain ? PLAIN : ANY
  } else if (isNegative && bytes[whole] === ZERO) written = ANY
  const c = bytes[p]
  if (c === LOWER_E || c === UPPER_E) {
    p += 1
    if (bytes[p] === MINUS || bytes[p] === PLUS) p += 1
    const exponent = p
    while (isDigit(bytes[p])) p += 1
    if (p === exponent) return -1
    written = ANY
  }
  return written <= most ? p : -1
}
