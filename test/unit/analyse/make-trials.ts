/** Scenarios and trials for tests, with only what a test cares about spelled out. */
import { metricTable } from '../../../harness/metrics.ts'
import { defaultSettings } from '../../../harness/sweep/settings.ts'
import type { Scenario } from '../../../harness/sweep/types.ts'
import type { OkTrial } from '../../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { NO_CAPS, NO_NOISE } from '../../fixtures/trials.ts'

export const METRICS = metricTable({
  r2: { unit: '', direction: 'higher_is_better', kind: 'deterministic', description: 'score' },
  skill: {
    ...{ unit: '', direction: 'higher_is_better', kind: 'measured', signed: true },
    description: 'a score that may be negative and varies',
  },
  r2_signed: {
    ...{ unit: '', direction: 'higher_is_better', kind: 'deterministic', signed: true },
    description: 'a score that may be negative',
  },
  drift: { unit: '', direction: 'neutral', kind: 'measured', description: 'drift' },
})

export function makeScenario(id: string, point: Record<string, Scalar> = { id }): Scenario {
  return {
    id,
    label: id,
    point,
    settings: { ...defaultSettings(), chunk_size: 64 },
    params: {},
    dataset: null,
    runs: null,
    watts: null,
  }
}

export function makeTrial(scenario: string, round: number, change: Partial<OkTrial> = {}): OkTrial {
  return {
    trial: `${scenario}-r${String(round).padStart(3, '0')}`,
    scenario,
    round,
    outcome: 'ok',
    metrics: {},
    caps: NO_CAPS,
    energy: { joules: null, source: null, shared: false },
    noise: NO_NOISE,
    started_at: '2026-01-01T00:00:00.000Z',
    duration_ms: 1,
    children: 0,
    notes: [],
    resumed_under: [],
    machine: null,
    info: {},
    ...change,
  }
}

/** One `ok` trial a value. */
export function trialsOf(scenario: string, metric: string, values: readonly (number | null)[]): OkTrial[] {
  return values.map((value, index) => makeTrial(scenario, index, { metrics: { [metric]: value } }))
}
