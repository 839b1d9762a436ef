/** Interval of the ratio of two means. */
import type { Interval } from './estimate.ts'

/**
 * Fieller's interval (1954) of b / a for independent means.
 * Null where a is not clearly different from zero, since every ratio is then possible.
 * @param critical quantile of Student's t; with Welch's degrees of freedom the interval excludes 1 exactly
 *   when Welch's test rejects
 */
export function fiellerInterval(
  a: { mean: number; standardError: number },
  b: { mean: number; standardError: number },
  critical: number,
): Interval | null {
  const varianceA = (critical * a.standardError) ** 2
  const varianceB = (critical * b.standardError) ** 2
  const leading = a.mean ** 2 - varianceA
  if (!(leading > 0)) return null
  const centre = (a.mean * b.mean) / leading
  const half =
    Math.sqrt(Math.max(0, a.mean ** 2 * varianceB + b.mean ** 2 * varianceA - varianceA * varianceB)) /
    leading
  return { low: centre - half, high: centre + half }
}
