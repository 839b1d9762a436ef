/** `stint report`: renders tables and plots again, from the run folder only. */
import type { Command } from './command.ts'
import { type ForcedWords, forcedOption, quietOption } from './options.ts'
import { exportOption, jsonOption, plotsOption } from './output.ts'
import { runForms, showRun } from './run.ts'

interface ReportWords extends ForcedWords {
  run: string
  json: boolean
  quiet: boolean
  export: string[]
  overwrite: boolean
  plots: string[]
}

export const reportCommand: Command<ReportWords> = {
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'run folder, such as results/my-sweep/latest',
      })
      .options({
        ...exportOption,
        ...plotsOption('run'),
        ...forcedOption,
        ...jsonOption,
        ...quietOption('no summary'),
      }),
  handler: async (words) => {
    await showRun(words.run, { ...words, ...(await runForms(words)), includeForced: words['include-forced'] })
  },
}
