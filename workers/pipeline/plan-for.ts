/** Where a data set's plan comes from: its preset, or a sample of its rows. */
import { withFeatures } from './features/declared.ts'
import type { FeatureSet, Plan } from './plan.ts'
import { type PlannedDataset, planFromSample } from './plan-from-sample.ts'
import { presetPlan } from './presets/presets.ts'

/**
 * @throws {Error} for an unknown preset, or settings that contradict it
 * @throws {DataError} as `planFromSample`
 */
export async function planFor(dataset: PlannedDataset, features: FeatureSet): Promise<Plan> {
  const { preset, target, columns } = dataset
  const declared = dataset.features ?? []
  if (preset === null) return withFeatures(await planFromSample(dataset), declared)
  const plan = withFeatures(presetPlan(preset, features), declared)
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
