/** `stint pipeline`: the built-in pipeline on one file, with the flags and the files of the original. */
import { relative } from 'node:path'
import {
  type Export,
  type PipelineOptions,
  type PipelineRun,
  pipeline,
  pipelineReport,
  safeJson,
} from '../index.ts'
import { type Command, EXIT } from './command.ts'
import { answer, tell } from './console.ts'
import { quietOption } from './options.ts'
import {
  type ExportWords,
  exportOption,
  parseExports,
  takesStdout,
  tellProblems,
  tellReport,
  whereToWrite,
} from './output.ts'
import { interrupted, NOTHING_RUN } from './run.ts'
import { watched } from './signals.ts'

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
  overwrite: boolean
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
          describe: 'JSON file of settings; flags override it',
        },
        profile: {
          type: 'string',
          requiresArg: true,
          describe:
            'hardware profile, by name or path: its settings, which flags and template override, and its watts to estimate energy',
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
          describe:
            'what learns, such as sgd or, for a label, logistic; ridge by default where no target is named',
        },
        'chunk-size': { type: 'number', requiresArg: true, describe: 'rows per chunk' },
        'batch-size': { type: 'number', requiresArg: true, describe: 'rows per model update' },
        'max-memory-mb': { type: 'number', requiresArg: true, describe: 'memory cap, MB' },
        'max-compute-units': {
          type: 'number',
          requiresArg: true,
          describe: 'compute cap, as a share of a core',
        },
        'benchmark-runs': { type: 'number', requiresArg: true, describe: 'trials of each mode' },
        'n-jobs': { type: 'number', requiresArg: true, describe: 'trials at the same time' },
        'random-seed': { type: 'number', requiresArg: true, describe: 'seed of everything that is drawn' },
        'target-latency-ms': {
          type: 'number',
          requiresArg: true,
          describe: 'latency per chunk to hold by changing the chunk size',
        },
        'max-chunk-retries': {
          type: 'number',
          requiresArg: true,
          describe: 'how often a chunk may be halved until it fits into memory',
        },
        'spill-to-disk': { type: 'boolean', describe: 'keep rows that must wait in temporary files' },
        'adaptive-batch-resize': {
          type: 'boolean',
          describe: 'make batches smaller under tight caps, as chunks are',
        },
        'disable-adaptive-chunk-resize': { type: 'boolean', describe: 'keep chunks at the size given' },
        caps: {
          choices: ['strict', 'best_effort'] as const,
          default: 'strict' as const,
          describe: 'best_effort: run even where this machine cannot enforce a cap, and mark the results',
        },
        ...exportOption,
        overwrite: {
          ...exportOption.overwrite,
          describe:
            'replace files that Stint did not write, too, in --output-dir and where --export names them',
        },
        ...quietOption('no progress and no summary'),
      })
      .example('$0 pipeline --input players.csv --target salary', 'any CSV with a numeric column')
      .example(
        '$0 pipeline --input nba2k-full.csv --config-template configs/pipeline.edge.template.json',
        'with the settings of a small device',
      )
      .epilog(
        `Where it was interrupted or killed, "stint resume OUTPUT/runs/pipeline/latest" runs the trials that are missing and writes all files.\n` +
          'Energy comes from the machine\'s counters where they can be read, else from the watts of --profile ("stint profiles" lists them); each value says which.\n' +
          'Checkpoints and a file of the features are parameters of a sweep: see docs/guides/streaming_workflow.md.',
      ) as unknown,
  handler: runPipeline,
}

async function runPipeline(words: PipelineWords): Promise<void> {
  const exports = await pipelineExports({ export: words.export, overwrite: words.overwrite, json: false })
  const {
    input,
    quiet,
    overwrite,
    target,
    preset,
    learner,
    profile,
    caps,
    'config-template': template,
  } = words
  const named = { target, preset, learner, profile, template }
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
  const command = ['stint', ...process.argv.slice(2)]
  const end = await watched({ quiet, nothing: NOTHING_RUN }, (hooks) =>
    pipeline(input, { settings: settingsGiven(words), ...given, caps, overwrite, command, ...hooks }),
  )
  if (end !== null) await concludePipeline(end, { json: false, quiet, overwrite, exports })
}

/** With the original's files, a page. */
export async function pipelineExports(words: ExportWords): Promise<Export[]> {
  const exports = await parseExports(words, ['csv', 'png', 'svg'])
  return exports.length > 0 ? exports : [{ format: 'markdown', to: null }]
}

/** Writes the files of a run that is complete; else says how to go on. */
export async function concludePipeline(
  { done, folder, output: asked }: PipelineRun,
  {
    json,
    quiet,
    overwrite,
    includeForced = false,
    exports,
  }: {
    json: boolean
    quiet: boolean
    overwrite: boolean
    includeForced?: boolean
    exports: readonly Export[]
  },
): Promise<void> {
  if (done === 'interrupted') {
    interrupted(folder, [
      `"stint resume ${folder}" runs the trials that are missing and writes the files to ${asked}`,
    ])
    return
  }
  const { output, report, files, failed } = await pipelineReport(folder, exports, {
    ...whereToWrite(),
    overwrite,
    includeForced,
  })
  if (!quiet) await tellReport(report, output, files)
  else for (const { file, reason } of files.skipped) tell(`no ${file}: ${reason}`)
  tellProblems(files)
  if (files.problems.length > 0) tell(`  the measurements are whole; "stint resume ${folder}" tries again`)
  if (failed > 0) process.exitCode = EXIT.failed
  const written = files.written.map((path) => relative(output, path))
  if (json) answer(safeJson({ output_folder: output, run_folder: folder, files: written }))
  else if (!takesStdout(exports)) answer(output)
}

/** Only what stands on the command line. */
function settingsGiven(words: PipelineWords): NonNullable<PipelineOptions['settings']> {
  const { 'disable-adaptive-chunk-resize': disable } = words
  const flags = {
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
  return Object.fromEntries(given) as NonNullable<PipelineOptions['settings']>
}
