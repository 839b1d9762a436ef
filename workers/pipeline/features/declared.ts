/** From features that a sweep declares under `dataset.features` to entries of the feature table. */

import { hourOf, monthIndex, weekdayOf } from '../../data/dates.ts'
import type { FeatureDeclaration, FeatureOp } from '../../data/types.ts'
import type { Plan } from '../plan.ts'
import { power } from '../power.ts'
import { Elementwise, HISTORIES, Past } from './history.ts'
import type { DeclaredFeature } from './table.ts'

type RowFunction = (values: Float64Array) => number

interface Elementary {
  operands: 1 | 2 | 'many'
  of: (declaration: FeatureDeclaration) => RowFunction
}

const one = (of: (x: number) => number): Elementary => ({ operands: 1, of: () => (v) => of(v[0]!) })
const two = (of: (a: number, b: number) => number): Elementary => ({
  operands: 2,
  of: () => (v) => of(v[0]!, v[1]!),
})
const many = (of: (a: number, b: number) => number): Elementary => ({
  operands: 'many',
  of: () => (v) => v.reduce(of),
})

const ELEMENTWISE: Partial<Record<FeatureOp, Elementary>> = {
  sum: many((a, b) => a + b),
  difference: two((a, b) => a - b),
  product: many((a, b) => a * b),
  ratio: two((a, b) => a / b),
  power: {
    operands: 1,
    of:
      ({ exponent = 2 }) =>
      (v) =>
        power(v[0]!, exponent),
  },
  log: one(Math.log),
  sqrt: one(Math.sqrt),
  abs: one(Math.abs),
  year: one((day) => Math.floor(monthIndex(day) / 12)),
  month: one((day) => monthIndex(day) - 12 * Math.floor(monthIndex(day) / 12) + 1),
  weekday: one(weekdayOf),
  hour: one(hourOf),
}

const CALENDAR: readonly FeatureOp[] = ['year', 'month', 'weekday', 'hour']

/**
 * The plan with the declared features as further dense ones.
 * @throws {Error} naming the declaration that makes no sense, and what was expected
 */
export function withFeatures(plan: Plan, declarations: readonly FeatureDeclaration[]): Plan {
  if (declarations.length === 0) return plan
  const numbers = new Set(plan.specs.filter(({ kind }) => kind !== 'category').map(({ name }) => name))
  for (const { name } of plan.features.formulas) numbers.add(name)
  const scope: Scope = {
    numbers,
    categories: plan.specs.filter(({ kind }) => kind === 'category').map(({ name }) => name),
    dates: plan.specs.filter(({ kind }) => kind === 'date').map(({ name }) => name),
    target: plan.target,
    dropped: [...(plan.schema ?? [])].filter(([, { kind }]) => kind === 'drop').map(([name]) => name),
  }
  const declared = declarations.map((declaration, i) => {
    const feature = featureOf(declaration, scope, `dataset.features[${i}]`)
    numbers.add(feature.name)
    return feature
  })
  const dense = [...plan.features.dense, ...declared.map(({ name }) => name)]
  return { ...plan, features: { ...plan.features, declared, dense } }
}

/** True where a feature is made of earlier targets, so that it hangs on when targets are known. */
export function usesTarget(plan: Plan): boolean {
  return plan.features.declared?.some(({ of }) => of.includes(plan.target)) ?? false
}

interface Scope {
  numbers: ReadonlySet<string>
  categories: readonly string[]
  dates: readonly string[]
  target: string
  /** Columns that are not read. */
  dropped: readonly string[]
}

function featureOf(declaration: FeatureDeclaration, scope: Scope, key: string): DeclaredFeature {
  const { op, by, window, alpha, exponent } = declaration
  const of = [declaration.of].flat()
  const name = declaration.name ?? nameOf(declaration, of)
  const refuse = (what: string): never => {
    throw new Error(`${key} (${name}): ${what}`)
  }
  if (scope.numbers.has(name) || scope.categories.includes(name))
    refuse('there is a column or feature of that name')
  for (const operand of of) {
    if (scope.numbers.has(operand)) continue
    const why = scope.categories.includes(operand)
      ? ', which is a category'
      : scope.dropped.includes(operand)
        ? ', a column that is dropped; dataset.columns can give it a kind'
        : ''
    refuse(`no number column or feature "${operand}"${why}; there are ${[...scope.numbers].join(', ')}`)
  }
  if (by !== undefined && !scope.categories.includes(by)) {
    refuse(`by: no category column "${by}"; there are ${scope.categories.join(', ') || 'none'}`)
  }
  const elementary = Object.hasOwn(ELEMENTWISE, op) ? ELEMENTWISE[op] : undefined
  if (elementary !== undefined) {
    if (elementary.operands !== 'many' && of.length !== elementary.operands) {
      refuse(
        `${op} is of ${elementary.operands} column${elementary.operands === 1 ? '' : 's'}, not ${of.length}`,
      )
    }
    if (elementary.operands === 'many' && of.length < 2) refuse(`${op} is of two columns or more`)
    if (of.includes(scope.target)) refuse(`made of the target itself, it would give the answer away`)
    if (CALENDAR.includes(op) && !scope.dates.includes(of[0]!)) refuse(`${op} is of a date column`)
    const unused = Object.entries({ by, window, alpha }).find(([, value]) => value !== undefined)
    if (unused !== undefined) refuse(`${op} takes no ${unused[0]}`)
    const compute = elementary.of(declaration)
    return { name, of, by: null, start: (_, state) => new Elementwise(of.length, compute, state) }
  }
  if (of.length !== 1) refuse(`${op} is of one column, not ${of.length}`)
  const weighted = op.startsWith('ewm')
  if (weighted && alpha === undefined) refuse('alpha is missing: the weight of the newest value, such as 0.1')
  if (!weighted && op !== 'count' && op !== 'lag' && window === undefined) {
    refuse('window is missing: how many earlier rows, such as 7')
  }
  if (exponent !== undefined) refuse(`${op} takes no exponent`)
  if (!Object.hasOwn(HISTORIES, op)) refuse(`unknown op "${op}"`)
  const options = { window: window ?? 1, alpha: alpha ?? 1 }
  return { name, of, by: by ?? null, start: (labels, state) => new Past(op, options, labels, state) }
}

function nameOf({ op, by, window, alpha, exponent }: FeatureDeclaration, of: readonly string[]): string {
  const settings = [window, alpha, exponent].filter((setting) => setting !== undefined)
  return `${op}(${[...of, ...settings].join(', ')})${by === undefined ? '' : ` by ${by}`}`
}
