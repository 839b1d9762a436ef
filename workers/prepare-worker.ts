/** The thread of the job before all trials. What reads data is loaded where there is any. */
import { basename, extname } from 'node:path'
import type { PreparedDataset } from './data/types.ts'
import { InputError } from './input-error.ts'
import { BUILT_IN, loadWorkload, nameOf, openWorkload } from './load-workload.ts'
import type { ArrivalUse, DatasetSpec, InputProblem, PrepareResult, PrepareSpec } from './protocol/prepare.ts'
import type { WorkloadSource } from './protocol/trial-spec.ts'
import { checkedDescription, trialErrorFrom } from './untrusted.ts'
import type { Workload, WorkloadInfo } from './workload.ts'

/** A task that only starts the thread. */
export function empty(): null {
  return null
}

/** What the workload says of itself, without any data. */
export async function describeInThread(spec: PrepareSpec): Promise<PrepareResult> {
  try {
    const loaded = await loadWorkload(spec.workload)
    // What it says of itself is known from here on.
    if (loaded.kind === 'command') await loaded.workload.end()
    return await described(spec.workload, describe(loaded.workload, spec.workload))
  } catch (error) {
    return { ok: false, error: asProblem(error) }
  }
}

export async function prepareInThread({
  spec,
  info,
}: {
  spec: PrepareSpec
  info: WorkloadInfo
}): Promise<PrepareResult> {
  try {
    return await prepareData(spec, info)
  } catch (error) {
    return { ok: false, error: asProblem(error), workload: info }
  }
}

async function described(workload: WorkloadSource, info: WorkloadInfo): Promise<PrepareResult> {
  const choices =
    workload === BUILT_IN ? { choices: (await import('./pipeline/describe.ts')).parameterChoices() } : {}
  return { ok: true, workload: info, datasets: [], notes: [], ...choices }
}

async function prepareData(spec: PrepareSpec, info: WorkloadInfo): Promise<PrepareResult> {
  checkDatasetRule(info, spec.datasets)
  const { datasets, notes, fitted } =
    spec.datasets.length === 0
      ? { datasets: [], notes: [], fitted: info }
      : await (await import('./prepare-data.ts')).prepareDatasets(spec, info)
  for (const use of spec.arrivals ?? []) await checkArrivals(use, spec.workload, info, datasets)
  return { ok: true, workload: fitted, datasets, notes: [...new Set(notes)] }
}

/**
 * Reads the times of a trace, and opens the workload where only that tells whether it can give up events.
 * @throws {InputError} where it cannot
 * @throws {DataError} where the times are none, or not in order
 */
async function checkArrivals(
  { dataset: place, trace, sheds }: ArrivalUse,
  source: WorkloadSource,
  info: WorkloadInfo,
  datasets: readonly PreparedDataset[],
): Promise<void> {
  const dataset = place === null ? null : datasets[place]!
  if (trace !== null) await (await import('./prepare-data.ts')).checkTrace(dataset!, trace)
  if (sheds === null || source === BUILT_IN) return
  const { workload, kind } = await loadWorkload(source)
  const defaults = Object.entries(info.params ?? {}).map(([name, param]) => [name, param.default])
  const open = await openWorkload(workload, {
    params: { ...Object.fromEntries(defaults), ...sheds.params },
    settings: sheds.settings,
    limits: { memory_mb: null, compute_units: null },
    dataset,
    warmup: true,
  })
  const canShed = typeof open.skip === 'function'
  await open.close?.()
  if (kind === 'command') await workload.end()
  if (canShed) return
  throw new InputError({
    key: 'queue.when_full',
    message: `${sheds.policy} gives up events, and workload ${info.name} has no skip(rows) to give them up by`,
    hint: 'add skip(rows) to what open() returns, or choose block or predict_only',
  })
}

/** What the workload says of itself; one that says nothing takes any params and any dataset. */
function describe(workload: Workload, source: WorkloadSource): WorkloadInfo {
  const name = typeof source === 'string' ? basename(source, extname(source)) : nameOf(source)
  if (workload.describe === undefined) return { name, params: null, metrics: {}, dataset: 'optional' }
  try {
    return checkedDescription(
      typeof source === 'string' ? workload.describe() : Object.assign({ name }, workload.describe()),
    )
  } catch (error) {
    throw new InputError({
      message: `workload ${nameOf(source)}: ${trialErrorFrom(error).message}`,
      hint: 'describe() must return { name, params, metrics, dataset }; params and metrics are objects, empty where there are none; params: null takes any',
    })
  }
}

function checkDatasetRule(info: WorkloadInfo, datasets: readonly DatasetSpec[]): void {
  if (info.dataset === 'required' && datasets.length === 0) {
    throw new InputError({
      message: `workload ${info.name} needs a dataset and the sweep names none`,
      hint: 'add "dataset: { source: FILE.csv }" or "dataset: { generate: PRESET, rows: N }"',
    })
  }
  if (info.dataset === 'none' && datasets.length > 0) {
    throw new InputError({
      message: `workload ${info.name} takes no dataset and the sweep names one`,
      hint: 'remove "dataset" from the sweep',
    })
  }
}

/** Data errors carry the file and line at fault. */
function asProblem(error: unknown): InputProblem {
  if (error instanceof InputError) return error.problem
  const { message } = trialErrorFrom(error)
  if (!(error instanceof Error)) return { message }
  const { file, line, path, param, hint } = error as Error &
    Record<'file' | 'line' | 'path' | 'param' | 'hint', unknown>
  const at = typeof file === 'string' ? file : path
  return {
    message,
    ...(typeof at === 'string' ? { file: at } : {}),
    ...(typeof line === 'number' ? { line } : {}),
    ...(typeof param === 'string' ? { param } : {}),
    ...(typeof hint === 'string' ? { hint } : {}),
  }
}
