/**
 * A WebAssembly function that finds marks in a window of bytes, 64 at a time, assembled here instruction by
 * instruction: JavaScript has no vectors. Opcodes are those of the WebAssembly core specification, version 2.
 */

/** Bytes looked at in one go: their marks stay in the processor's first cache. */
export const WINDOW_BYTES = 8 * 1024
/** Bytes of one turn of the loop; the window is filled up to a multiple of it with bytes that are no marks. */
export const BLOCK_BYTES = 64
/** Places are written four at a time: some may be written behind the last. */
const SLACK_BYTES = 16
const LISTED_BYTES = 4 * WINDOW_BYTES + SLACK_BYTES
/** Where in the memory the lists of places start; the window is at its begin. */
export const PLACES_AT = WINDOW_BYTES
export const OTHERS_AT = PLACES_AT + LISTED_BYTES
const PAGE_BYTES = 65_536
const PAGES = Math.ceil((OTHERS_AT + LISTED_BYTES) / PAGE_BYTES)
/** Control characters below this are marks, line ends among them. */
const CONTROLS = 16
/** The result holds two counts. */
export const COUNT_BITS = 16

/** What is used of the runtime's global object; the language's own types leave it out. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: unknown }
}

export interface MarkFinder {
  memory: { buffer: ArrayBuffer }
  /**
   * Lists the places in the window at which a separator, a quote or a control character stands, and those of them
   * without the separators, ascending, each with `from` added.
   * @returns the length of the first list, plus that of the second shifted by COUNT_BITS
   */
  find(length: number, from: number, separator: number, quote: number): number
}

/** Null where this machine has no WebAssembly, no vectors in it, or no address space left for its memory. */
export function markFinder(): MarkFinder | null {
  if (typeof WebAssembly === 'undefined') return null
  const bytes = moduleBytes()
  if (!WebAssembly.validate(bytes)) return null
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as MarkFinder
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

type Code = readonly number[]

const I32 = 0x7f
const I64 = 0x7e
const V128 = 0x7b

// Parameters and local variables of the function, by number.
const [LENGTH, FROM, SEPARATOR, QUOTE, AT, PLACES, OTHERS, WRITE, MARKS, OTHER_MARKS] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
]
const [SEPARATORS, QUOTES, CONTROL, BYTES, OTHER_BYTES] = [10, 11, 12, 13, 14]
const LOCALS = [
  [4, I32],
  [2, I64],
  [5, V128],
] as const

const get = (local: number): Code => [0x20, local]
const set = (local: number): Code => [0x21, local]
const tee = (local: number): Code => [0x22, local]
const int = (value: number): Code => [0x41, ...signed(value)]
const long = (value: number): Code => [0x42, ...signed(value)]
const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)]
const loop = (body: Code): Code => [0x03, 0x40, ...body, 0x0b]
const when = (body: Code): Code => [0x04, 0x40, ...body, 0x0b]
const AGAIN: Code = [0x0d, 0]
const [ADD, SUBTRACT, OR, SHIFT_LEFT, SHIFT_RIGHT, BELOW] = [[0x6a], [0x6b], [0x72], [0x74], [0x76], [0x49]]
const [LONG_SUBTRACT, LONG_AND, LONG_OR, LONG_SHIFT_LEFT] = [[0x7d], [0x83], [0x84], [0x86]]
const [TRAILING_ZEROS, ONES, IS_ZERO, NOT, WIDEN, NARROW] = [[0x7a], [0x7b], [0x50], [0x45], [0xad], [0xa7]]
const [SPLAT, EQUAL, LESS, EITHER, BIT_MASK] = [0x0f, 0x23, 0x26, 0x50, 0x64].map(vector)

/** Adds the marks of the 16 bytes at `offset` of the block to the masks. */
function sixteen(offset: number): Code {
  const into = (mask: number): Code => [
    ...[...BIT_MASK!, ...WIDEN, ...long(offset), ...LONG_SHIFT_LEFT],
    ...(offset === 0 ? set(mask) : [...get(mask), ...LONG_OR, ...set(mask)]),
  ]
  return [
    ...[...get(AT), ...vector(0), 0, ...unsigned(offset), ...tee(BYTES)],
    ...[...get(QUOTES), ...EQUAL!, ...get(BYTES), ...get(CONTROL), ...LESS!, ...EITHER!, ...tee(OTHER_BYTES)],
    ...into(OTHER_MARKS),
    ...[...get(BYTES), ...get(SEPARATORS), ...EQUAL!, ...get(OTHER_BYTES), ...EITHER!],
    ...into(MARKS),
  ]
}

/** Writes the place of the mask's lowest bit at `offset` behind WRITE, and takes the bit away. */
function place(mask: number, offset: number): Code {
  return [
    ...[...get(WRITE), ...get(mask), ...TRAILING_ZEROS, ...NARROW, ...get(AT), ...ADD, ...get(FROM), ...ADD],
    ...[0x36, 2, ...unsigned(offset)],
    ...[...get(mask), ...get(mask), ...long(1), ...LONG_SUBTRACT, ...LONG_AND, ...set(mask)],
  ]
}

/** Writes the places of all bits of the mask to a list, of which `end` is the end; `atOnce` a turn. */
function listed(mask: number, end: number, atOnce: number): Code {
  const places = Array.from({ length: atOnce }, (_, i) => place(mask, 4 * i)).flat()
  return [
    ...[...get(end), ...set(WRITE)],
    ...[...get(end), ...get(mask), ...ONES, ...NARROW, ...int(2), ...SHIFT_LEFT, ...ADD, ...set(end)],
    ...[...get(mask), ...IS_ZERO, ...NOT],
    ...when(
      loop([
        ...places,
        ...[...get(WRITE), ...int(4 * atOnce), ...ADD, ...set(WRITE)],
        ...[...get(mask), ...IS_ZERO, ...NOT, ...AGAIN],
      ]),
    ),
  ]
}

function body(): Code {
  const count = (end: number, start: number): Code => [
    ...[...get(end), ...int(start), ...SUBTRACT, ...int(2), ...SHIFT_RIGHT],
  ]
  return [
    ...[...get(SEPARATOR), ...SPLAT!, ...set(SEPARATORS), ...get(QUOTE), ...SPLAT!, ...set(QUOTES)],
    ...[...int(CONTROLS), ...SPLAT!, ...set(CONTROL)],
    ...[...int(PLACES_AT), ...set(PLACES), ...int(OTHERS_AT), ...set(OTHERS)],
    ...loop([
      ...[0, 16, 32, 48].flatMap(sixteen),
      ...listed(MARKS, PLACES, 4),
      ...listed(OTHER_MARKS, OTHERS, 1),
      ...[...get(AT), ...int(BLOCK_BYTES), ...ADD, ...tee(AT), ...get(LENGTH), ...BELOW, ...AGAIN],
    ]),
    ...count(PLACES, PLACES_AT),
    ...[...count(OTHERS, OTHERS_AT), ...int(COUNT_BITS), ...SHIFT_LEFT, ...OR],
    0x0b,
  ]
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content]
  const name = (text: string): Code => [text.length, ...Buffer.from(text)]
  const locals = [LOCALS.length, ...LOCALS.flat()]
  const code = [...locals, ...body()]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 4, I32, I32, I32, I32, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, PAGES, PAGES]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('find'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ])
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
