/** One run of a sweep, from data to the last journal line. Prints nothing: what happens is told through events. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { stoppingOf } from '../analyse/precision.ts'
import type { Executor } from '../execute/executor.ts'
import { makeOwnedFolder } from '../ownership/leftovers.ts'
import { readGit } from '../record/git.ts'
import { readMachine } from '../record/machine.ts'
import { checkWritable, createRunFolder, planRunFolder } from '../record/run-folder.ts'
import type { Manifest, PipelineRequest } from '../record/types.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { fitToWorkload } from '../sweep/params.ts'
import { planTrials } from '../sweep/plan.ts'
import { STINT_VERSION } from '../version.ts'
import { calibrate, calibrationWords } from './calibrate.ts'
import {
  type Clock,
  prepareRun,
  type RunEvents,
  runTrials,
  type SweepRun,
  SYSTEM_CLOCK,
  unreachable,
} from './run-trials.ts'
import { hashWorkload } from './workload-hash.ts'

export interface RunOptions {
  /** Where `<sweep>/<run>/` lands. */
  root: string
  /** The words that started the run, for the manifest. */
  command: string[]
  /** For the manifest, where the run is one of `stint pipeline`. */
  pipeline?: PipelineRequest
  signal: AbortSignal
  events: RunEvents
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
  const { root, signal, events, clock = SYSTEM_CLOCK } = options
  checkWritable(root)
  const dataFolder = makeOwnedFolder()
  try {
    // Before the workload is asked, so that an edit meanwhile is seen as a change.
    const workload_hash = hashWorkload(asked.workload)
    const prepared = await prepareRun(asked, executor, dataFolder, locate)
    if (signal.aborted) return { done: 'interrupted_before' }
    if (!prepared.ok) return { done: 'refused', problem: prepared.error }
    const sweep = fitToWorkload(asked, prepared.workload, locate)

    const calibration = sweep.relative_to ? await calibrate(executor, sweep.relative_to) : null
    if (signal.aborted) return { done: 'interrupted_before' }
    const plan = planTrials(sweep)
    const started = clock.now()
    const folder = planRunFolder(root, sweep.name, started, randomBytes(3).toString('hex'))
    const manifest: Manifest = {
      format: 1,
      id: folder.id,
      stint: STINT_VERSION,
      sweep,
      machine: readMachine(),
      git: readGit(dirname(sweep.source.path)),
      workload: prepared.workload,
      workload_hash,
      datasets: prepared.datasets,
      notes: [...prepared.notes, ...(calibration === null ? [] : [calibrationWords(calibration)])],
      calibration,
      planned_trials: plan.length,
      started_at: started.toISOString(),
      finished_at: null,
      elapsed_s: null,
      resumed: [],
      command: options.command,
      ...(options.pipeline && { pipeline: options.pipeline }),
    }
    const problem = unreachable(manifest)
    if (problem !== null) return { done: 'refused', problem }
    const lock = createRunFolder(folder, manifest)
    try {
      events.onPrepared(folder.path, manifest, 0, plan.length)
      const { datasets } = prepared
      return await runTrials(
        { folder, manifest, plan, datasets, changes: [], stopping: stoppingOf(manifest) },
        { executor, signal, events, clock },
      )
    } finally {
      lock.release()
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
}
