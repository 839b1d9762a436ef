/** A trial of one of the tests' workloads, as the benches run them: from the compiled files, without a sweep. */
import { fileURLToPath } from 'node:url'
import { trialSpec } from '../../build/harness/execute/trial-spec.js'
import { defaultSettings } from '../../build/harness/sweep/settings.js'

/**
 * @param {{memory?: number|null, compute?: number|null, timeoutS?: number, round?: number, chunkLogs?: string|null}} options
 * @returns {{spec: object, resources: object}} the spec, and what to `provide` before it runs
 */
export function trialOf(workload, params, options = {}) {
  const { memory = null, compute = null, timeoutS = 120, round = 1, chunkLogs = null } = options
  const settings = {
    ...defaultSettings(),
    chunk_size: 1,
    batch_size: 1,
    max_memory_mb: memory,
    max_compute_units: compute,
    warmup_chunks: 0,
    timeout_s: timeoutS,
  }
  const ref = { kind: 'module', name: `${workload}.mjs`, sha256: workload }
  const path = fileURLToPath(new URL(`../fixtures/workloads/${workload}.mjs`, import.meta.url))
  return {
    spec: trialSpec(
      { id: 's', settings, watts: null },
      { round, workload: ref, params, data: null, logChunks: chunkLogs !== null },
    ),
    resources: {
      workloads: new Map([[workload, path]]),
      data: new Map(),
      chunk_logs: chunkLogs,
      compute_scale: 1,
    },
  }
}
