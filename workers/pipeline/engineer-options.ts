/** How features are made under these parameters and settings. */
import type { WorkloadSettings } from '../workload.ts'
import type { PipelineParams } from './describe.ts'
import { usesTarget } from './features/declared.ts'
import type { EngineerOptions } from './features/engineer.ts'
import type { Plan } from './plan.ts'

/**
 * Declared features of earlier targets see those that are known when a batch is predicted, and no others.
 * @throws {Error} where the settings leave open when that is
 */
export function engineerOptions(
  plan: Plan,
  params: PipelineParams,
  settings: WorkloadSettings,
): EngineerOptions {
  const { max_categories, hash_buckets, label_delay, adaptive_batch_resize } = params
  const { mode, batch_size } = settings
  if (usesTarget(plan) && (mode === 'batch' || adaptive_batch_resize)) {
    const open = mode === 'batch' ? 'mode: batch' : 'adaptive_batch_resize'
    throw new Error(
      `dataset.features made of earlier targets hang on when those are known, which ${open} leaves open: use mode: streaming with a fixed batch_size`,
    )
  }
  return { bounds: { max_categories, hash_buckets }, labels: { batch: batch_size, delay: label_delay } }
}
