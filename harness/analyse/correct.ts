/** p-values adjusted for having looked at many; nulls (pairs that were not tested) stay null and do not count. */
import type { Correction } from '../sweep/types.ts'

export function adjust(p: readonly (number | null)[], correction: Correction): (number | null)[] {
  return correction === 'bh' ? benjaminiHochberg(p) : holm(p)
}

/** Holm's step-down (1979): bounds the chance of one or more false alarms, whatever the dependence. */
export function holm(p: readonly (number | null)[]): (number | null)[] {
  const { order, adjusted } = ranked(p)
  let largest = 0
  for (const [rank, entry] of order.entries()) {
    largest = Math.max(largest, (order.length - rank) * entry.p)
    adjusted[entry.index] = Math.min(1, largest)
  }
  return adjusted
}

/** Benjamini & Hochberg's step-up (1995): bounds the share of false alarms among the alarms. */
export function benjaminiHochberg(p: readonly (number | null)[]): (number | null)[] {
  const { order, adjusted } = ranked(p)
  let smallest = 1
  for (let rank = order.length - 1; rank >= 0; rank--) {
    const entry = order[rank]!
    smallest = Math.min(smallest, (order.length / (rank + 1)) * entry.p)
    adjusted[entry.index] = smallest
  }
  return adjusted
}

function ranked(p: readonly (number | null)[]) {
  const order: { p: number; index: number }[] = []
  for (const [index, value] of p.entries()) {
    if (value !== null && Number.isFinite(value)) order.push({ p: value, index })
  }
  order.sort((a, b) => a.p - b.p)
  return { order, adjusted: new Array<number | null>(p.length).fill(null) }
}
