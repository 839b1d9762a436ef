/** Shares of a whole, written as `2%` or `0.02`. */
import { z } from 'zod'

const PERCENT = /^\d+(?:\.\d+)?\s*%$/

/** The share that `2%` or `0.02` says. */
export function shareOf(share: number | string): number {
  return typeof share === 'number' ? share : Number.parseFloat(share) / 100
}

/** A share below 1; `above0` refuses 0 as well. */
export function shareType(above0 = false): z.ZodType<number | string> {
  const error = `a share ${above0 ? 'above 0 and below 1' : 'from 0 to 1'}, such as 2% or 0.02`
  const number = above0 ? z.number({ error }).gt(0, { error }) : z.number({ error }).min(0, { error })
  const text = z
    .string({ error })
    .regex(PERCENT, { error })
    .refine((share) => shareOf(share) < 1 && (!above0 || shareOf(share) > 0), { error })
  return z.union([number.lt(1, { error }), text], { error })
}
