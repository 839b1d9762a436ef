/** Short trials of a fixed workload, to see what this machine really does. */
import type { TrialResult } from '../../workers/protocol.ts'
import { defaultSettings } from '../sweep/settings.ts'
import type { Executor } from './executor.ts'
import { trialSpec } from './trial-spec.ts'

export interface ProbeOptions {
  work?: 'compute' | 'allocate'
  wallMs?: number
  steps?: number
  memoryMb?: number
  units?: number
  pinCore?: number
  /** Makes the trial's id. */
  id?: string
  round?: number
}

const TIMEOUT_S = 30
/** Enough for the compiler to be done. */
const WARMUP_STEPS = 5

export function runProbe(executor: Executor, options: ProbeOptions): Promise<TrialResult> {
  const { work = 'compute', wallMs = 1000, steps = 1_000_000, id = 'probe', round = 1 } = options
  const settings = {
    ...defaultSettings(),
    chunk_size: 1,
    batch_size: 1,
    max_memory_mb: options.memoryMb ?? null,
    max_compute_units: options.units ?? null,
    pin_core: options.pinCore ?? null,
    warmup_chunks: work === 'compute' ? WARMUP_STEPS : 0,
    timeout_s: TIMEOUT_S,
  }
  const workload = { kind: 'builtin', name: 'probe', sha256: 'builtin' } as const
  const params = { work, wall_ms: wallMs, steps }
  return executor.run(trialSpec({ id, settings, watts: null }, { round, workload, params, data: null }))
}
