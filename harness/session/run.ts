/** One run of a sweep, from data to the last journal line. Prints nothing: what happens is an event. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import type { PassedOver, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { WorkloadInfo } from '../../workers/workload.ts'
import { type Stopping, stoppingOf } from '../analyse/precision.ts'
import { type Executor, fleetOf } from '../execute/executor.ts'
import { fillSlots } from '../execute/schedule.ts'
import { neverEnded } from '../execute/trial-spec.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { STINT_VERSION } from '../package-folder.ts'
import { planTrials, Rounds } from '../plan/planner.ts'
import type { Search } from '../plan/search.ts'
import { Journal } from '../record/journal.ts'
import { readGit, readMachine } from '../record/machine.ts'
import { writeManifest } from '../record/manifest.ts'
import {
  canWrite,
  checkWritable,
  createRunFolder,
  planRunFolder,
  type RunFolder,
} from '../record/run-folder.ts'
import { Starts } from '../record/starts.ts'
import type { FleetRecord, Manifest, PipelineRequest } from '../record/types.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import type { PlannedTrial } from '../sweep/types.ts'
import { typedFiles } from '../sweep/written-files.ts'
import { UserError } from '../user-error.ts'
import { calibrationWords } from './calibrate.ts'
import { type Listener, RunStopped } from './events.ts'
import { concludedSearch, searchOf } from './plan.ts'
import { runRounds } from './rounds.ts'
import { prepareSession, type Session } from './session.ts'

/** Durations use `monotonicMs()`; `now()` is only for timestamps. */
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

export interface RunOptions {
  /** Where `<sweep>/<run>/` lands. */
  root: string
  /** The words that started the run, for the manifest. */
  command: string[]
  /** For the manifest, where the run is one of `stint pipeline`. */
  pipeline?: PipelineRequest
  /** Whether trials may replace files that Stint did not write, where the user named them on the command line. */
  overwrite?: boolean
  signal: AbortSignal
  listener: Listener
  clock?: Clock
}

/**
 * @throws {RunStopped} where the journal cannot be written or the executor breaks; every trial that ended before is kept
 * @throws {Error} where the results folder cannot be written; nothing is left behind
 */
export async function runSweep(
  { sweep: asked, locate }: LoadedSweep,
  executor: Executor,
  options: RunOptions,
): Promise<SweepRun> {
  const { root, overwrite = false, signal, listener, clock = SYSTEM_CLOCK } = options
  checkWritable(root)
  listener({ event: 'preparing', sweep: asked })
  const dataFolder = makeOwnedFolder()
  try {
    const prepared = await prepareSession({ sweep: asked, locate, executor, dataFolder, overwrite, signal })
    if (!prepared.ok) return { done: 'refused', problem: prepared.problem }
    const { session } = prepared
    const { sweep, calibration } = session
    const plan = planTrials(sweep)
    const started = clock.now()
    const folder = planRunFolder(root, sweep.name, started, randomBytes(3).toString('hex'))
    const manifest: Manifest = {
      format: 3,
      id: folder.id,
      stint: STINT_VERSION,
      sweep,
      machine: readMachine(),
      git: readGit(dirname(sweep.source.path)),
      workload: session.workload.info,
      workload_hash: session.workload.ref.sha256,
      datasets: [...session.datasets],
      notes: [...session.notes, ...(calibration === null ? [] : [calibrationWords(calibration)])],
      calibration,
      planned_trials: plan.length,
      skipped_trials: null,
      started_at: started.toISOString(),
      finished_at: null,
      elapsed_s: null,
      resumed: [],
      command: options.command,
      fleet: fleetRecord(executor, null),
      pipeline: options.pipeline ?? null,
    }
    const search = searchOf(manifest, [], (text) => listener({ event: 'note', text }))
    const lock = createRunFolder(folder, manifest)
    try {
      // Trials replace only what a run wrote: what the user gave up goes before the first of them.
      if (overwrite)
        for (const path of typedFiles(sweep, session.workload.info, plan)) rmSync(path, { force: true })
      listener({ event: 'prepared', folder: folder.path, manifest, finished: 0, left: plan.length })
      return await runTrials(
        {
          folder,
          manifest,
          session,
          plan,
          changes: [],
          setAside: new Set(),
          stopping: stoppingOf(manifest),
          search,
        },
        { executor, signal, listener, clock },
      )
    } finally {
      lock.release()
    }
  } catch (error) {
    // What was interrupted fails in many ways, none of which is news.
    if (signal.aborted && !(error instanceof RunStopped)) return { done: 'interrupted_before' }
    throw error
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

export interface TrialsToRun {
  folder: RunFolder
  manifest: Manifest
  session: Session
  plan: readonly PlannedTrial[]
  /** What --force passed over; goes into every trial. */
  changes: readonly PassedOver[]
  /** Trials that are recorded as crashed without another try: the coordinator died each time they ran. */
  setAside: ReadonlySet<string>
  /** Knows the trials that ended before; null where every planned trial runs. */
  stopping: Stopping | null
  /** What runs instead of the plan; null where the run is no search. */
  search: Search | null
}

export interface RunContext {
  executor: Executor
  signal: AbortSignal
  listener: Listener
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
    if (interrupted) {
      if (manifest.fleet !== null)
        writeManifest(folder.path, { ...manifest, fleet: fleetRecord(context.executor, manifest.fleet) })
      context.listener({ event: 'interrupted', folder: folder.path })
      return { done: 'interrupted', folder: folder.path }
    }
    const uninterrupted = manifest.resumed.length === 0
    writeManifest(folder.path, {
      ...manifest,
      fleet: fleetRecord(context.executor, manifest.fleet),
      ...skippedTrials(manifest, run.stopping),
      ...concludedSearch(manifest, run.search),
      finished_at: context.clock.now().toISOString(),
      elapsed_s: uninterrupted ? (context.clock.monotonicMs() - begun) / 1000 : null,
    })
    return { done: 'finished', folder: folder.path }
  } catch (error) {
    throw new RunStopped(folder.path, error)
  }
}

const COORDINATOR_LOST = {
  name: 'CoordinatorLost',
  message: 'stint itself was ended each time that this trial ran; it is not tried again',
}

async function runIntoJournal(run: TrialsToRun, context: RunContext): Promise<{ interrupted: boolean }> {
  const { folder, session, changes, stopping } = run
  const { executor, listener, signal } = context
  const { sweep } = session
  const scenarios = new Map(sweep.scenarios.map((scenario) => [scenario.id, scenario]))
  const isLogged = (round: number) =>
    sweep.chunk_log === 'all' || (sweep.chunk_log === 'first' && round === 1)
  session.provide(folder.chunks)
  session.keepFilesIn(folder.path)
  const journal = new Journal(folder.journal, (scenario) => {
    const { point } = scenarios.get(scenario)!
    return Object.fromEntries(sweep.axes.map((axis) => [axis, point[axis] ?? null]))
  })
  const starts = new Starts(folder.path)
  let complete = false
  const recorded = (result: TrialResult): TrialResult => ({
    ...withDescribed(result, run.manifest.workload.metrics),
    resumed_under: [...changes],
  })
  try {
    const fleet = fleetOf(executor)
    if (fleet !== null) {
      const { manifest, plan } = run
      const saveMachines = () =>
        writeManifest(folder.path, { ...manifest, fleet: fleetRecord(executor, manifest.fleet) })
      const rounds = { manifest, session, plan, stopping, isLogged, saveMachines, recorded }
      const end = await runRounds(rounds, { fleet, journal, listener, signal })
      complete = !end.interrupted
      return end
    }
    const planner = run.search ?? new Rounds(run.plan, stopping)
    const specOf = ({ scenario, round }: PlannedTrial) =>
      session.spec(scenarios.get(scenario)!, { round, logChunks: isLogged(round) })
    const end = await fillSlots({
      planner,
      slots: sweep.n_jobs,
      run: async (trial: PlannedTrial) => {
        const spec = specOf(trial)
        if (run.setAside.has(spec.trial)) return recorded(neverEnded(spec, COORDINATOR_LOST))
        await refuseChanged(session)
        executor.expect?.(planner.likely().map(specOf))
        const result = recorded(await executor.run(spec))
        await refuseChanged(session)
        return result
      },
      onSkip: (trial) => listener({ event: 'skipped', trial }),
      onStart: (trial) => {
        starts.started(trial.trial)
        listener({ event: 'started', trial })
      },
      onEnd: (trial, result) => {
        refuseUnwritableLog(result, folder)
        journal.append(result)
        starts.ended(trial.trial)
        listener({ event: 'finished', trial, result })
      },
      close: () => executor.close(),
      signal,
    })
    complete = !end.interrupted
    return end
  } finally {
    starts.close(complete)
    journal.close()
  }
}

/** @throws {UserError} naming what changed since it was read */
async function refuseChanged(session: Session): Promise<void> {
  const changed = await session.changedInput()
  if (changed === null) return
  throw new UserError(
    `${changed} changed while the run went on, which stops here: trials before and after would not be comparable`,
    'every trial that ended before is kept; undo the change and "stint resume" runs the others, or start a new run',
  )
}

/** Machines that are known from before stay: their trials are in the journal. */
function fleetRecord(executor: Executor, before: FleetRecord | null): FleetRecord | null {
  const fleet = fleetOf(executor)
  if (fleet === null) return before
  const machines = [...(before?.machines ?? []), ...fleet.machines()]
  const byName = new Map(machines.map((machine) => [machine.name, machine]))
  return { server: fleet.server, on: fleet.on, machines: [...byName.values()] }
}

/** A metric that the workload described and did not hand over is unknown. */
function withDescribed(result: TrialResult, described: WorkloadInfo['metrics']): TrialResult {
  if (result.outcome !== 'ok') return result
  const missing = Object.keys(described).filter((name) => !Object.hasOwn(result.metrics, name))
  const unknown = Object.fromEntries(missing.map((name) => [name, null]))
  return { ...result, metrics: { ...result.metrics, ...unknown } }
}

/** For the manifest of a run that is complete. */
export function skippedTrials(
  { planned_trials }: Manifest,
  stopping: Stopping | null,
): Pick<Manifest, 'skipped_trials'> {
  return { skipped_trials: stopping === null ? null : planned_trials - stopping.count }
}

/**
 * A full disk says nothing about the trial: it is run again when the run is resumed. Tried here, since a workload may
 * well throw an error of that name.
 */
function refuseUnwritableLog(result: TrialResult, { chunks }: RunFolder): void {
  if (result.outcome !== 'failed' || result.error.name !== 'ChunkLogError' || canWrite(chunks)) return
  throw new Error(result.error.message)
}
