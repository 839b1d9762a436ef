/** A trial of one of the tests' workloads, as the benches run them: from the compiled files, without a sweep. */
import { fileURLToPath } from 'node:url'

/** @param {{memory?: number|null, compute?: number|null, timeoutS?: number, trial?: string, chunkLog?: string|null}} options */
export function trialOf(workload, params, options = {}) {
  const { memory = null, compute = null, timeoutS = 120, trial = 's-r001', chunkLog = null } = options
  return {
    trial,
    scenario: 's',
    round: 1,
    flat: {},
    workload: fileURLToPath(new URL(`../fixtures/workloads/${workload}.mjs`, import.meta.url)),
    params,
    settings: {
      mode: 'streaming',
      chunk_size: 1,
      batch_size: 1,
      max_memory_mb: memory,
      max_compute_units: compute,
      random_seed: 1,
      adaptive_chunk_resize: false,
      max_chunk_retries: 0,
      target_latency_ms: null,
      adaptive_batch_resize: false,
      spill_to_disk: false,
    },
    dataset: null,
    caps: { max_memory_mb: memory, max_compute_units: compute, policy: 'strict' },
    warmup_chunks: 0,
    timeout_s: timeoutS,
    chunk_log: chunkLog,
  }
}
