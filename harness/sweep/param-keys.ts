/** Under which key a scenario names a parameter of its workload. */
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { BUILT_IN } from './paths.ts'
import { PIPELINE_SETTINGS } from './settings.ts'

/** A parameter's key in a scenario's point. */
export function keyOfParam(name: string, workload: WorkloadSource): string {
  return workload === BUILT_IN && PIPELINE_SETTINGS.includes(name) ? name : `params.${name}`
}
