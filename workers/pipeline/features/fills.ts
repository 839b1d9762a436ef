/** The arithmetic that feature tables share, a column at a time. */
import { monthIndex } from '../../data/dates.ts'
import type { Fill } from './table.ts'

export const minus: Fill = (out, rows, a, b) => {
  for (let i = 0; i < rows; i += 1) out[i] = a[i]! - b[i]!
}

export const times: Fill = (out, rows, a, b) => {
  for (let i = 0; i < rows; i += 1) out[i] = a[i]! * b[i]!
}

/** a plus a constant. */
export function plus(constant: number): Fill {
  return (out, rows, a) => {
    for (let i = 0; i < rows; i += 1) out[i] = a[i]! + constant
  }
}

/** Months since year 0 of a day number: what `year` and `month` start from, so that the calendar is gone through once. */
export const months: Fill = (out, rows, days) => {
  for (let i = 0; i < rows; i += 1) out[i] = monthIndex(days[i]!)
}

/** Year of `months`. */
export const year: Fill = (out, rows, a) => {
  for (let i = 0; i < rows; i += 1) out[i] = Math.floor(a[i]! / 12)
}

/** Month of `months`, 1 for January. */
export const month: Fill = (out, rows, a) => {
  for (let i = 0; i < rows; i += 1) out[i] = a[i]! - 12 * Math.floor(a[i]! / 12) + 1
}
