/** Takes an interrupted run up again: exactly the trials that are missing, in the order planned at its start. */
import { rmSync } from 'node:fs'
import type { PassedOver, TrialResult } from '../../workers/protocol/trial-result.ts'
import { type Stopping, stoppingOf } from '../analyse/precision.ts'
import { type Executor, fleetOf } from '../execute/executor.ts'
import { count } from '../format.ts'
import { makeOwnedFolder, removeLeftovers } from '../ownership/leftovers.ts'
import { planTrials } from '../plan/planner.ts'
import { removeUnfinished } from '../record/atomic.ts'
import { compatibility, conditionsOf, isOfTheMachine, severityOf, wordsOf } from '../record/compatibility.ts'
import { eachTrial, mendJournal } from '../record/journal.ts'
import { readManifest, writeManifest } from '../record/manifest.ts'
import { lockFolder, type RunFolder, runFolderAt } from '../record/run-folder.ts'
import { lostStarts } from '../record/starts.ts'
import type { Manifest, PipelineRequest } from '../record/types.ts'
import type { PlannedTrial } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { type Listener, RunStopped } from './events.ts'
import { concludedSearch, searchOf } from './plan.ts'
import { type Clock, runTrials, type SweepRun, SYSTEM_CLOCK, skippedTrials } from './run.ts'
import { prepareSession } from './session.ts'

export interface ResumeOptions {
  /** Goes on in spite of changes, and marks every trial from here on. */
  force: boolean
  signal: AbortSignal
  listener: Listener
  clock?: Clock
}

/** Where no trial was missing, `finished` too, and the executor is not called. */
export interface ResumeEnd {
  end: SweepRun
  ran: boolean
  /** What `stint pipeline` was asked for, where the run is one of it. */
  pipeline: PipelineRequest | null
}

/**
 * The sweep is the one in the manifest; its file is not read again.
 * @param startExecutor called only where a trial is missing
 * @throws {UserError} where the folder holds no run, another coordinator works on it, or something has changed
 * @throws {RunStopped} as `runSweep`
 */
export async function resumeRun(
  path: string,
  startExecutor: () => Executor,
  options: ResumeOptions,
): Promise<ResumeEnd> {
  const { listener, signal, clock = SYSTEM_CLOCK } = options
  const { sweep, pipeline } = readManifest(path)
  listener({ event: 'preparing', sweep })
  const lock = lockFolder(path)
  const dataFolder = makeOwnedFolder()
  try {
    // Read again: until the lock was held another might have written it.
    const manifest = readManifest(path)
    const folder = runFolderAt(path, manifest.id)
    removeLeftovers()
    removeUnfinished(path)
    const bytes = mendJournal(folder.journal)
    if (bytes > 0) {
      const text = `the journal ended in ${count(bytes, 'byte')} of a line cut short; they are removed and that trial runs again`
      listener({ event: 'note', text })
    }
    const { missing, finished, stopping, setAside, ended, notes } = missingTrials(manifest, folder)
    const search = searchOf(manifest, ended, (text) => listener({ event: 'note', text }))
    const left = search === null ? missing.length : search.isOver ? 0 : missing.length
    for (const text of notes) listener({ event: 'note', text })
    if (left === 0) {
      if (manifest.finished_at === null) {
        const finished_at = clock.now().toISOString()
        writeManifest(path, {
          ...manifest,
          ...skippedTrials(manifest, stopping),
          ...concludedSearch(manifest, search),
          finished_at,
        })
      }
      return { end: { done: 'finished', folder: path }, ran: false, pipeline }
    }
    const executor = startExecutor()
    refuseOtherMachines(path, manifest, fleetOf(executor) !== null)
    const prepared = await prepareSession({
      sweep: manifest.sweep,
      locate: null,
      executor,
      dataFolder,
      calibration: manifest.calibration ?? null,
      signal,
    })
    if (!prepared.ok) return { end: { done: 'refused', problem: prepared.problem }, ran: false, pipeline }
    const { session } = prepared
    const changes = compatibility(conditionsOf({ manifest, trials: [] }), await session.conditions())
      .filter((difference) => severityOf(difference, 'resume') === 'refused')
      // The coordinator's machine is not the one that measures.
      .filter((difference) => manifest.fleet === null || !isOfTheMachine(difference))
      .map((difference): PassedOver => ({ kind: difference.kind, what: wordsOf(difference) }))
    if (changes.length > 0 && manifest.sweep.search !== null) throw changedSearch(path, changes)
    if (changes.length > 0 && !options.force) throw changed(path, changes)
    for (const change of changes) listener({ event: 'note', text: `forced: ${change.what}` })
    const resumption = { at: clock.now().toISOString(), finished_trials: finished, changes }
    const resumed: Manifest = { ...manifest, resumed: [...manifest.resumed, resumption] }
    writeManifest(path, resumed)
    listener({ event: 'prepared', folder: path, manifest: resumed, finished, left })
    const end = await runTrials(
      { folder, manifest: resumed, session, plan: missing, changes, setAside, stopping, search },
      { executor, signal, listener, clock },
    )
    return { end, ran: true, pipeline }
  } catch (error) {
    // What was interrupted fails in many ways, none of which is news.
    if (signal.aborted && !(error instanceof RunStopped))
      return { end: { done: 'interrupted_before' }, ran: false, pipeline }
    throw error
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
    lock.release()
  }
}

interface Missing {
  missing: PlannedTrial[]
  finished: number
  stopping: Stopping | null
  setAside: Set<string>
  /** Those of a search; else none are kept. */
  ended: TrialResult[]
  notes: string[]
}

/** A trial that ran so often when the coordinator died runs after all others, */
const DEATHS_TO_WAIT = 2
/** and is not tried again after so many. */
const DEATHS_TO_GIVE_UP = 3

function missingTrials(manifest: Manifest, { path, journal }: RunFolder): Missing {
  const stopping = stoppingOf(manifest)
  const ended = new Set<string>()
  const kept: TrialResult[] = []
  const notes = eachTrial(journal, manifest, (trial) => {
    ended.add(trial.trial)
    if (manifest.sweep.search !== null) kept.push(trial)
    stopping?.add(trial)
  })
  const plan = planTrials(manifest.sweep)
  const missing = stopping?.missing(plan) ?? plan.filter(({ trial }) => !ended.has(trial))
  const lost = lostStarts(path, ended)
  const deaths = ({ trial }: PlannedTrial) => lost.get(trial) ?? 0
  const isSearch = manifest.sweep.search !== null
  const waiting = missing.filter((trial) => deaths(trial) >= DEATHS_TO_WAIT)
  const setAside = new Set(
    waiting.filter((trial) => deaths(trial) >= DEATHS_TO_GIVE_UP).map(({ trial }) => trial),
  )
  for (const trial of waiting) {
    const times = `${trial.trial} was running each of the ${deaths(trial)} times that stint itself was ended`
    notes.push(
      setAside.has(trial.trial)
        ? `${times}: it is recorded as crashed and not tried again`
        : isSearch
          ? `${times}: the search needs it next, and tries it once more`
          : `${times}: it is set aside until all others have run`,
    )
  }
  return {
    missing: [...missing.filter((trial) => !waiting.includes(trial)), ...waiting],
    finished: ended.size,
    stopping,
    setAside,
    ended: kept,
    notes,
  }
}

function refuseOtherMachines(folder: string, { fleet }: Manifest, elsewhere: boolean): void {
  if (fleet !== null && !elsewhere)
    throw new UserError(
      `${folder}: its trials ran on other machines`,
      `go on there: stint resume ${folder} --server ${fleet.server}`,
    )
  if (fleet === null && elsewhere)
    throw new UserError(`${folder}: its trials ran on this machine`, 'resume it without --server')
}

function changed(folder: string, changes: readonly PassedOver[]): UserError {
  return new UserError(
    notComparable(folder, changes),
    'undo the change, start a new run, or go on with --force, which marks the trials that follow and leaves them out of reports',
  )
}

/** A search decides by all its trials together, so that it could go on with none that are left out. */
function changedSearch(folder: string, changes: readonly PassedOver[]): UserError {
  return new UserError(
    notComparable(folder, changes),
    'undo the change, or search anew by stint find; --force is for runs of fixed scenarios',
  )
}

function notComparable(folder: string, changes: readonly PassedOver[]): string {
  return `${folder}: cannot be resumed, since trials measured before and after would not be comparable:\n${changes.map(({ what }) => `  - ${what}`).join('\n')}`
}
