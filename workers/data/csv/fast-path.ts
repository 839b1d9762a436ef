/**
 * Numbers and dates from bytes, a block of fields at a time: each form has a loop of its own, since a call for each
 * field that the compiler cannot inline would put every number on the heap.
 */

import type { ColumnSpec } from '../columns.ts'
import { daysFromCivil } from '../dates.ts'
import { dateFormat, isDecorated } from '../decode.ts'
import type { DateFormat } from '../types.ts'
import { parseDecimal, parseGrouped, parseLoose, parseShort } from './decimal.ts'

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
export type FastPath = (
  bytes: Uint8Array,
  fields: Int32Array,
  at: number,
  stride: number,
  rows: number,
  out: Float64Array,
  to: number,
) => void

export function fastPath(spec: ColumnSpec): FastPath {
  if (spec.kind === 'date') return dates(dateFormat(spec))
  const { after, loose, currency = '', unit = '' } = spec
  // Both an `after` and decorations: too rare for a loop of its own.
  if (loose !== true && isDecorated(spec)) {
    return after === undefined ? decorated(Buffer.from(currency), Buffer.from(unit)) : unread
  }
  if (after === undefined) return loose === true ? looseNumbers : numbers
  return loose === true ? looseNumbersAfter(Buffer.from(after)) : numbersAfter(Buffer.from(after))
}

function dates(format: DateFormat): FastPath {
  return (bytes, fields, at, stride, rows, out, to) => {
    for (let i = to; i < to + rows; i++, at += stride) {
      out[i] = parseDateBytes(bytes, fields[at]!, fields[at + 1]!, format)
    }
  }
}

const numbers: FastPath = (bytes, fields, at, stride, rows, out, to) => {
  for (let i = to; i < to + rows; i++, at += stride) {
    const start = fields[at]!
    const end = fields[at + 1]!
    const value = parseShort(bytes, start, end)
    out[i] = value >= 0 ? value : parsePadded(bytes, start, end)
  }
}

const looseNumbers: FastPath = (bytes, fields, at, stride, rows, out, to) => {
  for (let i = to; i < to + rows; i++, at += stride) {
    out[i] = parseLoose(bytes, fields[at]!, fields[at + 1]!)
  }
}

const unread: FastPath = (_bytes, _fields, _at, _stride, rows, out, to) => out.fill(Number.NaN, to, to + rows)

/** The currency sign before, the unit after, one space at most between them and the number. */
function decorated(currency: Uint8Array, unit: Uint8Array): FastPath {
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

function numbersAfter(text: Uint8Array): FastPath {
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

function looseNumbersAfter(text: Uint8Array): FastPath {
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

/**
 * The date in `bytes[start .. end)` as days since 1970-01-01; NaN where this fast path cannot tell, which says
 * nothing about the text. Knows `-` in ISO dates and `/` in the others.
 */
export function parseDateBytes(bytes: Uint8Array, start: number, end: number, format: DateFormat): number {
  if (format === 'ymd' || format === 'dmy2') return Number.NaN
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
