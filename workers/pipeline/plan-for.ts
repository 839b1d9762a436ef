/** Where a data set's plan comes from: its preset, or the types of its columns. */
import type { ColumnSpec } from '../data/columns.ts'
import { presetOf } from '../data/presets/presets.ts'
import type { Profiled } from '../data/profile-file.ts'
import { typedColumns, type UntypedDataset } from '../data/schema.ts'
import type { ColumnDeclaration } from '../data/types.ts'
import { withFeatures } from './features/declared.ts'
import { nba2kFeatures } from './features/nba2k.ts'
import { cyclic, type Fill, type Formula, hour, month, months, weekday, year } from './features/table.ts'
import type { FeatureSet, Plan, PresetFeatures } from './plan.ts'

/** Presets whose columns become more than what their types allow. */
const FEATURES: ReadonlyMap<string, (set: FeatureSet) => PresetFeatures> = new Map([['nba2k', nba2kFeatures]])

/**
 * @param profiled what was read of the file, where its types are to be found
 * @throws {Error} for an unknown preset, or settings that contradict it
 * @throws {DataError} as `typedColumns`
 */
export async function planFor(
  dataset: UntypedDataset,
  features: FeatureSet,
  profiled?: Profiled,
): Promise<Plan> {
  const { preset, target, columns } = dataset
  const declared = dataset.features ?? []
  if (preset === null) return withFeatures(await planFromTypes(dataset, profiled), declared)
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

async function planFromTypes(dataset: UntypedDataset, profiled?: Profiled): Promise<Plan> {
  const { schema, specs, target, notes } = await typedColumns(dataset, profiled)
  return {
    ...{ specs, target, notes, schema, columns: schema, categories: new Map() },
    features: genericFeatures(specs, target, schema),
  }
}

/** Numbers as they are; a date as its day number and all that its form has; a category as a one-hot slot. */
function genericFeatures(
  specs: readonly ColumnSpec[],
  target: string,
  schema?: ReadonlyMap<string, ColumnDeclaration>,
): Plan['features'] {
  const formulas: Formula[] = []
  const dense: string[] = []
  const slots: string[] = []
  const taken = new Set(specs.map(({ name }) => name))
  const add = (column: string, part: string, from: string, fill: Fill): string => {
    let name = `${column} (${part})`
    while (taken.has(name)) name += '*'
    taken.add(name)
    formulas.push({ name, from: [from], fill })
    return name
  }
  for (const { name, kind, format = 'iso' } of specs) {
    if (name === target) continue
    if (kind === 'category') slots.push(name)
    else dense.push(name)
    if (kind !== 'date') continue
    const cycle = (part: string, from: string, period: number, first: number) => [
      from,
      add(name, `${part} sin`, from, cyclic('sin', period, first)),
      add(name, `${part} cos`, from, cyclic('cos', period, first)),
    ]
    if (format !== 'time') {
      const inMonths = add(name, 'months', name, months)
      dense.push(add(name, 'year', inMonths, year))
      dense.push(...cycle('month', add(name, 'month', inMonths, month), MONTHS, 1))
      if (format !== 'ym') dense.push(...cycle('weekday', add(name, 'weekday', name, weekday), WEEKDAYS, 0))
    }
    if (format === 'time' || schema?.get(name)?.hours === true) {
      dense.push(...cycle('hour', add(name, 'hour', name, hour), HOURS, 0))
    }
  }
  return { formulas, dense, slots }
}

const MONTHS = 12
const WEEKDAYS = 7
const HOURS = 24
