/** What the executor is asked for: trials and duets of a scenario, with either version's module and parameters. */

import type { DriverSpec, DuetSide, DuetSpec, TrialSpec } from '../../workers/protocol.ts'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import type { Session } from '../session/session.ts'
import type { Scenario } from '../sweep/types.ts'

import type { GateScenario, Versions } from './types.ts'

/** Long enough for the compiler to be done with most code, short enough for some two dozen duets a minute. */
const DUET: DriverSpec = { kind: 'interleaved', target_ms: 1500 }

/**
 * The scenario's parameters as the version knows them: what it does not know is left out, what is not given is its default.
 */
export function paramsFor(scenario: Scenario, info: WorkloadInfo): Record<string, Scalar> {
  if (info.params === null) return scenario.params
  const known = Object.entries(info.params)
  return Object.fromEntries(
    known.map(([name, param]) => [
      name,
      Object.hasOwn(scenario.params, name) ? scenario.params[name]! : param.default,
    ]),
  )
}

export function trialSpecOf(
  session: Session,
  { scenario, params }: GateScenario,
  side: DuetSide,
  round: number,
  versions: Versions,
): TrialSpec {
  return session.spec(scenario, { round, side, workload: versions[side].ref, params: params[side] })
}

export function duetSpecOf(
  session: Session,
  { scenario, params }: GateScenario,
  versions: Versions,
  round: number,
  first: DuetSide,
): DuetSpec {
  const side = (name: DuetSide) =>
    session.spec(scenario, {
      round,
      side: name,
      workload: versions[name].ref,
      params: params[name],
      driver: DUET,
    })
  return {
    duet: `${scenario.id}-d${round}`,
    sides: { baseline: side('baseline'), candidate: side('candidate') },
    first,
  }
}
