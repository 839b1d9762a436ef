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

/** The first preset that finds all its columns among these; null where none does. */
export function presetFor(columns: readonly string[]): string | null {
  const fits = (name: string) => PRESETS[name]!('rich').specs.every((spec) => columns.includes(spec.name))
  return Object.keys(PRESETS).find(fits) ?? null
}
