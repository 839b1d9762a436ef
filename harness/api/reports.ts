/** What runs came to, from their folders to files and screens. */
import type { Explanation } from '../explain.ts'
import type { History } from '../gate/types.ts'
import type { WrittenPipeline } from '../pipeline/run.ts'
import type { ProgressOptions, Shown } from '../progress.ts'
import type { OpenOptions, RecordedRun } from '../record/open-run.ts'
import type { CompareOptions, RunComparison } from '../report/compare.ts'
import type { WriteOptions, WrittenReport } from '../report/export.ts'
import type { Found } from '../report/found.ts'
import { LOG_PLOTS, namesOf, PLOTS } from '../report/plots/names.ts'
import type { TerminalOptions } from '../report/render/terminal.ts'
import type { Export, Report, ScenarioDetail } from '../report/section.ts'
import type { ReportModel } from '../report/types.ts'

/** What an answer says in words: for `renderReport` and `writeReport`. */
export interface WithReport {
  report: Report
}

/**
 * A run folder as it was recorded: manifest and trials, in the newest format.
 * @param folder the run folder, or a link to it such as `latest`
 * @throws {UserError} where the folder holds no run, or one that cannot be used
 */
export async function openRun(folder: string, options: OpenOptions = {}): Promise<RecordedRun> {
  return (await import('../record/open-run.ts')).openRun(folder, options)
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

export interface ReportOptions extends Partial<Omit<WriteOptions, 'folder' | 'record'>>, OpenOptions {
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
    import('../record/open-run.ts'),
    import('../report/model.ts'),
    import('../report/chunk-logs.ts'),
    import('../report/page.ts'),
    import('../report/sections/run.ts'),
  ])
  const { plots, includeForced = false, ...where } = options
  const recorded = openRun(folder, { includeForced })
  const model = buildReportModel(recorded.manifest, recorded.trials, recorded.notes, recorded.forced)
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
  const files = await writeReport(made, exports, { ...where, folder: recorded.folder, record: null })
  return { folder: recorded.folder, model, found: searched?.found ?? null, report: made, files }
}

async function reportOfSearch(
  recorded: RecordedRun,
  model: ReportModel,
  details: readonly ScenarioDetail[],
): Promise<{ found: Found; report: Report }> {
  const [{ recordedSearch }, { findReport }] = await Promise.all([
    import('../report/found.ts'),
    import('../report/sections/find.ts'),
  ])
  const search = recordedSearch(recorded)
  return { found: search.found, report: findReport(model, search, details) }
}

export interface ComparisonOptions extends CompareOptions, OpenOptions {
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
  const { plots = [], includeForced = false, ...wanted } = options
  const [{ openRun }, { compareRecorded }, { compareReport, forestOf }] = await Promise.all([
    import('../record/open-run.ts'),
    import('../report/compare.ts'),
    import('../report/sections/compare.ts'),
  ])
  const comparison = compareRecorded(
    folders.map((folder) => openRun(folder, { includeForced })),
    wanted,
  )
  if (plots.length === 0) return { comparison, report: compareReport(comparison) }
  // What draws takes half a second to load.
  const [{ significancePlot }, { significanceMap }] = await Promise.all([
    import('../report/plots/significance.ts'),
    import('../report/plots/significance-map.ts'),
  ])
  const makers = { significance: significancePlot, significance_map: significanceMap }
  const forest = forestOf(comparison)
  const made = namesOf(PLOTS.compare)
    .filter((name) => plots.includes(name))
    .map((name) => makers[name](forest, `${name}.png`))
  return { comparison, report: compareReport(comparison, made) }
}

export interface HistoryOptions extends OpenOptions {
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
  const { metrics = [], alpha = 0.05, margin = 0.02, plots = [], seed = 42, includeForced = false } = options
  const [{ historyBelow }, { historyReport }] = await Promise.all([
    import('../gate/history.ts'),
    import('../report/sections/history.ts'),
  ])
  const found = historyBelow(folder, { metrics, alpha, margin, seed, includeForced })
  if (plots.length === 0) return { ...found, report: historyReport(found, folder) }
  const { historyPlots } = await import('../report/plots/history.ts')
  return { ...found, report: historyReport(found, folder, historyPlots(found)) }
}

/**
 * Writes the files of a run that `pipeline` made, those of the original and what `exports` names.
 * @throws {UserError} where the folder holds no run of `pipeline`
 */
export async function pipelineReport(
  folder: string,
  exports: readonly Export[] = [],
  options: Partial<Omit<WriteOptions, 'folder' | 'record'>> & OpenOptions = {},
): Promise<WrittenPipeline> {
  const { writePipeline } = await import('../pipeline/run.ts')
  return await writePipeline(folder, exports, options)
}

/**
 * The names of the pictures that are meant, each once.
 * @param words names in `PLOTS`, or `all` or `none` by itself
 * @throws {UserError} for a name that is none
 */
export async function choosePlots(kind: keyof typeof PLOTS, words: readonly string[]): Promise<string[]> {
  return (await import('../report/plots/choose.ts')).choosePlots(kind, words)
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
      const { terminalText } = await import('../report/render/terminal.ts')
      return terminalText(made, { colour: false, width: 120, ...terminal })
    }
    case 'json':
      return (await import('../report/render/json.ts')).jsonText(made)
    case 'markdown':
      return (await import('../report/render/markdown.ts')).markdownText(made, { pictureLink: () => null })
  }
}

/** Writes a report in every form asked for; one failure costs one file, and is among the problems. */
export async function writeReport(
  made: Report,
  exports: readonly Export[],
  options: WriteOptions,
): Promise<WrittenReport> {
  if (exports.length === 0) return { written: [], skipped: [], problems: [] }
  return await (await import('../report/export.ts')).writeReport(made, exports, options)
}

/**
 * Tries, before anything is run, that a folder that is or will be there can be written to.
 * @throws {UserError} where it cannot
 */
export async function checkWritable(folder: string, option?: string): Promise<void> {
  ;(await import('../record/run-folder.ts')).checkWritable(folder, option)
}

/**
 * Tries, before anything is run, that a file that will be there replaces none but what Stint wrote.
 * @throws {UserError} where it would
 */
export async function checkReplaceable(file: string): Promise<void> {
  const { refuseForeign, userRecord } = await import('../record/written.ts')
  refuseForeign(file, userRecord())
}

/** Shows the events of a run or a gate: a bar on a terminal, a line now and then elsewhere. */
export async function showProgress(options: ProgressOptions): Promise<Shown> {
  const { Progress } = await import('../progress.ts')
  return new Progress(options)
}

/** An error of any of these functions as a message for a person, and whose matter it is. */
export async function explain(error: unknown): Promise<Explanation> {
  return (await import('../explain.ts')).explain(error)
}
