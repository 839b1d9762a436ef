/** `stint resume`: finishes an interrupted run. */
import { openRun, resume } from '../index.ts'
import type { Command } from './command.ts'
import { tell } from './console.ts'
import { type FleetWords, fleetOf, fleetOptions } from './fleet.ts'
import { type ForcedWords, forcedOption, quietOption } from './options.ts'
import { exportOption, jsonOption, runExports } from './output.ts'
import { concludePipeline, pipelineExports } from './pipeline.ts'
import { conclude, NOTHING_RUN, RUN_CODES } from './run.ts'
import { watched } from './signals.ts'

interface ResumeWords extends FleetWords, ForcedWords {
  run: string
  force: boolean
  json: boolean
  quiet: boolean
  export: string[]
  overwrite: boolean
}

export const resumeCommand: Command<ResumeWords> = {
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'run folder, such as results/my-sweep/latest',
      })
      .options({
        force: {
          type: 'boolean',
          default: false,
          describe: 'go on although data, code or machine changed, and mark the trials that follow',
        },
        ...forcedOption,
        ...fleetOptions,
        ...exportOption,
        ...jsonOption,
        ...quietOption('no progress and no summary'),
      })
      .epilogue(RUN_CODES),
  handler: resumeRun,
}

async function resumeRun(words: ResumeWords): Promise<void> {
  const { manifest } = await openRun(words.run)
  const { pipeline } = manifest
  const exports = await (pipeline === null ? runExports(words) : pipelineExports(words))
  const { force, quiet } = words
  const fleet = fleetOf({ ...words, on: words.on ?? manifest.fleet?.on ?? undefined })
  const end = await watched({ quiet, nothing: NOTHING_RUN }, (hooks) =>
    resume(words.run, { force, ...fleet, ...hooks }),
  )
  if (end === null) return
  if (end.done === 'finished' && !end.ran && !quiet) tell('no trial is missing; nothing to run')
  const { output } = end
  const forms = { ...words, exports, includeForced: words['include-forced'] }
  if (output === null) await conclude(end, { ...forms, chosen: undefined })
  else await concludePipeline({ ...end, output }, forms)
}
