/** How learners write arrays into their JSON state and read it back, bit by bit and with clear errors. */
import type { LearnerState } from './learner.ts'

/** Base64 of the little-endian bytes: exact for every double, and shorter than decimal text. */
export function encodeFloats(values: Float64Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

export function encodeInts(values: Int32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

/** @throws {TypeError} where the field is absent or of another type */
export function readFloats(state: LearnerState, field: string): Float64Array<ArrayBuffer> {
  const bytes = Buffer.from(readString(state, field), 'base64')
  if (bytes.length % 8 !== 0) throw wrong(state, field, 'base64 of 64-bit floats')
  return new Float64Array(new Uint8Array(bytes).buffer)
}

/** @throws {TypeError} where the field is absent or of another type */
export function readInts(state: LearnerState, field: string): Int32Array<ArrayBuffer> {
  const bytes = Buffer.from(readString(state, field), 'base64')
  if (bytes.length % 4 !== 0) throw wrong(state, field, 'base64 of 32-bit integers')
  return new Int32Array(new Uint8Array(bytes).buffer)
}

/** @throws {TypeError} where the field is absent or of another type */
export function readNumber(state: LearnerState, field: string): number {
  const value = state[field]
  if (typeof value !== 'number') throw wrong(state, field, 'a number')
  return value
}

/** @throws {TypeError} where the field is absent or of another type */
export function readString(state: LearnerState, field: string): string {
  const value = state[field]
  if (typeof value !== 'string') throw wrong(state, field, 'text')
  return value
}

/** @throws {TypeError} where the field is absent or of another type */
export function readObject(state: LearnerState, field: string): Record<string, unknown> {
  const value = state[field]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(state, field, 'an object')
  }
  return value as Record<string, unknown>
}

function wrong(state: LearnerState, field: string, expected: string): TypeError {
  return new TypeError(
    `state of learner "${state.learner}": "${field}" must be ${expected}, not ${JSON.stringify(state[field]) ?? 'absent'}`,
  )
}

/** A copy with room for at least `size` values, the new ones 0; the same array where it is already large enough. */
export function grownFloats(values: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  if (values.length >= size) return values
  const larger = new Float64Array(Math.max(size, values.length * 2))
  larger.set(values)
  return larger
}

/** Length up to the last value that is not 0: room to grow is not part of the state. */
export function usedLength(values: Float64Array): number {
  let used = values.length
  while (used > 0 && values[used - 1] === 0) used -= 1
  return used
}
