import { describe, expect, it } from 'vitest'
import { paretoFrontier } from '../../../harness/analyse/front.ts'
import { operatingPoints } from '../../../harness/analyse/operating-points.ts'
import { summarise } from '../../../harness/analyse/summary.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { ended } from '../../fixtures/trials.ts'
import { METRICS, makeScenario, makeTrial } from './make-trials.ts'

const metric = (name: string) => METRICS.get(name)!
const LATENCY = metric('latency_p50_ms')
const R2 = metric('r2')

function scenarioTrials(id: string, latencies: number[], r2: number): TrialResult[] {
  return latencies.map((value, round) =>
    makeTrial(id, round, { metrics: { latency_p50_ms: value, r2, peak_memory_mb: null } }),
  )
}

const data: Record<string, TrialResult[]> = {
  quick: scenarioTrials('quick', [1.0, 1.1, 0.9, 1.05], 0.6),
  alike: scenarioTrials('alike', [1.05, 1.1, 0.95, 1.0], 0.65),
  exact: scenarioTrials('exact', [3.0, 3.1, 2.9, 3.05], 0.8),
  near: scenarioTrials('near', [2.0, 2.1, 1.9, 2.05], 0.795),
  poor: scenarioTrials('poor', [5.0, 5.1, 4.9, 5.05], 0.5),
  shaky: [...scenarioTrials('shaky', [0.1, 0.1, 0.1], 0.9), ended(makeTrial('shaky', 3), 'out_of_memory')],
  empty: [],
}
const scenarios = Object.keys(data).map((id) => makeScenario(id))
const trials = Object.values(data).flat()

describe('summarise', () => {
  const summaries = summarise({ trials, scenarios, metrics: METRICS })
  const byId = new Map(summaries.map((summary) => [summary.id, summary]))

  it('gives every scenario a row, with outcomes and means of the ok trials', () => {
    expect([...byId.keys()]).toEqual(Object.keys(data))
    expect(byId.get('shaky')).toMatchObject({ trials: 4, outcomes: { ok: 3, out_of_memory: 1 } })
    expect(byId.get('quick')!.metrics['latency_p50_ms']).toMatchObject({ n: 4 })
    expect(byId.get('quick')!.metrics['latency_p50_ms']!.value).toBeCloseTo(1.0125, 12)
  })

  it('says null for what is unknown, never 0', () => {
    expect(byId.get('quick')!.metrics['peak_memory_mb']).toBeNull()
    expect(byId.get('empty')).toMatchObject({ trials: 0, energy_source: null })
    expect(byId.get('empty')!.metrics['latency_p50_ms']).toBeNull()
  })

  it('tells where the energy comes from', () => {
    const energy = (round: number, source: 'rapl' | 'estimate', shared = false) =>
      makeTrial('quick', round, { metrics: { energy_j: 1 }, energy: { joules: 1, source, shared } })
    const source = (list: TrialResult[]) =>
      summarise({ trials: list, scenarios: [makeScenario('quick')], metrics: METRICS })[0]!.energy_source
    expect(source([energy(0, 'rapl'), energy(1, 'rapl')])).toBe('rapl')
    expect(source([energy(0, 'rapl'), energy(1, 'estimate')])).toBe('mixed')
    expect(source([energy(0, 'rapl', true), energy(1, 'rapl', true)])).toBe('shared')
    expect(source([energy(0, 'rapl'), energy(1, 'rapl', true)])).toBe('mixed')
    expect(source([energy(0, 'estimate', true)])).toBe('estimate')
  })

  it('marks the scenarios that none dominates', () => {
    expect([...paretoFrontier(summaries, LATENCY, R2)]).toEqual(['shaky'])
    const others = summaries.filter(({ id }) => id !== 'shaky')
    expect([...paretoFrontier(others, LATENCY, R2)].sort()).toEqual(['alike', 'exact', 'near', 'quick'])
  })

  it('keeps equal points together', () => {
    const twins = ['s', 't'].flatMap((id) => scenarioTrials(id, [1, 1], 0.5))
    const pair = summarise({
      trials: twins,
      scenarios: ['s', 't'].map((id) => makeScenario(id)),
      metrics: METRICS,
    })
    expect(paretoFrontier(pair, LATENCY, R2).size).toBe(2)
  })
})

describe('operatingPoints', () => {
  const found = operatingPoints({
    trials,
    scenarios,
    metrics: [LATENCY, R2, metric('peak_memory_mb')],
    accuracy: R2,
    settings: { alpha: 0.05, correction: 'holm' as const, margin: 0.02 },
  })
  const best = Object.fromEntries(found.points.map((point) => [point.goal, point]))

  it('finds the best by each metric, and those that cannot be told from it', () => {
    expect(best['lowest latency_p50_ms']).toMatchObject({ scenario: 'quick', tied: [{ scenario: 'alike' }] })
    expect(best['highest r2']).toMatchObject({ scenario: 'exact', tied: [] })
  })

  it('finds the fastest of the accurate and the most accurate of the fast', () => {
    expect(best['lowest latency_p50_ms with r2 within the margin of the best']!.scenario).toBe('near')
    expect(best['highest r2 with latency_p50_ms not significantly different from the best']!.scenario).toBe(
      'alike',
    )
  })

  it('offers no scenario that sometimes fails, and no point for what was not measured', () => {
    expect(found.unreliable).toEqual(['shaky'])
    expect(found.points).toHaveLength(4)
  })
})
