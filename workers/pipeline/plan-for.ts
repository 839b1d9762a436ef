/** Where a data set's plan comes from: its preset, or a sample of its rows. */
import type { PreparedDataset } from '../contract.ts'
import type { FeatureSet, Plan } from './plan.ts'
import { planFromSample } from './plan-from-sample.ts'
import { presetPlan } from './presets/presets.ts'

/**
 * @throws {Error} for an unknown preset, or settings that contradict it
 * @throws {DataError} as `planFromSample`
 */
export async function planFor(dataset: PreparedDataset, features: FeatureSet): Promise<Plan> {
  const { preset, target, columns } = dataset
  if (preset === null) return planFromSample(dataset)
  const plan = presetPlan(preset, features)
  if (target !== null && target !== plan.target) {
    throw new Error(
      `dataset.target is "${target}", but preset ${preset} predicts "${plan.target}": drop dataset.target, or drop dataset.preset`,
    )
  }
  if (Object.keys(columns).length > 0) {
    throw new Error(`dataset.columns cannot be combined with preset ${preset}, which types its own columns`)
  }
  return plan
}
