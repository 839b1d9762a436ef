/** Runs made up for tests of what is written about runs: shaped like measured ones, seeded, and not results. */

import { orderStream } from '../../../harness/random.ts'
import type { Manifest } from '../../../harness/record/types.ts'
import { gateSettings } from '../../../harness/sweep/build.ts'
import type { SweepInput } from '../../../harness/sweep/schema.ts'
import { defaultSettings } from '../../../harness/sweep/settings.ts'
import type { Goal, Scenario } from '../../../harness/sweep/types.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { NO_CAPS, NO_NOISE } from '../../fixtures/trials.ts'

export interface Shape {
  chunk_size?: number[]
  batch_size?: number[]
  max_memory_mb?: (number | null)[]
  max_compute_units?: (number | null)[]
  runs?: number
  seed?: number
  ceiling?: number | null
  reference?: Record<string, Scalar> | null
  metrics?: string[]
  accuracy?: string | null
  goal?: Goal
  /** Changes a trial after it was made. */
  alter?: (trial: TrialResult, scenario: Scenario) => TrialResult
}

export function syntheticRun(shape: Shape = {}): {
  manifest: Manifest
  trials: TrialResult[]
  notes: string[]
} {
  const random = orderStream(shape.seed ?? 1)
  const lists = {
    chunk_size: shape.chunk_size ?? [64, 256, 1024],
    batch_size: shape.batch_size ?? [8, 64],
    max_memory_mb: shape.max_memory_mb ?? [64, 256],
    max_compute_units: shape.max_compute_units ?? [0.25, 0.5, 1],
  }
  const axes = Object.entries(lists).flatMap(([key, values]) => (values.length > 1 ? [key] : []))
  const scenarios: Scenario[] = []
  for (const chunk_size of lists.chunk_size)
    for (const batch_size of lists.batch_size)
      for (const max_memory_mb of lists.max_memory_mb)
        for (const max_compute_units of lists.max_compute_units) {
          const settings = {
            ...defaultSettings(),
            chunk_size,
            batch_size,
            max_memory_mb,
            max_compute_units,
          }
          const point: Record<string, Scalar> = { ...settings, 'params.learner': 'ridge' }
          const label = axes.map((key) => `${key}=${point[key]}`).join(' ') || 'the only scenario'
          const id = `c${chunk_size}-b${batch_size}-m${max_memory_mb}-u${max_compute_units}`
          scenarios.push({
            id,
            label,
            point,
            settings,
            params: { learner: 'ridge' },
            dataset: null,
            runs: null,
            watts: null,
          })
        }
  const runs = shape.runs ?? 10
  const trials: TrialResult[] = []
  for (let round = 0; round < runs; round++) {
    for (const scenario of scenarios) {
      const trial = syntheticTrial(scenario, round, random)
      trials.push(shape.alter ? shape.alter(trial, scenario) : trial)
    }
  }
  const accuracy = shape.accuracy === undefined ? 'r2' : shape.accuracy
  const score = (description: string, direction: 'higher_is_better' | 'lower_is_better') => ({
    unit: '',
    direction,
    kind: 'deterministic' as const,
    description,
  })
  return {
    trials,
    notes: [],
    manifest: {
      format: 3,
      id: '20261122T101500Z-ab12cd',
      stint: '0.1.0',
      sweep: {
        name: 'edge-vs-server',
        workload: 'pipeline',
        scenarios,
        axes,
        benchmark_runs: runs,
        n_jobs: 1,
        random_seed: 42,
        relative_to: null,
        until: null,
        env: [],
        chunk_log: 'first',
        compare: {
          reference: shape.reference === undefined ? { max_compute_units: 1 } : shape.reference,
          metrics: shape.metrics ?? ['latency_p50_ms', 'throughput_rows_s', 'peak_memory_mb', 'r2'],
          alpha: 0.05,
          correction: 'holm',
          margin: 0.02,
          unpaired_expected: false,
        },
        gate: gateSettings({} as SweepInput),
        goal: shape.goal ?? null,
        search: null,
        source: { path: '/home/ada/sweeps/edge.yaml', document: { name: 'edge-vs-server' } },
      },
      machine: {
        cpu_model: 'Intel(R) Xeon(R) Processor @ 2.70GHz',
        cores: 2,
        memory_mb: 7950,
        platform: 'linux',
        kernel: '6.1.0-18-amd64',
        node: 'v20.20.2',
        v8: '11.3.244.8',
        cgroup: { version: 'v1', cpu_quota_cores: null, memory_limit_mb: null },
        load_at_start: [0.4, 0.3, 0.2],
      },
      git: { commit: '4f2c9d1e0b7a8c6d5e4f3a2b1c0d9e8f7a6b5c4d', dirty: false },
      workload: {
        name: 'pipeline',
        params: {},
        dataset: 'required',
        metrics: {
          r2: score('prequential R2', 'higher_is_better'),
          mae: score('mean absolute error', 'lower_is_better'),
          rmse: score('root mean squared error', 'lower_is_better'),
        },
        ...(accuracy === null ? {} : { accuracy }),
      },
      datasets: [
        {
          path: '/home/ada/players.csv',
          preset: 'nba2k',
          target: null,
          columns: {},
          rows: 50_000,
          fingerprint: {
            sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
            bytes: 6_250_000,
            rows: 50_000,
            columns: ['full_name', 'rating', 'team', 'salary'],
          },
          ceiling_r2: shape.ceiling === undefined ? 0.78 : shape.ceiling,
        },
      ],
      notes: ['Column full_name has nearly all values distinct and was dropped.'],
      calibration: null,
      skipped_trials: null,
      fleet: null,
      pipeline: null,
      planned_trials: scenarios.length * runs,
      started_at: '2026-11-22T10:15:00.000Z',
      finished_at: '2026-11-22T10:31:40.000Z',
      workload_hash: 'a'.repeat(64),
      elapsed_s: 1000,
      resumed: [],
      command: ['stint', 'run', 'edge.yaml', '--runs', '10'],
    },
  }
}

function syntheticTrial(scenario: Scenario, round: number, random: () => number): TrialResult {
  const { chunk_size, batch_size, max_memory_mb, max_compute_units } = scenario.settings
  const cap = max_compute_units ?? 1
  const noise = () => Math.exp((random() + random() + random() - 1.5) * 0.16)
  const latency = ((0.05 + chunk_size * 0.0021 + (chunk_size / batch_size) * 0.02) / cap ** 0.9) * noise()
  const peak = (14 + chunk_size * 0.021 + (max_memory_mb ?? 512) * 0.02) * noise() ** 0.4
  const wall = ((50_000 / chunk_size) * latency * 1.08) / 1000
  const r2 = 0.655 - (0.055 * Math.log2(batch_size / 4)) / 4 - 0.03 * (chunk_size === 1024 ? 0 : 0.1)
  const outOfMemory = max_memory_mb !== null && peak > max_memory_mb * 0.6 && chunk_size >= 1024
  const metrics = {
    latency_mean_ms: latency * 1.08,
    latency_p50_ms: latency,
    latency_p90_ms: latency * 1.4,
    latency_p95_ms: latency * 1.7 * noise(),
    latency_p99_ms: latency * 3 * noise(),
    latency_max_ms: latency * 9 * noise(),
    latency_per_row_us: (latency * 1080) / chunk_size,
    wall_s: wall,
    cpu_s: wall * cap,
    throughput_rows_s: 50_000 / wall,
    peak_memory_mb: peak,
    peak_heap_mb: peak * 0.7,
    peak_rss_mb: peak + 48,
    gc_count: Math.round(20 * noise()),
    gc_pause_ms: 14 * noise(),
    energy_j: null,
    rows: 50_000,
    chunks: Math.ceil(50_000 / chunk_size),
    r2,
    mae: 2.1e6 - r2 * 4e5,
    rmse: 4.4e6 - r2 * 1e6,
  }
  const common = {
    trial: `${scenario.id}-r${String(round).padStart(3, '0')}`,
    scenario: scenario.id,
    round,
    caps: {
      memory: {
        ...NO_CAPS.memory,
        asked_mb: max_memory_mb,
        in_force_mb: max_memory_mb,
        mechanisms: ['resource_limits' as const, 'between_steps' as const, 'supervisor_rss' as const],
        peak_mb: outOfMemory ? max_memory_mb * 1.03 : peak,
      },
      compute: {
        ...NO_CAPS.compute,
        asked: max_compute_units,
        in_force: max_compute_units,
        achieved: Math.min(1.01, cap * (1 + (random() - 0.5) * 0.02)),
        mechanism: max_compute_units === null ? ('none' as const) : ('cgroup_v1' as const),
        period_ms: 20,
        throttled_ms: (1 - cap) * wall * 1000,
      },
    },
    noise: {
      ...NO_NOISE,
      run_queue_wait_share: 0.01 * noise(),
      involuntary_context_switches: 40,
      load_1m: 0.6,
    },
    started_at: '2026-11-22T10:15:10.000Z',
    duration_ms: wall * 1000 + 180,
    children: 0,
    notes: [],
    resumed_under: [],
    machine: null,
  }
  if (outOfMemory) {
    const message = `heap plus external memory reached ${Math.round(max_memory_mb * 1.03)} MB, above the cap of ${max_memory_mb} MB`
    return {
      ...common,
      outcome: 'out_of_memory',
      error: { name: 'OutOfMemory', message, stack: null, exit: 'SIGKILL' },
    }
  }
  return {
    ...common,
    outcome: 'ok',
    metrics,
    energy: { joules: null, source: null, shared: false },
    info: {},
  }
}
