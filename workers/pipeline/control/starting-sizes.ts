/** Sizes to begin with under caps, before anything was measured. */
import type { Limits } from '../../workload.ts'

/** Smaller sizes spend their time on what each chunk costs whatever its rows. */
const SMALLEST_START = 16
const LEAST_FACTOR = 0.1
/** A cap of so many MB or more asks for no smaller sizes. */
const AMPLE_MEMORY_MB = 1024
const AMPLE_COMPUTE_UNITS = 1

/**
 * `max(16, floor(size x memory factor x compute factor))` with the factors `memory_mb / 1024` and
 * `compute_units`, each clamped to 0.1 ... 1 and 1 where there is no cap; at most `size` and `rows`.
 */
export function startingSize(size: number, limits: Limits, rows: number): number {
  const memory = factor(limits.memory_mb, AMPLE_MEMORY_MB)
  const compute = factor(limits.compute_units, AMPLE_COMPUTE_UNITS)
  const fitting = Math.max(SMALLEST_START, Math.floor(size * memory * compute))
  return Math.max(1, Math.min(fitting, size, rows))
}

function factor(cap: number | null, ample: number): number {
  return cap === null ? 1 : Math.min(1, Math.max(LEAST_FACTOR, cap / ample))
}
