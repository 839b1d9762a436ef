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
 * Nothing here prints or ends the process. The import is cheap: each function loads what it needs when it is called.
 */
import type { InputProblem, PublishReport } from '../workers/protocol.ts'
import type { WorkloadParams } from './ask-workload.ts'
import type { Doctor } from './doctor/doctor.ts'
import type { DuetExecutor, Executor } from './execute/executor.ts'
import type {
  AgentRecord,
  AgentOptions as AgentWork,
  FleetOptions,
  ServerOptions,
} from './execute/fleet/options.ts'
import type { Explanation } from './explain.ts'
import type { BisectRange } from './gate/bisect.ts'
import type { GateBaseline } from './gate/decide.ts'
import type { Bisection, GateEvent, GateResult, History } from './gate/types.ts'
import type { GeneratedData, GenerateOptions } from './generate.ts'
import type { InitOptions, WrittenSweep } from './init.ts'
import { own } from './own.ts'
import type { PipelineOptions, WrittenPipeline } from './pipeline/run.ts'
import type { ProgressOptions, Shown } from './progress.ts'
import type { PublishOptions } from './publish.ts'
import type { RecordedRun } from './record/open-run.ts'
import type { CompareOptions, RunComparison } from './report/compare.ts'
import type { WriteOptions, WrittenReport } from './report/export.ts'
import type { Found } from './report/found.ts'
import { LOG_PLOTS, namesOf, PLOTS } from './report/plots/names.ts'
import type { TerminalOptions } from './report/render/terminal.ts'
import type { Export, Report, ScenarioDetail } from './report/section.ts'
import type { ReportModel } from './report/types.ts'
import type { SweepSize } from './report/words.ts'
import type { Listener } from './session/events.ts'
import type { SweepRun } from './session/run.ts'
import type { LoadedSweep, Surroundings } from './sweep/load.ts'
import type { Overrides } from './sweep/overrides.ts'
import type { Profile } from './sweep/profiles.ts'
import type { SearchRequest } from './sweep/search.ts'
import type { Sweep } from './sweep/types.ts'
import { userErrorFrom } from './user-error.ts'

export {
  ARRIVAL_PATTERNS,
  type ArrivalSpec,
  GROUP_SIGNALS,
  type Outcome,
  type PublishReport,
  type TrialResult,
  type TrialSpec,
} from '../workers/protocol.ts'
export type { WorkloadParams } from './ask-workload.ts'
export type { Ability, Doctor } from './doctor/doctor.ts'
export { ENVIRONMENT, type Variable } from './environment.ts'
export type { Executor } from './execute/executor.ts'
export type { AgentRecord, ServerOptions } from './execute/fleet/options.ts'
export type { Explanation } from './explain.ts'
export { count, formatNumber, plain } from './format.ts'
export type { BisectRange } from './gate/bisect.ts'
export type { GateBaseline } from './gate/decide.ts'
export type {
  Bisection,
  BisectStep,
  GateEvent,
  GateResult,
  GateRow,
  History,
  HistoryEvent,
  HistorySeries,
} from './gate/types.ts'
export type { GeneratedData, GenerateOptions } from './generate.ts'
export type { InitOptions, WrittenSweep } from './init.ts'
export { HARNESS_METRICS, type Metric, metricTable } from './metrics.ts'
export { STINT_VERSION } from './package-folder.ts'
export type { PipelineOptions, WrittenPipeline } from './pipeline/run.ts'
export type { ProgressOptions, Shown } from './progress.ts'
export type { PublishOptions } from './publish.ts'
export type { RecordedRun } from './record/open-run.ts'
export type { Machine, Manifest } from './record/types.ts'
export type { CompareOptions, RunComparison } from './report/compare.ts'
export type { WriteOptions, WrittenReport } from './report/export.ts'
export type { Found, FoundValue, SearchTest } from './report/found.ts'
export { choosePlots, PLOTS } from './report/plots/names.ts'
export { safeJson } from './report/render/json.ts'
export type { TerminalOptions } from './report/render/terminal.ts'
export {
  type Export,
  FORMAT_BY_ENDING,
  FORMATS,
  type Format,
  type Report,
  type Section,
} from './report/section.ts'
export type { ReportModel } from './report/types.ts'
export type { SweepSize } from './report/words.ts'
export type { Listener, RunEvent } from './session/events.ts'
export { RunStopped } from './session/events.ts'
export type { LoadedSweep, Surroundings } from './sweep/load.ts'
export type { Overrides } from './sweep/overrides.ts'
export { SweepError } from './sweep/problems.ts'
export type { Profile } from './sweep/profiles.ts'
export type { SearchRequest } from './sweep/search.ts'
export type { Scenario, Sweep } from './sweep/types.ts'
export { FILE_ERRORS, UserError } from './user-error.ts'

/** As `loadSweep` gives it, awaited or not, or the path of a sweep file. */
export type SweepSource = LoadedSweep | Promise<LoadedSweep> | string

/**
 * Reads a sweep file, lays `overrides` over it, validates it and expands its grid to scenarios.
 * @throws {SweepError} with all problems found, in file order
 */
export async function loadSweep(
  path: string,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): Promise<LoadedSweep> {
  return (await import('./sweep/load.ts')).loadSweep(path, overrides, surroundings)
}

/**
 * The small sweep of the built-in pipeline that a data file stands for, as `stint run FILE --target COLUMN` runs it.
 * @param path of a CSV or NDJSON file, packed or not, or `-` for standard input
 * @throws {SweepError} for overrides that do not fit
 */
export async function sweepOfFile(
  path: string,
  overrides: Overrides = {},
  surroundings: Partial<Surroundings> = {},
): Promise<LoadedSweep> {
  return (await import('./sweep/load.ts')).sweepOfFile(path, overrides, surroundings)
}

/** Whether the command line takes `path` for data, and not for a sweep: by its ending and, where one was named, the target. */
export async function namesData(path: string, target: string | null): Promise<boolean> {
  return (await import('./sweep/starter.ts')).namesData(path, target)
}

/**
 * As `loadSweep`, for a sweep that no file holds.
 * @param data what the YAML would hold
 * @param path of the file that problems are put down to and relative paths start from
 * @throws {SweepError} with all problems found
 */
export async function sweepFromData(data: Record<string, unknown>, path: string): Promise<LoadedSweep> {
  return (await import('./sweep/load.ts')).sweepFromData(data, path)
}

/** What may be handed to everything that runs trials. */
export interface ExecuteOptions {
  /** All that trials and workloads print; dropped where it is absent. */
  onOutput?(text: string): void
  /** Ends what runs. */
  signal?: AbortSignal
  /** Runs the trials; processes of this machine where none is given. It is not closed here. */
  executor?: Executor
  /** Runs the trials on other machines, by agents at a NATS server. */
  fleet?: FleetServer
}

export interface FleetServer extends ServerOptions {
  /** The label of the agents for scenarios that name no machine. */
  on?: string
}

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
    import('./session/session.ts'),
    import('./report/words.ts'),
  ])
  const problem = await interruptible(signal, () =>
    withExecutor(options, (start) => checkSweep(loaded, start(), signal), loaded.sweep),
  )
  if (problem !== null) throw userErrorFrom(loaded.inWords?.(problem) ?? problem)
  return sizeOf(loaded.sweep)
}

/** What an answer says in words: for `renderReport` and `writeReport`. */
export interface WithReport {
  report: Report
}

export interface RunOptions extends ExecuteOptions {
  /** Folder that receives `<sweep>/<run>/`; `results` where none is given. */
  out?: string
  /** Hears of every step of the run. */
  onEvent?: Listener
  /** For the manifest: the words that started the run. */
  command?: string[]
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
  const { runSweep } = await import('./session/run.ts')
  const { out = 'results', onEvent = () => {}, signal = never(), command = ['stint'] } = options
  const end = await withExecutor(
    options,
    (start) => runSweep(loaded, start(), { root: out, command, signal, listener: onEvent }),
    loaded.sweep,
  )
  return settled(end, signal, loaded.inWords)
}

/** What `find` hands over; `stint find --json` prints it. */
export interface FoundValues extends FinishedRun, Found {}

/**
 * Reads a sweep for a search along one of its axes.
 * @throws {SweepError} for what cannot be searched as well
 * @throws {UserError} where the axis is a parameter of a workload that does not load
 */
export async function loadSearch(
  path: string,
  request: Omit<SearchRequest, 'param'>,
  overrides: Overrides = {},
): Promise<LoadedSweep> {
  const { loadSearch, loadSweep } = await import('./sweep/load.ts')
  const PREFIX = 'params.'
  if (!request.axis.startsWith(PREFIX)) return loadSearch(path, { ...request, param: null }, overrides)
  // Which values it may have, only the workload can tell.
  const { workload } = loadSweep(path, overrides).sweep
  const { describeWorkload } = await import('./ask-workload.ts')
  const { params } = await withExecutor({}, (start) => describeWorkload(workload, start))
  const param = own(params ?? {}, request.axis.slice(PREFIX.length)) ?? null
  return loadSearch(path, { ...request, param }, overrides)
}

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
    import('./record/open-run.ts'),
    import('./report/found.ts'),
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
    import('./session/resume.ts'),
    import('./record/open-run.ts'),
  ])
  const { force = false, onEvent = () => {}, signal = never() } = options
  const path = resolveRunFolder(folder)
  const { end, ran, pipeline } = await withExecutor(
    options,
    (start) => resumeRun(path, start, { force, signal, listener: onEvent }),
    options.fleet === undefined ? undefined : (await openRun(path)).manifest.sweep,
  )
  if (pipeline === null) return { ...settled(end, signal), ran, output: null }
  const { inFlags, outputOf } = await import('./pipeline/run.ts')
  return { ...settled(end, signal, inFlags), ran, output: outputOf(path, pipeline.output) }
}

/**
 * A run folder as it was recorded: manifest and trials, in the newest format.
 * @param folder the run folder, or a link to it such as `latest`
 * @throws {UserError} where the folder holds no run, or one that cannot be used
 */
export async function openRun(folder: string): Promise<RecordedRun> {
  return (await import('./record/open-run.ts')).openRun(folder)
}

export interface RenderedReport extends WithReport {
  /** The run folder, absolute, links resolved. */
  folder: string
  model: ReportModel
  /** What the search came to; null where the run is none. */
  found: Found | null
  /** Nothing where no export was asked for. */
  files: WrittenReport
}

export interface ReportOptions extends Partial<Omit<WriteOptions, 'folder'>> {
  /** Pictures by their names in `PLOTS.run`; absent: the usual ones, and for a page all that the run has data for. */
  plots?: readonly string[]
}

/**
 * What a run came to: its numbers, its sections, and the files asked for.
 * @param exports into the run folder, unless they say otherwise
 * @throws {UserError} where the folder holds no run
 */
export async function report(
  folder: string,
  exports: readonly Export[] = [],
  options: ReportOptions = {},
): Promise<RenderedReport> {
  const [
    { openRun, readChunkLog },
    { buildReportModel },
    { summariseLogs },
    { scenarioDetails },
    { runReport },
  ] = await Promise.all([
    import('./record/open-run.ts'),
    import('./report/model.ts'),
    import('./report/chunk-logs.ts'),
    import('./report/page.ts'),
    import('./report/sections/run.ts'),
  ])
  const recorded = openRun(folder)
  const model = buildReportModel(recorded.manifest, recorded.trials, recorded.notes)
  const { plots, ...where } = options
  const { manifest, trials } = recorded
  // The chunk logs are read only where something will show them.
  const isPage = exports.some(({ format }) => format === 'html' || format === 'json')
  const isAsked = plots?.some((name) => LOG_PLOTS.some((one) => one === name)) === true
  const logs =
    isPage || isAsked
      ? summariseLogs(manifest, trials, (trial) => readChunkLog(recorded.folder, trial).chunks)
      : undefined
  const details = scenarioDetails(manifest, trials, model.measured, logs)
  const searched = manifest.sweep.search === null ? null : await reportOfSearch(recorded, model, details)
  const made =
    searched?.report ?? runReport(model, details, { ...(plots && { plots }), ...(logs && { logs }) })
  const files = await writeReport(made, exports, { ...where, folder: recorded.folder })
  return { folder: recorded.folder, model, found: searched?.found ?? null, report: made, files }
}

async function reportOfSearch(
  recorded: RecordedRun,
  model: ReportModel,
  details: readonly ScenarioDetail[],
): Promise<{ found: Found; report: Report }> {
  const [{ recordedSearch }, { findReport }] = await Promise.all([
    import('./report/found.ts'),
    import('./report/sections/find.ts'),
  ])
  const search = recordedSearch(recorded)
  return { found: search.found, report: findReport(model, search, details) }
}

export interface ComparisonOptions extends CompareOptions {
  /** Pictures by their names in `PLOTS.compare`; none where none are named. */
  plots?: readonly string[]
}

export interface ComparedRuns extends WithReport {
  comparison: RunComparison
}

/**
 * Compares the scenarios that recorded runs share, or the profiles of one run.
 * @param folders run folders, the baseline first
 * @throws {UserError} where a folder holds no run, no run has a metric that is asked for, or there is nothing to compare
 */
export async function compare(
  folders: readonly string[],
  options: ComparisonOptions = {},
): Promise<ComparedRuns> {
  const { plots = [], ...wanted } = options
  const [{ openRun }, { compareRecorded }, { compareReport, forestOf }] = await Promise.all([
    import('./record/open-run.ts'),
    import('./report/compare.ts'),
    import('./report/sections/compare.ts'),
  ])
  const comparison = compareRecorded(folders.map(openRun), wanted)
  if (plots.length === 0) return { comparison, report: compareReport(comparison) }
  // What draws takes half a second to load.
  const [{ significancePlot }, { significanceMap }] = await Promise.all([
    import('./report/plots/significance.ts'),
    import('./report/plots/significance-map.ts'),
  ])
  const makers = { significance: significancePlot, significance_map: significanceMap }
  const forest = forestOf(comparison)
  const made = namesOf(PLOTS.compare)
    .filter((name) => plots.includes(name))
    .map((name) => makers[name](forest, `${name}.png`))
  return { comparison, report: compareReport(comparison, made) }
}

export interface HistoryOptions {
  /** Instead of the metrics that the newest run compares. */
  metrics?: readonly string[]
  /** Chance of a false change, over all series together; 0.05 where none is given. */
  alpha?: number
  /** The smallest change worth telling, as a share; 0.02 where none is given. */
  margin?: number
  /** Pictures by their names in `PLOTS.history`, of the series that changed; none where none are named. */
  plots?: readonly string[]
  /** Of the permutation test; 42 where none is given. */
  seed?: number
}

/**
 * When metrics changed over many recorded runs, for better or worse, and between which commits.
 * @param folder with run folders below it, at any depth
 * @throws {UserError} where it holds no run that has ended, or no run has a metric that is asked for
 */
export async function history(folder: string, options: HistoryOptions = {}): Promise<History & WithReport> {
  const { metrics = [], alpha = 0.05, margin = 0.02, plots = [], seed = 42 } = options
  const [{ historyBelow }, { historyReport }] = await Promise.all([
    import('./gate/history.ts'),
    import('./report/sections/history.ts'),
  ])
  const found = historyBelow(folder, { metrics, alpha, margin, seed })
  if (plots.length === 0) return { ...found, report: historyReport(found, folder) }
  const { historyPlots } = await import('./report/plots/history.ts')
  return { ...found, report: historyReport(found, folder, historyPlots(found)) }
}

export interface GateMeans extends Omit<ExecuteOptions, 'executor'> {
  /** The largest slowdown to tolerate, as a share such as 0.02; else each metric's own. */
  margin?: number
  /** For measuring, ms; a minute where none is given. */
  limitMs?: number
  /** Pictures by their names in `PLOTS.gate`; none where none are named. */
  plots?: readonly string[]
  /** Hears what is being done, and how far it is. */
  onEvent?(event: GateEvent): void
  executor?: DuetExecutor
}

/** What is compared, and how. */
export type GateOptions = GateBaseline &
  GateMeans & {
    /** A folder for the CPU profile of a further trial of each version; made where it is missing. */
    profileTo?: string
  }

/**
 * Holds a candidate version against a baseline: `regression` where a change for the worse beyond the margin is proven,
 * `ruled_out` where it is ruled out, `undecided` where neither.
 * @param sweep given as a path where `gate.build` is still to make the workload
 * @throws {UserError} where the two cannot be compared
 * @throws the reason of `signal` once that is aborted
 */
export async function gate(sweep: SweepSource, options: GateOptions): Promise<GateResult & WithReport> {
  const { signal = never() } = options
  const loaded =
    typeof sweep === 'string'
      ? await loadSweep(sweep, {}, { isBuiltLater: 'against' in options })
      : await sweep
  const [{ decide }, { gateReport }] = await Promise.all([
    import('./gate/decide.ts'),
    import('./report/sections/gate.ts'),
  ])
  const { plots = [], margin = null, limitMs = 60_000, profileTo = null, onEvent = () => {} } = options
  const decided = { margin, limitMs, profileTo, signal, onEvent }
  const result = await interruptible(signal, () =>
    withExecutor(options, (start) => decide(loaded, options, start, decided), loaded.sweep, true),
  )
  const path = loaded.sweep.source.path
  if (plots.length === 0) return { ...result, report: gateReport(result, path) }
  const { gateProfilePlot } = await import('./report/plots/gate-profile.ts')
  return { ...result, report: gateReport(result, path, gateProfilePlot(result, 'gate-profile.png')) }
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
  const { planPipeline, runPipeline, inFlags } = await import('./pipeline/run.ts')
  const { onEvent = () => {}, signal = never(), command = ['stint'] } = options
  const plan = planPipeline(input, options)
  const end = await withExecutor(options, (start) =>
    runPipeline(plan, start(), { command, signal, listener: onEvent }),
  )
  return { ...settled(end, signal, inFlags), output: plan.request.output }
}

/**
 * Writes the files of a run that `pipeline` made, those of the original and what `exports` names.
 * @throws {UserError} where the folder holds no run of `pipeline`
 */
export async function pipelineReport(
  folder: string,
  exports: readonly Export[] = [],
  options: Partial<Omit<WriteOptions, 'folder'>> = {},
): Promise<WrittenPipeline> {
  const { writePipeline } = await import('./pipeline/run.ts')
  return await writePipeline(folder, exports, options)
}

export interface DoctorOptions extends ExecuteOptions {
  /** Trials on each side of a comparison of equal code, which shows the noise; none where none is given. */
  runs?: number
  /** What is being done, in words. */
  onStep?(text: string): void
}

/**
 * What this machine can enforce and measure, each tried for real, and how noisy it is.
 * @throws the reason of `signal` once that is aborted
 */
export async function doctor(options: DoctorOptions = {}): Promise<Doctor & WithReport> {
  const { signal = never(), runs = 0, onStep = () => {} } = options
  const [{ examine }, { doctorReport }] = await Promise.all([
    import('./doctor/doctor.ts'),
    import('./report/sections/doctor.ts'),
  ])
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) => examine(start(), { runs, onStep })),
  )
  return { ...found, report: doctorReport(found) }
}

export interface ShippedProfiles extends WithReport {
  profiles: Profile[]
}

/** The hardware profiles that ship, sorted by name. */
export async function profiles(): Promise<ShippedProfiles> {
  const [{ listProfiles }, { profilesReport }] = await Promise.all([
    import('./sweep/profiles.ts'),
    import('./report/sections/profiles.ts'),
  ])
  const listed = listProfiles()
  return { profiles: listed, report: profilesReport(listed) }
}

/**
 * Writes a deterministic data set to a file, whole or not at all.
 * @param preset such as `nba2k`
 * @throws {UserError} where there is no such preset, or the file cannot be written
 */
export async function generateData(
  preset: string,
  options: GenerateOptions & ExecuteOptions,
): Promise<GeneratedData> {
  const { signal = never() } = options
  const { generate } = await import('./generate.ts')
  return await interruptible(signal, () => withExecutor(options, (start) => generate(preset, options, start)))
}

/**
 * Sends a data set to a NATS stream or an MQTT topic as events that arrive on a clock of their own.
 * @param source path of a CSV or NDJSON file, packed or not, or `-` for standard input
 * @returns how it kept to its schedule
 * @throws {UserError} where the data or the broker cannot be used
 */
export async function publish(source: string, options: PublishOptions): Promise<PublishReport> {
  const { signal = never() } = options
  const { publishData } = await import('./publish.ts')
  return await interruptible(signal, () => publishData(source, { ...options, signal }))
}

/**
 * Writes a first sweep for a data file: a small grid, the types of its columns and what is left out as comments.
 * @param data path of a CSV or NDJSON file, packed or not
 * @throws {UserError} where the data cannot be used, or the sweep is there already or cannot be written
 */
export async function init(data: string, options: InitOptions & ExecuteOptions = {}): Promise<WrittenSweep> {
  const { signal = never() } = options
  const { writeStarter } = await import('./init.ts')
  return await interruptible(signal, () =>
    withExecutor(options, (start) => writeStarter(data, options, start)),
  )
}

/**
 * Every parameter of a workload, with its default, its range and what it means.
 * @param workload `pipeline`, the built-in one, where none is named, or the path of a module
 * @throws {UserError} where there is no such module, or what it says of itself cannot be used
 */
export async function params(
  workload?: string,
  options: ExecuteOptions = {},
): Promise<WorkloadParams & WithReport> {
  const { signal = never() } = options
  const [{ askWorkload }, { paramsReport }] = await Promise.all([
    import('./ask-workload.ts'),
    import('./report/sections/params.ts'),
  ])
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) => askWorkload(workload, start)),
  )
  return { ...found, report: paramsReport(found) }
}

/** The JSON Schema of a sweep file, or of a report as JSON. */
export async function schema(of: 'sweep' | 'report', options: ExecuteOptions = {}): Promise<object> {
  if (of === 'report') return (await import('./report/schema.ts')).reportJsonSchema()
  const [{ sweepJsonSchema }, { askWorkload }] = await Promise.all([
    import('./sweep/schema.ts'),
    import('./ask-workload.ts'),
  ])
  const { signal = never() } = options
  const builtIn = await interruptible(signal, () =>
    withExecutor(options, (start) => askWorkload(undefined, start)),
  )
  return sweepJsonSchema(builtIn.params ?? {})
}

/**
 * A report as text for a terminal, as one line of JSON, or as a page of Markdown without pictures.
 * @param terminal for text; 120 columns without colour where nothing is said
 */
export async function renderReport(
  made: Report,
  form: 'text' | 'json' | 'markdown',
  terminal: Partial<TerminalOptions> = {},
): Promise<string> {
  switch (form) {
    case 'text': {
      const { terminalText } = await import('./report/render/terminal.ts')
      return terminalText(made, { colour: false, width: 120, ...terminal })
    }
    case 'json':
      return (await import('./report/render/json.ts')).jsonText(made)
    case 'markdown':
      return (await import('./report/render/markdown.ts')).markdownText(made, { pictureLink: () => null })
  }
}

/** Writes a report in every form asked for; one failure costs one file, and is among the problems. */
export async function writeReport(
  made: Report,
  exports: readonly Export[],
  options: WriteOptions,
): Promise<WrittenReport> {
  if (exports.length === 0) return { written: [], skipped: [], problems: [] }
  return await (await import('./report/export.ts')).writeReport(made, exports, options)
}

/**
 * Tries, before anything is run, that a folder that is or will be there can be written to.
 * @throws {UserError} where it cannot
 */
export async function checkWritable(folder: string): Promise<void> {
  ;(await import('./record/run-folder.ts')).checkWritable(folder)
}

/** Shows the events of a run or a gate: a bar on a terminal, a line now and then elsewhere. */
export async function showProgress(options: ProgressOptions): Promise<Shown> {
  const { Progress } = await import('./progress.ts')
  return new Progress(options)
}

/** An error of any of these functions as a message for a person, and whose matter it is. */
export async function explain(error: unknown): Promise<Explanation> {
  return (await import('./explain.ts')).explain(error)
}

/**
 * Searches the commits from `good` to `bad` for the first that a gate against `good` finds worse.
 * @throws {UserError} where `good` is no ancestor of `bad`, or cannot be played
 * @throws the reason of `signal` once that is aborted
 */
export async function bisect(
  sweep: SweepSource,
  options: BisectRange & GateMeans,
): Promise<Bisection & WithReport> {
  const { signal = never(), margin = null, limitMs = 60_000, onEvent = () => {} } = options
  const loaded = await loadedFrom(sweep)
  const [{ bisectSweep }, { bisectReport }] = await Promise.all([
    import('./gate/bisect.ts'),
    import('./report/sections/bisect.ts'),
  ])
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) =>
      bisectSweep(loaded, options, start, { margin, limitMs, profileTo: null, signal, onEvent }),
    ),
  )
  return { ...found, report: bisectReport(found, loaded.sweep.source.path) }
}

/** What says in a gate's forms that it could not be held, and why. */
export async function failureReport(error: unknown, sweep: string): Promise<Report> {
  const [{ message }, { gateFailure }] = await Promise.all([
    explain(error),
    import('./report/sections/failure.ts'),
  ])
  return gateFailure(message, sweep)
}

export interface AgentOptions extends Omit<AgentWork, 'startExecutor' | 'signal' | 'onNote'> {
  /** Ends it: what it had begun goes to another agent. */
  signal?: AbortSignal
  onNote?(text: string): void
  /** All that trials and workloads print; dropped where it is absent. */
  onOutput?(text: string): void
}

/**
 * Runs trials for coordinators elsewhere, until `signal` is aborted.
 * @throws {UserError} where the options cannot be used or the server cannot be reached
 */
export async function agent({ onOutput, ...options }: AgentOptions): Promise<void> {
  const [{ runAgent }, { LocalExecutor }] = await Promise.all([
    import('./execute/fleet/agent.ts'),
    import('./execute/local/executor.ts'),
  ])
  const startExecutor = () =>
    new LocalExecutor({ credentials: false, ...(onOutput !== undefined && { onOutput }) })
  await runAgent({ signal: never(), onNote: () => {}, ...options, startExecutor })
}

/**
 * The agents at a server, as they say themselves.
 * @throws {UserError} where the server cannot be reached
 */
export async function agents(server: ServerOptions): Promise<AgentRecord[]> {
  return await (await import('./execute/fleet/watch.ts')).listAgents(server)
}

export interface WatchOptions extends ServerOptions {
  onEvent: Listener
  signal?: AbortSignal
}

/**
 * Follows a run from any machine, until it ends.
 * @param run its folder, or the folder's name
 * @throws {UserError} where the server knows no such run
 */
export async function watch(
  run: string,
  options: WatchOptions,
): Promise<'finished' | 'interrupted' | 'stopped'> {
  return await (await import('./execute/fleet/watch.ts')).watchRun(run, { signal: never(), ...options })
}

async function loadedFrom(sweep: SweepSource): Promise<LoadedSweep> {
  return typeof sweep === 'string' ? await loadSweep(sweep) : await sweep
}

function never(): AbortSignal {
  return new AbortController().signal
}

/** What was interrupted fails in many ways, none of which is news. */
async function interruptible<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted()
    return await work()
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}

/**
 * @param use gets a function that starts the executor: where nothing is to be run, none need start
 * @param sweep that may name machines
 * @param oneAgent everything goes to one agent of a fleet
 */
async function withExecutor<T>(
  { executor, onOutput, signal, fleet }: ExecuteOptions,
  use: (start: () => DuetExecutor) => Promise<T>,
  sweep?: Sweep,
  oneAgent = false,
): Promise<T> {
  // Who brings an executor that plays no duets can run no gate: the types of the callers say so.
  if (executor !== undefined) return await use(() => executor as DuetExecutor)
  const scenarios = sweep?.scenarios ?? []
  const named = scenarios.flatMap(({ point }) => (point['machine'] == null ? [] : [String(point['machine'])]))
  const machines = [...new Set(named)]
  const make =
    fleet === undefined
      ? await localStart(machines, onOutput)
      : await fleetStart(fleet, {
          machines,
          relativeTo: sweep?.relative_to ?? null,
          oneAgent,
          ...(onOutput && { onOutput }),
        })
  const started: DuetExecutor[] = []
  const start = () => {
    const own = started[0] ?? make()
    started[0] = own
    if (signal?.aborted) void own.close()
    return own
  }
  const close = () => void started[0]?.close()
  signal?.addEventListener('abort', close, { once: true })
  try {
    return await use(start)
  } finally {
    signal?.removeEventListener('abort', close)
    await started[0]?.close()
  }
}

async function fleetStart(
  { on = null, ...server }: ServerOptions & { on?: string | null },
  more: Omit<FleetOptions, keyof ServerOptions | 'on'>,
): Promise<() => DuetExecutor> {
  const { FleetExecutor } = await import('./execute/fleet/executor.ts')
  return () => new FleetExecutor({ ...server, on, ...more })
}

async function localStart(
  machines: readonly string[],
  onOutput: ExecuteOptions['onOutput'],
): Promise<() => DuetExecutor> {
  if (machines.length > 0)
    throw userErrorFrom({
      message: `the sweep names machines (${machines.join(', ')}), and no server was named where their agents are`,
      hint: 'say --server nats://HOST:4222, or drop "machines"',
    })
  const { LocalExecutor } = await import('./execute/local/executor.ts')
  return () => new LocalExecutor(onOutput === undefined ? {} : { onOutput })
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
