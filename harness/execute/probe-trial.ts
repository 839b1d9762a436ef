/** Short trials of a fixed workload, to see what this machine really does. */
import type { TrialResult, TrialSpec } from '../../workers/protocol.ts'
import { entryFile } from './entries.ts'
import type { Executor } from './executor.ts'

export interface ProbeOptions {
  work?: 'compute' | 'allocate'
  wallMs?: number
  steps?: number
  memoryMb?: number
  units?: number
  pinCore?: number
  trial?: string
}

const TIMEOUT_S = 30
/** Enough for the compiler to be done. */
const WARMUP_STEPS = 5

export function runProbe(executor: Executor, options: ProbeOptions): Promise<TrialResult> {
  const { work = 'compute', wallMs = 1000, steps = 1_000_000, trial = 'probe-r001' } = options
  const max_memory_mb = options.memoryMb ?? null
  const max_compute_units = options.units ?? null
  const spec: TrialSpec = {
    trial,
    scenario: 'probe',
    round: 1,
    flat: {},
    workload: entryFile('probe'),
    params: { work, wall_ms: wallMs, steps },
    settings: {
      mode: 'streaming',
      chunk_size: 1,
      batch_size: 1,
      max_memory_mb,
      max_compute_units,
      random_seed: 1,
      adaptive_chunk_resize: false,
      max_chunk_retries: 0,
      target_latency_ms: null,
      adaptive_batch_resize: false,
      spill_to_disk: false,
    },
    dataset: null,
    caps: { max_memory_mb, max_compute_units, policy: 'strict', pin_core: options.pinCore ?? null },
    warmup_chunks: work === 'compute' ? WARMUP_STEPS : 0,
    timeout_s: TIMEOUT_S,
    chunk_log: null,
  }
  return executor.run(spec)
}
