/**
 * What happens in a run, as one stream: the journal, the progress line and the API all read it.
 * Plain JSON, so that an event may be a message to another machine as well.
 */
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { Manifest } from '../record/types.ts'
import type { PlannedTrial, Sweep } from '../sweep/types.ts'

export type RunEvent =
  /** The sweep is known; its data and its workload are looked at next. */
  | { event: 'preparing'; sweep: Sweep }
  /** Data is read and the workload is known; the first trial is next. */
  | {
      event: 'prepared'
      folder: string
      manifest: Manifest
      /** Trials that had ended before. */
      finished: number
      /** Trials to run; the most, where rounds end by precision. */
      left: number
    }
  | { event: 'started'; trial: PlannedTrial }
  | { event: 'finished'; trial: PlannedTrial; result: TrialResult }
  /** The scenario's mean is known well enough without this trial. */
  | { event: 'skipped'; trial: PlannedTrial }
  /** Something that the user should know. */
  | { event: 'note'; text: string }
  /** The run was stopped; what ended is in the journal. */
  | { event: 'interrupted'; folder: string }

export type Listener = (event: RunEvent) => void

/** A run could not go on. What it measured is kept and `stint resume` completes it. */
export class RunStopped extends Error {
  override name = 'RunStopped'
  readonly folder: string
  /** @param cause why it stopped */
  constructor(folder: string, cause: unknown) {
    super(`the run in ${folder} stopped: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.folder = folder
  }
}
