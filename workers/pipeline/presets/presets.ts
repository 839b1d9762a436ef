/** Data sets that the pipeline knows by name. */
import type { FeatureSet, Plan } from '../plan.ts'
import { nba2kPlan } from './nba2k.ts'

const PRESETS: Readonly<Record<string, (features: FeatureSet) => Plan>> = {
  nba2k: nba2kPlan,
}

/** @throws {Error} listing the presets where there is none of that name */
export function presetPlan(name: string, features: FeatureSet): Plan {
  if (!Object.hasOwn(PRESETS, name)) {
    throw new Error(`unknown preset "${name}". Presets: ${Object.keys(PRESETS).join(', ')}`)
  }
  return PRESETS[name]!(features)
}
