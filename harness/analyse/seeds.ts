/** Scenarios that differ only in their seed are one scenario, seen once per seed. */

import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../workers/workload.ts'
import type { Metric } from '../metrics.ts'
import type { Scenario } from '../sweep/types.ts'
import { BETWEEN_IDS, type Group, type GroupPair } from './comparison.ts'
import { centre } from './descriptive.ts'
import { metricValues, usableValues } from './values.ts'
import type { Side, Warning } from './warnings.ts'

/** Where both vary the data are the unit, and each of them is averaged over `random_seed`. */
export const SEEDS: readonly string[] = ['dataset.seed', 'random_seed']

/** Settings that seed something and vary over these scenarios; those of the reference are compared, not pooled. */
export function seedKeys(
  scenarios: readonly Scenario[],
  reference: Record<string, Scalar> | null = null,
): string[] {
  return SEEDS.filter(
    (key) => !(key in (reference ?? {})) && new Set(scenarios.map(({ point }) => point[key])).size > 1,
  )
}

/** Scenarios that are alike but for the seeds, under one id and label. */
export interface Pool {
  /** The first of them; without the seeds in `point` and label, and with every id, joined by `+`. */
  scenario: Scenario
  members: Scenario[]
  /** Empty where nothing was pooled. */
  keys: string[]
}

/** In the order of the first of each; one pool per scenario where `keys` is empty. */
export function poolBySeed(scenarios: readonly Scenario[], keys: readonly string[]): Pool[] {
  if (keys.length === 0)
    return scenarios.map((scenario) => ({ scenario, members: [scenario], keys: [] as string[] }))
  const pools = new Map<string, Scenario[]>()
  for (const scenario of scenarios) {
    const rest = Object.entries(scenario.point).filter(([key]) => !keys.includes(key))
    const alike = JSON.stringify(rest.sort(([x], [y]) => (x < y ? -1 : 1)))
    pools.set(alike, [...(pools.get(alike) ?? []), scenario])
  }
  return [...pools.values()].map((members) => ({
    scenario: pooled(members, keys),
    members,
    keys: [...keys],
  }))
}

function pooled(members: readonly Scenario[], keys: readonly string[]): Scenario {
  const [first] = members as [Scenario]
  const words = keys.map((key) => `${key}=${first.point[key] ?? 'none'}`)
  const label = words.reduce((text, word) => text.replace(word, ''), first.label).replace(/\s+/g, ' ')
  return {
    ...first,
    id: members.map(({ id }) => id).join(BETWEEN_IDS),
    label: label.trim() || 'all seeds',
    point: Object.fromEntries(Object.entries(first.point).filter(([key]) => !keys.includes(key))),
  }
}

/** A pool's trials, all together and by seed. */
export function groupOf(
  { scenario, members, keys }: Pool,
  trials: ReadonlyMap<string, readonly TrialResult[]>,
): Group {
  const ofMember = ({ id }: Scenario) => trials.get(id) ?? []
  const group = { id: scenario.id, label: scenario.label, trials: members.flatMap(ofMember) }
  const [unit] = keys
  if (unit === undefined) return group
  const bySeed = new Map<string, (readonly TrialResult[])[]>()
  for (const member of members) {
    const seed = String(member.point[unit])
    bySeed.set(seed, [...(bySeed.get(seed) ?? []), ofMember(member)])
  }
  return { ...group, seeds: { keys, trials: bySeed } }
}

/** One value a seed and side, of the seeds that both sides know, in the order of a. */
export interface SeedValues {
  keys: string[]
  a: number[]
  b: number[]
  /** Sides of a deterministic metric that is none. */
  unstable: Warning[]
  /** Seeds with a value on one side only. */
  dropped: number
}

/** Null where the sides are not several seeds of one scenario each. */
export function seedValues({ a, b }: GroupPair, metric: Metric): SeedValues | null {
  if (a.seeds === undefined || b.seeds === undefined) return null
  const [left, right] = [valuesBySeed(a.seeds.trials, metric, 'a'), valuesBySeed(b.seeds.trials, metric, 'b')]
  const shared = [...left.values.keys()].filter((seed) => right.values.has(seed))
  const all = new Set([...a.seeds.trials.keys(), ...b.seeds.trials.keys()])
  return {
    keys: a.seeds.keys,
    a: shared.map((seed) => left.values.get(seed)!),
    b: shared.map((seed) => right.values.get(seed)!),
    unstable: [...left.unstable, ...right.unstable].slice(0, 1),
    dropped: all.size - shared.length,
  }
}

/** The mean over a seed's scenarios of their means over trials, on the metric's scale. */
function valuesBySeed(
  seeds: ReadonlyMap<string, readonly (readonly TrialResult[])[]>,
  metric: Metric,
  side: Side,
): { values: Map<string, number>; unstable: Warning[] } {
  const values = new Map<string, number>()
  const unstable: Warning[] = []
  for (const [seed, scenarios] of seeds) {
    const known = scenarios
      .map((trials) => usableValues(metricValues(trials, metric.name)).values)
      .filter((found) => found.length > 0)
    if (known.length === 0) continue
    if (metric.kind === 'deterministic') {
      const varying = known.find((found) => new Set(found).size > 1)
      if (varying) {
        const [low, high] = [Math.min(...varying), Math.max(...varying)]
        unstable.push({ kind: 'not_deterministic', side, low, high })
      }
    }
    const centres = known.map((found) => centre(found, metric.scale))
    values.set(seed, centre(centres, metric.scale))
  }
  return { values, unstable }
}

/** The value of each seed of one group; each trial's where it is no pool of seeds. */
export function unitValues({ trials, seeds }: Group, metric: Metric): number[] {
  if (seeds === undefined) return usableValues(metricValues(trials, metric.name)).values
  return [...valuesBySeed(seeds.trials, metric, 'a').values.values()]
}
