/** What the executor is asked for: trials and duets of a scenario, with either version's module and parameters. */
import type { Scalar, WorkloadInfo } from '../../workers/contract.ts'
import type { PreparedDataset } from '../../workers/data/types.ts'
import type { DuetSide, DuetSpec, TrialSpec } from '../../workers/protocol.ts'
import type { Calibration } from '../record/types.ts'
import { capsFor } from '../run/run-trials.ts'
import { trialId } from '../sweep/plan.ts'
import type { Scenario, Sweep } from '../sweep/types.ts'
import type { GateScenario, Versions } from './types.ts'

/** Long enough for the compiler to be done with most code, short enough for some two dozen duets a minute. */
const DUET_TARGET_MS = 1500

export type DatasetOf = (scenario: Scenario) => PreparedDataset | null

/** What the trials of a gate share beside the sweep. */
export interface Means {
  datasetOf: DatasetOf
  /** Null: compute units are cores of this machine. */
  calibration: Calibration | null
}

/**
 * The scenario's parameters as the version knows them: what it does not know is left out, what is not given is its default.
 */
export function paramsFor(scenario: Scenario, info: WorkloadInfo): Record<string, Scalar> {
  const known = Object.entries(info.params)
  return Object.fromEntries(
    known.map(([name, param]) => [
      name,
      Object.hasOwn(scenario.params, name) ? scenario.params[name]! : param.default,
    ]),
  )
}

export function trialSpecOf(
  sweep: Sweep,
  { scenario, params }: GateScenario,
  side: DuetSide,
  round: number,
  workload: string,
  { datasetOf, calibration }: Means,
): TrialSpec {
  const { settings } = scenario
  return {
    trial: `${trialId(scenario.id, round)}-${side}`,
    scenario: scenario.id,
    round,
    flat: scenario.flat,
    workload,
    params: params[side],
    settings,
    dataset: datasetOf(scenario),
    caps: capsFor(sweep, scenario, calibration),
    warmup_chunks: scenario.warmup_chunks,
    timeout_s: scenario.timeout_s,
    chunk_log: null,
  }
}

export function duetSpecOf(
  { scenario, params }: GateScenario,
  { a, b }: Versions,
  number: number,
  first: DuetSide,
  datasetOf: DatasetOf,
): DuetSpec {
  const { settings } = scenario
  return {
    duet: `${scenario.id}-d${number}`,
    sides: {
      a: { workload: a.workload, params: params.a },
      b: { workload: b.workload, params: params.b },
    },
    first,
    settings,
    dataset: datasetOf(scenario),
    max_memory_mb: settings.max_memory_mb,
    warmup_chunks: scenario.warmup_chunks,
    target_ms: DUET_TARGET_MS,
    timeout_s: 2 * scenario.timeout_s,
  }
}
