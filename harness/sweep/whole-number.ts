/** The type of a whole number within bounds. */
import { z } from 'zod'

/** A whole number from `low` to `high`; every failure says so. */
export function wholeNumber(low: number, high: number): z.ZodType<number> {
  const upper = high === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${high}`
  const error = `a whole number, ${low} ${upper}`
  return z.int({ error }).min(low, { error }).max(high, { error })
}
