/** `stint pipeline`: the built-in pipeline on one file, with the flags and the files of the original. */
import { existsSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { Executor } from '../execute/executor.ts'
import { type PipelineSettings, pipelineOptions } from '../pipeline/options.ts'
import { PIPELINE_NAME, pipelineSweep } from '../pipeline/sweep.ts'
import { checkWritable } from '../record/run-folder.ts'
import { profileOf } from '../sweep/profiles.ts'
import { UserError } from '../user-error.ts'
import { concludePipeline, loadReports, pipelineExports, RUNS } from './conclude-pipeline.ts'
import { exportOption } from './export.ts'
import { runHere } from './run-here.ts'
import type { Command } from './words.ts'

interface PipelineWords {
  input: string
  'output-dir': string | undefined
  'config-template': string | undefined
  profile: string | undefined
  target: string | undefined
  preset: string | undefined
  learner: string | undefined
  'chunk-size': number | undefined
  'batch-size': number | undefined
  'max-memory-mb': number | undefined
  'max-compute-units': number | undefined
  'benchmark-runs': number | undefined
  'n-jobs': number | undefined
  'random-seed': number | undefined
  'target-latency-ms': number | undefined
  'max-chunk-retries': number | undefined
  'spill-to-disk': boolean | undefined
  'adaptive-batch-resize': boolean | undefined
  'disable-adaptive-chunk-resize': boolean | undefined
  caps: 'strict' | 'best_effort'
  quiet: boolean
  export: string[]
}

export const pipelineCommand: Command<PipelineWords> = {
  builder: (yargs) =>
    yargs
      // No defaults here: a flag that was given beats the template, a default does not.
      .options({
        input: { type: 'string', demandOption: true, requiresArg: true, describe: 'CSV file' },
        'output-dir': { type: 'string', requiresArg: true, describe: 'folder for all that is written' },
        'config-template': {
          type: 'string',
          requiresArg: true,
          describe: 'JSON file of settings; flags beat it',
        },
        profile: {
          type: 'string',
          requiresArg: true,
          describe:
            'hardware profile, such as edge, or a path: its watts for an estimate of energy, and settings that neither flag nor template gives',
        },
        target: {
          type: 'string',
          requiresArg: true,
          describe: 'column to predict; needed unless a preset fits the columns',
        },
        preset: { type: 'string', requiresArg: true, describe: 'how the columns are read, such as nba2k' },
        learner: {
          type: 'string',
          requiresArg: true,
          describe: 'what learns, such as ridge, sgd or, for a label, logistic',
        },
        'chunk-size': { type: 'number', requiresArg: true, describe: 'rows a chunk' },
        'batch-size': { type: 'number', requiresArg: true, describe: 'rows a model update' },
        'max-memory-mb': { type: 'number', requiresArg: true, describe: 'memory cap, MB' },
        'max-compute-units': {
          type: 'number',
          requiresArg: true,
          describe: 'compute cap, as a share of a core',
        },
        'benchmark-runs': { type: 'number', requiresArg: true, describe: 'trials of each mode' },
        'n-jobs': { type: 'number', requiresArg: true, describe: 'trials at the same time' },
        'random-seed': { type: 'number', requiresArg: true, describe: 'seed' },
        'target-latency-ms': {
          type: 'number',
          requiresArg: true,
          describe: 'chunk latency that the adaptive size holds',
        },
        'max-chunk-retries': {
          type: 'number',
          requiresArg: true,
          describe: 'how often a chunk is halved to fit',
        },
        'spill-to-disk': { type: 'boolean', describe: 'rows that must wait go to temporary files' },
        'adaptive-batch-resize': { type: 'boolean', describe: 'make batches smaller under tight caps too' },
        'disable-adaptive-chunk-resize': { type: 'boolean', describe: 'chunks of the size given' },
        caps: {
          choices: ['strict', 'best_effort'] as const,
          default: 'strict' as const,
          describe: 'best_effort: run also where this machine cannot enforce a cap, and say so',
        },
        ...exportOption,
        quiet: { type: 'boolean', default: false, describe: 'no progress and no summary' },
      })
      .example('$0 pipeline --input players.csv --target salary', 'any CSV with a numeric column')
      .example(
        '$0 pipeline --input nba2k-full.csv --config-template configs/pipeline.edge.template.json',
        'with the settings of a small device',
      )
      .epilog(
        `Where it was interrupted or killed, "stint resume OUTPUT/${RUNS}/${PIPELINE_NAME}/latest" runs the trials that are missing and writes all files.\n` +
          'Energy comes from the machine\'s counters where they can be read, else from the watts of --profile ("stint profiles" lists them); each value says which.\n' +
          'Checkpoints and a file of the features are parameters of a sweep: see docs/guides/streaming_workflow.md.',
      ) as unknown,
  handler: runPipeline,
}

async function runPipeline(words: PipelineWords): Promise<void> {
  const cores = availableParallelism()
  const profile = words.profile === undefined ? null : profileOf(words.profile, '--profile', cores)
  const options = pipelineOptions(flagsGiven(words), words['config-template'] ?? null, profile, cores)
  const input = resolve(words.input)
  if (!existsSync(input)) throw new UserError(`${words.input}: no such file`, 'check the path after --input')
  if (!statSync(input).isFile()) throw new UserError(`${words.input}: is no file`, '--input needs a CSV file')
  const output = resolve(options.settings.output_dir)
  checkOutput(output)
  const exports = pipelineExports({ export: words.export, json: false })
  const loaded = pipelineSweep(
    options,
    {
      path: input,
      preset: words.preset ?? null,
      target: words.target ?? null,
      learner: words.learner ?? null,
    },
    words.caps,
  )

  const end = await runHere(loaded, {
    root: join(output, RUNS),
    quiet: words.quiet,
    pipeline: { options, output },
    wrap: (executor) => whilePreparing(executor, loadReports),
  })
  await concludePipeline(end, { options, output }, { json: false, quiet: words.quiet, exports })
}

function checkOutput(folder: string): void {
  try {
    checkWritable(folder)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message.replaceAll('--out', '--output-dir'))
  }
}

/** Does other work while the data is read, when nothing is timed yet. */
function whilePreparing(executor: Executor, work: () => Promise<unknown>): Executor {
  return {
    capabilities: () => executor.capabilities(),
    prepare: async (spec) => (await Promise.all([executor.prepare(spec), work()]))[0],
    provide: (resources) => executor.provide(resources),
    run: (spec) => executor.run(spec),
    close: () => executor.close(),
  }
}

/** Only what stands on the command line. */
function flagsGiven(words: PipelineWords): Partial<PipelineSettings> {
  const { 'disable-adaptive-chunk-resize': disable } = words
  const flags: { [Key in keyof PipelineSettings]: PipelineSettings[Key] | undefined } = {
    random_seed: words['random-seed'],
    chunk_size: words['chunk-size'],
    batch_size: words['batch-size'],
    n_jobs: words['n-jobs'],
    max_memory_mb: words['max-memory-mb'],
    max_compute_units: words['max-compute-units'],
    benchmark_runs: words['benchmark-runs'],
    adaptive_chunk_resize: disable === undefined ? undefined : !disable,
    max_chunk_retries: words['max-chunk-retries'],
    target_latency_ms: words['target-latency-ms'],
    adaptive_batch_resize: words['adaptive-batch-resize'],
    spill_to_disk: words['spill-to-disk'],
    output_dir: words['output-dir'],
  }
  const given = Object.entries(flags).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Partial<PipelineSettings>
}
