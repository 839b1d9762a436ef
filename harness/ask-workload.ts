/** Asks a workload for its parameters, without a sweep or data. */
import { existsSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { WorkloadSource } from '../workers/protocol/trial-spec.ts'
import type { Choices, ParamInfo } from '../workers/workload.ts'
import type { Executor } from './execute/executor.ts'
import { makeOwnedFolder } from './ownership/leftovers.ts'
import { BUILT_IN } from './sweep/paths.ts'
import { UserError, userErrorFrom } from './user-error.ts'

export interface WorkloadParams {
  /** Its name. */
  workload: string
  /** Null: any, handed over as given. */
  params: Record<string, ParamInfo> | null
  /** By parameter and value, such as a learner: what this value takes. */
  choices: Choices
}

/** @throws {UserError} where there is no such module, or it does not load or describe itself */
export async function askWorkload(
  workload: string = BUILT_IN,
  start: () => Executor,
): Promise<WorkloadParams> {
  const path = workload === BUILT_IN ? workload : resolve(workload)
  if (path !== BUILT_IN && !(existsSync(path) && statSync(path).isFile()))
    throw new UserError(
      `${workload}: no such file`,
      `name the module of a workload, or ${BUILT_IN}, the built-in one`,
    )
  return await describeWorkload(path, start)
}

/** @throws {UserError} where it does not load or describe itself */
export async function describeWorkload(
  workload: WorkloadSource,
  start: () => Executor,
): Promise<WorkloadParams> {
  const folder = makeOwnedFolder()
  try {
    const spec = { workload, datasets: [], data_dir: folder, only_describe: true as const }
    const prepared = await start().prepare(spec)
    if (!prepared.ok) throw userErrorFrom(prepared.error)
    const { workload: info, choices = {} } = prepared
    return { workload: info.name, params: info.params, choices }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
