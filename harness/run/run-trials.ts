/** What a new run and a resumed one share: preparing, and running trials into the journal. */
import { join } from 'node:path'
import type { PreparedDataset } from '../../workers/data/types.ts'
import type {
  Capabilities,
  DatasetSpec,
  InputProblem,
  PrepareResult,
  TrialResult,
  TrialSpec,
} from '../../workers/protocol.ts'
import type { Stopping } from '../analyse/precision.ts'
import type { Executor } from '../execute/executor.ts'
import { runPlan } from '../execute/schedule.ts'
import { withStdinAsFile } from '../execute/stdin.ts'
import { formatNumber } from '../format.ts'
import { Journal } from '../record/journal.ts'
import { writeManifest } from '../record/manifest.ts'
import type { RunFolder } from '../record/run-folder.ts'
import { canWrite } from '../record/run-folder.ts'
import type { Calibration, Manifest } from '../record/types.ts'
import { checkParams } from '../sweep/params.ts'
import type { Locate } from '../sweep/places.ts'
import { refuse } from '../sweep/problems.ts'
import type { PlannedTrial, Scenario, Sweep } from '../sweep/types.ts'
import { RunStopped } from './run-stopped.ts'

export interface RunEvents {
  /**
   * Data is read and the workload is known; the first trial is next. `finished` trials were there before, `left` are
   * to run, at most where rounds end by precision.
   */
  onPrepared(folder: string, manifest: Manifest, finished: number, left: number): void
  onStart(scenario: Scenario, trial: PlannedTrial): void
  onResult(scenario: Scenario, result: TrialResult): void
  /** The scenario's mean is known well enough without this trial. */
  onSkip?(scenario: Scenario, trial: PlannedTrial): void
}

/** Durations come from the second alone: a wall clock may be set while a run goes on. */
export interface Clock {
  now(): Date
  monotonicMs(): number
}

export const SYSTEM_CLOCK: Clock = { now: () => new Date(), monotonicMs: () => performance.now() }

export type SweepRun =
  | { done: 'finished' | 'interrupted'; folder: string }
  /** Nothing was run and nothing was written. */
  | { done: 'refused'; problem: InputProblem }
  | { done: 'interrupted_before' }

type Prepared = Extract<PrepareResult, { ok: true }>

/**
 * Reads the data and asks the workload, or says why the sweep cannot be run here.
 * @param locate where it is given, what is wrong with the parameters comes before what is wrong with the data: advice
 *   on the latter may rest on the former
 * @throws {SweepError} for parameters that the workload does not take, where the data is at fault as well
 */
export async function prepareRun(
  sweep: Sweep,
  executor: Executor,
  dataFolder: string,
  locate?: Locate,
): Promise<Prepared | { ok: false; error: InputProblem }> {
  const asked = distinctDatasets(sweep.scenarios)
  const datasets = await withStdinAsFile(asked, dataFolder)
  if (!Array.isArray(datasets)) return { ok: false, error: datasets }
  // Beside each other: both take some tenths of a second, and nothing is timed yet.
  const [able, prepared] = await Promise.all([
    executor.capabilities(),
    executor.prepare({
      workload: sweep.workload,
      datasets,
      uses: asked.map((dataset) => distinctParams(sweep.scenarios, dataset)),
      data_dir: dataFolder,
    }),
  ])
  if (!prepared.ok && prepared.workload !== undefined && locate !== undefined) {
    refuse(checkParams(sweep.scenarios, prepared.workload, locate).findings)
  }
  const unenforceable = checkCaps(sweep, able)
  return unenforceable === null ? prepared : { ok: false, error: unenforceable }
}

export interface TrialsToRun {
  folder: RunFolder
  manifest: Manifest
  plan: readonly PlannedTrial[]
  /** As prepared now, in the order of the manifest's. */
  datasets: readonly PreparedDataset[]
  /** What --force passed over; goes into every trial. */
  changes: readonly string[]
  /** Knows the trials that ended before; null where every planned trial runs. */
  stopping: Stopping | null
}

export interface RunContext {
  executor: Executor
  signal: AbortSignal
  events: RunEvents
  clock: Clock
}

/**
 * Runs the plan; the manifest says at the end that the run is finished.
 * @throws {RunStopped} where the journal cannot be written or the executor breaks; earlier lines are whole
 */
export async function runTrials(run: TrialsToRun, context: RunContext): Promise<SweepRun> {
  const { folder, manifest } = run
  const begun = context.clock.monotonicMs()
  try {
    const { interrupted } = await runIntoJournal(run, context)
    if (interrupted) return { done: 'interrupted', folder: folder.path }
    const uninterrupted = manifest.resumed.length === 0
    writeManifest(folder.path, {
      ...manifest,
      ...skippedTrials(manifest, run.stopping),
      finished_at: context.clock.now().toISOString(),
      elapsed_s: uninterrupted ? (context.clock.monotonicMs() - begun) / 1000 : null,
    })
    return { done: 'finished', folder: folder.path }
  } catch (error) {
    throw new RunStopped(folder.path, error)
  }
}

async function runIntoJournal(run: TrialsToRun, context: RunContext): Promise<{ interrupted: boolean }> {
  const { folder, plan, changes, stopping } = run
  const { sweep } = run.manifest
  const scenarios = new Map(sweep.scenarios.map((scenario) => [scenario.id, scenario]))
  const keys = distinctDatasets(sweep.scenarios).map(keyOf)
  const datasets = new Map(keys.map((key, index) => [key, run.datasets[index]!]))
  const journal = new Journal(folder.journal)
  try {
    return await runPlan({
      plan,
      executor: context.executor,
      jobs: sweep.n_jobs,
      signal: context.signal,
      toSpec: (trial) => toTrialSpec(run.manifest, scenarios.get(trial.scenario)!, trial, folder, datasets),
      ...(stopping && { stopping }),
      onSkip: (trial) => context.events.onSkip?.(scenarios.get(trial.scenario)!, trial),
      onStart: (trial) => context.events.onStart(scenarios.get(trial.scenario)!, trial),
      onResult: (result) => {
        refuseUnwritableLog(result, folder)
        const marked =
          changes.length === 0 ? result : { ...result, info: { ...result.info, resumed_under: changes } }
        journal.append(marked)
        stopping?.add(marked)
        context.events.onResult(scenarios.get(result.scenario)!, marked)
      },
    })
  } finally {
    journal.close()
  }
}

/** For the manifest of a run that is complete. */
export function skippedTrials(
  { planned_trials }: Manifest,
  stopping: Stopping | null,
): Pick<Manifest, 'skipped_trials'> {
  return stopping === null ? {} : { skipped_trials: planned_trials - stopping.count }
}

/**
 * A full disk says nothing about the trial: it is run again when the run is resumed. Tried here, since a workload may
 * well throw an error of that name.
 */
function refuseUnwritableLog({ outcome, error }: TrialResult, { chunks }: RunFolder): void {
  if (outcome !== 'failed' || error?.name !== 'ChunkLogError' || canWrite(chunks)) return
  throw new Error(error.message)
}

/** No cap is silently ignored: what this machine cannot enforce is refused unless the sweep says otherwise. */
function checkCaps(sweep: Sweep, able: Capabilities): InputProblem | null {
  if (sweep.caps === 'best_effort') return null
  const asks = (key: 'max_compute_units' | 'max_memory_mb') =>
    sweep.scenarios.some((scenario) => scenario.settings[key] !== null)
  const refuse = (key: string, why: string): InputProblem => ({
    message: `${sweep.source.path}: key "${key}": ${why}`,
    hint: 'say "caps: best_effort" in the sweep to run all the same, with every such row marked',
  })
  if (able.compute === 'none' && asks('max_compute_units')) {
    const notes = able.notes.length === 0 ? '' : ` (${able.notes.join('; ')})`
    return refuse('max_compute_units', `this machine can enforce no compute cap${notes}`)
  }
  if (!able.memory.includes('governor_rss') && asks('max_memory_mb')) {
    return refuse('max_memory_mb', 'this machine cannot bound off-heap memory while a step runs')
  }
  return null
}

function toTrialSpec(
  { sweep, calibration }: Manifest,
  scenario: Scenario,
  planned: PlannedTrial,
  folder: RunFolder,
  datasets: Map<string, PreparedDataset>,
): TrialSpec {
  const { settings } = scenario
  const logged = sweep.chunk_log === 'all' || (sweep.chunk_log === 'first' && planned.round === 1)
  return {
    ...planned,
    flat: scenario.flat,
    workload: sweep.workload,
    params: scenario.params,
    settings,
    dataset: scenario.dataset === null ? null : datasets.get(keyOf(scenario.dataset))!,
    caps: capsFor(sweep, scenario, calibration),
    warmup_chunks: scenario.warmup_chunks,
    watts: scenario.watts ?? null,
    timeout_s: scenario.timeout_s,
    chunk_log: logged ? join(folder.chunks, `${planned.trial}.jsonl`) : null,
  }
}

/** What a trial is held to; compute in cores of this machine for the units that the scenario asks for. */
export function capsFor(
  sweep: Sweep,
  { settings: { max_memory_mb, max_compute_units } }: Scenario,
  calibration: Calibration | null | undefined,
): TrialSpec['caps'] {
  const scaled = max_compute_units !== null && calibration != null
  return {
    max_memory_mb,
    max_compute_units: scaled ? max_compute_units * calibration.factor : max_compute_units,
    policy: sweep.caps,
    memory_scope: sweep.memory_scope ?? 'workload',
    pin_core: sweep.pin_core ?? null,
  }
}

/** A faster machine's share that one thread cannot reach here is refused, like any cap that cannot be enforced. */
export function unreachable({
  sweep,
  calibration,
}: Pick<Manifest, 'sweep' | 'calibration'>): InputProblem | null {
  if (sweep.caps === 'best_effort' || calibration == null) return null
  const asked = sweep.scenarios.flatMap(({ settings }) => settings.max_compute_units ?? [])
  const most = asked.reduce((a, b) => Math.max(a, b), 0)
  const here = most * calibration.factor
  if (here <= 1) return null
  return {
    message: `${sweep.source.path}: key "relative_to": ${most} of a core of ${calibration.profile} would be ${formatNumber(here)} cores here, more than one thread can use`,
    hint: 'ask for less, run on a faster machine, or say "caps: best_effort"',
  }
}

/** Each dataset that some scenario reads, once. */
export function distinctDatasets(scenarios: readonly Scenario[]): DatasetSpec[] {
  const specs = new Map<string, DatasetSpec>()
  for (const { dataset } of scenarios) if (dataset !== null) specs.set(keyOf(dataset), dataset)
  return [...specs.values()]
}

function distinctParams(scenarios: readonly Scenario[], spec: DatasetSpec): Scenario['params'][] {
  const uses = new Map<string, Scenario['params']>()
  for (const { dataset, params } of scenarios) {
    if (dataset !== null && keyOf(dataset) === keyOf(spec)) uses.set(JSON.stringify(params), params)
  }
  return [...uses.values()]
}

/** The same for equal specs. */
export function keyOf(spec: DatasetSpec): string {
  return JSON.stringify(spec)
}
