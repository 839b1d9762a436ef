/** Finds and checks a workload: the built-in one, a module, or a program. */
import { pathToFileURL } from 'node:url'
import type { CommandWorkload } from './command/workload.ts'
import type { TrialJob, WorkloadSource } from './protocol/trial-spec.ts'
import { trialErrorFrom, WorkloadError } from './untrusted.ts'
import type { Limits, OpenWorkload, TrialContext, Workload } from './workload.ts'

/** Names the workload that ships, instead of a module's path. */
export const BUILT_IN = 'pipeline'

export type LoadedWorkload =
  | { kind: 'module'; workload: Workload }
  | { kind: 'command'; workload: CommandWorkload }

/** For people. */
export function nameOf(source: WorkloadSource): string {
  return typeof source === 'string' ? source : source.command.join(' ')
}

/**
 * @param errorLog path of the file that takes a program's standard error; null for none
 * @throws {WorkloadError} where the module does not load or has no `open`, or the program does not answer
 */
export async function loadWorkload(
  source: WorkloadSource,
  errorLog: string | null = null,
): Promise<LoadedWorkload> {
  if (typeof source === 'string') return { kind: 'module', workload: await loadModule(source) }
  const { startCommand } = await import('./command/workload.ts')
  return { kind: 'command', workload: await startCommand(source, errorLog) }
}

async function loadModule(workload: string): Promise<Workload> {
  const url =
    workload === BUILT_IN ? new URL('./pipeline/workload.js', import.meta.url) : pathToFileURL(workload)
  let module: { default?: Partial<Workload> }
  try {
    module = await import(url.href)
  } catch (cause) {
    const { name, message } = trialErrorFrom(cause)
    throw new WorkloadError(`workload ${workload} did not load: ${name}: ${message}`, { cause })
  }
  if (typeof module.default?.open !== 'function') {
    throw new WorkloadError(
      `workload ${workload} must have a default export with an open(context) function that returns { step, finish }`,
    )
  }
  return module.default as Workload
}

/** @throws {WorkloadError} where `open` returned something that cannot be stepped, and what `open` throws */
export async function openWorkload(workload: Workload, context: TrialContext): Promise<OpenWorkload> {
  const open = await workload.open(context)
  if (typeof open?.step !== 'function' || typeof open.finish !== 'function') {
    throw new WorkloadError('open(context) must return an object with the functions step() and finish()')
  }
  return open
}

// What a workload is told of its trial.

/** @param limits as they are in force */
export function contextOf({ spec, data }: TrialJob, limits: Limits): TrialContext {
  const { params, settings } = spec
  const dataset = spec.data === null ? null : { ...spec.data, path: data! }
  return { params, settings, limits, dataset, warmup: false }
}
