/** Which scenarios are compared with which? */
import type { Scalar } from '../../workers/workload.ts'
import type { Scenario } from '../sweep/types.ts'
import type { Warning } from './warnings.ts'

interface ScenarioPair {
  /** The reference. */
  a: Scenario
  b: Scenario
}

interface Pairing {
  pairs: ScenarioPair[]
  notes: Warning[]
}

/**
 * With a reference, every scenario against the one that has the reference's values and differs in those keys
 * only. Where no scenario has such a partner (a profile sets several keys at once), keys that the reference's
 * keys determine may differ too, and a note names them.
 * Without a reference, every scenario against the first of the sweep: k - 1 pairs keep the correction mild,
 * where all pairs would cost most of the power.
 */
export function pairScenarios(
  scenarios: readonly Scenario[],
  reference: Record<string, Scalar> | null,
): Pairing {
  const [first, ...others] = scenarios
  if (first === undefined || others.length === 0) {
    return { pairs: [], notes: [{ kind: 'too_few_scenarios', scenarios: scenarios.length }] }
  }
  if (reference === null || Object.keys(reference).length === 0) {
    const note: Warning = { kind: 'reference_chosen', scenario: first.label, pairs: others.length }
    return { pairs: others.map((b) => ({ a: first, b })), notes: [note] }
  }
  const keys = Object.keys(reference)
  const strict = pairIgnoring(scenarios, reference, keys)
  if (strict.pairs.length > 0) return strict
  const along = determinedKeys(scenarios, keys)
  if (along.length === 0) return strict
  const relaxed = pairIgnoring(scenarios, reference, [...keys, ...along])
  if (relaxed.pairs.length === 0) return strict
  const changed = along.filter((key) => relaxed.pairs.some(({ a, b }) => a.point[key] !== b.point[key]))
  return { pairs: relaxed.pairs, notes: [{ kind: 'reference_confounded', keys: changed }, ...relaxed.notes] }
}

function pairIgnoring(
  scenarios: readonly Scenario[],
  reference: Record<string, Scalar>,
  ignored: string[],
): Pairing {
  const isReference = (scenario: Scenario) =>
    Object.entries(reference).every(([key, value]) => scenario.point[key] === value)
  const candidates = new Map<string, Scenario[]>()
  for (const scenario of scenarios.filter(isReference)) {
    const rest = keyWithout(scenario, ignored)
    candidates.set(rest, [...(candidates.get(rest) ?? []), scenario])
  }
  const pairs: ScenarioPair[] = []
  const notes: Warning[] = []
  const unmatched: string[] = []
  for (const b of scenarios) {
    if (isReference(b)) continue
    const [a, ...further] = candidates.get(keyWithout(b, ignored)) ?? []
    if (a === undefined) {
      unmatched.push(b.label)
      continue
    }
    pairs.push({ a, b })
    if (further.length > 0) {
      const labels = [a, ...further].map((scenario) => scenario.label)
      notes.push({ kind: 'reference_ambiguous', scenario: b.label, candidates: labels })
    }
  }
  if (unmatched.length > 0) notes.push({ kind: 'reference_unmatched', scenarios: unmatched, reference })
  return { pairs, notes }
}

function keyWithout(scenario: Scenario, ignored: string[]): string {
  const rest = Object.entries(scenario.point).filter(([key]) => !ignored.includes(key))
  return JSON.stringify(rest.sort(([x], [y]) => (x < y ? -1 : 1)))
}

/** Keys with a single value for each combination of `keys`, and more than one in all. */
function determinedKeys(scenarios: readonly Scenario[], keys: string[]): string[] {
  const all = new Set(scenarios.flatMap((scenario) => Object.keys(scenario.point)))
  return [...all].filter((key) => {
    if (keys.includes(key)) return false
    const seen = new Map<string, Scalar | undefined>()
    for (const { point } of scenarios) {
      const combination = JSON.stringify(keys.map((name) => point[name] ?? null))
      if (seen.has(combination) && seen.get(combination) !== point[key]) return false
      seen.set(combination, point[key])
    }
    return new Set(seen.values()).size > 1
  })
}
