import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entryFile } from '../../harness/execute/local/entries.ts'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'

import type { ScenarioSettings } from '../../harness/sweep/types.ts'
import type { PreparedDataset } from '../../workers/data/types.ts'
import { givenParams } from '../../workers/pipeline/describe.ts'
import type { Scalar } from '../../workers/workload.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'
import { okOf } from '../fixtures/trials.ts'

const ROWS = 120_000
const CAP_MB = 16
const QUALITY = ['r2', 'rmse', 'mae', 'r2_mean_baseline', 'r2_last_baseline']
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
  executor.provide(fixtureResources({ datasets: [dataset] }))
})
afterAll(async () => {
  await executor.close()
  rmSync(folder, { recursive: true })
})

/** Of batch mode without a cap, for all tests that need one: promised once. */
let roomy: ReturnType<typeof trial> | undefined
function unboundedBatch() {
  roomy ??= trial({ mode: 'batch' })
  return roomy
}

interface Asked extends Partial<ScenarioSettings> {
  adaptive_chunk_resize?: boolean
  max_chunk_retries?: number
  spill_to_disk?: boolean
}

function trial({ adaptive_chunk_resize, max_chunk_retries, spill_to_disk, ...held }: Asked) {
  const given = { adaptive_chunk_resize, max_chunk_retries, spill_to_disk }
  const params = JSON.parse(JSON.stringify(given)) as Record<string, Scalar>
  const { path: _, ...data } = dataset
  return executor.run(
    trialSpec(
      'empty',
      { ...givenParams({}), learner: 'sgd', epochs: 2, ...params },
      {
        workload: { kind: 'builtin', name: 'pipeline', sha256: '' },
        data,
        held: { chunk_size: 4096, batch_size: 256, ...held },
      },
    ),
  )
}

describe('chunks that do not fit a memory cap', () => {
  it('end out of memory, and are split before they are read where their size may adapt', async () => {
    const asked = { chunk_size: 10 * ROWS }
    const unbounded = okOf(await trial(asked))
    expect(unbounded.metrics['chunks']).toBe(1)

    const capped = { ...asked, max_memory_mb: CAP_MB }
    expect((await trial(capped)).outcome).toBe('out_of_memory')

    const adapted = okOf(await trial({ ...capped, adaptive_chunk_resize: true, max_chunk_retries: 6 }))
    // A tenth of what was asked for, which is all rows, took at least two halvings.
    expect(adapted.info).toMatchObject({ chunk_size_start: ROWS })
    expect(adapted.info['chunk_size_largest']).toBeLessThanOrEqual(ROWS / 4)
    expect(adapted.info['chunk_retries']).toBeGreaterThanOrEqual(2)
    expect(adapted.metrics['peak_memory_mb']).toBeLessThanOrEqual(CAP_MB)
    for (const name of QUALITY) expect(adapted.metrics[name], name).toBe(unbounded.metrics[name])
  })
})

describe("the built-in workload's modules", () => {
  it('load what packed files and hashes need only where they are used: it counts as the memory of the workload', () => {
    const load = `await import(${JSON.stringify(pathToFileURL(entryFile('pipeline/workload')).href)})
      console.log(process.moduleLoadList.filter((name) => /^NativeModule (zlib|crypto)$/.test(name)).length)`
    const options = { encoding: 'utf8' as const }
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', load], options).trim()).toBe('0')
  })
})

describe('batch mode under a small memory cap', () => {
  it('runs out of memory, and with spill to disk does not: the same metrics to the last bit', async () => {
    const unbounded = okOf(await unboundedBatch())
    expect(unbounded.metrics['peak_memory_mb']).toBeGreaterThan(CAP_MB)

    const kept = await trial({ mode: 'batch', max_memory_mb: CAP_MB })
    expect(kept.outcome).toBe('out_of_memory')

    const spilled = okOf(await trial({ mode: 'batch', max_memory_mb: CAP_MB, spill_to_disk: true }))
    expect(spilled.metrics['peak_memory_mb']).toBeLessThanOrEqual(CAP_MB)
    expect(spilled.info['spilled_bytes']).toBeGreaterThan(10_000_000)
    for (const name of QUALITY) expect(spilled.metrics[name], name).toBe(unbounded.metrics[name])
    const left = readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('spill'))
    expect(left).toEqual([])
  })
})

describe('a cap on the whole process', () => {
  it('tells the workload what is left for it, so that spilling and adaptive chunks plan with that', async () => {
    const { metrics } = okOf(await unboundedBatch())
    // Node itself takes most of such a cap: what is left is less than the rows that batch mode keeps.
    const max_memory_mb = Math.ceil(metrics['peak_rss_mb']! - metrics['peak_memory_mb']! + CAP_MB)
    const spilled = okOf(
      await trial({ mode: 'batch', memory_scope: 'process', max_memory_mb, spill_to_disk: true }),
    )
    expect(spilled.info['spilled_bytes']).toBeGreaterThan(0)
  })
})
