/** What a workload is told of its trial. */

import type { TrialJob } from './protocol.ts'
import type { Limits, TrialContext } from './workload.ts'

/** @param limits as they are in force */
export function contextOf({ spec, data }: TrialJob, limits: Limits): TrialContext {
  const { params, settings } = spec
  const dataset = spec.data === null ? null : { ...spec.data, path: data! }
  return { params, settings, limits, dataset, warmup: false }
}
