/** A scenario's id and label. */
import { createHash } from 'node:crypto'
import type { Scalar } from '../../workers/workload.ts'
import type { Point } from './expand.ts'
import { SETTING_DEFAULTS } from './settings.ts'

/** Crockford's base 32 in lower case: no letters that look like digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
/** 50 bits: two of 100,000 scenarios share an id with a chance of 4 in a million. */
const ID_LENGTH = 10
const ID_BYTES = Math.ceil((ID_LENGTH * 5) / 8)

function base32(bytes: Uint8Array): string {
  let text = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(buffer >> bits) & 31]
    }
    buffer &= (1 << bits) - 1
  }
  return text
}

/**
 * Settings that count only where they are an axis: repeating a sweep with another seed or a longer deadline gives the
 * same scenarios.
 */
export const ONLY_AS_AXIS: ReadonlySet<string> = new Set([
  'random_seed',
  'timeout_s',
  'caps',
  'memory_scope',
  'pin_core',
])

/**
 * The part of `point` that identifies a scenario, as JSON with sorted keys.
 * A setting at its default is left out, so that a setting added to Stint later leaves old ids as they are.
 */
function canonical(point: Point, axes: readonly string[]): string {
  let text = ''
  for (const key of Object.keys(point).sort()) {
    const value = point[key]!
    if (identifies(key, value, axes))
      text += `${text === '' ? '' : ','}[${JSON.stringify(key)},${JSON.stringify(value)}]`
  }
  return `[${text}]`
}

function identifies(key: string, value: Scalar, axes: readonly string[]): boolean {
  if (ONLY_AS_AXIS.has(key) && !axes.includes(key)) return false
  if (key === 'random_seed') return true
  if (key === 'profile' || key === 'machine') return value !== null
  return SETTING_DEFAULTS[key] !== value
}

/** Ten letters and digits from the SHA-256 of `canonical(point)`; safe as a file name. */
export function scenarioId(point: Point, axes: readonly string[]): string {
  const digest = createHash('sha256').update(canonical(point, axes)).digest()
  return base32(digest.subarray(0, ID_BYTES)).slice(0, ID_LENGTH)
}

/** `batch_size=64 max_compute_units=0.5`; `alone` where nothing varies. */
export function scenarioLabel(point: Point, axes: readonly string[], alone: string): string {
  if (axes.length === 0) return alone
  return axes.map((key) => `${key}=${valueText(point[key] ?? 'none')}`).join(' ')
}

/** In quotes, as JSON, what a reader of the label would take for the next setting; none begins as a formula would. */
function valueText(value: NonNullable<Scalar>): string {
  const text = String(value)
  return /^"| .*=/s.test(text) ? JSON.stringify(text).replace(/^"=/, '"\\u003d') : text
}
