/** Files, prepared data sets and whole runs for the pipeline's tests. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { fingerprintFile } from '../../../workers/data/fingerprint.ts'
import { generateDataset } from '../../../workers/data/presets/generate.ts'
import type { PreparedDataset } from '../../../workers/data/types.ts'
import { RegressionScore } from '../../../workers/pipeline/metrics/regression.ts'
import pipeline from '../../../workers/pipeline/workload.ts'
import type {
  Scalar,
  StepReport,
  TrialContext,
  TrialOutput,
  WorkloadSettings,
} from '../../../workers/workload.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { shared } from '../shared.ts'

/** A file that is removed when the test ends. */
export function csvFile(text: string | Uint8Array, name = 'data.csv'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  return path
}

export function temporaryFolder(): string {
  const folder = memoryFolder('stint-pipeline-')
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function prepared(
  path: string,
  overrides: Partial<PreparedDataset> = {},
): Promise<PreparedDataset> {
  const fingerprint = await fingerprintFile({ path, ...overrides })
  return {
    path,
    preset: null,
    target: null,
    columns: {},
    rows: fingerprint.rows,
    fingerprint,
    ceiling_r2: null,
    ...overrides,
  }
}

/** What a sweep may say at its top: settings, caps, and the parameters that need no `params.`. */
export interface Held extends Partial<WorkloadSettings> {
  max_memory_mb?: number | null
  max_compute_units?: number | null
  adaptive_chunk_resize?: boolean
  max_chunk_retries?: number
  target_latency_ms?: number | null
  adaptive_batch_resize?: boolean
  spill_to_disk?: boolean
}

export function contextFor(
  dataset: PreparedDataset,
  params: Record<string, Scalar> = {},
  held: Held = {},
): TrialContext {
  const { mode = 'streaming', chunk_size = 64, batch_size = 1, random_seed = 42, ...rest } = held
  const { max_memory_mb = null, max_compute_units = null, ...own } = rest
  return {
    params: { ...own, ...params },
    settings: { mode, chunk_size, batch_size, random_seed },
    limits: { memory_mb: max_memory_mb, compute_units: max_compute_units },
    dataset,
    warmup: false,
  }
}

export async function runPipeline(
  dataset: PreparedDataset,
  params: Record<string, Scalar> = {},
  held: Held = {},
  /** The run is left where it stands after so many steps. */
  most = Number.POSITIVE_INFINITY,
): Promise<TrialOutput & { steps: StepReport[] }> {
  const context = contextFor(dataset, params, held)
  const run = await pipeline.open(context)
  const offer = { rows: context.settings.chunk_size, train: true }
  try {
    const steps: StepReport[] = []
    while (steps.length < most) {
      const report = await run.step(offer)
      if (report === null) break
      steps.push(report)
    }
    return { ...(await run.finish()), steps }
  } finally {
    await run.close?.()
  }
}

/** Writes NBA 2K players; R2 of their noise-free salary. */
export async function generateWithCeiling(rows: number, seed: number, path: string): Promise<number> {
  const ceiling = new RegressionScore()
  await generateDataset({ preset: 'nba2k', rows, seed }, path, (row) => ceiling.add(row.target, row.expected))
  return ceiling.r2!
}

/** A file of the real data, which is not part of the project; null where it is absent. */
export function sharedFile(name: string): string | null {
  const path = shared(name)
  return existsSync(path) ? path : null
}
