/** The job before all trials: asks the workload what it is, and reads, hashes and counts each dataset once. */
import { basename, extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { suggest } from './data/header.ts'
import { BrokerSources } from './data/sources/from-broker.ts'
import type { DataFingerprint, PreparedDataset } from './data/types.ts'
import { BUILT_IN, loadWorkload, openWorkload } from './load-workload.ts'
import { permit } from './permit.ts'
import { type FileSpec, InputError, readFile, unread, writeGenerated } from './prepare-data.ts'
import type { ArrivalUse, DatasetSpec, InputProblem, PrepareResult, PrepareSpec } from './protocol/prepare.ts'
import { GROUP_SIGNALS } from './protocol/trial-process.ts'
import type { WorkloadSource } from './protocol/trial-spec.ts'
import { checkedDescription, trialErrorFrom } from './untrusted.ts'
import type { Workload, WorkloadInfo } from './workload.ts'

if (isMainThread) {
  // Without the coordinator this process has no purpose.
  for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
  process.on('disconnect', () => process.exit(1))
}

/** Longest that a workload may take to load and describe itself where nothing else is said, s. */
const DESCRIBE_S = 60

/** In a thread, as a trial: what the workload's module changes in the runtime stays away from the coordinator's channel. */
export async function prepare(spec: PrepareSpec): Promise<PrepareResult> {
  const { describe_s = DESCRIBE_S } = spec
  const thread = new Piscina({
    filename: fileURLToPath(import.meta.url),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
  })
  try {
    // Its thread stands, and what comes on top is the workload's.
    await thread.run(null, { name: 'empty' })
    await permit('empty')
    const described = await before(describe_s, thread.run(spec, { name: 'describeInThread' }))
    if (described === null) return { ok: false, error: tooSlow(spec.workload, describe_s) }
    const told = described as PrepareResult
    if (!told.ok || spec.only_describe === true) return told
    await permit('warm')
    return (await thread.run({ spec, info: told.workload }, { name: 'prepareInThread' })) as PrepareResult
  } catch (error) {
    return {
      ok: false,
      error: { message: `preparing ${nameOf(spec.workload)} failed: ${threadEnded(error)}` },
    }
  }
}

/** Null where that takes longer. */
async function before<T>(seconds: number, work: Promise<T>): Promise<T | null> {
  const timer = new AbortController()
  const late = sleep(seconds * 1000, null, { signal: timer.signal })
  // Ended by the abort below, which nobody waits for.
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

function tooSlow(workload: WorkloadSource, seconds: number): InputProblem {
  return {
    message: `workload ${nameOf(workload)}: it was not loaded and described after ${seconds} s`,
    hint: 'code outside of functions and describe() must end soon: leave what takes long to open(); a larger timeout_s gives more time, up to a minute',
  }
}

function threadEnded(error: unknown): string {
  const { message } = trialErrorFrom(error)
  const exit = /^worker exited with code: (-?\d+)$/.exec(message)?.[1]
  return exit === undefined ? message : `it ended its thread by process.exit(${exit})`
}

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
  // A user's module may export functions of these names, which mean something else.
  const builtIn = spec.workload === BUILT_IN ? await import('./pipeline/check-dataset.ts') : null
  const notes: string[] = []
  const datasets: PreparedDataset[] = []
  const known = new Map<string, DataFingerprint>()
  // The built-in workload reads streams itself, at its own cost; others are handed a file.
  const brokers = new BrokerSources(spec.data_dir, builtIn !== null)
  const fromBroker = async (dataset: FileSpec): Promise<FileSpec> => {
    const { file, notes: said } = await brokers.ready(dataset)
    notes.push(...said)
    return file
  }
  for (const [index, dataset] of spec.datasets.entries()) {
    const found =
      dataset.kind === 'generate'
        ? await writeGenerated(dataset, spec.data_dir)
        : unread(await fromBroker(dataset))
    const key = JSON.stringify([found.path, found.format, found.dialect])
    const fingerprint = found.fingerprint ?? known.get(key) ?? null
    const unchecked = { ...found, fingerprint }
    const uses = spec.uses?.[index] ?? []
    const { dataset: prepared, notes: said } =
      builtIn === null
        ? await readFile(unchecked)
        : await builtIn.checkDataset(
            unchecked,
            uses.map(({ params }) => params),
          )
    // A dry run generates fewer rows than a run.
    const rows = dataset.kind === 'generate' ? Number.POSITIVE_INFINITY : prepared.rows
    await builtIn?.checkFiles({ ...prepared, rows }, uses, spec.files)
    notes.push(...said)
    known.set(key, prepared.fingerprint)
    datasets.push(prepared)
  }
  for (const use of spec.arrivals ?? []) await checkArrivals(use, spec.workload, info, datasets)
  const fitted = builtIn === null || datasets.length === 0 ? info : await builtIn.describeFor(datasets)
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
  if (trace !== null) {
    const { columns } = dataset!.fingerprint
    if (!columns.includes(trace)) {
      const message = `the data has no column "${trace}"${suggest(trace, columns)}`
      throw new InputError({ key: 'arrival.column', message })
    }
    await (await import('./drive/trace.ts')).recordTrace(dataset!, trace)
  }
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

/** For people. */
function nameOf(source: WorkloadSource): string {
  return typeof source === 'string' ? source : source.command.join(' ')
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
