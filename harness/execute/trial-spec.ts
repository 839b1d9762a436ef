/** The one builder of trial specs: for runs, gates, probes and calibration. */
import type { DuetSide } from '../../workers/protocol/duet.ts'
import {
  NO_NOISE_READINGS,
  type NotOkTrial,
  type RecordedError,
  type TrialResult,
} from '../../workers/protocol/trial-result.ts'
import type { DataRef, DriverSpec, TrialSpec, Watts, WorkloadRef } from '../../workers/protocol/trial-spec.ts'
import type { Scalar } from '../../workers/workload.ts'
import { trialId } from '../plan/planner.ts'
import { openLoop, workloadSettings } from '../sweep/realtime.ts'
import { defaultSettings } from '../sweep/settings.ts'
import type { ScenarioSettings } from '../sweep/types.ts'
import type { Executor } from './executor.ts'

/** A scenario as far as its trials need it. */
interface TrialRecipe {
  id: string
  settings: ScenarioSettings
  watts: Watts | null
}

export interface TrialPart {
  round: number
  workload: WorkloadRef
  params: Record<string, Scalar>
  data: DataRef | null
  /** Whether every chunk is logged. */
  logChunks?: boolean
  /** Whether its steps are profiled. */
  profiled?: boolean
  /** Default: as the scenario's mode says. */
  driver?: DriverSpec
  /** In a gate: whose trial it is. */
  side?: DuetSide
  /** Environment variables that are handed over; none where nothing is said. */
  env?: readonly string[]
}

export function trialSpec({ id, settings, watts }: TrialRecipe, part: TrialPart): TrialSpec {
  const { max_memory_mb, memory_scope, max_compute_units, pin_core } = settings
  return {
    trial: trialId(id, part.round) + (part.side === undefined ? '' : `-${part.side}`),
    scenario: id,
    round: part.round,
    workload: part.workload,
    params: part.params,
    settings: workloadSettings(settings),
    data: part.data,
    caps: { max_memory_mb, memory_scope, max_compute_units, pin_core, policy: settings.caps },
    driver: part.driver ?? openLoop(settings, part.round) ?? { kind: 'closed' },
    warmup_chunks: settings.warmup_chunks,
    deadline_s: settings.timeout_s,
    log_chunks: part.logChunks ?? false,
    profiled: part.profiled ?? false,
    watts,
    env: part.env ?? [],
  }
}

/** The result of a trial that never came to an end of its own and is not tried again. */
export function neverEnded(
  { trial, scenario, round, caps }: TrialSpec,
  { name, message }: Pick<RecordedError, 'name' | 'message'>,
): NotOkTrial {
  const note = 'not measured'
  return {
    trial,
    scenario,
    round,
    machine: null,
    children: null,
    outcome: 'crashed',
    error: { name, message, stack: null, exit: null },
    caps: {
      memory: {
        asked_mb: caps.max_memory_mb,
        scope: caps.memory_scope,
        in_force_mb: null,
        mechanisms: [],
        peak_mb: null,
        peak_above_idle_mb: null,
        enforced: caps.max_memory_mb === null,
        note,
      },
      compute: {
        asked: caps.max_compute_units,
        in_force: null,
        achieved: null,
        mechanism: 'none',
        period_ms: null,
        throttled_ms: null,
        pinned_core: null,
        enforced: caps.max_compute_units === null,
        note,
      },
    },
    noise: { ...NO_NOISE_READINGS, disturbed: null },
    started_at: new Date().toISOString(),
    duration_ms: 0,
    notes: [],
    resumed_under: [],
  }
}

// ---------------------------------------------------------------- probes

interface ProbeOptions {
  work?: 'compute' | 'allocate'
  wallMs?: number
  cpuMs?: number
  steps?: number
  memoryMb?: number
  memoryScope?: ScenarioSettings['memory_scope']
  units?: number
  pinCore?: number
  timeoutS?: number
  /** Makes the trial's id. */
  id?: string
  round?: number
}

const TIMEOUT_S = 30
/** Enough for the compiler to be done. */
const WARMUP_STEPS = 5

export function runProbe(executor: Executor, options: ProbeOptions): Promise<TrialResult> {
  const { work = 'compute', wallMs = 1000, cpuMs = 0, steps = 1_000_000, id = 'probe', round = 1 } = options
  const settings = {
    ...defaultSettings(),
    chunk_size: 1,
    batch_size: 1,
    max_memory_mb: options.memoryMb ?? null,
    memory_scope: options.memoryScope ?? 'workload',
    max_compute_units: options.units ?? null,
    pin_core: options.pinCore ?? null,
    warmup_chunks: work === 'compute' ? WARMUP_STEPS : 0,
    timeout_s: options.timeoutS ?? TIMEOUT_S,
  }
  const workload = { kind: 'builtin', name: 'probe', sha256: 'builtin' } as const
  const params = { work, wall_ms: wallMs, cpu_ms: cpuMs, steps }
  return executor.run(trialSpec({ id, settings, watts: null }, { round, workload, params, data: null }))
}
