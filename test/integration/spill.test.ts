import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local.ts'
import type { PreparedDataset, TrialResult } from '../../workers/contract.ts'
import { pipelineParams } from '../../workers/pipeline/describe.ts'
import { trialSpec } from '../fixtures/trial.ts'

const ROWS = 150_000
const CAP_MB = 16
let folder: string
let executor: LocalExecutor
let dataset: PreparedDataset

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  executor = new LocalExecutor({ temporaryRoot: folder })
  const prepared = await executor.prepare({
    workload: 'pipeline',
    datasets: [{ kind: 'generate', preset: 'nba2k', rows: ROWS, seed: 1 }],
    data_dir: folder,
  })
  if (!prepared.ok) throw new Error(prepared.error.message)
  dataset = prepared.datasets[0]!
})
afterAll(async () => {
  await executor.close()
  rmSync(folder, { recursive: true })
})

function batch(max_memory_mb: number | null, spill_to_disk: boolean): Promise<TrialResult> {
  const spec = trialSpec('empty', { ...pipelineParams({}), learner: 'sgd', epochs: 2 }, { dataset })
  return executor.run({
    ...spec,
    workload: 'pipeline',
    settings: {
      ...spec.settings,
      mode: 'batch',
      chunk_size: 4096,
      batch_size: 256,
      max_memory_mb,
      spill_to_disk,
    },
    caps: { ...spec.caps, max_memory_mb },
  })
}

describe('batch mode under a small memory cap', () => {
  it('runs out of memory, and with spill to disk does not: the same metrics to the last bit', async () => {
    const unbounded = await batch(null, false)
    expect(unbounded.error).toBeUndefined()
    expect(unbounded.metrics['peak_memory_mb']).toBeGreaterThan(CAP_MB)

    const kept = await batch(CAP_MB, false)
    expect(kept.outcome).toBe('out_of_memory')

    const spilled = await batch(CAP_MB, true)
    expect(spilled.error).toBeUndefined()
    expect(spilled.outcome).toBe('ok')
    expect(spilled.metrics['peak_memory_mb']).toBeLessThanOrEqual(CAP_MB)
    expect(spilled.info!['spilled_bytes']).toBeGreaterThan(10_000_000)
    for (const name of ['r2', 'rmse', 'mae', 'r2_mean_baseline', 'r2_last_baseline']) {
      expect(spilled.metrics[name], name).toBe(unbounded.metrics[name])
    }
    const left = readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('spill'))
    expect(left).toEqual([])
  })
})
