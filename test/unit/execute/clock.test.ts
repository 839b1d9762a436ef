import { expect, it } from 'vitest'
import { betterClock } from '../../../harness/execute/fleet/clock.ts'

const HOUR_MS = 3_600_000

it('goes by the more exact of two measurements of a clock, and by the newer where it was set', () => {
  const exact = { offset_ms: -HOUR_MS, error_ms: 1 }
  const rough = { offset_ms: -HOUR_MS + 5, error_ms: 20 }
  expect(betterClock(null, rough)).toBe(rough)
  expect(betterClock(rough, exact)).toBe(exact)
  expect(betterClock(exact, rough)).toBe(exact)
  const set = { offset_ms: 3, error_ms: 20 }
  expect(betterClock(exact, set)).toBe(set)
})
