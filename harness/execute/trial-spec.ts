/** The one builder of trial specs: for runs, gates, probes and calibration. */

import type { DataRef, DriverSpec, DuetSide, TrialSpec, Watts, WorkloadRef } from '../../workers/protocol.ts'
import type { Scalar } from '../../workers/workload.ts'
import { trialId } from '../sweep/plan.ts'
import type { ScenarioSettings } from '../sweep/types.ts'

/** A scenario as far as its trials need it. */
export interface TrialRecipe {
  id: string
  settings: ScenarioSettings
  watts: Watts | null
}

export interface TrialPart {
  round: number
  workload: WorkloadRef
  params: Record<string, Scalar>
  data: DataRef | null
  /** Whether every chunk is logged. */
  logChunks?: boolean
  /** Default: closed loop. */
  driver?: DriverSpec
  /** In a gate: whose trial it is. */
  side?: DuetSide
}

export function trialSpec({ id, settings, watts }: TrialRecipe, part: TrialPart): TrialSpec {
  const { mode, chunk_size, batch_size, random_seed } = settings
  const { max_memory_mb, memory_scope, max_compute_units, pin_core } = settings
  return {
    trial: trialId(id, part.round) + (part.side === undefined ? '' : `-${part.side}`),
    scenario: id,
    round: part.round,
    workload: part.workload,
    params: part.params,
    settings: { mode, chunk_size, batch_size, random_seed },
    data: part.data,
    caps: { max_memory_mb, memory_scope, max_compute_units, pin_core, policy: settings.caps },
    driver: part.driver ?? { kind: 'closed' },
    warmup_chunks: settings.warmup_chunks,
    deadline_s: settings.timeout_s,
    log_chunks: part.logChunks ?? false,
    watts,
  }
}
