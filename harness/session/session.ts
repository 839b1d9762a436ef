/** What must be known before the first trial: data, workload, calibration, caps. One for runs, resumes and gates. */
import { rmSync } from 'node:fs'
import { availableParallelism, freemem } from 'node:os'
import { basename, join, sep } from 'node:path'
import type { PreparedDataset } from '../../workers/data/types.ts'
import type {
  ArrivalUse,
  DatasetSpec,
  DatasetUse,
  InputProblem,
  PrepareResult,
  PrepareSpec,
} from '../../workers/protocol/prepare.ts'
import type { Capabilities, OwnLimits } from '../../workers/protocol/supervisor.ts'
import {
  type DataRef,
  dataKey,
  type TrialSpec,
  type WorkloadRef,
  type WorkloadSource,
} from '../../workers/protocol/trial-spec.ts'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import { type Executor, fleetOf } from '../execute/executor.ts'
import { leftOut, unset } from '../execute/local/environment.ts'
import { runProbe, type TrialPart, trialSpec } from '../execute/trial-spec.ts'
import { hashWorkload } from '../execute/workload-code.ts'
import { formatNumber, wholeNumber } from '../format.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { STINT_VERSION } from '../package-folder.ts'
import { type Conditions, hereOf } from '../record/compatibility.ts'
import { readMachine } from '../record/machine.ts'
import type { Calibration } from '../record/types.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { keyOfParam } from '../sweep/param-keys.ts'
import { checkParams, fitToWorkload } from '../sweep/params.ts'
import { BUILT_IN, workloadName } from '../sweep/paths.ts'
import type { Locate } from '../sweep/places.ts'
import { type Finding, refuse } from '../sweep/problems.ts'
import { openLoop, workloadMode, workloadSettings } from '../sweep/realtime.ts'
import type { Scenario, Sweep } from '../sweep/types.ts'
import { FILES_FOLDER, fileNotes, paramsOfTrial, typedParams } from '../sweep/written-files.ts'
import { calibrate } from './calibrate.ts'
import { WatchedInputs, withStdinAsFile } from './inputs.ts'
import { slotsOf } from './plan.ts'

/** One version of a workload, and what it says of itself. */
export interface PreparedWorkload {
  ref: WorkloadRef
  info: WorkloadInfo
  source: WorkloadSource
}

interface SessionOptions {
  sweep: Sweep
  /** Where the sweep's keys stand; null for a sweep that was fitted to its workload before, as a manifest's is. */
  locate: Locate | null
  executor: Executor
  /** An existing folder for generated data. */
  dataFolder: string
  /** As measured before; undefined: measured where the sweep asks for it. */
  calibration?: Calibration | null
  /** Whether trials may replace files that Stint did not write, where the user named them. */
  overwrite?: boolean
  signal?: AbortSignal
}

type Preparation = { ok: true; session: Session } | { ok: false; problem: InputProblem }

/**
 * Reads the data, asks the workload what it is, and checks what this machine can enforce.
 * @returns a problem that the user can mend
 * @throws {SweepError} where the sweep does not fit the workload
 * @throws the reason of `signal` once that is aborted
 */
export async function prepareSession(options: SessionOptions): Promise<Preparation> {
  const { sweep, executor, dataFolder, signal } = options
  const begun = Date.now()
  // Before the workload is asked, so that an edit meanwhile is seen as a change.
  const ref = workloadRef(sweep.workload)
  const fit = await fitted(options)
  if (!fit.ok) return fit
  const known = options.calibration
  const calibration =
    known !== undefined
      ? known
      : fit.sweep.relative_to === null || fleetOf(executor) !== null
        ? // Each agent calibrates itself.
          null
        : await calibrate(executor, fit.sweep.relative_to)
  signal?.throwIfAborted()
  const { limits } = await executor.capabilities()
  const problem = unreachable(fit.sweep, calibration, limits)
  if (problem !== null) return { ok: false, problem }
  const { workload: info, datasets, notes } = fit.prepared
  const n_jobs = options.locate === null ? fit.sweep.n_jobs : slotsOf(fit.sweep, info, usableOf(limits))
  const workload = { ref, info, source: sweep.workload }
  // What was generated, or came by standard input, is Stint's own.
  const others = datasets.filter(({ path }) => !path.startsWith(dataFolder + sep))
  const inputs = new WatchedInputs(
    { source: sweep.workload, sha256: ref.sha256 },
    others.map(({ path, fingerprint }) => ({ path, sha256: fingerprint.sha256 })),
    begun,
  )
  return {
    ok: true,
    session: new Session(
      { ...fit.sweep, n_jobs },
      workload,
      datasets,
      [
        ...notes,
        ...fileNotes(fit.sweep, info),
        ...tooManyJobs(fit.sweep, limits),
        ...leftOutHere(fit.sweep, ref, executor),
        ...cutByTimeout(fit.sweep, datasets),
      ],
      calibration,
      executor,
      inputs,
    ),
  }
}

const MIB = 1024 * 1024

function usableOf({ cpu_quota_cores, memory_limit_mb }: OwnLimits): { cores: number; free_mb: number } {
  return {
    cores: Math.min(availableParallelism(), cpu_quota_cores ?? Number.POSITIVE_INFINITY),
    free_mb: Math.min(freemem() / MIB, memory_limit_mb ?? Number.POSITIVE_INFINITY),
  }
}

/** Rows that are enough to know a generated data set by. */
const SAMPLE_ROWS = 1000

/**
 * Whether the sweep would run here, as far as can be told without a trial: `relative_to` is not looked at.
 * @returns the problem that `prepareSession` would return; null for none
 * @throws as `prepareSession`
 */
export async function checkSweep(
  { sweep, locate }: LoadedSweep,
  executor: Executor,
  signal: AbortSignal,
): Promise<InputProblem | null> {
  const scenarios = sweep.scenarios.map((scenario) =>
    scenario.dataset?.kind === 'generate'
      ? { ...scenario, dataset: { ...scenario.dataset, rows: Math.min(SAMPLE_ROWS, scenario.dataset.rows) } }
      : scenario,
  )
  const dataFolder = makeOwnedFolder()
  try {
    const fit = await fitted({ sweep: { ...sweep, scenarios }, locate, executor, dataFolder, signal })
    return fit.ok ? null : fit.problem
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

type Fit =
  | { ok: true; sweep: Sweep; prepared: Extract<PrepareResult, { ok: true }> }
  | { ok: false; problem: InputProblem }

/** The sweep fitted to its workload and data, whose caps this machine can enforce. */
async function fitted(options: SessionOptions): Promise<Fit> {
  const { sweep, locate, executor, signal } = options
  const lacking = unsetHere(sweep, executor, locate)
  if (lacking !== null) return { ok: false, problem: lacking }
  const prepared = await prepare(options)
  signal?.throwIfAborted()
  if (!prepared.ok) {
    // Advice on the data may rest on parameters: what is wrong with those comes first.
    if (prepared.workload !== undefined && locate !== null)
      refuse(checkParams(sweep, prepared.workload, locate).findings)
    const { param, message, hint } = prepared.error
    const key = param === undefined ? prepared.error.key : keyOfParam(param, sweep.workload)
    if (key !== undefined && locate !== null)
      refuse([{ ...locate(key), what: message, ...(hint && { hint }) }])
    return { ok: false, problem: prepared.error }
  }
  const fit = locate === null ? sweep : fitToWorkload(sweep, prepared.workload, locate)
  const problem = await tooSmallForNode(fit, executor, locate)
  signal?.throwIfAborted()
  return problem === null ? { ok: true, sweep: fit, prepared } : { ok: false, problem }
}

/**
 * Under `memory_scope: process` Node itself must fit the cap, and how much that takes only a trial process can tell:
 * the smallest caps are tried in one until one is large enough.
 */
async function tooSmallForNode(
  { scenarios, source, search }: Sweep,
  executor: Executor,
  locate: Locate | null,
): Promise<InputProblem | null> {
  // A trial that does not fit on an agent says so itself, and to a search it is a value that fails.
  if (fleetOf(executor) !== null || search?.axis === 'max_memory_mb') return null
  const asked = scenarios.flatMap(({ settings: { memory_scope, max_memory_mb } }) =>
    memory_scope === 'process' && max_memory_mb !== null ? [max_memory_mb] : [],
  )
  const findings: Finding[] = []
  for (const memoryMb of [...new Set(asked)].sort((a, b) => a - b)) {
    const trial = await runProbe(executor, {
      steps: 1,
      memoryMb,
      memoryScope: 'process',
      id: 'process-scope',
    })
    if (trial.outcome === 'ok' || trial.error.name !== 'CapError') break
    const what = trial.error.message
    const hint = 'ask for more, or drop memory_scope: workload counts only what comes on top of Node'
    if (locate === null) return { message: `${source.path}: key "max_memory_mb": ${what}`, hint }
    findings.push({ ...locate('max_memory_mb', memoryMb), what, hint })
  }
  refuse(findings)
  return null
}

export class Session {
  /** With the workload's defaults filled in. */
  readonly sweep: Sweep
  readonly workload: PreparedWorkload
  /** In the order of `distinctDatasets`. */
  readonly datasets: readonly PreparedDataset[]
  /** What the user should know. */
  readonly notes: readonly string[]
  /** Null: compute units are cores of this machine. */
  readonly calibration: Calibration | null
  private readonly executor: Executor
  /** Code and data of all trials that may be asked for; what is not watched is not in it. */
  private readonly inputs: WatchedInputs[]
  private readonly byKey: Map<string, DataRef>
  /** Where relative paths of files that trials write start. */
  private files: string | null = null
  /** That trials of another sweep read. */
  private readonly further: PreparedDataset[] = []

  constructor(
    sweep: Sweep,
    workload: PreparedWorkload,
    datasets: readonly PreparedDataset[],
    notes: readonly string[],
    calibration: Calibration | null,
    executor: Executor,
    inputs: WatchedInputs | null,
  ) {
    this.sweep = sweep
    this.workload = workload
    this.datasets = datasets
    this.notes = notes
    this.calibration = calibration
    this.executor = executor
    this.inputs = inputs === null ? [] : [inputs]
    const keys = distinctDatasets(sweep.scenarios).map(keyOf)
    this.byKey = new Map(keys.map((key, index) => [key, dataRef(datasets[index]!)]))
  }

  /** From here on trials of the other's scenarios can be asked for as well. */
  include(other: Session): void {
    for (const [key, ref] of other.byKey) this.byKey.set(key, ref)
    this.further.push(...other.datasets)
    this.inputs.push(...other.inputs)
  }

  /** Tells the executor where all of it lies; `others` are further versions of the workload. */
  provide(
    chunkLogs: string | null,
    others: readonly PreparedWorkload[] = [],
    cpuProfiles: string | null = null,
  ): void {
    this.executor.provide({
      workloads: new Map([this.workload, ...others].map(({ ref, source }) => [ref.sha256, source])),
      data: new Map([...this.datasets, ...this.further].map((data) => [dataKey(data), data.path])),
      chunk_logs: chunkLogs,
      cpu_profiles: cpuProfiles,
      compute_scale: this.calibration?.factor ?? 1,
    })
  }

  /** Files that trials write, and whose paths are relative, lie below this folder. */
  keepFilesIn(folder: string): void {
    this.files = join(folder, FILES_FOLDER)
  }

  /** Asks another version of the workload what it is, with the same data. */
  async askOther(
    source: WorkloadSource,
    dataFolder: string,
  ): Promise<PreparedWorkload | { problem: InputProblem }> {
    const datasets = this.datasets.map(asFile)
    const begun = Date.now()
    const ref = workloadRef(source)
    const prepared = await this.executor.prepare({
      workload: source,
      datasets,
      data_dir: dataFolder,
      env: this.sweep.env,
      ...describeLimits(this.sweep),
    })
    if (!prepared.ok) return { problem: prepared.error }
    this.inputs.push(new WatchedInputs({ source, sha256: ref.sha256 }, [], begun))
    return { ref, info: prepared.workload, source }
  }

  /**
   * Ask before a trial and after it: trials of other data or code must not be averaged with those before.
   * @returns what is not as it was when it was read, in words; null for nothing
   */
  async changedInput(): Promise<string | null> {
    for (const inputs of this.inputs) {
      const changed = await inputs.changed()
      if (changed !== null) return changed
    }
    return null
  }

  /** What trials that run now depend on. */
  async conditions(): Promise<Conditions> {
    const fleet = fleetOf(this.executor)
    return {
      stint: STINT_VERSION,
      sweep: this.sweep,
      places: fleet === null ? [hereOf(readMachine())] : await fleet.places(),
      workload_hash: this.workload.ref.sha256,
      datasets: this.datasets,
      mechanisms: null,
    }
  }

  spec(
    scenario: Scenario,
    part: Pick<TrialPart, 'round' | 'logChunks' | 'profiled' | 'driver' | 'side'> & {
      workload?: WorkloadRef
      params?: Record<string, Scalar>
    },
  ): TrialSpec {
    const data = scenario.dataset === null ? null : this.byKey.get(keyOf(scenario.dataset))!
    const own = { workload: this.workload.ref, params: scenario.params, env: this.sweep.env }
    const spec = trialSpec(scenario, { ...own, ...part, data })
    return { ...spec, params: paramsOfTrial(spec.params, this.workload.info, spec.trial, this.files) }
  }
}

function workloadRef(source: WorkloadSource): WorkloadRef {
  const sha256 = hashWorkload(source)
  if (typeof source === 'object') return { kind: 'command', name: workloadName(source), sha256 }
  return source === BUILT_IN
    ? { kind: 'builtin', name: source, sha256 }
    : { kind: 'module', name: basename(source), sha256 }
}

function dataRef({ path: _, ...ref }: PreparedDataset): DataRef {
  return ref
}

/** The same data for another version, which may generate other data or none of that name. */
function asFile({ fingerprint, ceiling_r2, schema, ...given }: PreparedDataset): DatasetSpec {
  return { kind: 'file', ...given }
}

async function prepare(options: SessionOptions): Promise<PrepareResult> {
  const { sweep, locate, executor, dataFolder, overwrite = false } = options
  const asked = distinctDatasets(sweep.scenarios)
  const datasets = await withStdinAsFile(asked, dataFolder)
  if (!Array.isArray(datasets)) return { ok: false, error: datasets }
  // Beside each other: both take some tenths of a second, and nothing is timed yet.
  const [able, prepared] = await Promise.all([
    executor.capabilities(),
    executor.prepare({
      workload: sweep.workload,
      datasets,
      uses: asked.map((dataset) => distinctUses(sweep.scenarios, dataset)),
      arrivals: arrivalUses(sweep.scenarios, asked),
      files: { typed: locate === null ? [] : typedParams(sweep, locate), overwrite },
      data_dir: dataFolder,
      env: sweep.env,
      ...describeLimits(sweep),
    }),
  ])
  const unenforceable = checkCaps(sweep, able)
  return unenforceable === null ? prepared : { ok: false, error: unenforceable }
}

/** Longest that any workload may take to load and describe itself, s. */
const MOST_DESCRIBE_S = 60
/** A busy machine takes a while to start a process, which a short timeout_s does not mean. */
const LEAST_DESCRIBE_S = 5

/** A trial loads its workload too: what is more than any trial may take is too much to describe it. */
function describeLimits({ scenarios }: Sweep): Pick<PrepareSpec, 'describe_s' | 'describe_mb'> {
  const largest = scenarios.reduce((most, { settings }) => Math.max(most, settings.timeout_s), 0)
  const caps = scenarios.map(({ settings }) => settings.max_memory_mb)
  const capped = caps.filter((cap) => cap !== null)
  return {
    describe_s: Math.max(LEAST_DESCRIBE_S, Math.min(MOST_DESCRIBE_S, largest)),
    ...(capped.length === caps.length && { describe_mb: Math.max(...capped) }),
  }
}

/** No cap is silently ignored: what this machine cannot enforce is refused unless the sweep says otherwise. */
function checkCaps(sweep: Sweep, able: Capabilities): InputProblem | null {
  const asks = (key: 'max_compute_units' | 'max_memory_mb') =>
    sweep.scenarios.some(({ settings }) => settings.caps === 'strict' && settings[key] !== null)
  const refuse = (key: string, why: string): InputProblem => ({
    message: `${sweep.source.path}: key "${key}": ${why}`,
    hint: 'say "caps: best_effort" in the sweep to run all the same, with every such row marked',
  })
  if (able.compute === 'none' && asks('max_compute_units')) {
    const notes = able.notes.length === 0 ? '' : ` (${able.notes.join('; ')})`
    return refuse('max_compute_units', `this machine can enforce no compute cap${notes}`)
  }
  if (!able.memory.includes('supervisor_rss') && asks('max_memory_mb')) {
    return refuse('max_memory_mb', 'this machine cannot bound off-heap memory while a step runs')
  }
  // A share of another machine's core is known once that was measured.
  const quota = sweep.relative_to === null ? beyondQuota(sweep, able.limits, 1) : null
  return beyondMemoryLimit(sweep, able.limits) ?? quota
}

/** What the run itself may not use, as in a container or a limited unit, no trial of it can. */
function beyondMemoryLimit({ scenarios, source, n_jobs }: Sweep, limits: OwnLimits): InputProblem | null {
  const { memory_limit_mb: limit, memory_limit_group: group } = limits
  const most = mostAsked(scenarios, 'max_memory_mb') * n_jobs
  if (limit === null || most <= limit) return null
  const asked = n_jobs === 1 ? `${most} MB is` : `${n_jobs} trials at a time may take ${most} MB,`
  return {
    message: `${source.path}: key "max_memory_mb": ${asked} more than the ${limit} MB that this run itself may use (the memory limit of cgroup ${group})`,
    hint: 'ask for less, raise that limit (MemoryMax= of a unit, --memory of a container), or say "caps: best_effort"',
  }
}

/** @param scale cores of this machine for one unit as asked */
function beyondQuota(
  { scenarios, source, n_jobs }: Sweep,
  limits: OwnLimits,
  scale: number,
): InputProblem | null {
  const { cpu_quota_cores: quota, cpu_quota_group: group } = limits
  const most = mostAsked(scenarios, 'max_compute_units')
  if (quota === null || most * scale * n_jobs <= quota) return null
  const one = scale === 1 ? `${most}` : `${most}, ${formatNumber(most * scale)} cores here,`
  const asked =
    n_jobs === 1
      ? `${one} is`
      : `${n_jobs} trials at a time with ${one} each are ${formatNumber(most * scale * n_jobs)} cores,`
  return {
    message: `${source.path}: key "max_compute_units": ${asked} more than the ${formatNumber(quota)} cores that this run itself may use (the CPU quota of cgroup ${group})`,
    hint: 'ask for less, raise that quota (CPUQuota= of a unit, --cpus of a container), or say "caps: best_effort"',
  }
}

/** Trials that run at once and share less than a core each disturb each other, caps or not. */
function tooManyJobs({ n_jobs }: Sweep, { cpu_quota_cores: quota }: OwnLimits): string[] {
  if (quota === null || n_jobs === 1 || n_jobs <= quota) return []
  return [
    `n_jobs: ${n_jobs} trials share the ${formatNumber(quota)} cores that this run itself may use, and will wait for each other`,
  ]
}

/** A variable that a sweep hands over and that is not there is a slip: the trials would run without it. */
function unsetHere({ env, source }: Sweep, executor: Executor, locate: Locate | null): InputProblem | null {
  // Agents have environments of their own, and say what they lack.
  const names = fleetOf(executor) === null ? unset(env) : []
  if (names.length === 0) return null
  const what = `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not set in this environment`
  const hint = `set it (export ${names[0]}=...), or take the name out`
  if (locate !== null) refuse([{ ...locate('env'), what, hint }])
  return { message: `${source.path}: key "env": ${what}`, hint }
}

function leftOutHere({ env }: Sweep, { kind }: WorkloadRef, executor: Executor): string[] {
  const note = fleetOf(executor) === null ? leftOut(kind, env) : null
  return note === null ? [] : [note]
}

/** A realtime trial without `duration_s` lasts until the last event of the data has arrived, unless its deadline ends it. */
function cutByTimeout({ scenarios }: Sweep, datasets: readonly PreparedDataset[]): string[] {
  const keys = distinctDatasets(scenarios).map(keyOf)
  const late = scenarios.flatMap(({ settings, dataset }) => {
    const { mode, duration_s, timeout_s, 'arrival.rate': rate } = settings
    const rows = dataset === null ? undefined : datasets[keys.indexOf(keyOf(dataset))]?.rows
    if (mode !== 'realtime' || duration_s !== null || rate === null || rows === undefined) return []
    const seconds = rows / rate
    return seconds > timeout_s ? [{ seconds, rate, rows, timeout_s }] : []
  })
  const [first] = late.sort((a, b) => b.seconds - a.seconds)
  if (first === undefined) return []
  const { seconds, rate, rows, timeout_s } = first
  return [
    `at ${formatNumber(rate)} events per second the ${wholeNumber(rows)} rows take ${formatNumber(seconds)} s to arrive, longer than timeout_s (${timeout_s} s), which ends such trials: give duration_s, or raise timeout_s`,
  ]
}

/** Of the scenarios whose caps must hold; 0 for none. */
function mostAsked(scenarios: readonly Scenario[], key: 'max_compute_units' | 'max_memory_mb'): number {
  const asked = scenarios.map(({ settings }) => (settings.caps === 'strict' ? (settings[key] ?? 0) : 0))
  return asked.reduce((a, b) => Math.max(a, b), 0)
}

/** A faster machine's share that one thread cannot reach here is refused, like any cap that cannot be enforced. */
function unreachable(sweep: Sweep, calibration: Calibration | null, limits: OwnLimits): InputProblem | null {
  if (calibration === null) return null
  const most = mostAsked(sweep.scenarios, 'max_compute_units')
  const here = most * calibration.factor
  if (here <= 1) return beyondQuota(sweep, limits, calibration.factor)
  return {
    message: `${sweep.source.path}: key "relative_to": ${most} of a core of ${calibration.profile} would be ${formatNumber(here)} cores here, more than one thread can use`,
    hint: 'ask for less, run on a faster machine, or say "caps: best_effort"',
  }
}

/** Each dataset that some scenario reads, once. */
function distinctDatasets(scenarios: readonly Scenario[]): DatasetSpec[] {
  const specs = new Map<string, DatasetSpec>()
  for (const { dataset } of scenarios) if (dataset !== null) specs.set(keyOf(dataset), dataset)
  return [...specs.values()]
}

function distinctUses(scenarios: readonly Scenario[], spec: DatasetSpec): DatasetUse[] {
  const uses = new Map<string, DatasetUse>()
  for (const { dataset, params, settings } of scenarios) {
    if (dataset === null || keyOf(dataset) !== keyOf(spec)) continue
    const use = { params, settings: { mode: workloadMode(settings), batch_size: settings.batch_size } }
    uses.set(JSON.stringify(use), use)
  }
  return [...uses.values()]
}

/** What arrivals ask of the workload and of each dataset, once; empty without any. */
function arrivalUses(scenarios: readonly Scenario[], datasets: readonly DatasetSpec[]): ArrivalUse[] {
  const keys = datasets.map(keyOf)
  const uses = new Map<string, ArrivalUse>()
  for (const { settings, params, dataset } of scenarios) {
    const loop = openLoop(settings, 1)
    if (loop === null) continue
    const { arrival, queue } = loop
    const place = dataset === null ? null : keys.indexOf(keyOf(dataset))
    const trace = arrival.pattern === 'trace' ? arrival.column : null
    const gives = queue.when_full === 'drop_oldest' || queue.when_full === 'drop_newest'
    const key = JSON.stringify([place, trace, gives])
    const sheds = gives ? { policy: queue.when_full, params, settings: workloadSettings(settings) } : null
    if (!uses.has(key)) uses.set(key, { dataset: place, trace, sheds })
  }
  return [...uses.values()]
}

/** The same for equal specs. */
function keyOf(spec: DatasetSpec): string {
  return JSON.stringify(spec)
}
