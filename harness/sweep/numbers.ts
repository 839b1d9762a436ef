/** The numbers that a sweep may write: shares, as `2%` or `0.02`, and whole numbers within bounds. */
import { z } from 'zod'

const PERCENT = /^\d+(?:\.\d+)?\s*%$/

/** The share that `2%` or `0.02` says. */
export function shareOf(share: number | string): number {
  return typeof share === 'number' ? share : Number.parseFloat(share) / 100
}

/**
 * A share below 1; `above0` refuses 0 as well.
 * @param most in percent, where 100% and more are shares too, such as of a slowdown; without the sign it stays below 1
 */
export function shareType(above0 = false, most?: number): z.ZodType<number | string> {
  const range = most === undefined ? 'from 0% to below 100%' : `from 0% to ${most}%`
  const signed = most === undefined ? '' : '; from 1 on with its sign, such as 100%'
  const error = `a share ${above0 ? 'above 0 and below 1' : range}, such as 2% or 0.02${signed}`
  const number = above0 ? z.number({ error }).gt(0, { error }) : z.number({ error }).min(0, { error })
  const isBelow = (share: string) =>
    most === undefined ? shareOf(share) < 1 : Number.parseFloat(share) <= most
  const text = z
    .string({ error })
    .regex(PERCENT, { error })
    .refine((share) => isBelow(share) && (!above0 || shareOf(share) > 0), { error })
  return z.union([number.lt(1, { error }), text], { error })
}

// ---------------------------------------------------------------- the type of a whole number within bounds

/** A whole number from `low` to `high`; every failure says so. */
export function wholeNumber(low: number, high: number): z.ZodType<number> {
  const upper = high === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${high}`
  const error = `a whole number, ${low} ${upper}`
  return z.int({ error }).min(low, { error }).max(high, { error })
}
