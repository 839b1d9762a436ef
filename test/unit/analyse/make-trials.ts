/** Scenarios and trials for tests, with only what a test cares about spelled out. */
import { metricTable } from '../../../harness/metrics.ts'
import type { Scenario } from '../../../harness/sweep/types.ts'
import type { Scalar } from '../../../workers/contract.ts'
import type { TrialResult } from '../../../workers/protocol.ts'

export const METRICS = metricTable({
  r2: { unit: '', direction: 'higher_is_better', kind: 'deterministic', description: 'score' },
  drift: { unit: '', direction: 'neutral', kind: 'measured', description: 'drift' },
})

export function makeScenario(id: string, flat: Record<string, Scalar> = { id }): Scenario {
  return {
    id,
    label: id,
    flat,
    settings: {
      mode: 'streaming',
      chunk_size: 64,
      batch_size: 64,
      max_memory_mb: null,
      max_compute_units: null,
      random_seed: 42,
      adaptive_chunk_resize: false,
      max_chunk_retries: 3,
      target_latency_ms: null,
      adaptive_batch_resize: false,
      spill_to_disk: false,
    },
    params: {},
    dataset: null,
    warmup_chunks: 0,
    timeout_s: 60,
  }
}

export function makeTrial(scenario: string, round: number, change: Partial<TrialResult> = {}): TrialResult {
  return {
    trial: `${scenario}-r${String(round).padStart(3, '0')}`,
    scenario,
    round,
    params: {},
    outcome: 'ok',
    metrics: {},
    caps: {
      memory: { requested_mb: null, mechanisms: [], peak_mb: null, enforced: true },
      compute: {
        requested: null,
        achieved: null,
        mechanism: 'none',
        period_ms: null,
        throttled_ms: null,
        enforced: true,
      },
    },
    energy: { joules: null, source: null, shared: false },
    noise: { run_queue_wait_share: null, involuntary_context_switches: null, load_1m: null },
    started_at: '2026-01-01T00:00:00.000Z',
    duration_ms: 1,
    ...change,
  }
}

/** One `ok` trial a value. */
export function trialsOf(
  scenario: string,
  metric: string,
  values: readonly (number | null)[],
): TrialResult[] {
  return values.map((value, index) => makeTrial(scenario, index, { metrics: { [metric]: value } }))
}
