/** `stint resume`: finishes an interrupted run. */
import { LocalExecutor } from '../execute/local/executor.ts'
import { readManifest } from '../record/manifest.ts'
import { resolveRunFolder } from '../record/open-run.ts'
import { type ResumeEnd, resumeRun } from '../session/resume.ts'
import { concludePipeline, outputOf, pipelineExports } from './conclude-pipeline.ts'
import { pass, tell } from './console.ts'
import { exportOption, runExports } from './export.ts'
import { conclude } from './run.ts'
import { RunProgress } from './run-progress.ts'
import { stopOnSignals } from './signals.ts'
import type { Command } from './words.ts'

interface ResumeWords {
  run: string
  force: boolean
  json: boolean
  quiet: boolean
  export: string[]
}

export const resumeCommand: Command<ResumeWords> = {
  builder: (yargs) =>
    yargs.positional('run', { type: 'string', demandOption: true, describe: 'run folder' }).options({
      force: {
        type: 'boolean',
        default: false,
        describe: 'go on although data, code or machine changed, and mark the trials that follow',
      },
      ...exportOption,
      json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
      quiet: { type: 'boolean', default: false, describe: 'no progress and no summary' },
    }),
  handler: resume,
}

async function resume(words: ResumeWords): Promise<void> {
  const folder = resolveRunFolder(words.run)
  const stop = new AbortController()
  const { sweep, pipeline } = readManifest(folder)
  const progress = new RunProgress(sweep, words.quiet)
  const removeHandlers = stopOnSignals(stop)
  let executor: LocalExecutor | null = null
  let resumed: ResumeEnd
  try {
    resumed = await resumeRun(
      folder,
      () => {
        executor = new LocalExecutor({ onOutput: pass })
        return executor
      },
      { force: words.force, signal: stop.signal, listener: progress.hear },
    )
  } finally {
    progress.close()
    await (executor as LocalExecutor | null)?.close()
    removeHandlers()
  }
  const { end, ran } = resumed
  if (end.done === 'finished' && !ran && !words.quiet) tell('no trial is missing; nothing to run')
  if (pipeline === null) await conclude(end, { ...words, exports: runExports(words) })
  else
    await concludePipeline(
      end,
      { ...pipeline, output: outputOf(folder, pipeline.output) },
      { ...words, exports: pipelineExports(words) },
    )
}
