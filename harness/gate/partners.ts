/** Which scenario of one sweep is held against which of another. */
import { isDeepStrictEqual } from 'node:util'
import type { Scalar } from '../../workers/workload.ts'
import { list } from '../format.ts'
import { labelWords, namesText } from '../report/words.ts'
import type { Scenario, Sweep } from '../sweep/types.ts'

type Matched = Pick<Sweep, 'scenarios' | 'axes'>

export interface Partners {
  /** In the order of the candidate's sweep. */
  pairs: { baseline: Scenario; candidate: Scenario }[]
  /** Scenarios without a partner. */
  left: { baseline: Scenario[]; candidate: Scenario[] }
}

/**
 * Two scenarios are partners where every axis of either sweep has one value in both. An axis whose values are none of
 * the other's is what was changed, and does not count; nor does a setting that is no axis.
 */
export function partnersOf(baseline: Matched, candidate: Matched): Partners {
  const axes = [...new Set([...candidate.axes, ...baseline.axes])].filter((axis) => {
    const values = valuesOf(baseline, axis)
    return [...valuesOf(candidate, axis)].some((value) => values.has(value))
  })
  const keyOf = ({ point }: Scenario) => JSON.stringify(axes.map((axis) => point[axis] ?? null))
  const grouped = new Map<string, Record<'baseline' | 'candidate', Scenario[]>>()
  for (const [side, { scenarios }] of [['baseline', baseline] as const, ['candidate', candidate] as const])
    for (const scenario of scenarios) {
      const key = keyOf(scenario)
      const group = grouped.get(key) ?? { baseline: [], candidate: [] }
      group[side].push(scenario)
      grouped.set(key, group)
    }
  const pairs = candidate.scenarios.flatMap((scenario) => {
    const group = grouped.get(keyOf(scenario))!
    const [partner] = group.baseline
    const isOnlyOne = group.baseline.length === 1 && group.candidate.length === 1
    return partner !== undefined && isOnlyOne ? [{ baseline: partner, candidate: scenario }] : []
  })
  const paired = new Set(pairs.flatMap((pair) => [pair.baseline, pair.candidate]))
  const isLeft = (scenario: Scenario) => !paired.has(scenario)
  return {
    pairs,
    left: { baseline: baseline.scenarios.filter(isLeft), candidate: candidate.scenarios.filter(isLeft) },
  }
}

function valuesOf({ scenarios }: Matched, axis: string): Set<Scalar> {
  return new Set(scenarios.map(({ point }) => point[axis] ?? null))
}

/** Whether both play the same, whatever they say of comparisons and margins. */
export function playAlike(a: Sweep, b: Sweep): boolean {
  const points = ({ scenarios, relative_to }: Sweep) => [scenarios.map(({ point }) => point), relative_to]
  return isDeepStrictEqual(points(a), points(b))
}

const MOST_LISTED = 12

/** What the partners differ in, such as `batch_size 64 → 128`, and which scenarios have no partner. */
export function partnerNotes(
  { pairs, left }: Partners,
  names: Record<'baseline' | 'candidate', string>,
): string[] {
  const changes = new Map<string, Set<string>>()
  for (const { baseline, candidate } of pairs) {
    for (const key of new Set([...Object.keys(baseline.point), ...Object.keys(candidate.point)])) {
      const [a, b] = [baseline.point[key], candidate.point[key]]
      if (a !== b) changes.set(key, (changes.get(key) ?? new Set()).add(`${a ?? 'none'} → ${b ?? 'none'}`))
    }
  }
  const texts = [...changes].map(
    ([key, values]) => `${key} ${values.size === 1 ? [...values][0] : '(several)'}`,
  )
  const alone = (['baseline', 'candidate'] as const).flatMap((side) => {
    const labels = left[side].map(({ label }) => labelWords(label))
    if (labels.length === 0) return []
    const named = namesText(labels.slice(0, MOST_LISTED), labels.length)
    return [`without a partner in the other sweep, and so not compared: ${named} of ${names[side]}`]
  })
  return [...(texts.length === 0 ? [] : [`the two sweeps differ in ${list(texts)}`]), ...alone]
}
