/**
 * Stint as a library: what `import ... from 'stint'` gives, and all that the command line is built on.
 *
 * ```js
 * import { loadSweep, report, run } from 'stint'
 *
 * const { folder } = await run(loadSweep('sweep.yaml'), { out: 'results' })
 * const { model } = await report(folder)
 * console.log(model.scenarios.map(({ label, metrics }) => [label, metrics.latency_mean_ms?.value]))
 * ```
 *
 * Nothing here prints, and what only some callers need (pictures, pages, statistics) is loaded when it is called for.
 */
import type { DuetExecutor, Executor } from './execute/executor.ts'
import type { GateResult } from './gate/types.ts'
import type { PipelineRequest } from './record/types.ts'
import type { CompareOptions, RunComparison } from './report/compare.ts'
import type { Export, WrittenReport } from './report/export.ts'
import type { Report } from './report/section.ts'
import type { ReportModel } from './report/types.ts'
import type { Listener } from './session/events.ts'
import { type LoadedSweep, loadSweep } from './sweep/load.ts'
import { UserError } from './user-error.ts'

export type { Outcome, TrialResult, TrialSpec } from '../workers/protocol.ts'
export type { Executor } from './execute/executor.ts'
export type { GateResult, GateRow } from './gate/types.ts'
export { HARNESS_METRICS, type Metric, metricTable } from './metrics.ts'
export { STINT_VERSION } from './package-folder.ts'
export { openRun, type RecordedRun } from './record/open-run.ts'
export type { Machine, Manifest } from './record/types.ts'
export type { RunComparison } from './report/compare.ts'
export { type Export, FORMATS, type Format } from './report/export.ts'
export type { Report, Section } from './report/section.ts'
export type { ReportModel } from './report/types.ts'
export type { Listener, RunEvent } from './session/events.ts'
export { RunStopped } from './session/events.ts'
export { type LoadedSweep, loadSweep, sweepFromData } from './sweep/load.ts'
export { SweepError } from './sweep/problems.ts'
export type { Scenario, Sweep } from './sweep/types.ts'
export { UserError } from './user-error.ts'

export interface RunOptions {
  /** Folder that receives `<sweep>/<run>/`; `results` where none is given. */
  out?: string
  /** Hears of every step of the run. */
  onEvent?: Listener
  /** All that trials print; dropped where it is absent. */
  onOutput?(text: string): void
  /** Ends the run; what ended before is kept, and `resume` finishes it. */
  signal?: AbortSignal
  /** Runs the trials; processes of this machine where none is given. It is not closed here. */
  executor?: Executor
  /** For the manifest: the words that started the run. */
  command?: string[]
  /** For the manifest, where the run is one of `stint pipeline`. */
  pipeline?: PipelineRequest
}

export interface FinishedRun {
  /** `interrupted`: by `signal`; `folder` then holds what ended, and is null where no trial had begun. */
  done: 'finished' | 'interrupted'
  folder: string
}

/**
 * Runs every trial of a sweep and keeps all of it in a run folder.
 * @param sweep as `loadSweep` gives it, or the path of a sweep file
 * @throws {UserError} where the sweep cannot be run here: bad data, a workload that is at fault, a cap that cannot be enforced
 * @throws {RunStopped} where the journal cannot be written; it names the folder, and what ended before is kept
 */
export async function run(sweep: LoadedSweep | string, options: RunOptions = {}): Promise<FinishedRun> {
  const loaded = typeof sweep === 'string' ? loadSweep(sweep) : sweep
  const { runSweep } = await import('./session/run.ts')
  const { out = 'results', onEvent = () => {}, signal = never(), command = ['stint'], pipeline } = options
  return await withExecutor(options, async (executor) => {
    const context = { root: out, command, signal, listener: onEvent }
    return settled(await runSweep(loaded, executor, { ...context, ...(pipeline && { pipeline }) }))
  })
}

export interface ResumeOptions extends Pick<RunOptions, 'onEvent' | 'onOutput' | 'signal' | 'executor'> {
  /** Goes on although data, code or machine changed, and marks the trials that follow. */
  force?: boolean
}

/**
 * Finishes an interrupted run: exactly the trials that are missing.
 * @throws {UserError} where the folder holds no run, another process works on it, or something has changed
 * @throws {RunStopped} as `run`
 */
export async function resume(folder: string, options: ResumeOptions = {}): Promise<FinishedRun> {
  const { resumeRun } = await import('./session/resume.ts')
  const { force = false, onEvent = () => {}, signal = never() } = options
  return await withExecutor(options, async (executor) => {
    const { end } = await resumeRun(folder, () => executor, { force, signal, listener: onEvent })
    return settled(end)
  })
}

export type GateBaseline =
  /** A git ref whose version of the workload is the baseline. */
  | { against: string; build?: boolean }
  /** Two modules. */
  | { baselineModule: string; candidateModule: string }
  /** Recorded run folders. */
  | { baselineRuns: readonly string[]; allowDifferentMachine?: boolean }

export type GateOptions = GateBaseline & {
  /** The largest slowdown to tolerate, as a share such as 0.02; else each metric's own. */
  margin?: number
  /** For measuring, ms; a minute where none is given. */
  limitMs?: number
  signal?: AbortSignal
  /** What is being done, in words. */
  onStep?(text: string): void
  onOutput?(text: string): void
  executor?: DuetExecutor
}

/**
 * Holds a candidate version against a baseline: `regression` where a change for the worse beyond the margin is proven,
 * `ruled_out` where it is ruled out, `undecided` where neither.
 * @throws {UserError} where the two cannot be compared
 * @throws the reason of `signal` once that is aborted
 */
export async function gate(sweep: LoadedSweep | string, options: GateOptions): Promise<GateResult> {
  const isBuiltLater = 'against' in options
  const loaded = typeof sweep === 'string' ? loadSweep(sweep, {}, { isBuiltLater }) : sweep
  const { margin = null, limitMs = 60_000, signal = never(), onStep = () => {} } = options
  return await withExecutor(options, async (executor) => {
    if ('baselineRuns' in options) {
      const { compareWithBaseline } = await import('./gate/baseline.ts')
      const { baselineRuns, allowDifferentMachine = false } = options
      const hooks = { signal, onStep, onTrial: () => {} }
      return await compareWithBaseline(loaded, baselineRuns, executor, {
        margin,
        allowDifferentMachine,
        ...hooks,
      })
    }
    const { modulesByName, runGate } = await import('./gate/run-gate.ts')
    const means = { margin, limitMs, signal, onStep, onProgress: () => {} }
    if (!('against' in options)) {
      const modules = modulesByName(options.baselineModule, options.candidateModule)
      return await runGate(loaded, modules, executor, means)
    }
    const { checkOut, nameOfWorkingCopy } = await import('./gate/checkout.ts')
    const { workload, gate: settings } = loaded.sweep
    const { against: ref, build: buildCandidate = true } = options
    const checkout = await checkOut({ ref, workload, settings, buildCandidate, signal, onStep })
    try {
      const candidate = { name: await nameOfWorkingCopy(workload, signal), workload }
      return await runGate(loaded, { baseline: checkout, candidate }, executor, means)
    } finally {
      checkout.remove()
    }
  })
}

/**
 * Compares the scenarios that recorded runs share, or the profiles of one run.
 * @param folders run folders, the baseline first
 * @throws {UserError} where a folder holds no run, or one run has nothing to compare
 */
export async function compare(
  folders: readonly string[],
  options: CompareOptions = {},
): Promise<{ comparison: RunComparison; report: Report }> {
  const [{ openRun }, comparing, { compareReport }] = await Promise.all([
    import('./record/open-run.ts'),
    import('./report/compare.ts'),
    import('./report/sections/compare.ts'),
  ])
  const runs = folders.map(openRun)
  const [first] = runs
  if (first === undefined) throw new UserError('no run folder to compare', 'give two run folders or more')
  if (runs.length > 1) {
    const comparison = comparing.compareRuns(runs, options)
    return { comparison, report: compareReport(comparison) }
  }
  const reference = comparing.profileReference(first.manifest)
  if (reference === null) {
    const why = 'one run without profiles has nothing to compare with'
    throw new UserError(`${first.name}: ${why}`, 'give two run folders or more')
  }
  const comparison = comparing.compareWithin(first, reference, options)
  return { comparison, report: compareReport(comparison) }
}

export interface RenderedReport {
  model: ReportModel
  report: Report
  /** Nothing where no export was asked for. */
  files: WrittenReport
}

/**
 * What a run came to: its numbers, its sections, and the files asked for.
 * @throws {UserError} where the folder holds no run
 */
export async function report(folder: string, exports: readonly Export[] = []): Promise<RenderedReport> {
  const [{ openRun }, { buildReportModel }, { runReport }, { writeReport }] = await Promise.all([
    import('./record/open-run.ts'),
    import('./report/model.ts'),
    import('./report/sections/run.ts'),
    import('./report/export.ts'),
  ])
  const recorded = openRun(folder)
  const model = buildReportModel(recorded.manifest, recorded.trials, recorded.notes)
  const made = runReport(model)
  return { model, report: made, files: await writeReport(made, exports, { folder: recorded.folder }) }
}

/** What this machine can enforce and measure, each tried for real. */
export async function doctor(options: Pick<RunOptions, 'onOutput'> = {}) {
  const { checkCompute, checkRest } = await import('./doctor/checks.ts')
  const { LocalExecutor } = await import('./execute/local/executor.ts')
  const compute = await checkCompute()
  const executor = new LocalExecutor(options)
  try {
    return [...compute, ...(await checkRest(executor))]
  } finally {
    await executor.close()
  }
}

function never(): AbortSignal {
  return new AbortController().signal
}

async function withExecutor<T>(
  {
    executor,
    onOutput,
    signal,
  }: { executor?: Executor; onOutput?(text: string): void; signal?: AbortSignal },
  use: (executor: DuetExecutor) => Promise<T>,
): Promise<T> {
  // Who brings an executor that plays no duets can run no gate: the types of the callers say so.
  if (executor !== undefined) return await use(executor as DuetExecutor)
  const { LocalExecutor } = await import('./execute/local/executor.ts')
  const own = new LocalExecutor(onOutput === undefined ? {} : { onOutput })
  const close = () => void own.close()
  signal?.addEventListener('abort', close, { once: true })
  try {
    return await use(own)
  } finally {
    signal?.removeEventListener('abort', close)
    await own.close()
  }
}

function settled(end: import('./session/run.ts').SweepRun): FinishedRun {
  if (end.done === 'refused') throw new UserError(placed(end.problem), end.problem.hint)
  if (end.done === 'interrupted_before')
    throw new DOMException('interrupted before the first trial', 'AbortError')
  return { done: end.done, folder: end.folder }
}

/** With file and line where the message does not begin with them. */
function placed({ file, line, message }: { file?: string; line?: number; message: string }): string {
  const place = [file, line].filter((part) => part !== undefined).join(':')
  return place === '' || message.startsWith(place) ? message : `${place}: ${message}`
}
