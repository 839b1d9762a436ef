/** Where a data set's plan comes from: its preset, or the types of its columns. */
import type { ColumnSpec } from '../data/columns.ts'
import { presetOf } from '../data/presets/presets.ts'
import { typedColumns, type UntypedDataset } from '../data/schema.ts'
import { withFeatures } from './features/declared.ts'
import { nba2kFeatures } from './features/nba2k.ts'
import { type Formula, month, months, year } from './features/table.ts'
import type { FeatureSet, Plan, PresetFeatures } from './plan.ts'

/** Presets whose columns become more than what their types allow. */
const FEATURES: ReadonlyMap<string, (set: FeatureSet) => PresetFeatures> = new Map([['nba2k', nba2kFeatures]])

/**
 * @throws {Error} for an unknown preset, or settings that contradict it
 * @throws {DataError} as `typedColumns`
 */
export async function planFor(dataset: UntypedDataset, features: FeatureSet): Promise<Plan> {
  const { preset, target, columns } = dataset
  const declared = dataset.features ?? []
  if (preset === null) return withFeatures(await planFromTypes(dataset), declared)
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

/** @throws {Error} listing the presets where there is none of that name */
export function presetPlan(name: string, set: FeatureSet): Plan {
  const { target, specs } = presetOf(name)
  const made = FEATURES.get(name)?.(set) ?? {
    categories: new Map(),
    features: genericFeatures(specs, target),
  }
  return { specs, target, columns: new Map(), schema: null, notes: [], ...made }
}

async function planFromTypes(dataset: UntypedDataset): Promise<Plan> {
  const { schema, specs, target, notes, zeroOrOne } = await typedColumns(dataset)
  return {
    ...{ specs, target, notes, schema, columns: schema, categories: new Map() },
    features: genericFeatures(specs, target),
    ...(zeroOrOne && { zeroOrOne }),
  }
}

/** Numbers as they are; a date as its day number, year and month; a category as a one-hot slot. */
function genericFeatures(specs: readonly ColumnSpec[], target: string): Plan['features'] {
  const formulas: Formula[] = []
  const dense: string[] = []
  const slots: string[] = []
  for (const { name, kind } of specs) {
    if (name === target) continue
    if (kind === 'category') slots.push(name)
    else dense.push(name)
    if (kind === 'date') {
      const [inMonths, inYear, inMonth] = [`${name} (months)`, `${name} (year)`, `${name} (month)`]
      formulas.push({ name: inMonths, from: [name], fill: months })
      formulas.push({ name: inYear, from: [inMonths], fill: year })
      formulas.push({ name: inMonth, from: [inMonths], fill: month })
      dense.push(inYear, inMonth)
    }
  }
  return { formulas, dense, slots }
}
