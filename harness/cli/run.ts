/** `stint run`: the main job. */
import {
  check,
  type Export,
  type FinishedRun,
  type LoadedSweep,
  loadSweep,
  namesData,
  plain,
  type RenderedReport,
  renderReport,
  report,
  run,
  safeJson,
  sweepOfFile,
  UserError,
} from '../index.ts'
import { type Command, EXIT } from './command.ts'
import { answer, tell } from './console.ts'
import { type FleetWords, fleetOf, fleetOptions } from './fleet.ts'
import { overridesOf, quietOption, type RunningWords, runningOptions } from './options.ts'
import {
  type ExportWords,
  exportOption,
  jsonOption,
  type PlotWords,
  parsePlots,
  plotsOption,
  runExports,
  takesStdout,
  tellProblems,
  tellReport,
  whereToWrite,
} from './output.ts'
import { watched } from './signals.ts'

/** Of `run` and `resume`. */
export const RUN_CODES =
  'Exit codes: 0 every trial has an outcome and none failed, 4 some failed or the harness did; 2 bad usage or input, 130 interrupted.'

interface RunWords extends FleetWords, RunningWords {
  sweep: string
  target: string | undefined
  runs: number | undefined
  repeat: number
  'dry-run': boolean
  overwrite: boolean
  json: boolean
  quiet: boolean
  export: string[]
  plots: string[]
}

export const runCommand: Command<RunWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', {
        type: 'string',
        demandOption: true,
        describe:
          'sweep file (YAML); or a data file (CSV, NDJSON, .gz, or - for standard input) with --target',
      })
      .options({
        target: {
          type: 'string',
          requiresArg: true,
          describe: 'column to predict; overrides dataset.target',
        },
        runs: { type: 'number', describe: 'trials per scenario; overrides benchmark_runs' },
        ...runningOptions,
        repeat: {
          type: 'number',
          default: 1,
          describe: "run the whole sweep so many times, such as 5 for a gate's baseline",
        },
        'dry-run': {
          type: 'boolean',
          default: false,
          describe: 'check the sweep, its workload and data, list the scenarios, and run nothing',
        },
        ...fleetOptions,
        ...exportOption,
        overwrite: {
          ...exportOption.overwrite,
          describe: 'replace files that Stint did not write, too, where --export or --set names them',
        },
        ...plotsOption('run'),
        ...jsonOption,
        ...quietOption('no progress and no summary'),
      })
      .example('$0 run scenarios/quickstart.yaml', 'the shipped sweep on generated data')
      .example('$0 run my.csv --target price', 'your own data, a small grid of the built-in pipeline')
      .example('$0 run my.yaml --set dataset.source=my.csv --runs 3', 'a sweep of yours on other data')
      .epilogue(RUN_CODES),
  handler: runAll,
}

async function runAll(words: RunWords): Promise<void> {
  if (!Number.isSafeInteger(words.repeat) || words.repeat < 1)
    throw new UserError(`--repeat ${words.repeat}: expected a whole number of at least 1`)
  if (words['dry-run']) return await checkOnly(await load(words), words)
  // A run that was interrupted, or in which trials failed, is followed by none.
  for (let left = words.repeat; left > 0 && !process.exitCode; left--) {
    const sweep = await load(words)
    if (!words.quiet) for (const note of sweep.notes) tell(plain(note))
    const forms = await runForms(words)
    const command = ['stint', ...process.argv.slice(2)]
    const end = await watched({ quiet: words.quiet, nothing: NOTHING_RUN }, (hooks) =>
      run(sweep, { out: words.out, command, overwrite: words.overwrite, ...fleetOf(words), ...hooks }),
    )
    if (end !== null) await conclude(end, { ...words, ...forms })
  }
}

export const NOTHING_RUN = ' before the first trial; nothing was written'

async function load(words: RunWords): Promise<LoadedSweep> {
  const { sweep, target } = words
  const read = (await namesData(sweep, target ?? null)) ? sweepOfFile : loadSweep
  return await read(sweep, overridesOf(words), words.server === undefined ? {} : { cores: ANY_CORES })
}

/** The cores that bound a cap are those of the machine that runs. */
const ANY_CORES = 4096

async function checkOnly(loaded: LoadedSweep, words: RunWords): Promise<void> {
  const { json } = words
  const { name, benchmark_runs, until, scenarios } = loaded.sweep
  const size = await watched({ quiet: true, nothing: '' }, (hooks) =>
    check(loaded, { ...fleetOf(words), ...hooks }),
  )
  if (size === null) return
  if (json) {
    const listed = scenarios.map(({ id, point }) => ({ id, params: point }))
    const stopping = until ? { fewest_trials: size.fewest, until } : {}
    answer(safeJson({ name, benchmark_runs, trials: size.trials, ...stopping, scenarios: listed }))
    return
  }
  // Labels hold values of the user's.
  const lines = scenarios.map(({ id, label }) => plain(`${id}  ${label}`))
  for (const note of loaded.notes) tell(plain(note))
  answer([...lines, size.text].join('\n'))
}

interface Forms extends Files {
  json: boolean
  quiet: boolean
  overwrite: boolean
  includeForced?: boolean
}

interface Files {
  exports: readonly Export[]
  /** Pictures by name; undefined: the usual ones. */
  chosen: readonly string[] | undefined
}

/** What a run is written to. */
export async function runForms(words: ExportWords & PlotWords): Promise<Files> {
  const exports = await runExports(words)
  return { exports, chosen: await parsePlots(words, 'run', exports) }
}

/** What a run that ended says, which files it gets, and which exit code it leaves. */
export async function conclude({ done, folder }: FinishedRun, forms: Forms): Promise<void> {
  if (done === 'interrupted') {
    interrupted(folder, [
      `"stint resume ${folder}" runs the trials that are missing`,
      `"stint report ${folder}" makes tables and plots of what is there`,
    ])
    return
  }
  const {
    found,
    model: { trials },
  } = await showRun(folder, forms)
  if (process.exitCode) return
  // To a search a trial that failed is an answer.
  if (found !== null) {
    if (found.results.some(({ meets }) => meets === null)) process.exitCode = EXIT.undecided
  } else if ((trials.outcomes.failed ?? 0) > 0 || trials.finished < trials.planned)
    process.exitCode = EXIT.failed
}

/** @param goOn what may be done with the folder of an interrupted run */
export function interrupted(folder: string, goOn: readonly string[]): void {
  process.exitCode = EXIT.interrupted
  tell(`stint: interrupted; what was measured is in ${folder}`)
  for (const line of goOn) tell(`  ${line}`)
}

/** Forms that hold or name pictures. */
const SHOWING: readonly string[] = ['html', 'json', 'markdown', 'png', 'svg', 'text']

/** Makes the reports of a run folder and answers with it. */
export async function showRun(
  path: string,
  { json, quiet, exports, chosen, overwrite, includeForced = false }: Forms,
): Promise<RenderedReport> {
  // Without one that would see them, no pictures are made: a quarter of a second.
  const seen = json || process.stdout.isTTY || exports.some(({ format }) => SHOWING.includes(format))
  const named = chosen ?? (seen ? undefined : [])
  const plots = named && { plots: named }
  const rendered = await report(path, exports, { ...whereToWrite(), overwrite, includeForced, ...plots })
  const { folder, report: made, files } = rendered
  tellProblems(files)
  if (files.problems.length > 0) tell(`  the measurements are whole; "stint report ${folder}" tries again`)
  if (json) {
    const data = { run_folder: folder, ...made.data, files: files.written }
    answer(await renderReport({ ...made, data }, 'json'))
    return rendered
  }
  if (!quiet) await tellReport(made, folder, files)
  if (!takesStdout(exports)) answer(folder)
  return rendered
}
