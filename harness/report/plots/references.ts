/** Lines that give a score's worth: what no honest learner passes, and what guessing the mean would give. */
import { formatNumber } from '../../format.ts'
import type { ReportModel } from '../types.ts'

export interface Reference {
  value: number
  text: string
}

/** A line may stretch the axis to so many times the range of the data. */
const MAX_STRETCH = 2.6
const SMALLEST_RANGE = 0.02

/**
 * R2 alone has such lines. `shown` are near enough to draw; `far` are put into words.
 * @param values of the score in the picture
 */
export function referencesFor(
  model: ReportModel,
  metric: string,
  values: readonly number[],
): { shown: Reference[]; far: Reference[] } {
  if (metric !== 'r2') return { shown: [], far: [] }
  const low = values.reduce((a, b) => Math.min(a, b))
  const high = values.reduce((a, b) => Math.max(a, b))
  const range = Math.max(high - low, SMALLEST_RANGE)
  const ceilings = model.manifest.datasets
    .map((data) => data.ceiling_r2)
    .filter((ceiling) => ceiling !== null)
  const known = [...new Set(ceilings)].map((value) => ({
    value,
    text: `The data's own noise caps R² at ${formatNumber(value)}`,
  }))
  const shown: Reference[] = []
  const far: Reference[] = []
  for (const ceiling of known) {
    const near = Math.max(high, ceiling.value) - low <= range * MAX_STRETCH
    if (near) shown.push(ceiling)
    else far.push(ceiling)
  }
  if (low <= 0 && high >= 0) shown.push({ value: 0, text: 'Guessing the mean: R² 0' })
  return { shown, far }
}
