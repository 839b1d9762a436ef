/** Runs, from a sweep to a run folder. */
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import type { PipelineOptions } from '../pipeline/run.ts'
import type { Found } from '../report/found.ts'
import type { SweepSize } from '../report/words.ts'
import type { Listener } from '../session/events.ts'
import type { SweepRun } from '../session/run.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { userErrorFrom } from '../user-error.ts'
import { type ExecuteOptions, interruptible, never, withExecutor } from './execution.ts'
import { openRun } from './reports.ts'
import { loadedFrom, type SweepSource } from './sweeps.ts'

/**
 * Asks the workload and reads the data as a run would, and runs no trial.
 * @returns how much `run` would do
 * @throws {UserError} where `run` would refuse the sweep
 * @throws the reason of `signal` once that is aborted
 */
export async function check(sweep: SweepSource, options: ExecuteOptions = {}): Promise<SweepSize> {
  const { signal = never() } = options
  const loaded = await loadedFrom(sweep)
  const [{ checkSweep }, { sizeOf }] = await Promise.all([
    import('../session/session.ts'),
    import('../report/words.ts'),
  ])
  const problem = await interruptible(signal, () =>
    withExecutor(options, (start) => checkSweep(loaded, start(), signal), loaded.sweep),
  )
  if (problem !== null) throw userErrorFrom(loaded.inWords?.(problem) ?? problem)
  return sizeOf(loaded.sweep)
}

export interface RunOptions extends ExecuteOptions {
  /** Folder that receives `<sweep>/<run>/`; `results` where none is given. */
  out?: string
  /** Hears of every step of the run. */
  onEvent?: Listener
  /** For the manifest: the words that started the run. */
  command?: string[]
  /** Whether trials may replace files that Stint did not write, where `set` names them. */
  overwrite?: boolean
}

export interface FinishedRun {
  /** `interrupted`: by `signal`; what ended before is kept, and `resume` finishes it. */
  done: 'finished' | 'interrupted'
  folder: string
}

/**
 * Runs every trial of a sweep and keeps all of it in a run folder.
 * @throws {UserError} where the sweep cannot be run here: bad data, a workload that is at fault, a cap that cannot be enforced
 * @throws {RunStopped} where the journal cannot be written; it names the folder, and what ended before is kept
 * @throws the reason of `signal` where that was aborted before the first trial; nothing is written
 */
export async function run(sweep: SweepSource, options: RunOptions = {}): Promise<FinishedRun> {
  const loaded = await loadedFrom(sweep)
  const { runSweep } = await import('../session/run.ts')
  const { out = 'results', onEvent = () => {}, signal = never(), command = ['stint'] } = options
  const { overwrite = false } = options
  const end = await withExecutor(
    options,
    (start) => runSweep(loaded, start(), { root: out, command, overwrite, signal, listener: onEvent }),
    loaded.sweep,
  )
  return settled(end, signal, loaded.inWords)
}

/** What `find` hands over; `stint find --json` prints it. */
export interface FoundValues extends FinishedRun, Found {}

/**
 * Searches an axis for the value from which on the goal of the sweep is met: values are placed by a trial or two and
 * bisected, and both sides of the answer are confirmed by a sequential test.
 * @param sweep as `loadSearch` gives it
 * @throws as `run`
 */
export async function find(
  sweep: LoadedSweep,
  options: Omit<RunOptions, 'fleet'> = {},
): Promise<FoundValues> {
  const end = await run(sweep, options)
  const [{ openRun }, { recordedSearch }] = await Promise.all([
    import('../record/open-run.ts'),
    import('../report/found.ts'),
  ])
  return { ...end, ...recordedSearch(openRun(end.folder)).found }
}

export interface ResumeOptions extends ExecuteOptions {
  onEvent?: Listener
  /** Goes on although data, code or machine changed, and marks the trials that follow. */
  force?: boolean
}

export interface ResumedRun extends FinishedRun {
  /** False where no trial was missing. */
  ran: boolean
  /** The folder that `pipelineReport` writes to, where the run is one of `pipeline`; else null. */
  output: string | null
}

/**
 * Finishes an interrupted run: exactly the trials that are missing.
 * @param folder the run folder, or a link to it such as `latest`
 * @throws {UserError} where the folder holds no run, another process works on it, or something has changed
 * @throws {RunStopped} as `run`
 * @throws the reason of `signal` where that was aborted before a trial had begun
 */
export async function resume(folder: string, options: ResumeOptions = {}): Promise<ResumedRun> {
  const [{ resumeRun }, { resolveRunFolder }] = await Promise.all([
    import('../session/resume.ts'),
    import('../record/open-run.ts'),
  ])
  const { force = false, onEvent = () => {}, signal = never() } = options
  const path = resolveRunFolder(folder)
  const { end, ran, pipeline } = await withExecutor(
    options,
    (start) => resumeRun(path, start, { force, signal, listener: onEvent }),
    options.fleet === undefined ? undefined : (await openRun(path)).manifest.sweep,
  )
  if (pipeline === null) return { ...settled(end, signal), ran, output: null }
  const { inFlags, outputOf } = await import('../pipeline/run.ts')
  return { ...settled(end, signal, inFlags), ran, output: outputOf(path, pipeline.output) }
}

export interface PipelineRun extends FinishedRun {
  /** The folder that `pipelineReport` writes to, absolute. */
  output: string
}

/**
 * Runs the built-in pipeline on a CSV file in both modes and over a grid of constraints, as `stint pipeline` does;
 * `pipelineReport` then writes its files.
 * @throws as `run`
 */
export async function pipeline(
  input: string,
  options: PipelineOptions & Omit<RunOptions, 'out'> = {},
): Promise<PipelineRun> {
  const { planPipeline, runPipeline, inFlags } = await import('../pipeline/run.ts')
  const { onEvent = () => {}, signal = never(), command = ['stint'] } = options
  const plan = planPipeline(input, options)
  const end = await withExecutor(options, (start) =>
    runPipeline(plan, start(), { command, signal, listener: onEvent }),
  )
  return { ...settled(end, signal, inFlags), output: plan.request.output }
}

/** @param inWords puts a problem into the words of what was called */
function settled(
  end: SweepRun,
  signal: AbortSignal,
  inWords: (problem: InputProblem) => InputProblem = (problem) => problem,
): FinishedRun {
  if (end.done === 'refused') throw userErrorFrom(inWords(end.problem))
  if (end.done === 'interrupted_before') throw signal.reason
  return { done: end.done, folder: end.folder }
}
