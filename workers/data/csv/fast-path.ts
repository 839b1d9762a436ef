/**
 * Numbers and dates from bytes, a block of fields at a time: each form has a loop of its own, since a call for each
 * field that the compiler cannot inline would put every number on the heap.
 */

import type { KernelFunctions, Kernels } from '../../kernels.ts'
import type { ColumnSpec } from '../columns.ts'
import { daysFromCivil } from '../dates.ts'
import { dateFormat, isDecorated } from '../decode.ts'
import { DATE_FORMATS, type DateFormat } from '../types.ts'
import { parseDecimal, parseGrouped, parseLoose, parseShort } from './decimal.ts'

const INT_BYTES = 4
const FLOAT_BYTES = 8

const SPACE = 32
const ZERO = 48
const NINE = 57
const SLASH = 47
const DASH = 45
/** Two-digit years below this are 20xx. */
const PIVOT_YEAR = 50

/**
 * Reads `rows` fields into `out`, from place `to` on: `fields[at]` and `fields[at + 1]` are the start and end of the first in `bytes`, and the
 * next one's are `stride` further on. Writes NaN where it cannot tell, and for an empty field.
 */
type Loop = (
  bytes: Uint8Array,
  fields: Int32Array,
  at: number,
  stride: number,
  rows: number,
  out: Float64Array,
  to: number,
) => void

/** The same, and lists the rows with NaN, from 0, ascending; how many those are. */
export type FastPath = (...args: [...Parameters<Loop>, odd: Int32Array]) => number

/** The fast path in JavaScript: what the kernels' one must give too. */
export function fastPath(spec: ColumnSpec): FastPath {
  const loop = loopFor(spec)
  return (bytes, fields, at, stride, rows, out, to, odd) => {
    loop(bytes, fields, at, stride, rows, out, to)
    let count = 0
    for (let row = 0; row < rows; row++) if (Number.isNaN(out[to + row]!)) odd[count++] = row
    return count
  }
}

/** The fast path by kernels; all arrays that it is given lie in their memory. Null where they have none for the spec. */
export function compiledPath(spec: ColumnSpec, kernels: Kernels): FastPath | null {
  const kernel = kernelFor(spec, kernels)
  if (kernel === null) return null
  return (bytes, fields, at, stride, rows, out, to, odd) =>
    kernel(
      bytes.byteOffset,
      fields.byteOffset + INT_BYTES * at,
      INT_BYTES * stride,
      rows,
      out.byteOffset + FLOAT_BYTES * to,
      odd.byteOffset,
    )
}

function kernelFor(spec: ColumnSpec, kernels: Kernels): KernelFunctions['numbers'] | null {
  const { run } = kernels
  if (spec.kind === 'date') {
    const format = dateFormat(spec)
    const number = DATE_FORMATS.indexOf(format)
    return hasBytesForm(format) ? (...args) => run.dates(...args, number) : null
  }
  const { after, loose, currency = '', unit = '' } = spec
  if (spec.decimal === ',') return null
  const text = (written: string): [at: number, length: number] => {
    const bytes = Buffer.from(written)
    const kept = kernels.bytes(bytes.length)
    kept.set(bytes)
    return [kept.byteOffset, bytes.length]
  }
  if (loose !== true && isDecorated(spec)) {
    if (after !== undefined) return null
    const [currencyAt, currencyLength] = text(currency)
    const [unitAt, unitLength] = text(unit)
    return (...args) => run.decoratedNumbers(...args, currencyAt, currencyLength, unitAt, unitLength)
  }
  if (after === undefined) return loose === true ? run.looseNumbers : run.numbers
  const [at, length] = text(after)
  return (...args) => run.numbersAfter(...args, at, length, loose === true ? 1 : 0)
}

function loopFor(spec: ColumnSpec): Loop {
  if (spec.kind === 'date') return dates(dateFormat(spec))
  const { after, loose, currency = '', unit = '' } = spec
  if (spec.decimal === ',') return after === undefined ? swapping(loopFor({ ...spec, decimal: '.' })) : unread
  // Both an `after` and decorations: too rare for a loop of its own.
  if (loose !== true && isDecorated(spec)) {
    return after === undefined ? decorated(Buffer.from(currency), Buffer.from(unit)) : unread
  }
  if (after === undefined) return loose === true ? looseNumbers : numbers
  return loose === true ? looseNumbersAfter(Buffer.from(after)) : numbersAfter(Buffer.from(after))
}

function dates(format: DateFormat): Loop {
  return (bytes, fields, at, stride, rows, out, to) => {
    for (let i = to; i < to + rows; i++, at += stride) {
      out[i] = parseDateBytes(bytes, fields[at]!, fields[at + 1]!, format)
    }
  }
}

const numbers: Loop = (bytes, fields, at, stride, rows, out, to) => {
  for (let i = to; i < to + rows; i++, at += stride) {
    const start = fields[at]!
    const end = fields[at + 1]!
    const value = parseShort(bytes, start, end)
    out[i] = value >= 0 ? value : parsePadded(bytes, start, end)
  }
}

const looseNumbers: Loop = (bytes, fields, at, stride, rows, out, to) => {
  for (let i = to; i < to + rows; i++, at += stride) {
    out[i] = parseLoose(bytes, fields[at]!, fields[at + 1]!)
  }
}

/** Room for a number of the longest form worth a fast path. */
const COPY = new Uint8Array(32)
const COMMA = 44
const POINT = 46

const COPIED = new Int32Array(2)

/** Reads numbers with a decimal comma, and points between thousands, as the others are read. */
function swapping(loop: Loop): Loop {
  return (bytes, fields, at, stride, rows, out, to) => {
    for (let i = to; i < to + rows; i++, at += stride) {
      const start = fields[at]!
      const length = fields[at + 1]! - start
      out[i] = Number.NaN
      if (length > COPY.length) continue
      for (let p = 0; p < length; p++) {
        const byte = bytes[start + p]!
        COPY[p] = byte === COMMA ? POINT : byte === POINT ? COMMA : byte
      }
      COPIED[1] = length
      loop(COPY, COPIED, 0, 2, 1, out, i)
    }
  }
}

const unread: Loop = (_bytes, _fields, _at, _stride, rows, out, to) => out.fill(Number.NaN, to, to + rows)

/** The currency sign before, the unit after, one space at most between them and the number. */
function decorated(currency: Uint8Array, unit: Uint8Array): Loop {
  return (bytes, fields, at, stride, rows, out, to) => {
    for (let i = to; i < to + rows; i++, at += stride) {
      let start = fields[at]!
      let end = fields[at + 1]!
      if (stands(currency, bytes, start, end)) start += currency.length
      if (unit.length > 0) {
        if (!stands(unit, bytes, end - unit.length, end) || end - unit.length < start) {
          out[i] = Number.NaN
          continue
        }
        end -= unit.length
        if (bytes[end - 1] === SPACE) end--
      }
      out[i] = parseGrouped(bytes, start, end)
    }
  }
}

function stands(text: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (start + text.length > end) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

function numbersAfter(text: Uint8Array): Loop {
  return (bytes, fields, at, stride, rows, out, to) => {
    for (let i = to; i < to + rows; i++, at += stride) {
      const end = fields[at + 1]!
      const from = behindLast(bytes, fields[at]!, end, text)
      if (from < 0) {
        out[i] = Number.NaN
        continue
      }
      const value = parseShort(bytes, from, end)
      out[i] = value >= 0 ? value : parsePadded(bytes, from, end)
    }
  }
}

function looseNumbersAfter(text: Uint8Array): Loop {
  return (bytes, fields, at, stride, rows, out, to) => {
    for (let i = to; i < to + rows; i++, at += stride) {
      const end = fields[at + 1]!
      const from = behindLast(bytes, fields[at]!, end, text)
      out[i] = from < 0 ? Number.NaN : parseLoose(bytes, from, end)
    }
  }
}

/** A decimal number between spaces. */
function parsePadded(bytes: Uint8Array, start: number, end: number): number {
  while (start < end && bytes[start] === SPACE) start++
  while (start < end && bytes[end - 1] === SPACE) end--
  return parseDecimal(bytes, start, end)
}

/** Where the last occurrence of `text` in `bytes[start .. end)` ends, or -1. */
function behindLast(bytes: Uint8Array, start: number, end: number, text: Uint8Array): number {
  if (text.length === 0) return -1
  const last = text.length - 1
  const mark = text[last]!
  const lowest = start + last
  for (let p = end - 1; p >= lowest; p--) {
    if (bytes[p] !== mark) continue
    let i = last - 1
    while (i >= 0 && bytes[p - last + i] === text[i]) i--
    if (i < 0) return p + 1
  }
  return -1
}

/** The forms that are known from bytes; the others are for the strings. */
const FORMS_IN_BYTES: readonly DateFormat[] = ['iso', 'mdy4', 'dmy4', 'mdy2']

function hasBytesForm(format: DateFormat): boolean {
  return FORMS_IN_BYTES.includes(format)
}

/**
 * The date in `bytes[start .. end)` as days since 1970-01-01; NaN where this fast path cannot tell, which says
 * nothing about the text. Knows `-` in ISO dates and `/` in the others.
 */
export function parseDateBytes(bytes: Uint8Array, start: number, end: number, format: DateFormat): number {
  if (!hasBytesForm(format)) return Number.NaN
  const iso = format === 'iso'
  const mark = iso ? DASH : SLASH
  let first = 0
  let second = 0
  let value = 0
  let from = start
  let marks = 0
  for (let p = start; p < end; p++) {
    const c = bytes[p]!
    if (c >= ZERO && c <= NINE) {
      value = value * 10 + (c - ZERO)
    } else if (c === mark && marks < 2) {
      const digits = p - from
      if (iso && marks === 0 ? digits !== 4 : digits < 1 || digits > 2) return Number.NaN
      if (marks++ === 0) first = value
      else second = value
      value = 0
      from = p + 1
    } else {
      return Number.NaN
    }
  }
  const digits = end - from
  if (marks < 2) return Number.NaN
  if (iso)
    return digits === 1 || digits === 2 ? (daysFromCivil(first, second, value) ?? Number.NaN) : Number.NaN
  if (digits !== (format === 'mdy2' ? 2 : 4)) return Number.NaN
  if (format === 'dmy4') return daysFromCivil(value, second, first) ?? Number.NaN
  const year = format === 'mdy4' ? value : value + (value < PIVOT_YEAR ? 2000 : 1900)
  return daysFromCivil(year, first, second) ?? Number.NaN
}
