/** Takes an interrupted run up again: exactly the trials that are missing, in the order planned at its start. */
import { rmSync } from 'node:fs'
import { type Stopping, stoppingOf } from '../analyse/precision.ts'
import type { Executor } from '../execute/executor.ts'
import { makeOwnedFolder, removeLeftovers } from '../ownership/leftovers.ts'
import { removeUnfinished } from '../record/atomic.ts'
import { changesSince } from '../record/changes.ts'
import { eachTrial, mendJournal } from '../record/journal.ts'
import { lockFolder } from '../record/lock.ts'
import { readMachine } from '../record/machine.ts'
import { readManifest, writeManifest } from '../record/manifest.ts'
import { runFolderAt } from '../record/run-folder.ts'
import type { Manifest } from '../record/types.ts'
import { planTrials } from '../sweep/plan.ts'
import type { PlannedTrial } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { STINT_VERSION } from '../version.ts'
import {
  type Clock,
  prepareRun,
  type RunEvents,
  runTrials,
  type SweepRun,
  SYSTEM_CLOCK,
  skippedTrials,
} from './run-trials.ts'
import { hashWorkload } from './workload-hash.ts'

export interface ResumeEvents extends RunEvents {
  /** What a crash left of a journal line was cut off; that trial runs again. */
  onMended(bytes: number): void
  /** What is no longer as it was and was passed over by force. */
  onForced(changes: readonly string[]): void
}

export interface ResumeOptions {
  /** Goes on in spite of changes, and marks every trial from here on. */
  force: boolean
  signal: AbortSignal
  events: ResumeEvents
  clock?: Clock
}

/** Where no trial was missing, `finished` too, and the executor is not called. */
export interface ResumeEnd {
  end: SweepRun
  ran: boolean
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
  const { events, clock = SYSTEM_CLOCK } = options
  readManifest(path)
  const lock = lockFolder(path)
  try {
    // Read again: until the lock was held another might have written it.
    const manifest = readManifest(path)
    const folder = runFolderAt(path, manifest.id)
    removeLeftovers()
    removeUnfinished(path)
    const bytes = mendJournal(folder.journal)
    if (bytes > 0) events.onMended(bytes)
    const { missing, finished, stopping } = missingTrials(manifest, folder.journal)
    if (missing.length === 0) {
      if (manifest.finished_at === null) {
        const finished_at = clock.now().toISOString()
        writeManifest(path, { ...manifest, ...skippedTrials(manifest, stopping), finished_at })
      }
      return { end: { done: 'finished', folder: path }, ran: false }
    }
    const dataFolder = makeOwnedFolder()
    try {
      const executor = startExecutor()
      const workload_hash = hashWorkload(manifest.sweep.workload)
      const prepared = await prepareRun(manifest.sweep, executor, dataFolder)
      if (options.signal.aborted) return { end: { done: 'interrupted_before' }, ran: false }
      if (!prepared.ok) return { end: { done: 'refused', problem: prepared.error }, ran: false }

      const { datasets } = prepared
      const present = { stint: STINT_VERSION, machine: readMachine(), workload_hash, datasets }
      const changes = changesSince(manifest, present)
      if (changes.length > 0 && !options.force) throw changed(path, changes)
      if (changes.length > 0) events.onForced(changes)
      const resumption = { at: clock.now().toISOString(), finished_trials: finished, changes }
      const resumed: Manifest = { ...manifest, resumed: [...manifest.resumed, resumption] }
      writeManifest(path, resumed)
      events.onPrepared(path, resumed, finished, missing.length)
      const end = await runTrials(
        { folder, manifest: resumed, plan: missing, datasets, changes, stopping },
        { executor, signal: options.signal, events, clock },
      )
      return { end, ran: true }
    } finally {
      rmSync(dataFolder, { recursive: true, force: true })
    }
  } finally {
    lock.release()
  }
}

interface Missing {
  missing: PlannedTrial[]
  finished: number
  stopping: Stopping | null
}

function missingTrials(manifest: Manifest, journal: string): Missing {
  const stopping = stoppingOf(manifest)
  const ended = new Set<string>()
  eachTrial(journal, (trial) => {
    ended.add(trial.trial)
    stopping?.add(trial)
  })
  const plan = planTrials(manifest.sweep)
  const missing = stopping?.missing(plan) ?? plan.filter(({ trial }) => !ended.has(trial))
  return { missing, finished: ended.size, stopping }
}

function changed(folder: string, changes: readonly string[]): UserError {
  return new UserError(
    `${folder}: cannot be resumed, since trials measured before and after would not be comparable:\n${changes.map((change) => `  - ${change}`).join('\n')}`,
    'undo the change, start a new run, or go on with --force, which marks the trials that follow',
  )
}
