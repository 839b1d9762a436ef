/** `stint pipeline` from what was asked for to the files of the original. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join, resolve, sep } from 'node:path'
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import type { Executor } from '../execute/executor.ts'
import { type OpenOptions, openRun } from '../record/open-run.ts'
import { checkWritable } from '../record/run-folder.ts'
import type { PipelineRequest } from '../record/types.ts'
import { refuseForeign } from '../record/written.ts'
import type { WriteOptions, WrittenReport } from '../report/export.ts'
import type { Export, Report } from '../report/section.ts'
import type { Listener } from '../session/events.ts'
import { runSweep, type SweepRun } from '../session/run.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { profileOf } from '../sweep/profiles.ts'
import { UserError } from '../user-error.ts'
import { PIPELINE_FILES, PIPELINE_PICTURES } from './files.ts'
import { type PipelineSettings, pipelineOptions } from './options.ts'
import { PIPELINE_NAME, pipelineSweep } from './sweep.ts'

export interface PipelineOptions {
  /** Column to predict; needed unless a preset fits the columns. */
  target?: string
  /** How the columns are read, such as `nba2k`. */
  preset?: string
  /** What learns; the workload's default where none is given. */
  learner?: string
  /** They beat the template, and that the profile. */
  settings?: Partial<PipelineSettings>
  /** JSON file of settings. */
  template?: string
  /** Hardware profile, by name or path: settings and, for an estimate of energy, watts. */
  profile?: string
  /** `best_effort`: run also where this machine cannot enforce a cap, and say so. */
  caps?: 'strict' | 'best_effort'
  /** Replaces files of the output folder that Stint did not write too; false where absent. */
  overwrite?: boolean
}

export interface WrittenPipeline {
  /** The folder written to, absolute. */
  output: string
  /** The run folder, absolute. */
  folder: string
  report: Report
  files: WrittenReport
  /** Trials that ended as `failed`. */
  failed: number
}

/** Where the trials themselves are kept, below the output folder. */
const RUNS = 'runs'

/** Which files of an output folder Stint wrote; it moves with the folder. */
function recordBelow(output: string): string {
  return join(output, RUNS, 'written')
}

export interface PlannedPipeline {
  loaded: LoadedSweep
  request: PipelineRequest
}

/**
 * @param input path of a CSV file
 * @throws {UserError} with all that is wrong with the options, input and output
 */
export function planPipeline(input: string, options: PipelineOptions): PlannedPipeline {
  const { settings = {}, template = null, target = null, preset = null, learner = null } = options
  const cores = availableParallelism()
  const profile = options.profile === undefined ? null : profileOf(options.profile, '--profile', cores)
  const merged = pipelineOptions(settings, template, profile, cores)
  const path = resolve(input)
  if (!existsSync(path)) throw new UserError(`${input}: no such file`, 'check the path after --input')
  if (!statSync(path).isFile()) throw new UserError(`${input}: is no file`, '--input needs a CSV file')
  const output = resolve(merged.settings.output_dir)
  checkWritable(output, '--output-dir')
  if (options.overwrite !== true)
    for (const file of [...PIPELINE_FILES.map(([name]) => name), ...PIPELINE_PICTURES])
      refuseForeign(join(output, file), recordBelow(output))
  const loaded = pipelineSweep(merged, { path, preset, target, learner }, options.caps ?? 'strict')
  return { loaded, request: { options: merged, output } }
}

/** @throws as `runSweep` */
export function runPipeline(
  { loaded, request }: PlannedPipeline,
  executor: Executor,
  context: { command: string[]; signal: AbortSignal; listener: Listener },
): Promise<SweepRun> {
  const root = join(request.output, RUNS)
  return runSweep(loaded, whilePreparing(executor, loadWriting), { ...context, root, pipeline: request })
}

/**
 * Writes the files of a run that is complete, into its output folder or where the whole of that was moved.
 * @throws {UserError} where the folder holds no run of `stint pipeline`
 */
export async function writePipeline(
  path: string,
  exports: readonly Export[],
  { includeForced = false, ...options }: Partial<Omit<WriteOptions, 'folder' | 'record'>> & OpenOptions,
): Promise<WrittenPipeline> {
  const run = openRun(path, { includeForced })
  const { pipeline } = run.manifest
  if (pipeline === null)
    throw new UserError(`${path}: is no run of "stint pipeline"`, '"stint report" makes the files of a sweep')
  const output = outputOf(run.folder, pipeline.output)
  const { readPipelineData, pipelineReport, writePipelineFiles } = await loadWriting()
  const data = readPipelineData(run)
  const report = pipelineReport(data, pipeline.options)
  const files = await writePipelineFiles(data, report, pipeline.options, exports, {
    ...options,
    folder: output,
    record: recordBelow(output),
  })
  const failed = [...run.trials, ...run.forced].filter(({ outcome }) => outcome === 'failed').length
  return { output, folder: run.folder, report, files, failed }
}

/** Libraries for tables and pictures take half a second to load. */
async function loadWriting() {
  const [data, report, write] = await Promise.all([
    import('../report/pipeline/data.ts'),
    import('../report/sections/pipeline.ts'),
    import('../report/pipeline/write.ts'),
    import('../report/render/csv.ts'),
    import('../report/plots/draw.ts'),
  ])
  return { ...data, ...report, ...write }
}

/** Does other work while the data is read, when nothing is timed yet. */
function whilePreparing(executor: Executor, work: () => Promise<unknown>): Executor {
  return {
    capabilities: () => executor.capabilities(),
    prepare: async (spec) => (await Promise.all([executor.prepare(spec), work()]))[0],
    provide: (resources) => executor.provide(resources),
    run: (spec) => executor.run(spec),
    expect: (next) => executor.expect?.(next),
    close: () => executor.close(),
  }
}

/**
 * The output folder of a run: the one asked for, or where the whole of it was moved or copied.
 * @param folder of the run, links resolved
 */
export function outputOf(folder: string, asked: string): string {
  const run = join(RUNS, PIPELINE_NAME, basename(folder))
  const before = join(asked, run)
  const stayed = existsSync(before) && realpathSync(before) === folder
  return stayed || !folder.endsWith(sep + run) ? asked : folder.slice(0, -(sep + run).length)
}

/** Problems are told in a sweep's words; here they are flags. */
export function inFlags({ message, hint, ...rest }: InputProblem): InputProblem {
  const word = (text: string) =>
    text
      .replaceAll('dataset.target', '--target')
      .replaceAll('dataset.preset', '--preset')
      .replaceAll('params.learner', '--learner')
      .replaceAll('say "caps: best_effort" in the sweep', 'say --caps best_effort')
  return { ...rest, message: word(message), ...(hint !== undefined && { hint: word(hint) }) }
}
